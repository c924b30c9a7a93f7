"""A tour of the library on a private, temporary server (``make demo``)."""
import argparse
import signal
import sys

from pylxd import testing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional
    from pylxd.testing import Kit

IMPORTS = '''
import threading
from pylxd import Client
from pylxd.transport.websocket import EventsClient
'''
#: Each step: its title and its lines of code, which are printed and run.
TOUR = (
    ('A client of the server, which is not empty: it has an image.',
     "client = Client(lxd.socket)",
     "client.images.get_by_alias('busybox').properties['os']"),
    ('Create a container and start it.',
     "container = client.containers.create(\n"
     "    {'name': 'tour', 'source': {'type': 'image',"
     " 'alias': 'busybox'}},\n"
     "    wait=True)",
     "container.start(wait=True)",
     "container.status",
     "container"),
    ('Run commands in it.',
     "container.execute(['echo', 'hello'])",
     "result = container.execute(['cat'], stdin_payload='from here')",
     "result.exit_code, result.stdout"),
    ('Put files into it, and get them back.',
     "container.files.put('/root/note', 'keep me', mode=0o600)",
     "container.execute(['cat', '/root/note']).stdout",
     "container.files.listdir('/root')"),
    ('Change it: what was changed is saved, all else stays.',
     "container.config['user.tour'] = 'yes'",
     "container.dirty",
     "container.save(wait=True)",
     "client.containers.get('tour').config['user.tour']"),
    ('Take a snapshot, break something, and go back.',
     "snapshot = container.snapshots.create('whole', wait=True)",
     "container.files.delete('/root/note')",
     "container.stop(wait=True)",
     "snapshot.restore(wait=True)",
     "container.files.get('/root/note').decode()"),
    ('Publish it as an image.',
     "image = container.publish(wait=True)",
     "image.add_alias('tour', 'the end of the tour')",
     "client.images.get_by_alias('tour') == image"),
    ('Listen to the events while all is deleted.',
     "class Watch(EventsClient):\n"
     "    def received_message(self, message):\n"
     "        EventsClient.received_message(self, message)\n"
     "        if self.messages[-1]['metadata']['action'] =="
     " 'image-deleted':\n"
     "            self.close()",
     "events = client.events(Watch, event_types=['lifecycle'])",
     "events.connect()",
     "listener = threading.Thread(target=events.run)",
     "listener.start()",
     "container.delete(wait=True)",
     "image.delete(wait=True)",
     "listener.join()",
     "for event in events.messages[-2:]:\n"
     "    print(event['metadata']['action'])",
     "client.containers.all()",
     "client.close()"),
)


def main(arguments=None):
    # type: (Optional[List[str]]) -> int
    """Run the tour on a new server, and end the server in any case.

    :param arguments: the arguments of the program.
    :return: the exit code of the program.
    """
    parser = argparse.ArgumentParser(prog='python -m pylxd.testing.demo')
    parser.add_argument('--fake', action='store_true',
                        help='take the stand-in, even if LXD can run')
    options = parser.parse_args(arguments)
    try:
        with testing.FakeLXD() if options.fake else start_server() as kit:
            run_tour(kit)
    except KeyboardInterrupt:
        print('\nInterrupted; all is cleaned up.')
        return 130
    print('\nThe server and all that was in it are removed.')
    return 0


def start_server():
    # type: () -> Kit
    """Start a real server if one can run here, otherwise the stand-in."""
    try:
        return testing.ThrowawayLXD()
    except testing.CannotRun as reason:
        print('This tour uses a stand-in, because no real LXD can run here: '
              '{}'.format(reason))
        return testing.FakeLXD()


def run_tour(kit):
    # type: (Kit) -> None
    """Run the tour, and print it like a session of the interpreter."""
    scope = {'lxd': kit}  # type: Dict[str, Any]
    exec(IMPORTS, scope)
    for steps in TOUR:
        print('\n# ' + steps[0])
        for code in steps[1:]:
            print('>>> ' + code.rstrip('\n').replace('\n', '\n... '))
            sys.stdout.flush()
            exec(compile(code + '\n', '<tour>', 'single'), scope)


if __name__ == '__main__':
    # Both raise KeyboardInterrupt, so that the server is ended. A shell makes
    # its background jobs ignore SIGINT: this undoes it.
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
