"""A real cluster of private, temporary servers on this machine."""
import base64
import collections
import json
import os
import signal
import socket
import struct

#: The option of a unix socket that Python 2 does not name.
SO_PEERCRED = getattr(socket, 'SO_PEERCRED', 17)


class Cluster(object):
    """A cluster of private servers with one storage pool, profile and image.

    :param kit: the class of the servers, such as `ThrowawayLXD`.
    :param size: the number of members.
    :param arguments: arguments for each ``kit``.
    :raises CannotRun: the servers cannot run here.
    """

    def __init__(self, kit, size=3, **arguments):
        #: The kits of the members by name: ``m1``, which forms the cluster,
        #: ``m2`` and so on.
        self.members = collections.OrderedDict()
        try:
            for number in range(1, size + 1):
                member = kit(**arguments)
                self.members['m{}'.format(number)] = member
                self._join(member, 'm{}'.format(number))
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End all members, also those that are paused."""
        for member in self.members.values():
            member.close()

    def client(self, name='m1', **kwargs):
        """Make a client of a member, on its unix socket.

        :param name: the name of the member.
        :param kwargs: arguments of `Client`.
        """
        return self.members[name].client(**kwargs)

    def pause(self, name):
        """Stop the daemon of a member by SIGSTOP: it answers no more."""
        os.kill(self._find_daemon(name), signal.SIGSTOP)

    def resume(self, name):
        """Let the daemon of a member go on, if it is paused."""
        os.kill(self._find_daemon(name), signal.SIGCONT)

    def _find_daemon(self, name):
        """Return the process id of the daemon of a member."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(self.members[name].socket)
            credentials = connection.getsockopt(
                socket.SOL_SOCKET, SO_PEERCRED, struct.calcsize('3i'))
        finally:
            connection.close()
        return struct.unpack('3i', credentials)[0]

    def _join(self, member, name):
        """Make a server the first member, or add it to the others."""
        request = {'enabled': True, 'server_name': name}
        with member.client() as client:
            if name != 'm1':
                _remove_contents(client)
                request.update(self._make_join_request(name))
                request['server_address'] = member.endpoint[len('https://'):]
            client.operations.wait_for_operation(
                client.api.cluster.put(json=request).json()['operation'])

    def _make_join_request(self, name):
        with self.client() as client:
            token = client.api.cluster.members.post(
                json={'server_name': name}).json()['metadata']['metadata']
            secret = base64.b64encode(json.dumps({
                'server_name': name, 'secret': token['secret'],
                'fingerprint': token['fingerprint'],
                'addresses': token['addresses'],
                'expires_at': token['expiresAt']}).encode()).decode()
            return {
                'cluster_address': token['addresses'][0],
                'cluster_certificate': client.server_certificate(),
                'cluster_password': secret,  # LXD
                'cluster_token': secret,  # Incus
                'member_config': [{
                    'entity': 'storage-pool', 'name': 'default',
                    'key': 'source', 'value': ''}]}


def _remove_contents(client):
    """Remove what the kit has created: only an empty server can join."""
    for image in client.images.all():
        image.delete(wait=True)
    client.api.profiles['default'].put(json={'devices': {}})
    client.api.storage_pools['default'].delete()
