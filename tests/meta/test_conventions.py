"""Conventions of the source code."""
import ast
import configparser
import glob
import importlib
import os
import re

import pytest

import pylxd

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
#: The parts of the library: a module imports from its own part, and from the
#: parts before it.
PARTS = ('exceptions', 'transport', 'core', 'models', '_remotes', 'client',
         'testing')
#: Modules of documented names, which export the models of these names.
DOCUMENTED = ('certificate', 'container', 'image', 'managers', 'model',
              'network', 'operation', 'profile')


#: The directories with sources. Nothing else in a checkout is read: it may
#: hold environments, logs and other files that are not of the project.
SOURCES = ('benchmarks', 'doc', 'pylxd', 'tests')


def find_files(*tops):
    """Return the Python files below directories, by their path from ROOT."""
    found = []
    for top in tops:
        for directory, _, names in os.walk(os.path.join(ROOT, top)):
            found += [
                os.path.relpath(os.path.join(directory, name), ROOT)
                for name in names if name.endswith('.py')]
    assert found
    return sorted(found)


def read_text(name):
    with open(os.path.join(ROOT, name), encoding='utf-8') as file:
        return file.read()


def read_setup_cfg():
    config = configparser.ConfigParser()
    config.read(os.path.join(ROOT, 'setup.cfg'))
    return config


def test_one_version():
    assert read_setup_cfg()['metadata']['version'] == pylxd.__version__


def test_one_list_of_requirements():
    lines = read_text('requirements.txt').splitlines()
    required = read_setup_cfg()['options']['install_requires'].split('\n')
    assert [line for line in lines if line[:1] not in ('#', '')] == [
        line for line in required if line]


def test_types_are_shipped():
    package = os.path.dirname(pylxd.__file__)
    shipped = read_setup_cfg()['options.package_data']['pylxd'].split()
    assert shipped == ['py.typed', 'transport/*.pyi']
    for pattern in shipped:
        assert glob.glob(os.path.join(package, pattern))


def find_part(module):
    """Return the index in PARTS of the part that a module belongs to."""
    name = (module.split('.') + ['client'])[1]
    if name.startswith('_'):  # what `pylxd` itself imports late
        name = 'client'
    return PARTS.index('models' if name in DOCUMENTED else name)


#: The lines that a module of the library has at most.
MOST_LINES = 400
#: The files of the library's modules, by the name of the module.
MODULES = {re.sub(r'(/__init__)?\.py$', '', name).replace('/', '.'): name
           for name in find_files('pylxd')}


@pytest.mark.parametrize('name', [
    name for name in MODULES.values()
    # Waits until the stand-in is a table of resources
    if not name.startswith('pylxd/testing/fake/')])
def test_one_idea_per_module(name):
    assert len(read_text(name).splitlines()) <= MOST_LINES


def find_run_time_imports(module):
    """Return the modules of the library that one of them imports."""
    found = find_imports(ast.parse(read_text(MODULES[module]), module))
    return {each for each in found if each in MODULES and each != module}


@pytest.mark.parametrize('module', sorted(MODULES))
def test_a_module_imports_no_later_part(module):
    for imported in find_run_time_imports(module):
        assert find_part(imported) <= find_part(module), imported


def test_no_circular_imports():
    # The stand-in has circles until it is rebuilt as a table of resources
    remaining = {module: find_run_time_imports(module) for module in MODULES
                 if not module.startswith('pylxd.testing.fake')}
    while remaining:
        free = {module for module, imported in remaining.items()
                if not imported & set(remaining)}
        assert free, 'circular imports: ' + ', '.join(sorted(remaining))
        for module in free:
            del remaining[module]


def find_circles(graph):
    """Return the imports, as pairs of modules, that are part of a circle."""
    reached = {}
    for module in graph:
        found, waiting = set(), [module]
        while waiting:
            new = graph[waiting.pop()] & set(graph) - found
            found |= new
            waiting += new
        reached[module] = found
    return {(one, other) for one in graph for other in graph[one] & set(graph)
            if one in reached[other]}


#: Modules that any other may import for checkers: an attribute of each object
#: is its client, and an attribute of an exception is an operation.
FOR_ALL_CHECKERS = {'pylxd.client', 'pylxd.core.operation'}
#: Circular imports that only type checkers see, as (module, imported): an
#: object and its managers, an attribute and its model.
FOR_CHECKERS = {
    ('pylxd.core.attribute', 'pylxd.core.model'),
    ('pylxd.core.document', 'pylxd.core.attribute'),
    ('pylxd.core.listing', 'pylxd.core.manager'),
    ('pylxd.core.model', 'pylxd.core.listing'),
    ('pylxd.models.image_copy', 'pylxd.models.image'),
    ('pylxd.models.instance', 'pylxd.models.instance_log'),
    ('pylxd.models.instance_copy', 'pylxd.models.instance'),
    ('pylxd.models.instance_log', 'pylxd.models.instance'),
    ('pylxd.models.instance_metadata', 'pylxd.models.instance'),
    ('pylxd.models.snapshot', 'pylxd.models.instance'),
    ('pylxd.models.storage_volume', 'pylxd.models.storage_volume_snapshot'),
    ('pylxd.models.storage_volume_copy', 'pylxd.models.storage_volume'),
    ('pylxd.models.storage_volume_snapshot', 'pylxd.models.storage_volume'),
}


