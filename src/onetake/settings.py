"""Project settings that differ from Kedro's own defaults."""

from __future__ import annotations

from onetake.caching import CacheOptions, CachingSession, QuickCatalog
from onetake.conf_loader import RunLoader
from onetake.hooks import ProgressHooks


def core_source() -> str:
    """Return the hash of the Rust sources that the extension was built from; the same on every machine."""
    from onetake import _core

    return str(_core.__source__)


class Session(CachingSession):
    """A session in which plain `kedro run` skips what is up to date."""

    cache_options = CacheOptions(
        first_party=("onetake",),
        # What these compute may differ from one version to the next.
        versions=("numpy", "polars", "scipy"),
        # What conf names is an agent or an estimator; a file that it names counts by itself.
        by_name={
            "onetake.build:_module_by_name": ("onetake.agents", "onetake.estimators"),
            "onetake.build:_module_of_file": (),
        },
        # A digest of the library itself would differ from one compiler to the next.
        tokens={"onetake._core": core_source},
    )


SESSION_CLASS = Session
DATA_CATALOG_CLASS = QuickCatalog
CONFIG_LOADER_CLASS = RunLoader
HOOKS = (ProgressHooks(),)

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    # An overlay such as conf/ci states only what differs; the default would drop the rest of a key.
    "merge_strategy": {"parameters": "soft"},
    # The matrix of agents and suites shapes the pipelines, so it is no parameter of a node and has its own files.
    "config_patterns": {"matrix": ["matrix*", "matrix*/**"]},
}
