import pylxd
from pylxd.core.class_methods import is_class_method
from pylxd.core.identity import Identity
from pylxd.core.manager import Manager
from pylxd.core.model import Model

project = 'pylxd'
author = 'the pylxd developers'
version = release = pylxd.__version__

extensions = ['sphinx.ext.autodoc']
# ours are for mypy: class methods made from managers confuse it
autodoc_use_type_comments = False
autodoc_member_order = 'bysource'
default_role = 'py:obj'
exclude_patterns = ['_build', '_template.rst']
html_theme = 'alabaster'
html_theme_options = {'description': 'A Python library for LXD and Incus'}


#: What models and managers declare about themselves, and its defaults.
DECLARATIONS = {
    name: value for base in (Manager, Model, Identity)
    for name, value in vars(base).items()
    if isinstance(value, (str, bool, tuple)) and not name.startswith('_')}


def skip_member(app, what, name, member, skip, options):
    """Leave out members that the page documents elsewhere.

    The class methods of a model are documented with its manager, the meaning
    of ``path`` or ``extension`` with their base class. A class that another
    one names as an attribute has a place of its own.
    """
    return True if what == 'class' and (
        isinstance(member, type) or name == 'model' or is_class_method(member)
        or DECLARATIONS.get(name, member) != member) else skip


def setup(app):
    app.connect('autodoc-skip-member', skip_member)
