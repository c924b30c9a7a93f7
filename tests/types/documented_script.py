"""A program as the documentation shows it: `mypy --strict` accepts it."""
import pylxd
from pylxd import Client, exceptions, remotes
from pylxd.image import Image
from pylxd.profile import Profile


def describe_image(image: Image) -> str:
    return '{} {} {}'.format(
        image.fingerprint[:12], image.size, image.properties.get('os', ''))


client = Client(
    endpoint='https://10.0.0.1:8443', cert=('lxd.crt', 'lxd.key'),
    verify='server.crt', timeout=30)
for name in remotes():
    with Client.from_remote(name, timeout=5) as each:
        print(name.upper(), each.trusted)
if not client.trusted:
    client.authenticate('a-secret-trust-password')

config = {'name': 'web', 'source': {'type': 'image', 'alias': 'bookworm'},
          'config': {'limits.cpu': '2'}}
try:
    container = client.containers.create(config, wait=True)
    container.start(wait=True)
except exceptions.LXDAPIException as error:
    print(error, error.response)
    container = client.containers.get('web')

stdout, stderr = container.execute(['ls', '-l', '/'])
result = container.execute(['id', '-u'], environment={'LANG': 'C'})
print(result.exit_code, result.stdout.strip(), stdout.upper(), stderr)
with container.popen(['dmesg'], text=True, timeout=5) as process:
    for line in process.stdout:
        print(line.strip().upper())
print(process.wait() == 0, process.stderr.read() + 'text')
with container.popen(['cat']) as binary_process:
    out, err = binary_process.communicate(b'data', timeout=1.5)
    print(out.startswith(b'data'), err)
with container.terminal(['sh'], width=100) as terminal:
    terminal.send('exit 3\r')
    print(b''.join(terminal), terminal.wait() == 3)
container.files.put('/etc/motd', b'hello', mode=0o644, uid=0)
motd: bytes = container.files.get('/etc/motd')
state = container.state()
print(state.status, state.pid, state.network['eth0']['addresses'])
container.config['user.note'] = 'seen'
container.devices = {'eth0': {'type': 'nic', 'network': 'lxdbr0'}}
container.save(wait=True)
snapshot = container.snapshots.create('clean', stateful=False, wait=True)
snapshot.rename('cleaner', wait=True)
published = container.snapshots.get('cleaner').publish(wait=True)
container.rename('www', wait=True)
moved = container.migrate(Client('https://10.0.0.2:8443'), wait=True)
print(moved.name, [each.name for each in client.containers.all()])

image = client.images.get_by_alias('bookworm')
image.public = True
image.update()
image.add_alias('stable', 'Debian 12')
image.copy(Client(), wait=True)
print([describe_image(image) for image in client.images.all()])
with open('image.tar.gz', 'rb') as data:
    created = client.images.create(data, public=True, wait=True)
profile = client.profiles.create(
    'small', config={'limits.memory': '512MB'},
    devices={'root': {'path': '/', 'pool': 'default', 'type': 'disk'}})
Profile.get(client, 'small').rename('smaller')
operation = client.operations.wait_for_operation('/1.0/operations/1')
print(pylxd.table(client.images, ['size', lambda each: each.size]))
print(image.to_dict()['size'], state.to_dict(), operation.to_dict()['class'])
print(client.api.containers['web'].state.get().json()['metadata'])
events = client.events()
events.connect()
events.run()
print(events.messages, client.networks.get('lxdbr0').used_by)
