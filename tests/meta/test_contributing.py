"""What a contribution has beside code: a changelog fragment, a page."""
import os
import re

import pytest

from test_conventions import files, read, resources

from pylxd.core.operation import Operation

#: The types of fragments; the first directory is that of all fragments.
TYPES = re.findall('^directory = "(.*)"', read('towncrier.toml'), re.M)[1:]
#: What is in changes/ and no fragment.
OTHERS = ('changes/README.rst', 'changes/template.rst')
#: Resources that the page of another one describes, with its manager.
INSIDE_ANOTHER = ('Snapshot',)


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


def sections(page):
    """The headings of a page, each with the text below it."""
    parts = re.split(r'^(.+)\n-{3,}\n', read(page), flags=re.M)
    return list(zip(parts[1::2], parts[2::2]))


def find_page(heading):
    """The page with a heading."""
    found = [page for page in files('doc', '.rst')
             if page != 'doc/_template.rst'
             and heading in [title for title, _ in sections(page)]]
    assert found, 'no page of doc/ has the heading {!r}'.format(heading)
    return found[0]


def documented_models():
    """Each model, with the name that its page uses, and its attributes.

    Instances and virtual machines have the attributes of containers.
    """
    fields = [name for name, value in vars(Operation).items()
              if not (name.startswith('_') or callable(value)
                      or isinstance(value, (property, classmethod,
                                            staticmethod)))]
    fields.remove('failure_was_raised')
    return [('Operation', sorted(fields))] + [
        (re.sub('(?<!^)([A-Z])', r' \1', cls.__name__).capitalize(),
         sorted(cls.__attributes__))
        for _, cls in resources()
        if cls.__name__ not in ('Instance', 'VirtualMachine')]


@pytest.mark.parametrize('singular, attributes', documented_models())
def test_a_page_names_each_attribute(singular, attributes):
    heading = singular + ' attributes'
    page = find_page(heading)
    text = dict(sections(page))[heading]
    for name in attributes:
        assert '``{}``'.format(name) in text, (
            '{} does not name the attribute {}'.format(page, name))


@pytest.mark.parametrize('singular', [
    singular for singular, _ in documented_models()])
def test_a_page_has_the_headings_of_the_template(singular):
    page = find_page(singular + ' attributes')
    titles = [title for title, _ in sections(page)]
    wanted = [title.replace('Widget', singular) for title, _ in sections(
        'doc/_template.rst')][:3]
    if singular in INSIDE_ANOTHER:
        del wanted[0]
    start = titles.index(wanted[0])
    assert titles[start:start + len(wanted)] == wanted, page
    assert titles[start + len(wanted):], '{} has no tasks'.format(page)
