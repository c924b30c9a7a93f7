"""The conventions of the code itself."""
import ast
import configparser
import fnmatch
import importlib
import os
import re

import pytest

import pylxd

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
#: The parts of the library: a module imports from those above its own part,
#: and from its own.
PARTS = ('exceptions', 'transport', 'core', 'models', 'client', 'testing')
#: The documented module names, which import from the parts that they name.
DOCUMENTED = ('certificate', 'container', 'image', 'network', 'operation',
              'profile')


def files(top='.', suffix=''):
    """The files of the project, by their path from its root."""
    skipped = read('.gitignore').split() + ['.git/']
    found = []
    for directory, directories, names in os.walk(os.path.join(ROOT, top)):
        path = os.path.relpath(directory, ROOT) + '/'
        directories[:] = [name for name in directories if not any(
            fnmatch.fnmatch(name + '/', pattern)
            or os.path.normpath(path + name) == pattern.rstrip('/')
            for pattern in skipped)]
        found += [os.path.normpath(path + name) for name in names
                  if name.endswith(suffix) and not name.endswith('.pyc')]
    assert found
    return sorted(found)


def read(name):
    with open(os.path.join(ROOT, name), encoding='utf-8') as file:
        return file.read()


def setup_cfg():
    config = configparser.ConfigParser()
    config.read(os.path.join(ROOT, 'setup.cfg'))
    return config


def test_one_version():
    assert setup_cfg()['metadata']['version'] == pylxd.__version__


def test_one_list_of_requirements():
    lines = read('requirements.txt').splitlines()
    required = setup_cfg()['options']['install_requires'].split('\n')
    assert [line for line in lines if line[:1] not in ('#', '')] == [
        line for line in required if line]


def test_types_are_shipped():
    package = os.path.dirname(pylxd.__file__)
    assert os.path.isfile(os.path.join(package, 'py.typed'))


def part(module):
    """The part of the library that a module belongs to, as a number."""
    name = (module.split('.') + ['client'])[1]
    return PARTS.index('models' if name in DOCUMENTED else name)


#: The modules of the library and their files.
MODULES = {re.sub(r'(/__init__)?\.py$', '', name).replace('/', '.'): name
           for name in files('pylxd', '.py')}


def run_time_imports(module):
    """The modules of the library that a module of it imports."""
    found = imports(ast.parse(read(MODULES[module]), module))
    return {each for each in found if each in MODULES and each != module}


@pytest.mark.parametrize('module', sorted(MODULES))
def test_direction_of_dependency(module):
    for imported in run_time_imports(module):
        assert part(imported) <= part(module), imported


def test_no_module_imports_itself_by_way_of_others():
    # The stand-in has circles until it is rebuilt as a table of resources
    remaining = {module: run_time_imports(module) for module in MODULES
                 if not module.startswith('pylxd.testing.fake')}
    while remaining:
        free = {module for module, imported in remaining.items()
                if not imported & set(remaining)}
        assert free, 'a circle of imports: ' + ', '.join(sorted(remaining))
        for module in free:
            del remaining[module]


def circles(graph):
    """The pairs of modules that reach each other by their imports."""
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
#: What only checkers import against the direction of the dependency, or in a
#: circle: an object and the managers inside of it.
FOR_CHECKERS = {
    ('pylxd.core.attribute', 'pylxd.core.model'),
    ('pylxd.core.document', 'pylxd.core.attribute'),
    ('pylxd.core.listing', 'pylxd.core.manager'),
    ('pylxd.core.model', 'pylxd.core.listing'),
    ('pylxd.models.instance_files', 'pylxd.models.instance'),
    ('pylxd.models.snapshot', 'pylxd.models.instance'),
}


def test_circles_that_checkers_alone_see():
    for_all, at_run_time = [
        {module: {each for each in imports(ast.parse(read(MODULES[module])),
                                           checking)
                  if each in MODULES and each != module}
         for module in MODULES if not module.startswith('pylxd.testing')}
        for checking in (True, False)]
    for module in for_all:
        for_all[module] -= FOR_ALL_CHECKERS - at_run_time[module]
    assert {(one, other) for one, other in circles(for_all)
            if other not in at_run_time[one]} == FOR_CHECKERS


def imports(tree, checking=False):
    """The modules that a module imports, by their full names.

    :param checking: include what it imports for type checkers alone.
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
        for name in imports(child, checking):
            yield name


@pytest.mark.trap('types-in-comments')
@pytest.mark.parametrize('name', files(suffix='.py'))
def test_every_import_is_used(name):
    """Uses in type comments count, which pyflakes does not see."""
    source = read(name)
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


def module_of(name):
    """The module in a file, imported."""
    return importlib.import_module(
        re.sub(r'(/__init__)?\.py$', '', name).replace('/', '.'))


def classes(name):
    """The classes that a file defines."""
    module = module_of(name)
    return [value for value in vars(module).values()
            if getattr(value, '__module__', None) == module.__name__
            and isinstance(value, type)]


def resources():
    """The models of all resources, with the modules that declare them."""
    found = [(module, cls) for module in sorted(MODULES)
             if module.startswith('pylxd.models.')
             for cls in classes(MODULES[module])
             if hasattr(cls, '__attributes__')]
    assert found
    return found


@pytest.mark.parametrize('module, cls', resources())
def test_a_resource_is_complete(module, cls):
    """What a new resource needs beside its module; each message says what."""
    models = importlib.import_module('pylxd.models')
    assert getattr(models, cls.__name__, None) is cls and (
        cls.__name__ in models.__all__), 'export it from pylxd/models'
    name = '{}.{}'.format(module, cls.__name__)
    assert name in read('doc/api.rst'), 'add {} to doc/api.rst'.format(name)
    assert any(re.search(r'\b{}\b'.format(cls.__name__), read(test))
               for test in files('tests/contract', '.py')), (
        'test {} in tests/contract'.format(cls.__name__))


@pytest.mark.parametrize('module, manager', [
    (module, cls) for module in sorted(MODULES)
    if module.startswith('pylxd.models.') for cls in classes(MODULES[module])
    if getattr(cls, 'model', None) is not None])
def test_a_manager_is_reached(module, manager):
    line = "'{}:{}'".format(module.rpartition('.')[2], manager.__name__)
    assert any(line in read(name) for name in files('pylxd', '.py')), (
        'add a line with collection({}) to its parent'.format(line))


def test_every_exception_is_in_the_tree():
    exceptions = importlib.import_module('pylxd.exceptions')
    for cls in classes('pylxd/exceptions.py'):
        assert issubclass(cls, exceptions.LXDException)
        assert ' %s ' % cls.__name__ in exceptions.__doc__.replace('\n', ' ')


def test_what_is_exported_is_there():
    for name in files('pylxd', '.py'):
        module = module_of(name)
        for public in getattr(module, '__all__', ()):
            assert hasattr(module, public)