def test_circular_imports_of_type_checkers_are_known():
    for_all, at_run_time = [
        {module: {each for each in find_imports(
            ast.parse(read_text(MODULES[module])), checking)
                  if each in MODULES and each != module}
         for module in MODULES if not module.startswith('pylxd.testing')}
        for checking in (True, False)]
    for module in for_all:
        for_all[module] -= FOR_ALL_CHECKERS - at_run_time[module]
    assert {(one, other) for one, other in find_circles(for_all)
            if other not in at_run_time[one]} == FOR_CHECKERS


def find_imports(tree, checking=False):
    """Yield the full names of the modules that a module imports.

    :param checking: include the imports for type checkers alone.
    """
    if not checking and isinstance(tree, ast.If) and getattr(
            tree.test, 'id', None) == 'TYPE_CHECKING':
        return
    if isinstance(tree, ast.Import):
        for alias in tree.names:
            yield alias.name
    elif isinstance(tree, ast.ImportFrom):
        for alias in tree.names:
            full = '{}.{}'.format(tree.module, alias.name)
            yield full if full in MODULES else tree.module
    for child in ast.iter_child_nodes(tree):
        for name in find_imports(child, checking):
            yield name


@pytest.mark.trap('types-in-comments')
@pytest.mark.parametrize('name', find_files(*SOURCES))
def test_every_import_is_used(name):
    """pyflakes does not see uses in type comments; here they count."""
    source = read_text(name)
    bound, used = set(), set()
    for node in ast.walk(ast.parse(source, name)):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and getattr(
                node, 'module', None) != '__future__':
            bound.update(
                (alias.asname or alias.name).split('.')[0]
                for alias in node.names)
        elif isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.Assign) and getattr(
                node.targets[0], 'id', None) == '__all__':
            used.update(ast.literal_eval(node.value))
    for comment in re.findall(r'# type: (.*)', source):
        used.update(re.findall(r'\w+', comment))
    unused = sorted(bound - used)
    assert not unused


def import_file(name):
    """Import the module in a file of the library."""
    return importlib.import_module(
        re.sub(r'(/__init__)?\.py$', '', name).replace('/', '.'))


def find_classes(name):
    """Return the classes that a file of the library defines."""
    module = import_file(name)
    return [value for value in vars(module).values()
            if getattr(value, '__module__', None) == module.__name__
            and isinstance(value, type)]


def find_models():
    """Return the models of all resources, as pairs of module and class."""
    found = [(module, cls) for module in sorted(MODULES)
             if module.startswith('pylxd.models.')
             for cls in find_classes(MODULES[module])
             # Classes without attributes are parts of a model: its verbs
             if getattr(cls, '__attributes__', None)]
    assert found
    return found


def find_managers():
    """Return the managers of all resources, as pairs of module and class."""
    return [(module, cls) for module in sorted(MODULES)
            if module.startswith('pylxd.models.')
            for cls in find_classes(MODULES[module])
            if getattr(cls, 'model', None) is not None]


def find_identifiers(*tops):
    """Return the names that code uses; comments and texts do not count."""
    found = set()
    for name in find_files(*tops):
        for node in ast.walk(ast.parse(read_text(name), name)):
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
    return found


#: The API extensions that LXD or Incus lists in ``GET /1.0``.
EXTENSIONS = set(re.findall(r'[\w-]+', read_text(
    'pylxd/testing/fake/extensions.py')))


@pytest.mark.parametrize('module, cls', find_models())
def test_a_resource_is_complete(module, cls):
    """Each message says what a new resource needs beside its module."""
    models = importlib.import_module('pylxd.models')
    assert getattr(models, cls.__name__, None) is cls and (
        cls.__name__ in models.__all__), 'export it from pylxd/models'
    assert cls.__name__ in find_identifiers('tests/contract'), (
        'use {} in a test of tests/contract'.format(cls.__name__))
    assert find_identifiers('tests/unit') & {
        each.__name__ for each in find_classes(MODULES[module])}, (
            'use {} in a test of tests/unit'.format(cls.__name__))
    for extension in (cls.extension, cls.write_extension):
        assert not extension or extension in EXTENSIONS, (
            'no server has the extension {}'.format(extension))
    config = cls.__attributes__.get('config')
    assert not config or config.readonly or config.schema == {str: str}, (
        'declare config with {str: str}, which lets numbers become text')


@pytest.mark.parametrize('module, cls', find_models() + find_managers())
def test_the_api_page_has_the_class(module, cls):
    name = '{}.{}'.format(module, cls.__name__)
    assert re.search(r'^\.\. autoclass:: {}$'.format(re.escape(name)),
                     read_text('doc/api.rst'), re.M), (
        'add .. autoclass:: {} to doc/api.rst'.format(name))


@pytest.mark.parametrize('module, manager', find_managers())
def test_a_manager_is_an_attribute_of_its_parent(module, manager):
    line = "'{}:{}'".format(module.rpartition('.')[2], manager.__name__)
    assert any(line in read_text(name) for name in find_files('pylxd')), (
        'add a line with collection({}) to its parent'.format(line))


def test_every_exception_is_in_the_documented_tree():
    exceptions = importlib.import_module('pylxd.exceptions')
    for cls in find_classes('pylxd/exceptions.py'):
        assert issubclass(cls, exceptions.LXDException)
        assert ' %s ' % cls.__name__ in exceptions.__doc__.replace('\n', ' ')


def test_every_exported_name_exists():
    for name in find_files('pylxd'):
        module = import_file(name)
        for public in getattr(module, '__all__', ()):
            assert hasattr(module, public)
