"""What a contribution has beside code: its fragment of the changelog."""
import os
import re

import pytest

from test_conventions import files, read

#: The types of fragments; the first directory is that of all fragments.
TYPES = re.findall('^directory = "(.*)"', read('towncrier.toml'), re.M)[1:]
#: What is in changes/ and no fragment.
OTHERS = ('changes/README.rst', 'changes/template.rst')


def fragments():
    return [name for name in files('changes') if name not in OTHERS]


@pytest.mark.parametrize('name', fragments())
def test_a_fragment_has_a_known_type_and_a_text(name):
    named = re.match(r'^([a-z0-9-]+)\.([a-z]+)\.rst$', os.path.basename(name))
    assert named, '{}: call it SLUG.TYPE.rst'.format(name)
    assert named.group(2) in TYPES, '{}: the types are {}'.format(
        name, ', '.join(TYPES))
    assert read(name).strip(), '{} is empty'.format(name)


def test_types_of_fragments_are_described():
    assert TYPES == re.findall(
        r'^``(\w+)``  ', read('changes/README.rst'), re.M)


def test_the_changelog_has_the_place_for_a_release():
    assert '\n.. towncrier release notes start\n' in read('CHANGELOG.rst')
