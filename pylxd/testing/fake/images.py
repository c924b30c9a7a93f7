"""Images and their aliases, in files of the stand-in's directory."""
from __future__ import unicode_literals

import io
import json
import mmap
import os
import re
import tarfile
import tempfile

import requests
import six
from six.moves.urllib import parse

from pylxd.testing.fake import files, golang
from pylxd.testing.fake.daemon import (
    NEVER, APIError, random_hex, timestamp, write_file)
from pylxd.testing.fake.web import BLOCK, Answer, route, sync

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional
    from pylxd.testing.fake.daemon import Daemon, Operation
    from pylxd.testing.fake.web import Request

_MAGIC = re.compile(
    br'\x1f\x8b|BZh|\xfd7zXZ|\x5d\0\0|hsqs|\x28\xb5\x2f\xfd|.{257}ustar', re.S)


class Image(object):
    """An image, unified in one file or split into two."""

    def __init__(self, paths, fingerprint, metadata, filename='', **fields):
        # type: (List[str], str, Dict[str, Any], str, **Any) -> None
        self.paths = paths
        self.fingerprint = fingerprint
        self.filename = filename
        self.size = sum(os.path.getsize(path) for path in paths)  # type: int
        self.architecture = metadata.get('architecture') or 'x86_64'
        self.properties = {
            str(key): six.text_type(value) for key, value in (metadata.get(
                'properties') or {}).items()}  # type: Dict[str, str]
        self.created = _time(metadata.get('creation_date'))  # type: str
        self.expires = _time(metadata.get('expiry_date'))  # type: str
        self.uploaded = timestamp()  # type: str
        self.used = NEVER
        self.public = self.auto_update = self.cached = False
        self.type = 'container'  # type: str
        self.profiles = ['default']  # type: List[str]
        self.source = None  # type: Optional[Dict[str, str]]
        self._nodes = None  # type: Any
        self.__dict__.update(fields)

    @property
    def counts(self):
        # type: () -> List[Any]
        """What counts in its ETag."""
        return [self.public, self.auto_update, self.properties]

    @property
    def path(self):
        # type: () -> str
        """Its own path."""
        return '/1.0/images/' + self.fingerprint

    def render(self, daemon):
        # type: (Daemon) -> Dict[str, Any]
        """What is sent of it."""
        fields = {
            'auto_update': self.auto_update, 'properties': self.properties,
            'public': self.public, 'expires_at': self.expires,
            'profiles': self.profiles, 'aliases': [
                {'name': name, 'description': alias['description']}
                for name, alias in sorted(daemon.aliases.items())
                if alias['target'] == self.fingerprint],
            'architecture': self.architecture, 'cached': self.cached,
            'filename': self.filename, 'fingerprint': self.fingerprint,
            'size': self.size, 'type': self.type,
            'created_at': self.created, 'last_used_at': self.used,
            'uploaded_at': self.uploaded}
        if self.source:
            fields['update_source'] = self.source
        if daemon.kind.project:
            fields['project'] = 'default'
        return fields

    def tree(self):
        # type: () -> files.Tree
        """Its root, as far as it can be read."""
        if self._nodes is None:
            self._nodes = {}
            for path in self.paths:
                try:
                    self._nodes.update(files.read_archive(path)[1])
                except (tarfile.TarError, EOFError):
                    pass  # squashfs, or xz on Python 2
            for name in ('/', '/etc', '/root', '/tmp'):
                self._nodes.setdefault(
                    name, files.node('directory', mode=0o755))
        return files.Tree(self._nodes)


def _time(seconds):
    # type: (Any) -> str
    return timestamp(int(seconds)) if seconds else '1970-01-01T00:00:00Z'


def find(daemon, fingerprint, wordy=False):
    # type: (Daemon, str, bool) -> Image
    """The image of a fingerprint or of the start of one.

    :raises APIError: there is none
    """
    found = [image for name, image in list(daemon.images.items())
             if name.startswith(fingerprint)]
    if len(found) > 1:
        raise APIError(400, 'Image fingerprint matches more than one image')
    if not found:
        raise APIError(404, 'Image "{}" not found'.format(fingerprint)
                       if wordy else 'Image not found')
    return found[0]


