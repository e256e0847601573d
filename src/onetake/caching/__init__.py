"""Cached nodes for Kedro: a node is skipped when its code, its parameters and its inputs have not changed.

This package knows Kedro and the standard library, and nothing of the project around it.

- `options`: what a project may set. `session`: makes plain `kedro run` cached. `runner`: Kedro's runners with a plan.
- `plan`: which nodes run, and why. `explain`: the same in words, for one node.
- `fingerprint`: of values and files. `closure`, `sources`, `syntax`, `places`, `bound`: of
  code. `datasets`: of the catalog.
- `catalog`: a catalog that starts fast.
- `records`, `recording`: what is kept between runs.
"""

from __future__ import annotations

from onetake.caching.catalog import QuickCatalog
from onetake.caching.options import CacheError, CacheOptions
from onetake.caching.plan import Plan, Planner
from onetake.caching.runner import CachedParallelRunner, CachedSequentialRunner, CachedThreadRunner, CachingMixin
from onetake.caching.session import CachingSession, cached_runner_name

__all__ = [
    "CacheError",
    "CacheOptions",
    "CachedParallelRunner",
    "CachedSequentialRunner",
    "CachedThreadRunner",
    "CachingMixin",
    "CachingSession",
    "Plan",
    "Planner",
    "QuickCatalog",
    "cached_runner_name",
]
