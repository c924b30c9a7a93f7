"""The same random calls, answered alike by the stand-in and by a real LXD.

What differs by nature is replaced before: times, identifiers, sizes and the
like. A divergence is a bug of the stand-in, or where nobody needs its answer,
a call to leave out (calls.py).

``make differential`` walks on; ``SEED`` gives a walk once more.
"""
from __future__ import print_function

import itertools
import json
import os
import random
import re

import pytest
import six

from pylxd import testing

from .calls import IMAGES, RIGHT, Calls, quote

#: Steps of each walk; each begins with what a new server has.
LENGTH = 100
STEPS = int(os.environ.get('STEPS') or 500)
SEED = int(os.environ.get('SEED') or 1)

_PATTERNS = [(re.compile(pattern), name) for pattern, name in (
    (r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'UUID'),
    (r'[0-9a-f]{64}', 'SHA256'),
    (r'(?!0001|1970|2100)\d{4}-\d\d-\d\dT[\d:.]+(Z|[-+]\d\d:\d\d)', 'TIME'),
    (r'127\.0\.0\.1:\d+', 'ADDRESS'), (r'[\d.]+[kMG]?B/s', 'SPEED'))]
_VARYING = {'pid', 'size', 'processes', 'environment', 'secret', 'addresses',
            'certificate', 'speed'}
#: What a host without some of the controllers of cgroups counts as nothing.
_COUNTED = {'usage', 'usage_peak'}


class Side(object):
    """One of the two servers."""

    def __init__(self, lxd):
        self.home = os.path.dirname(lxd.socket)
        self.client = lxd.client()
        self.first = {image.fingerprint for image in self.client.images.all()}

    def send(self, method, path, **kwargs):
        return self.client.transport.request(method, path, **kwargs)

    def answer(self, call):
        """What it says to a call, and to the operation that it begins."""
        headers, body = dict(call.headers), call.json
        before = None
        if call.edit is not None or call.etag == RIGHT:
            before = self.send('GET', call.path)
        if call.etag:
            headers['If-Match'] = (
                call.etag if call.etag != RIGHT
                else before.headers.get('ETag', ''))
        if call.edit is not None:
            body = merged(before.json().get('metadata') or {}, call.edit)
        response = self.send(call.method, call.path, json=body,
                             data=call.data, headers=headers)
        answers = [self.plain(response)]
        if response.status_code == 202:
            # how far it is already
            for key in 'status', 'status_code', 'err', 'metadata':
                del answers[0]['body']['metadata'][key]
            path = response.json()['operation']
            if answers[0]['body']['metadata']['class'] == 'token':  # no end
                return answers + [self.plain(self.send('DELETE', path))]
            done = self.send('GET', path + '/wait?timeout=60')
            answers.append(self.plain(done))
            inner = done.json()['metadata'].get('metadata') or {}
            for _, output in sorted((inner.get('output') or {}).items()):
                answers.append(self.plain(self.send('GET', output)))
                answers[-1]['body'] = sorted(  # of env, for one
                    answers[-1]['body'].splitlines())
        return answers

    def plain(self, response):
        """What of an answer is the same for all."""
        answer = {
            key.lower(): self.replaced(value)
            for key, value in response.headers.items() if re.match(
                'X-LXD-(?!modified)|Content-Type$|Location$', key, re.I)}
        answer.update(status=response.status_code,
                      etag='etag' in response.headers)
        answer['body'] = response.content
        if answer['content-type'] == 'application/json':
            answer['body'] = self.replaced(response.json())
        return answer

    def replaced(self, value, key=''):
        """A value without what differs by nature."""
        if key in _COUNTED or key in _VARYING and value or re.match(
                r'volatile\.|container_progress', key):
            return key.upper()
        if isinstance(value, dict):
            return {key: self.replaced(value[key], key) for key in value}
        if isinstance(value, list):  # most are in no order
            return sorted((self.replaced(item) for item in value),
                          key=lambda item: json.dumps(item, sort_keys=True))
        if isinstance(value, six.string_types):
            value = value.replace(self.home, 'HOME')
            for pattern, name in _PATTERNS:
                value = pattern.sub(name, value)
        return value

    def clean(self):
        """Make it as it was."""
        client = self.client
        for instance in client.instances.all():
            if instance.ephemeral:  # it would vanish in the background
                self.send('PATCH', '/1.0/instances/' + instance.name,
                          json={'ephemeral': False})
            if instance.status != 'Stopped':
                instance.stop(force=True, wait=True)
            instance.delete(wait=True)
        for profile in client.profiles.all():
            if profile.name != 'default':
                # some names are quoted twice in lists
                self.send('DELETE', '/1.0/profiles/' + quote(profile.name))
        for image in client.images.all():
            if image.fingerprint not in self.first:
                image.delete(wait=True)
        self.send('PATCH', '/1.0/profiles/default', json={
            'description': 'Default LXD profile'})
        self.send('PATCH', '/1.0', json={'config': {'user.a': ''}})


def shown(call):
    """A call, as it can be written in Python."""
    return 'Call({})'.format(', '.join(
        '{}={}'.format(name, 'IMAGES[{}]'.format(IMAGES.index(value))
                       if value in IMAGES else repr(value))
        for name, value in call._asdict().items() if value))


def merged(old, changes):
    """Both, with the keys of both where they are objects."""
    return dict(old, **{
        key: dict(old[key], **value)
        if isinstance(value, dict) and isinstance(old.get(key), dict)
        else value for key, value in changes.items()})


@pytest.fixture(scope='module')
def sides(lxd):
    """The stand-in and a real server."""
    if not isinstance(lxd, testing.ThrowawayLXD):
        pytest.skip('compares the stand-in with a real LXD: --lxd=real')
    with testing.FakeLXD() as fake:
        yield Side(fake), Side(lxd)


@pytest.mark.skipif(six.PY2, reason='its random numbers are other ones')
@pytest.mark.timeout(0)
def test_the_stand_in_answers_as_a_real_server(sides):
    fake, real = sides
    for walk in range((STEPS + LENGTH - 1) // LENGTH):
        done = []
        calls = Calls(random.Random(SEED + walk))
        for call in itertools.islice(calls, LENGTH):
            done.append(call)
            ours, theirs = fake.answer(call), real.answer(call)
            if ours != theirs:
                pytest.fail('SEED={}\n{}\nthe stand-in: {}\n'
                            'the real one: {}'.format(
                                SEED + walk, '\n'.join(map(shown, done)),
                                ours, theirs), False)
        fake.clean()
        real.clean()
