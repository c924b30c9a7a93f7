import pylxd

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


def skip_member(app, what, name, member, skip, options):
    """Leave out what pages do not repeat.

    Those are the class methods, which stand with their manager, and the
    classes of managers and other parts that a class names.
    """
    from pylxd.core.class_methods import is_class_method
    return True if what == 'class' and (
        isinstance(member, type) or name == 'model'
        or is_class_method(member)) else skip


def setup(app):
    app.connect('autodoc-skip-member', skip_member)
