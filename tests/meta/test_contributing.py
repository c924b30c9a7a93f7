"""What a contribution has beside code: a changelog fragment, a page."""
import os
import re

import pytest

from test_conventions import ROOT, find_models, read_text

from pylxd.core.operation_fields import OperationFields

#: The types of fragments; the first directory is that of all fragments.
TYPES = re.findall(
    '^directory = "(.*)"', read_text('towncrier.toml'), re.M)[1:]
#: What is in changes/ and no fragment.
OTHERS = ('changes/README.rst', 'changes/template.rst')
#: Resources that the page of another one describes, with its manager, and
#: those that have none.
INSIDE_ANOTHER = (
    'Backup', 'Cluster', 'Instance metadata', 'Network zone record', 'Server',
    'Snapshot', 'Storage bucket backup', 'Storage bucket key',
    'Storage volume backup', 'Storage volume snapshot')


def list_directory(directory):
    """Return the files of a directory, by their path from ROOT."""
    return sorted('{}/{}'.format(directory, name)
                  for name in os.listdir(os.path.join(ROOT, directory)))


def list_fragments():
    """Return the changelog fragments, by their path from ROOT."""
    return [name for name in list_directory('changes') if name not in OTHERS]


@pytest.mark.parametrize('name', list_fragments())
def test_a_fragment_has_a_known_type_and_a_text(name):
    named = re.match(r'^([a-z0-9-]+)\.([a-z]+)\.rst$', os.path.basename(name))
    assert named, '{}: call it SLUG.TYPE.rst'.format(name)
    assert named.group(2) in TYPES, '{}: the types are {}'.format(
        name, ', '.join(TYPES))
    assert read_text(name).strip(), '{} is empty'.format(name)


def test_types_of_fragments_are_described():
    assert TYPES == re.findall(
        r'^``(\w+)``  ', read_text('changes/README.rst'), re.M)


def test_the_changelog_has_the_place_for_a_release():
    assert '\n.. towncrier release notes start\n' in read_text('CHANGELOG.rst')


def read_sections(page):
    """Return the headings of a page, each with the text below it."""
    parts = re.split(r'^(.+)\n-{3,}\n', read_text(page), flags=re.M)
    return list(zip(parts[1::2], parts[2::2]))


def find_page(heading):
    """Return the page with a heading."""
    found = [page for page in list_directory('doc')
             if page.endswith('.rst') and page != 'doc/_template.rst'
             and heading in [title for title, _ in read_sections(page)]]
    assert found, (
        'no page of doc/ has the heading {!r}: copy doc/_template.rst'.format(
            heading))
    return found[0]


def list_documented_models():
    """Return each model's name on its page, with its attributes.

    Instances and virtual machines have the attributes of containers.
    """
    fields = [name for name, value in vars(OperationFields).items()
              if not (name.startswith('_') or callable(value)
                      or isinstance(value, (property, classmethod,
                                            staticmethod)))]
    fields.remove('failure_was_raised')
    return [('Operation', sorted(fields))] + [
        (re.sub('(?<!^)([A-Z])', r' \1', cls.__name__).capitalize().replace(
            ' acl', ' ACL'), sorted(cls.__attributes__))
        for _, cls in find_models()
        if cls.__name__ not in ('Instance', 'VirtualMachine')]


@pytest.mark.parametrize('singular, attributes', list_documented_models())
def test_a_page_names_each_attribute(singular, attributes):
    heading = singular + ' attributes'
    page = find_page(heading)
    text = dict(read_sections(page))[heading]
    for name in attributes:
        assert '``{}``'.format(name) in text, (
            '{} does not name the attribute {}'.format(page, name))


@pytest.mark.parametrize('singular', [
    singular for singular, _ in list_documented_models()])
def test_a_page_has_the_headings_of_the_template(singular):
    page = find_page(singular + ' attributes')
    titles = [title for title, _ in read_sections(page)]
    wanted = [title.replace('Widget', singular) for title, _ in read_sections(
        'doc/_template.rst')][:3]
    if singular in INSIDE_ANOTHER:
        del wanted[0]
    start = titles.index(wanted[0]) if wanted[0] in titles else 0
    assert titles[start:start + len(wanted)] == wanted, (
        '{}: the headings must be {}, as in doc/_template.rst'.format(
            page, ', '.join(wanted)))
    assert titles[start + len(wanted):], '{} has no tasks'.format(page)
