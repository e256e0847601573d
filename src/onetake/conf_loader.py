"""The configuration loader of a run, where code that no run hands anything to can find it."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from kedro.config import AbstractConfigLoader, OmegaConfigLoader
from kedro.framework.project import settings
from kedro.utils import find_kedro_project

from onetake.errors import ConfigError

#: What may be part of the name of a node or dataset.
NAME = re.compile(r"[a-z][a-z0-9_]*")


class RunLoader(OmegaConfigLoader):
    """Kedro's loader; the newest one is that of the session that began last.

    Pipelines are made from the matrix in conf, and Kedro makes them while it still builds its context, before any hook
    is told of the loader. Only so does `kedro run --env ray` get the matrix of that environment; a second loader would
    also take the place of the first one's `globals`.
    """

    latest: ClassVar[RunLoader | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Kedro reads `globals` while it makes the loader.
        self._kept: dict[str, dict[str, Any]] = {}
        super().__init__(*args, **kwargs)
        type(self).latest = self

    def __getitem__(self, key: str) -> dict[str, Any]:
        """Return the configuration of a kind, a copy of its own for each caller."""
        # What somebody set is in the mapping itself; what was read never is.
        if key in self.data:
            return super().__getitem__(key)
        if key not in self._kept:
            self._kept[key] = super().__getitem__(key)
        return copy.deepcopy(self._kept[key])


def conf_of_run() -> AbstractConfigLoader:
    """Return the loader of the run; of ``KEDRO_ENV`` where no run has begun, as in ``kedro registry list`` and viz."""
    # A loader is a mapping, and an unread one is empty: only None says that there is none.
    return own_loader() if RunLoader.latest is None else RunLoader.latest


def own_loader() -> AbstractConfigLoader:
    """Return a loader for the project around the working directory."""
    project = find_kedro_project(Path.cwd()) or Path.cwd()
    arguments = {"base_env": "base", "default_run_env": "local", **settings.CONFIG_LOADER_ARGS}
    return OmegaConfigLoader(
        conf_source=str(Path(project) / settings.CONF_SOURCE), env=os.environ.get("KEDRO_ENV"), **arguments
    )


def named_entries(path: str, entries: object) -> dict[str, Any]:
    """Return the entries of a conf mapping that nodes are made from, one each.

    Raises:
        ConfigError: no mapping, an empty one, or a name that no dataset can have.

    >>> named_entries("ingestion", {"my-shop": {}})
    Traceback (most recent call last):
    onetake.errors.ConfigError: ingestion: got the name 'my-shop'; wanted lower case, digits and _
    """
    if not isinstance(entries, Mapping) or not entries:
        raise ConfigError(f"{path}: got {entries!r}; wanted a mapping with a name for each entry")
    for name in entries:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ConfigError(f"{path}: got the name {name!r}; wanted lower case, digits and _")
    return dict(entries)
