"""Names and small helpers of the contract tests."""
import binascii
import io
import json
import os
import tarfile

from pylxd import exceptions

#: Sources of containers: with a small system, or without any file.
BUSYBOX = {'type': 'image', 'alias': 'busybox'}
EMPTY = {'type': 'none'}
#: A device that each server accepts without a bridge.
NIC = {'type': 'nic', 'nictype': 'p2p'}
#: Devices that each server accepts in a PUT, before the operation fails.
REFUSED_LATER = {
    'root': {'type': 'disk', 'path': '/', 'pool': 'no-such-pool'}}


def unique():
    """A name that is nowhere else; it suits a bridge too."""
    return 't' + binascii.hexlify(os.urandom(4)).decode('ascii')


def read(path):
    """The bytes of a local file."""
    with open(path, 'rb') as file:
        return file.read()


_endless = set()


def settle(client):
    """Wait until the server does nothing in the background."""
    for operation in client.operations.all():
        if (operation.class_ == 'task' and operation.status == 'Running'
                and operation.id not in _endless):
            try:
                operation.wait(timeout=60)
            except exceptions.LXDAPIException:
                pass  # it failed, or is forgotten: it is over
            except exceptions.OperationTimeout:
                # Restarts on a busy Incus: let no other test wait for it
                _endless.add(operation.id)


def image_parts():
    """A tiny image in two parts, unlike any other: metadata and files."""
    metadata = json.dumps({
        'architecture': os.uname()[4], 'creation_date': 1,
        'properties': {'description': 'tiny', 'os': 'none'}})
    return (packed({'metadata.yaml': metadata.encode('ascii')}),
            packed({'it': unique().encode('ascii')}))


def image_data():
    """A tiny image in one part, unlike any other."""
    metadata, files = image_parts()
    return packed(dict(unpacked(metadata), **{
        'rootfs/' + name: data for name, data in unpacked(files).items()}))


def packed(files):
    """A ``tar.gz`` of these files, by name."""
    result = io.BytesIO()
    with tarfile.open(fileobj=result, mode='w:gz') as archive:
        for name, data in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return result.getvalue()


def unpacked(data):
    """The files in a ``tar.gz``, by name."""
    with tarfile.open(fileobj=io.BytesIO(data), mode='r:*') as archive:
        return {member.name: archive.extractfile(member).read()
                for member in archive if member.isfile()}


def stored(each):
    """Load an object anew, as the server has it now."""
    return type(each).get(each.client, each.api.path.rpartition('/')[2])


def users(each):
    """Return the ``user.*`` keys of an object's config, without the prefix."""
    return {key[len('user.'):]: value for key, value in each.config.items()
            if key.startswith('user.')}


def methods(sent):
    """Return the HTTP methods of the requests that `sent` lists."""
    return [line.split()[0] for line in sent]