def find_alias(daemon, name):
    # type: (Daemon, str) -> Dict[str, str]
    """An alias.

    :raises APIError: there is none
    """
    try:
        return daemon.aliases[name]
    except KeyError:
        raise APIError(404, 'Image alias not found')


def add(daemon, paths, fingerprint, metadata, filename='', requestor=None,
        **fields):
    # type: (Daemon, List[str], str, Dict[str, Any], str, Any, **Any) -> Image
    """Take files as an image, under their final names."""
    with daemon.lock:
        if fingerprint in daemon.images:
            for path in paths:
                os.remove(path)
            raise APIError(400, 'Image with same fingerprint already exists')
        for number, path in enumerate(paths):
            final = os.path.join(daemon.directory, fingerprint
                                 + ('.rootfs' if number else ''))
            os.rename(path, final)
            paths[number] = final
        image = Image(paths, fingerprint, metadata, filename, **fields)
        daemon.images[fingerprint] = image
    daemon.lifecycle('image-created', image.path, requestor, type=image.type)
    return image


def read_metadata(path):
    # type: (str) -> Dict[str, Any]
    """What an image tells of itself.

    :raises APIError: nothing
    """
    with open(path, 'rb') as content:
        start = content.read(512)
    if not start:
        raise APIError(400, 'EOF')
    if not _MAGIC.match(start):
        raise APIError(400, 'Unsupported compression')
    try:
        text = files.read_archive(path)[0]
    except (tarfile.TarError, EOFError):
        return {}  # a kind that this Python cannot read
    if text is None:
        raise APIError(400, 'Metadata tarball is missing metadata.yaml')
    return _yaml(text.decode('utf-8'))


def _yaml(text):
    # type: (str) -> Dict[str, Any]
    """As much of YAML as images need: JSON, or two levels of plain lines."""
    try:
        return dict(json.loads(text))
    except ValueError:
        pass
    result = {}  # type: Dict[str, Any]
    inner = result
    for indent, key, value in re.findall(
            r'^([ \t]*)([^\s#][^:\n]*?):(?:[ \t]+(.*?))?[ \t]*$', text, re.M):
        target = inner if indent else result
        if value.startswith('{'):
            target[key] = dict(re.findall(
                r'''["']?([^\s"':{,]+)["']?:\s*["']?([^,}"']*)''', value))
        elif value:
            target[key.strip('"\'')] = value.strip('"\'')
        elif not indent:
            inner = result[key] = {}
    return result


# Images

@route('GET', '/1.0/images', public=True)
def _list(request):
    # type: (Request) -> Any
    daemon = request.daemon
    with daemon.lock:
        shown = [image for _, image in sorted(daemon.images.items())
                 if request.trusted or image.public]
        if request.recursion():
            return [image.render(daemon) for image in shown]
        return [image.path for image in shown]


@route('POST', '/1.0/images')
def _create(request):
    # type: (Request) -> Any
    daemon = request.daemon
    descriptor, path = tempfile.mkstemp(dir=daemon.directory)
    os.close(descriptor)
    type_ = request.headers.get('Content-Type') or ''
    fingerprint = write_file(path, request.body)
    with open(path, 'rb') as content:
        start = content.read(64).lstrip()
        if start.startswith(b'{') and not type_.startswith('multipart'):
            try:
                body = json.loads((start + content.read()).decode('utf-8'))
            except ValueError:
                pass
            else:
                content.close()
                os.remove(path)
                return _create_from(request, body)
    paths = _split(path, type_) if type_.startswith('multipart') else [path]
    wanted = request.header('fingerprint')
    fields = {'public': request.header('public').lower() in (
        '1', 'true', 'yes', 'on')}  # type: Dict[str, Any]
    if paths[-1].endswith('.img'):
        fields['type'] = 'virtual-machine'
    filename = request.header('filename')
    properties = dict(parse.parse_qsl(request.header('properties'), True))

    def work(operation):
        # type: (Operation) -> None
        got = fingerprint
        try:
            if len(paths) > 1:
                got = write_file(path, _chunks(paths))
                os.remove(path)
            if wanted and wanted != got:
                raise APIError(400, "fingerprints don't match, got {} "
                               "expected {}".format(got, wanted))
            metadata = read_metadata(paths[0])
        except APIError:
            for file in paths:
                os.remove(file)
            raise
        metadata['properties'] = dict(
            metadata.get('properties') or {}, **properties)
        size = sum(os.path.getsize(file) for file in paths)
        operation.update({'fingerprint': got, 'size': str(size)})
        add(daemon, paths, got, metadata, filename, request.requestor,
            **fields)
    return request.operation('Downloading image', work)


