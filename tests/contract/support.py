"""Names and small helpers of the contract tests."""
import binascii
import os

import six

from pylxd import exceptions

#: Sources of containers: with a small system, or without any file.
BUSYBOX = {'type': 'image', 'alias': 'busybox'}
EMPTY = {'type': 'none'}


def unique():
    """A name that is nowhere else; it suits a bridge too."""
    return 't' + binascii.hexlify(os.urandom(4)).decode('ascii')


def read(path):
    """The bytes of a local file."""
    with open(path, 'rb') as file:
        return file.read()


def settle(client):
    """Wait until the server does nothing in the background."""
    for operation in client.operations.all():
        if operation.class_ == 'task' and operation.status == 'Running':
            try:
                operation.wait(timeout=60)
            except exceptions.LXDAPIException:
                pass  # it failed, or is forgotten: it is over


def texts(value):
    """A value of JSON with all text as ``str``, for comparing on Python 2."""
    if isinstance(value, dict):
        return {texts(key): texts(each) for key, each in value.items()}
    if isinstance(value, list):
        return [texts(each) for each in value]
    return six.ensure_str(value) if isinstance(
        value, six.text_type) else value
