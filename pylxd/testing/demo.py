"""A tour of the library on a private, temporary server (``make demo``)."""
import argparse
import signal
import sys

from pylxd import testing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

IMPORTS = '''
import threading
from pylxd import Client
from pylxd.transport.websocket import EventsClient
'''
#: What is printed is what runs: each is given to the interpreter as it is.
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
    """Take the tour; what it starts is gone afterwards, come what may."""
    parser = argparse.ArgumentParser(prog='python -m pylxd.testing.demo')
    parser.add_argument('--fake', action='store_true',
                        help='on the stand-in, also where LXD can run')
    options = parser.parse_args(arguments)
    try:
        with testing.FakeLXD() if options.fake else server() as lxd:
            take(lxd)
    except KeyboardInterrupt:
        print('\nInterrupted; all is cleaned up.')
        return 130
    print('\nThe server is gone, and all that was in it.')
    return 0


def server():
    # type: () -> Any
    """A real server if one can run here, otherwise the stand-in."""
    try:
        return testing.ThrowawayLXD()
    except testing.CannotRun as reason:
        print('On the stand-in, as no real LXD runs here: {}'.format(reason))
        return testing.FakeLXD()


def take(lxd):
    # type: (Any) -> None
    """Run the tour on a kit and print it like a session of Python."""
    scope = {'lxd': lxd}  # type: Dict[str, Any]
    exec(IMPORTS, scope)
    for steps in TOUR:
        print('\n# ' + steps[0])
        for code in steps[1:]:
            print('>>> ' + code.rstrip('\n').replace('\n', '\n... '))
            sys.stdout.flush()
            exec(compile(code + '\n', '<tour>', 'single'), scope)


if __name__ == '__main__':
    # Either way all that is open is closed; a shell's background job would
    # not hear of Ctrl-C.
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
