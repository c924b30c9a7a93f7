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
#: Who may import whom: a module imports only from the lines above its own.
LAYERS = (
    'exceptions',
    'tls',
    'pools',
    'transport',
    'api',
    'websocket',
    'streams',
    'server',
    'operation',
    'model',
    'manager',
    'files',
    'image',
    'container',
    'network',
    'certificate',
    'profile',
    'client',
    'models',
    '__init__',
    'testing',
)


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


def level(module):
    """The layer of a module of pylxd, by its dotted name."""
    room = (module + '.__init__').split('.')[1]
    return LAYERS.index(room)


@pytest.mark.parametrize('name', files('pylxd', '.py'))
def test_direction_of_dependency(name):
    module = name[:-len('.py')].replace('/', '.')
    tree = ast.parse(read(name), name)
    for imported in imports(tree):
        if imported.split('.')[0] == 'pylxd' and imported != module:
            assert level(imported) < level(module) or (
                level(imported) == level(module) == level('pylxd.testing')
            ), '{} imports {}'.format(module, imported)


def imports(tree):
    """The modules that a module needs at run time, by their full names."""
    if isinstance(tree, ast.If) and getattr(
            tree.test, 'id', None) == 'TYPE_CHECKING':
        return
    if isinstance(tree, ast.Import):
        for alias in tree.names:
            yield alias.name
    elif isinstance(tree, ast.ImportFrom):
        for alias in tree.names:
            if tree.module == 'pylxd':
                yield 'pylxd.' + alias.name
            else:
                yield tree.module
    for child in ast.iter_child_nodes(tree):
        for name in imports(child):
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


def test_every_model_is_exported():
    models = importlib.import_module('pylxd.models')
    found = [cls for name in files('pylxd', '.py') if name.count('/') == 1
             for cls in classes(name)
             if hasattr(cls, '__attributes__') and cls.path]
    assert found
    for cls in found:
        assert getattr(models, cls.__name__) is cls
        assert cls.__name__ in models.__all__


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


@pytest.mark.parametrize('name', files())
def test_no_registry_is_named(name):
    """Where packages come from is the business of pip's and apt's settings."""
    hosts = re.compile(
        rb'(debian|ubuntu|pypi|pythonhosted|npmjs)\.(org|com)', re.I)
    with open(os.path.join(ROOT, name), 'rb') as file:
        assert not hosts.search(file.read())
