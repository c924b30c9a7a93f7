"""TLS contexts: the accepted certificates and the client's key pair."""
import binascii
import hashlib
import os
import re
import ssl
import warnings

import requests
import six

from pylxd import exceptions
from pylxd.transport.paths import to_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple, Union
    Cert = Union[str, Tuple[str, str]]
    Verify = Union[bool, str]
    Timeout = Union[None, float, Tuple[Optional[float], Optional[float]]]


def make_context(cert, verify):
    # type: (Optional[Cert], Verify) -> ssl.SSLContext
    """Return the TLS context of connections; it does not check host names.

    :param cert: the client certificate and its key, two paths of PEM files.
    :param verify: True (the system's authorities), False, or the path of a CA
        bundle or of the server's own certificate.
    :raises InvalidCertificate: a certificate or key is unusable.
    """
    context = ssl.SSLContext(
        getattr(ssl, 'PROTOCOL_TLS_CLIENT', ssl.PROTOCOL_SSLv23))
    if hasattr(ssl, 'TLSVersion'):
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    else:  # Python 2
        context.options |= (ssl.OP_NO_SSLv2 | ssl.OP_NO_SSLv3
                            | ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if verify is not False:
        context.verify_mode = ssl.CERT_REQUIRED
        _load_authorities(context, verify)
    if cert is not None:
        _load_key_pair(context, cert)
    return context


def _load_authorities(context, verify):
    # type: (ssl.SSLContext, Any) -> None
    if verify is True:
        _load_system_authorities(context)
        return
    if os.path.isdir(_require_path(verify, 'verify')):
        context.load_verify_locations(capath=verify)
        return
    read_pem(verify, 'CERTIFICATE', 'verify')
    try:
        context.load_verify_locations(verify)
    except ssl.SSLError as error:
        raise exceptions.InvalidCertificate(
            'verify: {}: {}'.format(verify, error), cause=error)
    # X509_V_FLAG_PARTIAL_CHAIN: trust the server's own certificate even if
    # the authority that signed it is not in the file.
    context.verify_flags |= 0x80000


def _load_system_authorities(context):
    # type: (ssl.SSLContext) -> None
    """Trust the authorities of the system, or else those of requests.

    Not by `load_default_certs`: the variables SSL_CERT_FILE and SSL_CERT_DIR
    would have an effect.
    """
    paths = ssl.get_default_verify_paths()
    cafile = directory = None  # type: Optional[str]
    if os.path.isfile(paths.openssl_cafile):
        cafile = paths.openssl_cafile
    if os.path.isdir(paths.openssl_capath) and os.listdir(
            paths.openssl_capath):  # a system without authorities has it empty
        directory = paths.openssl_capath
    if cafile is None and directory is None:
        cafile = requests.utils.DEFAULT_CA_BUNDLE_PATH
    try:
        context.load_verify_locations(cafile, directory)
    except (IOError, OSError, ssl.SSLError) as error:
        raise exceptions.InvalidCertificate(
            'verify=True: cannot read the authorities in {}: {}; install '
            "them, or pass the path of the server's certificate as "
            'verify='.format(cafile or directory, error), cause=error)


def _load_key_pair(context, cert):
    # type: (ssl.SSLContext, Cert) -> None
    certfile, keyfile = key_pair(cert)
    read_pem(certfile, 'CERTIFICATE', 'cert')
    key = read_pem(keyfile, 'PRIVATE KEY', 'key')
    if os.stat(keyfile).st_mode & 0o077:
        warnings.warn('{}: the client key can be read by others'.format(
            keyfile), stacklevel=6)
    try:
        # OpenSSL would prompt for the password of an encrypted key; an empty
        # password makes loading fail instead.
        context.load_cert_chain(certfile, keyfile, password=lambda: '')
    except (ssl.SSLError, ValueError) as error:
        if 'ENCRYPTED' in key:
            raise exceptions.InvalidCertificate(
                'key: {} is encrypted: pass a key without a password'.format(
                    keyfile), cause=error)
        raise exceptions.InvalidCertificate(
            'cert: {} and {} are no certificate and its key: {}'.format(
                certfile, keyfile, error), cause=error)


def key_pair(cert):
    # type: (Cert) -> Tuple[str, str]
    """Return the paths of a certificate and its key.

    :param cert: two paths, or the path of a file that contains both.
    :raises TypeError: ``cert`` is neither.
    """
    cert = to_path(cert)
    if isinstance(cert, (str, type(u''))):
        return cert, cert
    try:
        certfile, keyfile = cert
    except (TypeError, ValueError):
        raise TypeError(
            'cert must be two paths (certificate, key), not {!r}'.format(cert))
    return _require_path(certfile, 'cert'), _require_path(keyfile, 'cert')


def _require_path(path, argument):
    # type: (Any, str) -> Any
    """Return a path; raise TypeError if it is of another type."""
    path = to_path(path)
    # open() would accept a number, as the descriptor of an open file
    if isinstance(path, six.string_types):
        return path
    raise TypeError('{}: a path must be text, not {!r}'.format(argument, path))


def read_pem(path, label, argument):
    # type: (str, str, str) -> str
    """Return the text of a PEM file; check that it has a block of a label.

    :param label: ``CERTIFICATE`` or ``PRIVATE KEY``.
    :param argument: the argument that names the file, for the messages.
    :raises InvalidCertificate: the file is missing, unreadable or not PEM.
    """
    try:
        with open(path, 'rb') as pem:
            # The comments around the blocks may have any encoding
            text = six.ensure_str(pem.read(), 'ascii', 'replace')
    except (IOError, OSError, TypeError, ValueError) as error:
        raise exceptions.InvalidCertificate('{}: cannot read {!r}: {}'.format(
            argument, path, error), cause=error)
    if label not in text or '-----BEGIN ' not in text:
        raise exceptions.InvalidCertificate(
            '{}: {} holds no {} in PEM form'.format(
                argument, path, label.lower()))
    return text


def read_pinned(verify):
    # type: (Verify) -> Tuple[bytes, ...]
    """Return the certificates in the file given as ``verify``, as DER.

    :raises InvalidCertificate: the file holds none.
    """
    if isinstance(verify, bool) or os.path.isdir(verify):
        return ()
    blocks = re.findall(
        '-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----',
        read_pem(verify, 'CERTIFICATE', 'verify'), re.DOTALL)
    try:
        return tuple(ssl.PEM_cert_to_DER_cert(block) for block in blocks)
    except (ValueError, binascii.Error) as error:
        raise exceptions.InvalidCertificate(
            'verify: {}: {}'.format(verify, error), cause=error)


def fingerprint(der):
    # type: (bytes) -> str
    """Return the SHA-256 fingerprint of a certificate, as servers show it."""
    return hashlib.sha256(der).hexdigest()
