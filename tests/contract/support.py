"""Helpers of the contract tests."""
import functools
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


def repeat_while_links_change(method):
    """Return a method that calls a method of networks up to ten times.

    Before Incus 6.0 deletes or renames a bridge, it looks at each interface of
    the host, and fails if that of a container of another server has gone
    meanwhile.
    """
    @functools.wraps(method)
    def call(*arguments, **options):
        for attempt in range(10):
            try:
                return method(*arguments, **options)
            except exceptions.LXDAPIException as error:
                if 'link show' not in str(error) or attempt == 9:
                    raise
    return call


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


def find_running(*clients):
    """Return the operations on objects of servers that are still running.

    Tokens, as of an image, run until they expire. Commands of earlier tests
    do not count: LXD 5.0.2 was seen to keep the operation of one for ever.

    :return: for each, what it does, and to which objects.
    """
    return [(operation.description, operation.resources) for client in clients
            for operation in client.operations.all()
            if operation.running and operation.affected_urls
            and operation.class_ != 'token'
            and operation.description != 'Executing command']


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


def hash_data(data):
    """Return the SHA-256 of bytes, the fingerprint of an image."""
    return hashlib.sha256(data).hexdigest()


def serve_simplestreams(server, alias, parts, disk=b'disk'):
    """Offer a container's image in two parts, and a virtual machine's.

    :param disk: the second part of the image of a virtual machine.
    :return: the fingerprints of the two images.
    """
    container, machine = hash_data(b''.join(parts)), hash_data(parts[0] + disk)
    items = {}
    for kind in 'lxd', 'incus':  # each server looks for its own
        items[kind + '.tar.xz'] = {
            'ftype': kind + '.tar.xz', 'path': 'images/metadata',
            'size': len(parts[0]), 'sha256': hash_data(parts[0]),
            'combined_sha256': container, 'combined_rootxz_sha256': container,
            'combined_disk-kvm-img_sha256': machine}
    for kind, data in ('root.tar.xz', parts[1]), ('disk-kvm.img', disk):
        items[kind] = {'ftype': kind, 'path': 'images/' + kind,
                       'size': len(data), 'sha256': hash_data(data)}
        server.pages['/images/' + kind] = data, {}
    architecture = {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(
        os.uname()[4], os.uname()[4])
    product = 'tiny:1:{}:default'.format(architecture)
    documents = {
        'index.json': {'format': 'index:1.0', 'index': {'images': {
            'datatype': 'image-downloads', 'format': 'products:1.0',
            'path': 'streams/v1/images.json', 'products': [product]}}},
        'images.json': {
            'content_id': 'images', 'datatype': 'image-downloads',
            'format': 'products:1.0', 'products': {product: {
                'aliases': alias, 'arch': architecture, 'os': 'tiny',
                'release': '1', 'release_title': 'one', 'variant': 'default',
                'versions': {'20200101_00:00': {'items': items}}}}}}
    for name, document in documents.items():
        server.pages['/streams/v1/' + name] = (
            json.dumps(document).encode('ascii'),
            {'Content_Type': 'application/json'})
    server.pages['/images/metadata'] = parts[0], {}
    return container, machine
