import pylxd

project = 'pylxd'
author = 'the pylxd developers'
version = release = pylxd.__version__

extensions = ['sphinx.ext.autodoc']
# ours are for mypy: class methods made from managers confuse it
autodoc_use_type_comments = False
autodoc_member_order = 'bysource'
default_role = 'py:obj'
exclude_patterns = ['_build']
html_theme = 'alabaster'
html_theme_options = {'description': 'A Python library for LXD and Incus'}