def _split(path, type_):
    # type: (str, str) -> List[str]
    """Cut a multipart body into files of its parts."""
    boundary = b'--' + re.search(
        'boundary="?([^";]+)', type_).group(1).encode()  # type: ignore
    parts = []  # type: List[str]
    with open(path, 'rb') as body:
        view = mmap.mmap(body.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            start = view.find(boundary)
            while start >= 0:
                end = view.find(b'\r\n' + boundary, start)
                head = view.find(b'\r\n\r\n', start)
                if end < 0 or head < 0:
                    break
                machine = b'name="rootfs.img"' in view[start:head]
                parts.append('{}.{}{}'.format(
                    path, len(parts), '.img' if machine else ''))
                write_file(parts[-1], (
                    view[place:min(place + BLOCK, end)]
                    for place in range(head + 4, end, BLOCK)))
                start = end + 2
        finally:
            view.close()
    os.remove(path)
    return parts


def _chunks(paths):
    # type: (List[str]) -> Iterator[bytes]
    for path in paths:
        with open(path, 'rb') as content:
            for chunk in iter(lambda: content.read(BLOCK), b''):
                yield chunk


def _create_from(request, body):
    # type: (Request, Dict[str, Any]) -> Any
    """An image from an instance, a snapshot or another server."""
    daemon = request.daemon
    source = body.get('source') or {}
    kind = source.get('type')
    if kind not in ('container', 'instance', 'virtual-machine', 'snapshot',
                    'image', 'url'):
        raise APIError(500, 'Invalid images JSON')
    fields = {'public': bool(body.get('public')),
              'auto_update': bool(body.get('auto_update'))}

    def work(operation):
        # type: (Operation) -> None
        if kind in ('image', 'url'):
            image = fetch(daemon, source, requestor=request.requestor,
                          **fields)
            image.properties.update(body.get('properties') or {})
        else:
            image = _publish(request, kind, source, body, fields)
        for alias in body.get('aliases') or ():
            daemon.aliases[alias['name']] = {
                'target': image.fingerprint,
                'description': alias.get('description', '')}
        operation.update({'fingerprint': image.fingerprint,
                          'size': str(image.size)})
    if kind not in ('image', 'url') and not daemon.kind.wordy:
        from pylxd.testing.fake import instances
        name, _, shot = (source.get('name') or '').partition('/')
        if kind != 'snapshot' or shot not in instances.find(
                daemon, name).snapshots:
            # of a snapshot no more is said than of an instance
            instances.find(daemon, source.get('name') or '')
    return request.operation('Downloading image', work)


def _publish(request, kind, source, body, fields):
    # type: (Request, str, Any, Any, Any) -> Image
    daemon = request.daemon
    name, _, shot = source['name'].partition('/')
    from pylxd.testing.fake import instances
    instance = instances.find(daemon, name)
    if kind == 'snapshot':
        if not shot:
            raise APIError(400, 'Not a snapshot')
        tree = instances.find_snapshot(daemon, name, shot).tree
    else:
        tree = instance.tree
        if tree is None:
            raise APIError(400, 'lstat {}/containers/{}/rootfs: no such file '
                           'or directory'.format(daemon.directory, name))
        if instance.status != 'Stopped':
            raise APIError(
                400, 'Cannot export a running instance as an image')
    base = daemon.images.get(instance.config.get('volatile.base_image', ''))
    metadata = {
        'architecture': instance.architecture, 'creation_date': 1,
        'properties': body.get('properties') or (
            base.properties if base else {key[6:]: value for key, value in
                                          instance.config.items()
                                          if key.startswith('image.')})}
    path = write_image(daemon.directory, metadata, tree)
    image = add(daemon, [path], write_file(path, _chunks([path])), metadata,
                requestor=request.requestor, expires=NEVER,
                created=timestamp(), **fields)
    return image


def write_image(directory, metadata, tree):
    # type: (str, Any, Optional[files.Tree]) -> str
    """Make an image of a tree; no two are the same."""
    descriptor, path = tempfile.mkstemp(dir=directory)
    with os.fdopen(descriptor, 'wb') as output:
        files.write_archive(output, json.dumps(dict(
            metadata, serial=random_hex())).encode('utf-8'),
            tree.nodes if tree else {})
    return path


@route('GET', '/1.0/images/{}', public=True)
def _get(request, fingerprint):
    # type: (Request, str) -> Any
    image = _shown(request, fingerprint)
    return sync(image.render(request.daemon), etag=image.counts)


def _shown(request, fingerprint):
    # type: (Request, str) -> Image
    """An image that who asks may see."""
    daemon = request.daemon
    image = find(daemon, fingerprint, daemon.kind.wordy)
    if request.trusted or image.public:
        return image
    secret = request.query.get('secret')
    daemon.purge()  # the secret lives as long as its operation is known
    for operation in list(daemon.operations.values()):
        if secret and operation.resources == {
                'images': [image.path]} and (
                operation.metadata or {}).get('secret') == secret:
            operation.finish('Cancelled')
            return image
    raise APIError(404, 'Image "{}" not found'.format(image.fingerprint))


@route('PUT', '/1.0/images/{}')
@route('PATCH', '/1.0/images/{}')
def _put(request, fingerprint):
    # type: (Request, str) -> Any
    image = find(request.daemon, fingerprint)
    request.match(image.counts)
    if request.method == 'PATCH':
        golang.decode(request.text, 'shared.Jmap', '')
    body = request.json('ImagePut', 'public:b auto_update:b properties:m '
                        'profiles:l expires_at:s')
    given = golang.loads(request.text) or {}
    if request.method == 'PATCH':
        body = {key: body[key] for key in given if key in body}
        if 'properties' in body:
            body['properties'] = dict(
                image.properties, **(body['properties'] or {}))
    elif body['profiles'] is None:
        del body['profiles']
    for key in ('public', 'auto_update', 'profiles'):
        if key in body:
            setattr(image, key, body[key])
    if 'properties' in body:
        image.properties = body['properties'] or {}
    if given.get('expires_at'):
        image.expires = given['expires_at']
    request.daemon.lifecycle('image-updated', image.path, request.requestor)
    return {}


@route('DELETE', '/1.0/images/{}')
def _delete(request, fingerprint):
    # type: (Request, str) -> Any
    daemon = request.daemon
    image = find(daemon, fingerprint)

    def work(operation):
        # type: (Operation) -> None
        with daemon.lock:
            if daemon.images.pop(image.fingerprint, None) is None:
                raise APIError(404, 'Image not found')
            for name, alias in list(daemon.aliases.items()):
                if alias['target'] == image.fingerprint:
                    del daemon.aliases[name]
            for path in image.paths:
                os.remove(path)
        daemon.lifecycle('image-deleted', image.path, request.requestor)
    return request.operation('Deleting image', work, [
        ('images', image.fingerprint)])


@route('GET', '/1.0/images/{}/export', public=True)
def _export(request, fingerprint):
    # type: (Request, str) -> Any
    image = _shown(request, fingerprint)
    name = image.fingerprint + '.tar.gz'
    if len(image.paths) == 1:
        return Answer(200, _chunks(image.paths), {
            'Content-Length': str(image.size),
            'Content-Disposition': 'inline;filename=' + name,
        }, 'octet-stream')
    boundary = random_hex()
    heads = ['--{}\r\nContent-Disposition: form-data; name="{}"; filename="{}"'
             '\r\nContent-Type: application/octet-stream\r\n\r\n'.format(
                 boundary, part, name).encode() for part, name in (
                     ('metadata', 'meta-' + name), ('rootfs', name))]
    end = '\r\n--{}--\r\n'.format(boundary).encode()

    def pieces():
        # type: () -> Iterator[bytes]
        for between, head, path in zip((b'', b'\r\n'), heads, image.paths):
            yield between + head
            for chunk in _chunks([path]):
                yield chunk
        yield end
    return Answer(200, pieces(), {
        'Content-Length': str(image.size + len(b''.join(heads) + end) + 2),
        'Content-Type': 'multipart/form-data; boundary=' + boundary})


@route('POST', '/1.0/images/{}/secret')
def _make_secret(request, fingerprint):
    # type: (Request, str) -> Any
    image = find(request.daemon, fingerprint)
    return request.operation(
        'Image download token', None, [('images', image.fingerprint)],
        metadata={'secret': random_hex()})


# Other servers

def fetch(daemon, source, cached=False, requestor=None, **fields):
    # type: (Daemon, Dict[str, Any], bool, Any, **Any) -> Image
    """Get an image from another server, unless it is here already."""
    session = requests.Session()
    session.trust_env = False
    session.verify = daemon.authorities
    if source.get('project'):
        session.params = {'project': source['project']}
    pinned = None
    if source.get('certificate'):
        descriptor, pinned = tempfile.mkstemp(dir=daemon.directory)
        with os.fdopen(descriptor, 'wb') as output:
            output.write(six.ensure_binary(source['certificate']))
        session.verify = pinned
    try:
        if source.get('type') == 'url':
            return _fetch_url(daemon, session, source, requestor, fields)
        fields.update(cached=cached, source={
            'alias': source.get('alias', ''), 'certificate': '',
            'protocol': source.get('protocol') or daemon.kind.server,
            'server': source.get('server', ''), 'image_type': 'container'})
        if source.get('protocol') == 'simplestreams':
            return _fetch_stream(daemon, session, source, requestor, fields)
        return _fetch_server(daemon, session, source, requestor, fields)
    except (requests.RequestException, EnvironmentError) as error:
        raise APIError(400, 'Failed to connect to {} server "{}": {}'.format(
            daemon.kind.title, source.get('server') or source.get('url', ''),
            error))
    finally:
        session.close()
        if pinned:
            os.remove(pinned)


def _take(daemon, session, url, fingerprint, requestor, fields):
    # type: (Daemon, Any, Any, str, Any, Any) -> Image
    """Download the parts of an image, and check them."""
    if fingerprint in daemon.images:
        return daemon.images[fingerprint]
    paths = []
    filename = ''
    for part in url if isinstance(url, list) else [url]:
        descriptor, path = tempfile.mkstemp(dir=daemon.directory)
        os.close(descriptor)
        response = session.get(part, stream=True)
        response.raise_for_status()
        got = write_file(path, response.iter_content(BLOCK))
        type_ = response.headers.get('Content-Type', '')
        filename = parse.unquote(part.partition('?')[0].rpartition('/')[2])
        paths.extend(_split(path, type_) if type_.startswith('multipart')
                     else [path])
    if len(paths) > 1:
        joined = paths[0] + '.whole'
        got = write_file(joined, _chunks(paths))
        os.remove(joined)
    if got != fingerprint:
        for path in paths:
            os.remove(path)
        raise APIError(400, 'Hash mismatch for {}: {} != {}'.format(
            url, got, fingerprint))
    return add(daemon, paths, fingerprint, read_metadata(paths[0]),
               fields.pop('filename', filename), requestor, **fields)


def _json(session, url):
    # type: (Any, str) -> Any
    response = session.get(url)
    if response.status_code != 200:
        try:
            raise APIError(400, 'Failed getting remote image info: '
                           + response.json()['error'])
        except (ValueError, KeyError):
            response.raise_for_status()
    return response.json()


def _fetch_server(daemon, session, source, requestor, fields):
    # type: (Daemon, Any, Any, Any, Any) -> Image
    server = (source.get('server') or '').rstrip('/')
    if not server:
        raise APIError(400, 'Failed to connect to {} server "": Get "/1.0": '
                       'unsupported protocol scheme ""'.format(
                           daemon.kind.title))
    base = server + '/1.0/images/'
    _json(session, server + '/1.0')
    name = source.get('alias') or source.get('fingerprint', '')
    if source.get('alias'):
        name = _json(session, base + 'aliases/' + parse.quote(
            source['alias'], ''))['metadata']['target']
    query = '?secret=' + source['secret'] if source.get('secret') else ''
    info = _json(session, base + name + query)['metadata']
    image = _take(daemon, session,
                  base + info['fingerprint'] + '/export' + query,
                  info['fingerprint'], requestor,
                  dict(fields, filename=info['filename']))
    image.properties = dict(info['properties'])
    return image


def _fetch_url(daemon, session, source, requestor, fields):
    # type: (Daemon, Any, Any, Any, Any) -> Image
    prefix = daemon.kind.title + '-'
    response = session.head(source['url'], headers={
        prefix + 'Server-Architectures': 'x86_64, i686',
        prefix + 'Server-Version': daemon.kind.version})
    response.raise_for_status()
    for name in ('Image-Hash', 'Image-URL'):
        if not response.headers.get(prefix + name):
            raise APIError(400, 'Missing {}{} header'.format(
                prefix, name))
    return _take(daemon, session, response.headers[prefix + 'Image-URL'],
                 response.headers[prefix + 'Image-Hash'], requestor, dict(
                     fields, source={
                         'alias': response.headers[prefix + 'Image-Hash'],
                         'certificate': '', 'protocol': 'direct',
                         'server': response.headers[prefix + 'Image-URL'],
                         'image_type': ''}))


def _fetch_stream(daemon, session, source, requestor, fields):
    # type: (Daemon, Any, Any, Any, Any) -> Image
    server = source['server'].rstrip('/') + '/'
    wanted = source.get('alias') or source.get('fingerprint')
    name = daemon.kind.server
    parts = [('squashfs', 'squashfs'), ('root.tar.xz', 'rootxz')]
    if source.get('image_type') == 'virtual-machine':
        fields = dict(fields, type='virtual-machine')
        parts = [('disk-kvm.img', 'disk-kvm-img')]
    for stream in _json(session, server + 'streams/v1/index.json')[
            'index'].values():
        if stream.get('datatype') != 'image-downloads':
            continue
        for product in _json(session, server + stream['path'])[
                'products'].values():
            aliases = (product.get('aliases') or '').split(',')
            for _, version in sorted(product['versions'].items(),
                                     reverse=True):
                items = version['items']
                both = items.get(name + '_combined.tar.gz')
                meta = both or items.get(name + '.tar.xz', {})
                for kind, part in parts:
                    fingerprint = both['sha256'] if both else meta.get(
                        'combined_{}_sha256'.format(part))
                    if not fingerprint or not both and kind not in items or (
                            wanted not in aliases + [fingerprint]):
                        continue
                    image = _take(daemon, session, [
                        server + item['path'] for item in
                        ([both] if both else [meta, items[kind]])],
                        fingerprint, requestor, fields)
                    image.properties.update(
                        os=product.get('os', ''),
                        release=product.get('release', ''),
                        architecture=product.get('arch', ''))
                    return image
    raise APIError(400, 'Failed getting remote image info: Failed getting '
                   'image: The requested image couldn\'t be found')


def first(daemon):
    # type: (Daemon) -> None
    """Put an image there that tests begin with."""
    nodes = {'/': files.node('directory', mode=0o755, modified=1)}
    for name in 'bin dev etc proc root sbin sys tmp usr var'.split():
        nodes['/' + name] = files.node(
            'directory', mode=0o1777 if name == 'tmp' else 0o755, modified=1)
    for name, data in (('bin/busybox', b'\x7fELF no more than a name\n'),
                       ('etc/passwd', b'root:x:0:0:root:/root:/bin/sh\n'),
                       ('etc/group', b'root:x:0:\n')):
        nodes['/' + name] = files.node(
            'file', data, 0o755 if name[0] == 'b' else 0o644, modified=1)
    for name in ('bin/cat bin/echo bin/env bin/false bin/id bin/ls bin/pwd '
                 'bin/sh bin/sleep bin/test bin/true linuxrc '
                 'sbin/init').split():
        nodes['/' + name] = files.node('symlink', b'/bin/busybox', modified=1)
    metadata = {'architecture': os.uname()[4], 'creation_date': 1,
                'properties': {'description': 'busybox', 'os': 'busybox'}}
    packed = io.BytesIO()
    files.write_archive(packed, json.dumps(metadata).encode(), nodes)
    path = os.path.join(daemon.directory, 'busybox')
    fingerprint = write_file(path, [packed.getvalue()])
    image = add(daemon, [path], fingerprint, metadata)
    image._nodes = nodes
    daemon.aliases['busybox'] = {'target': fingerprint, 'description': ''}
