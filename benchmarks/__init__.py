"""How fast the library is, beside the floor, ``lxc`` and ``curl``.

``make bench``, or ``python -m benchmarks [CASE...]``; `cases` lists them.
"""
