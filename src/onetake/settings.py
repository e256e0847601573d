"""Project settings that differ from Kedro's own defaults."""

from __future__ import annotations

import os

from onetake.hooks import ProgressHooks

# The telemetry plugin that Kedro brings would write an id into pyproject.toml and ask the network at every command.
os.environ.setdefault("DO_NOT_TRACK", "1")

HOOKS = (ProgressHooks(),)

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    # An overlay such as conf/ci states only what differs; the default would drop the rest of a key.
    "merge_strategy": {"parameters": "soft"},
    # The matrix of agents and suites shapes the pipelines, so it is no parameter of a node and has its own files.
    "config_patterns": {"matrix": ["matrix*", "matrix*/**"]},
}
