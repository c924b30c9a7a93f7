"""A tiny image for tests: one static busybox and its names, about 1 MB."""
import gzip
import io
import json
import os
import subprocess
import tarfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

#: Where a busybox is looked for; Debian's busybox-static puts it there.
BUSYBOX = '/bin/busybox'

_INITTAB = b'::respawn:/bin/sleep 1000000\n::shutdown:/bin/true\n'
_FILES = {
    'etc/group': b'root:x:0:\n',
    'etc/inittab': _INITTAB,
    'etc/passwd': b'root:x:0:0:root:/root:/bin/sh\n',
}
_DIRECTORIES = ('bin', 'dev', 'etc', 'proc', 'root', 'sbin', 'sys', 'tmp',
                'usr', 'usr/bin', 'usr/sbin', 'var')


def why_not():
    # type: () -> Optional[str]
    """What is missing for the image, in a sentence, or None."""
    try:
        with open(BUSYBOX, 'rb') as busybox:
            # The head of a dynamic one names its loader, /lib/ld-...
            if b'/lib' not in busybox.read(4096):
                return None
    except EnvironmentError:
        pass
    return ("there is no static {}: apt-get install "
            "busybox-static".format(BUSYBOX))


def busybox_image():
    # type: () -> bytes
    """The image as a ``tar.gz``; one busybox always gives the same bytes.

    :return: what ``client.images.create`` takes
    :raises EnvironmentError: when there is no busybox to put into it
    """
    # JSON is YAML, too
    metadata = json.dumps({
        'architecture': os.uname()[4],
        'creation_date': 1,
        'properties': {'description': 'busybox', 'os': 'busybox'},
    }, sort_keys=True)
    applets = subprocess.check_output([BUSYBOX, '--list-full']).decode()
    result = io.BytesIO()
    with gzip.GzipFile('', 'wb', 1, result, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode='w',
                          format=tarfile.USTAR_FORMAT) as archive:
            _add(archive, 'metadata.yaml', metadata.encode())
            for name in _DIRECTORIES:
                _add(archive, 'rootfs/' + name, type=tarfile.DIRTYPE,
                     mode=0o1777 if name == 'tmp' else 0o755)
            for name in sorted(_FILES):
                _add(archive, 'rootfs/' + name, _FILES[name])
            with open(BUSYBOX, 'rb') as busybox:
                _add(archive, 'rootfs/bin/busybox', busybox.read(),
                     mode=0o755)
            for name in sorted(set(applets.split()) - {'bin/busybox'}):
                _add(archive, 'rootfs/' + name, type=tarfile.SYMTYPE,
                     linkname='/bin/busybox')
    return result.getvalue()


def _add(archive, name, data=b'', **header):
    # type: (tarfile.TarFile, str, bytes, **Any) -> None
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for key in header:
        setattr(member, key, header[key])
    archive.addfile(member, io.BytesIO(data))
