"""The cluster of a server."""
import base64
import json
import ssl

import six

from pylxd import exceptions
from pylxd.core.attribute import attribute
from pylxd.core.collection import collection
from pylxd.core.model import Model
from pylxd.core.values import convert
from pylxd.models.cluster_member import ClusterMember
from pylxd.transport.connection import Transport
from pylxd.transport.tls import fingerprint

# ClusterMember: where earlier releases had it
__all__ = ['Cluster', 'ClusterCertificate', 'ClusterMember']

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Tuple
    from pylxd.models.cluster_group import ClusterGroups
    from pylxd.models.cluster_member import ClusterMembers


class ClusterCertificate(object):
    """The certificate of a cluster: ``client.cluster.certificate``.

    :param cluster: the cluster.
    """

    def __init__(self, cluster):
        # type: (Cluster) -> None
        self._cluster = cluster

    def put(self, cert, key):
        # type: (str, str) -> None
        """Replace the certificate: see `Cluster.update_certificate`."""
        self._cluster.update_certificate(cert, key)


class Cluster(Model):
    """The cluster that the server is a member of: ``client.cluster``.

    A server without a cluster has this object, too: ``enabled`` is false.

    Endpoint: ``/1.0/cluster``.
    """

    path = 'cluster'
    key = ()
    extension = 'clustering'

    enabled = attribute(readonly=True)  # type: bool
    member_config = attribute(
        list, readonly=True)  # type: List[Dict[str, str]]
    server_name = attribute(readonly=True)  # type: str

    #: The certificate that all members use.
    certificate = collection(
        'cluster:ClusterCertificate')  # type: ClusterCertificate
    #: The groups of members.
    groups = collection('cluster_group:ClusterGroups')  # type: ClusterGroups
    #: The servers of the cluster.
    members = collection(
        'cluster_member:ClusterMembers')  # type: ClusterMembers

    def get(self):  # type: ignore[override]
        # type: () -> Cluster
        """Load the attributes, and return this object.

        Endpoint: ``GET /1.0/cluster``.
        """
        self.sync()
        return self

    def enable(self, server_name):
        # type: (str) -> None
        """Make the server the first member of a new cluster.

        The server needs an address, ``core.https_address`` in its
        configuration. Its instances, images and pools stay.

        :param server_name: the name of the server as a member.
        :raises InvalidName: no server allows that name.
        :raises OperationFailed: the server refused, as when it is a member
            of a cluster, or has no address.

        Endpoint: ``PUT /1.0/cluster``; needs ``clustering``.
        """
        self._change(enabled=True, server_name=self.check_name(server_name))

    def join(self, token, server_address, member_config=()):
        # type: (str, str, Iterable[Dict[str, str]]) -> None
        """Make the server a member of an existing cluster.

        The server must be empty: without storage pools, images and managed
        networks. The server itself would accept the call all the same, and
        forget them and its instances, profiles and trusted clients. It gets
        those of the cluster, and the cluster's certificate, which its clients
        over HTTPS then need. The library asks a member of the cluster for
        that certificate, and compares it with the token.

        :param token: what `ClusterMembers.create_token` returned in the
            cluster, with the name of the new member.
        :param server_address: ``host:port``, by which the other members
            reach this server.
        :param member_config: configuration of this member alone, a list of
            dicts with ``entity`` (such as ``storage-pool``), ``name``,
            ``key`` and ``value``. ``cluster.member_config`` of another
            member lists the keys that are needed.
        :raises ValueError: ``token`` is not such a token.
        :raises LXDException: the server is not empty; nothing was sent.
        :raises InvalidCertificate: the servers at the addresses in the token
            have other certificates.
        :raises ClientConnectionFailed: no member of the cluster can be
            reached.
        :raises OperationFailed: the server or the cluster refused, as when
            the token was used before.

        Endpoint: ``PUT /1.0/cluster``; needs ``clustering_join_token``.
        """
        fields = _decode_token(token)
        self.client.dialect.need('clustering_join_token')
        self._check_is_empty()
        address, certificate = self._find_member(fields)
        # LXD expects the token as a password, Incus and LXD 6 as a token
        self._change(
            enabled=True, server_name=fields['server_name'],
            server_address=server_address, cluster_address=address,
            cluster_certificate=certificate, cluster_password=token,
            cluster_token=token, member_config=convert(
                [{str: str}], member_config, 'member_config'))

    def disable(self):
        # type: () -> None
        """Make the server forget its cluster, and all that it knows.

        This is for a server that the other members have lost, or for the
        last one: it becomes an empty server, without instances, pools,
        profiles and trusted clients. Their files stay where they are. A
        member of a working cluster leaves it by `ClusterMember.delete`,
        which does this, too. A server without a cluster stays as it is.

        The server then restarts, and refuses connections for some seconds.

        :raises LXDAPIException: the server refused.

        Endpoint: ``PUT /1.0/cluster``; needs ``clustering``.
        """
        # A server without a cluster would lose all as well
        if self.get().enabled:
            self.api.put(json={'enabled': False})
            self._expire()

    def update_certificate(self, cert, key):
        # type: (str, str) -> None
        """Replace the certificate of all members.

        Clients over HTTPS then need the new one, as ``verify``.

        :param cert: the certificate, PEM text.
        :param key: its private key, PEM text.
        :raises LXDAPIException: the server refused, as when it is in no
            cluster, or the key is not that of the certificate.

        Endpoint: ``PUT /1.0/cluster/certificate``; needs
        ``clustering_update_cert``.
        """
        self.client.dialect.need('clustering_update_cert')
        for name, value in (('cert', cert), ('key', key)):
            if not isinstance(value, (bytes, six.text_type)):
                # Without the value, which may be the secret key
                raise TypeError('{} must be PEM text, not of type {}'.format(
                    name, type(value).__name__))
        self.ensure_ready().certificate.put(json={
            'cluster_certificate': six.ensure_text(cert),
            'cluster_certificate_key': six.ensure_text(key)})
        self.client.dialect.refresh()

    def _check_is_empty(self):
        # type: () -> None
        """Raise an exception if a join would make the server lose data.

        Each instance is in a storage pool.
        """
        if self.get().enabled:
            return  # the server refuses
        client = self.client
        names = [
            'the {} {}'.format(kind, name) for kind, found in (
                ('storage pool', [
                    each.name for each in client.storage_pools.all()]),
                ('network', [each.name for each in client.networks.all()
                             if each.managed]),
                ('image', [each.fingerprint[:12]
                           for each in client.images.all()]))
            for name in found]
        if names:
            raise exceptions.LXDException(
                'join: {!r} is not empty, and would forget what it has: '
                'delete {} first'.format(client, ', '.join(names)))

    def _change(self, **request):
        # type: (**Any) -> None
        """Enable or join, and load what then is different."""
        self._start_operation(self.ensure_ready().put(json=request), wait=True)
        self._expire()
        self.client.dialect.refresh()

    def _find_member(self, token):
        # type: (Dict[str, Any]) -> Tuple[str, str]
        """Return the address of a member of the cluster that made a token.

        :param token: the fields of the token.
        :return: the address, and the certificate of the cluster, PEM text.
        """
        failure = None  # type: Any
        for address in token['addresses']:
            member = Transport(
                'https://' + address, verify=False,
                timeout=self.client.transport.connector.timeout)
            try:
                certificate = member.get_certificate()
            except exceptions.ClientConnectionFailed as error:
                failure = error
                continue
            found = fingerprint(ssl.PEM_cert_to_DER_cert(certificate))
            if found == token['fingerprint']:
                return address, certificate
            failure = exceptions.InvalidCertificate(
                '{}: the token is of another cluster, since its certificate '
                'has the fingerprint {}, not {}'.format(
                    address, token['fingerprint'], found))
        raise failure


def _decode_token(token):
    # type: (Any) -> Dict[str, Any]
    """Return the fields of a token; the message of an error hides it."""
    if not isinstance(token, (bytes, six.text_type)):
        raise TypeError('token must be text, not of the type {}'.format(
            type(token).__name__))
    try:
        fields = json.loads(
            base64.b64decode(token).decode('utf-8'))  # type: Dict[str, Any]
        if all(fields[name] for name in (
                'server_name', 'fingerprint', 'addresses', 'secret')):
            return fields
    except (LookupError, TypeError, ValueError):
        pass
    raise ValueError('token is not the token of a cluster, such as '
                     'client.cluster.members.create_token(name) returns')
