"""Compare the stand-in with a real LXD: responses to the same random calls.

Values that always differ, such as times, identifiers and sizes, are replaced
before. A difference is a bug of the stand-in; a call whose response nobody
needs is left out of calls.py instead.

``make differential`` makes more calls; ``SEED`` repeats a failed walk.
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

#: Calls of each walk; a walk begins with the objects of a new server.
LENGTH = 100
STEPS = int(os.environ.get('STEPS') or 500)
SEED = int(os.environ.get('SEED') or 1)

_PATTERNS = [(re.compile(pattern), name) for pattern, name in (
    (r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'UUID'),
    (r'[0-9a-f]{64}', 'SHA256'),
    (r'(?!0001|1970|2100)\d{4}-\d\d-\d\dT[\d:.]+(Z|[-+]\d\d:\d\d)', 'TIME'),
    (r'127\.0\.0\.1:\d+', 'ADDRESS'), (r'[\d.]+[kMG]?B/s', 'SPEED'),
    (r' \(the stand-in has [^)]*\(\)\)', ''))]
_VARYING = {'pid', 'size', 'processes', 'environment', 'secret', 'addresses',
            'certificate', 'speed'}
#: Zero on a host that lacks the cgroup controller which counts them.
_COUNTED = {'usage', 'usage_peak'}


class Side(object):
    """One of the two servers."""

    def __init__(self, lxd):
        self.home = os.path.dirname(lxd.socket)
        self.client = lxd.client()
        self.initial_images = {
            image.fingerprint for image in self.client.images.all()}

    def send(self, method, path, **kwargs):
        return self.client.transport.request(method, path, **kwargs)

    def make_call(self, call):
        """Make a call; return its response and those of its operation."""
        headers, body = dict(call.headers), call.json
        before = None
        if call.edit is not None or call.etag == RIGHT:
            before = self.send('GET', call.path)
        if call.etag:
            headers['If-Match'] = (
                call.etag if call.etag != RIGHT
                else before.headers.get('ETag', ''))
        if call.edit is not None:
            body = merge_bodies(before.json().get('metadata') or {}, call.edit)
        response = self.send(call.method, call.path, json=body,
                             data=call.data, headers=headers)
        answers = [self.normalize(response)]
        if response.status_code == 202:
            # The operation may have ended already
            for key in 'status', 'status_code', 'err', 'metadata':
                del answers[0]['body']['metadata'][key]
            path = response.json()['operation']
            # The operation of a token never ends
            if answers[0]['body']['metadata']['class'] == 'token':
                return answers + [self.normalize(self.send('DELETE', path))]
            done = self.send('GET', path + '/wait?timeout=60')
            answers.append(self.normalize(done))
            inner = done.json()['metadata'].get('metadata') or {}
            for _, output in sorted((inner.get('output') or {}).items()):
                answers.append(self.normalize(self.send('GET', output)))
                answers[-1]['body'] = sorted(  # env prints in no order
                    answers[-1]['body'].splitlines())
        return answers

    def normalize(self, response):
        """Return the status, headers and body that all servers share."""
        answer = {
            key.lower(): self.replace_varying(value)
            for key, value in response.headers.items() if re.match(
                'X-LXD-(?!modified)|Content-Type$|Location$', key, re.I)}
        answer.update(status=response.status_code,
                      etag='etag' in response.headers)
        answer['body'] = response.content
        if answer['content-type'] == 'application/json':
            answer['body'] = self.replace_varying(response.json())
        return answer

    def replace_varying(self, value, key=''):
        """Return a JSON value with placeholders for what always differs."""
        if key in _COUNTED or key in _VARYING and value or re.match(
                r'volatile\.|container_progress', key):
            return key.upper()
        if isinstance(value, dict):
            return {key: self.replace_varying(
                value[key], key) for key in value}
        if isinstance(value, list):  # most lists have no order
            return sorted((self.replace_varying(item) for item in value),
                          key=lambda item: json.dumps(item, sort_keys=True))
        if isinstance(value, six.string_types):
            value = value.replace(self.home, 'HOME')
            for pattern, name in _PATTERNS:
                value = pattern.sub(name, value)
        return value

    def reset(self):
        """Remove what the walk has created and changed."""
        client = self.client
        for instance in client.instances.all():
            if instance.ephemeral:  # a stop would delete it later
                self.send('PATCH', '/1.0/instances/' + instance.name,
                          json={'ephemeral': False})
            if instance.status != 'Stopped':
                instance.stop(force=True, wait=True)
            instance.delete(wait=True)
        for profile in client.profiles.all():
            if profile.name != 'default':
                # Lists quote some names twice: delete by the bare name
                self.send('DELETE', '/1.0/profiles/' + quote(profile.name))
        for image in client.images.all():
            if image.fingerprint not in self.initial_images:
                image.delete(wait=True)
        self.send('PATCH', '/1.0/profiles/default', json={
            'description': 'Default LXD profile'})
        self.send('PATCH', '/1.0', json={'config': {'user.a': ''}})


def format_call(call):
    """Return a call as an expression in Python."""
    return 'Call({})'.format(', '.join(
        '{}={}'.format(name, 'IMAGES[{}]'.format(IMAGES.index(value))
                       if value in IMAGES else repr(value))
        for name, value in call._asdict().items() if value))


def merge_bodies(old, changes):
    """Return a body with changes, merged one level deep."""
    return dict(old, **{
        key: dict(old[key], **value)
        if isinstance(value, dict) and isinstance(old.get(key), dict)
        else value for key, value in changes.items()})


@pytest.fixture(scope='module')
def sides(lxd):
    """The stand-in and a real server."""
    if not isinstance(lxd, testing.ThrowawayLXD):
        pytest.skip('compares the stand-in with a real LXD: --lxd=real')
    with testing.FakeLXD() as stand_in:
        yield Side(stand_in), Side(lxd)


@pytest.mark.skipif(six.PY2, reason='Python 2 has other random numbers')
@pytest.mark.timeout(0)
def test_the_stand_in_answers_as_a_real_server(sides):
    fake_side, real_side = sides
    for walk in range((STEPS + LENGTH - 1) // LENGTH):
        history = []
        calls = Calls(random.Random(SEED + walk))
        for call in itertools.islice(calls, LENGTH):
            history.append(call)
            ours, theirs = fake_side.make_call(call), real_side.make_call(call)
            if ours != theirs:
                pytest.fail('SEED={}\n{}\nthe stand-in: {}\n'
                            'the real one: {}'.format(
                                SEED + walk,
                                '\n'.join(map(format_call, history)),
                                ours, theirs), False)
        fake_side.reset()
        real_side.reset()
