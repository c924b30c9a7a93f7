"""Benchmarks: the library beside a floor, ``lxc`` and ``curl``.

Run them with ``make bench`` or ``python -m benchmarks [CASE...]``. The cases
are in `benchmarks.cases`.
"""
