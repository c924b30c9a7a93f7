"""Helpers of the contract tests."""
import hashlib
import io
import json
import os
import ssl
import tarfile

from helpers import unique_name
from pylxd import exceptions

#: Devices that each server accepts in a PUT, before the operation fails.
REFUSED_LATER = {
    'root': {'type': 'disk', 'path': '/', 'pool': 'no-such-pool'}}

#: Ids of operations that did not end within the timeout of `settle`.
_endless = set()


def settle(client):
    """Wait for each running task of the server, at most 60 s for one."""
    for operation in client.operations.all():
        if (operation.class_ == 'task' and operation.status == 'Running'
                and operation.id not in _endless):
            try:
                operation.wait(timeout=60)
            except exceptions.LXDAPIException:
                pass  # the operation has failed, or the server forgot it
            except exceptions.OperationTimeout:
                # On a busy machine, restarts of Incus 6.0.4 were seen never
                # to end: the tests that follow do not wait for them again
                _endless.add(operation.id)


def make_image_parts():
    """Return the metadata and the files of a new tiny image, two archives."""
    metadata = json.dumps({
        'architecture': os.uname()[4], 'creation_date': 1,
        'properties': {'description': 'tiny', 'os': 'none'}})
    return (pack_tar({'metadata.yaml': metadata.encode('ascii')}),
            pack_tar({'content': unique_name().encode('ascii')}))


def make_image():
    """Return a new tiny image as one archive."""
    metadata, files = make_image_parts()
    return pack_tar(dict(unpack_tar(metadata), **{
        'rootfs/' + name: data for name, data in unpack_tar(files).items()}))


def pack_tar(files):
    """Return a ``tar.gz`` of contents by name."""
    result = io.BytesIO()
    with tarfile.open(fileobj=result, mode='w:gz') as archive:
        for name, data in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return result.getvalue()


def unpack_tar(data):
    """Return the contents of the files in a ``tar.gz``, by name."""
    with tarfile.open(fileobj=io.BytesIO(data), mode='r:*') as archive:
        return {member.name: archive.extractfile(member).read()
                for member in archive if member.isfile()}


def fingerprint_of(pem):
    """Return the fingerprint of a certificate, given as bytes in PEM."""
    return hashlib.sha256(
        ssl.PEM_cert_to_DER_cert(pem.decode('ascii'))).hexdigest()


def refetch(model):
    """Load an object anew, and return it as the server has it now."""
    return type(model).get(model.client, model.api.path.rpartition('/')[2])


def user_keys(model):
    """Return the ``user.*`` keys of an object's config, without the prefix."""
    return {key[len('user.'):]: value for key, value in model.config.items()
            if key.startswith('user.')}


def list_methods(sent):
    """Return the HTTP methods of the requests that `sent` lists."""
    return [line.split()[0] for line in sent]
