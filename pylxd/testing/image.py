"""A tiny image for tests: a static busybox and its links, about 1 MB."""
import gzip
import io
import json
import os
import subprocess
import tarfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

#: The path of a static busybox, as Debian's busybox-static installs it.
BUSYBOX = '/bin/busybox'

_INITTAB = b'::respawn:/bin/sleep 1000000\n::shutdown:/bin/true\n'
_FILES = {
    'etc/group': b'root:x:0:\n',
    'etc/inittab': _INITTAB,
    'etc/passwd': b'root:x:0:0:root:/root:/bin/sh\n',
}
_DIRECTORIES = ('bin', 'dev', 'etc', 'proc', 'root', 'sbin', 'sys', 'tmp',
                'usr', 'usr/bin', 'usr/sbin', 'var')


def find_missing_requirement():
    # type: () -> Optional[str]
    """Return what the image lacks here, in one sentence, or None."""
    try:
        with open(BUSYBOX, 'rb') as busybox:
            # The head of a dynamic program names its loader, /lib/ld-...
            if b'/lib' not in busybox.read(4096):
                return None
    except EnvironmentError:
        pass
    return ("there is no static {}: apt-get install "
            "busybox-static".format(BUSYBOX))


def build_busybox_image():
    # type: () -> bytes
    """Build the image as a ``tar.gz`` for ``client.images.create``.

    The same busybox always gives the same bytes, so the same fingerprint.

    :raises EnvironmentError: there is no busybox at `BUSYBOX`.
    """
    # Each JSON document is YAML as well
    metadata = json.dumps({
        'architecture': os.uname()[4],
        'creation_date': 1,
        'properties': {'description': 'busybox', 'os': 'busybox'},
    }, sort_keys=True)
    applets = subprocess.check_output([BUSYBOX, '--list-full']).decode()
    image = io.BytesIO()
    with gzip.GzipFile('', 'wb', 1, image, mtime=0) as compressed:
        with tarfile.open(fileobj=compressed, mode='w',
                          format=tarfile.USTAR_FORMAT) as archive:
            _add_member(archive, 'metadata.yaml', metadata.encode())
            for name in _DIRECTORIES:
                _add_member(archive, 'rootfs/' + name, type=tarfile.DIRTYPE,
                            mode=0o1777 if name == 'tmp' else 0o755)
            for name in sorted(_FILES):
                _add_member(archive, 'rootfs/' + name, _FILES[name])
            with open(BUSYBOX, 'rb') as busybox:
                _add_member(archive, 'rootfs/bin/busybox', busybox.read(),
                            mode=0o755)
            for name in sorted(set(applets.split()) - {'bin/busybox'}):
                _add_member(archive, 'rootfs/' + name, type=tarfile.SYMTYPE,
                            linkname='/bin/busybox')
    return image.getvalue()


def _add_member(archive, name, data=b'', **header):
    # type: (tarfile.TarFile, str, bytes, **Any) -> None
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for key in header:
        setattr(member, key, header[key])
    archive.addfile(member, io.BytesIO(data))
