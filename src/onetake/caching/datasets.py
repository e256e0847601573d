"""What a catalog says of a dataset, without building the dataset where that can be helped.

Building one imports its class and with it packages such as Polars or Plotly; a run in which nothing runs must not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedro.io import AbstractVersionedDataset, CatalogProtocol
from kedro.io.core import VersionNotFoundError

TRANSCODING = "@"
LOCATIONS = ("filepath", "path", "filename")
# What changes neither bytes nor what a node is given.
SILENT = {"metadata", "credentials"}


def base_name(name: str) -> str:
    """Return a dataset's name without the transcoding behind it.

    >>> base_name("cars@pandas")
    'cars'
    """
    return name.partition(TRANSCODING)[0]


def is_parameter(name: str) -> bool:
    """Return whether an input is a parameter or all of them."""
    return name == "parameters" or name.startswith("params:")


@dataclass(frozen=True)
class Entry:
    """A dataset as the catalog declares it.

    Attributes:
        config: the declaration; empty for what the catalog does not know.
        in_memory: whether it lives only as long as the run.
        path: where its bytes lie on this machine; None in memory, at remote places and for tables of a database.
        versioned: whether each save goes to a place of its own under `path`.
    """

    config: Mapping[str, Any]
    in_memory: bool
    path: Path | None = None
    versioned: bool = False


class Datasets:
    """Reads a catalog's declarations."""

    def __init__(self, catalog: CatalogProtocol[Any, Any]) -> None:
        self._catalog = catalog
        self._registered = set(catalog.keys())
        self._entries: dict[str, Entry] = {}
        self._instances: dict[str, dict[str, Any]] | None = None

    def knows(self, name: str) -> bool:
        """Return whether the catalog has a dataset, or a pattern that makes it."""
        return name in self._catalog

    def entry(self, name: str) -> Entry:
        """Return how the catalog declares a dataset."""
        if name not in self._entries:
            self._entries[name] = read_entry(self._config(name))
        return self._entries[name]

    def _config(self, name: str) -> Mapping[str, Any]:
        """Return a dataset's declaration: as written in conf where there is one, else as its constructor was called."""
        resolver = getattr(self._catalog, "config_resolver", None)
        declared = resolver.config.get(name) if resolver else None
        if declared is not None:
            return dict(declared)
        by_pattern = resolver.resolve_pattern(name) if resolver and self._matches(name) else {}
        if name not in self._registered:
            return dict(by_pattern)
        kind = type(self._catalog.get(name)).__name__
        if by_pattern and str(by_pattern.get("type", "")).rpartition(".")[2] == kind:
            return dict(by_pattern)
        return self._of_instances().get(name, {"type": kind})

    def _matches(self, name: str) -> bool:
        resolver = getattr(self._catalog, "config_resolver", None)
        return bool(resolver and (resolver.match_dataset_pattern(name) or resolver.match_user_catch_all_pattern(name)))

    def _of_instances(self) -> dict[str, dict[str, Any]]:
        if self._instances is None:
            to_config = getattr(self._catalog, "to_config", None)
            self._instances = dict(to_config()[0]) if to_config else {}
        return self._instances

    def load(self, name: str) -> Any:
        """Return what a dataset in memory holds."""
        return self._catalog[name].load()

    def location(self, name: str, *, saved: bool = False) -> Path | None:
        """Return where the bytes of a dataset lie that a load would read, or that the last save wrote.

        None where nothing was saved yet, and for datasets without a place on this machine.
        """
        entry = self.entry(name)
        if entry.path is None or not entry.versioned:
            return entry.path
        dataset = self._catalog[name]
        if not isinstance(dataset, AbstractVersionedDataset):
            return entry.path
        try:
            version = None if saved else dataset.resolve_load_version()
            version = version or dataset.list_versions(full_path=False)[0]
        except (VersionNotFoundError, IndexError):
            return None
        finally:
            # Kedro remembers the latest version; a save during the run makes a later one.
            dataset.release()
        return entry.path / str(version) / entry.path.name


def read_entry(config: Mapping[str, Any]) -> Entry:
    """Return the entry that a declaration stands for."""
    kind = str(config.get("type", "")).rpartition(".")[2]
    inner = config.get("dataset")
    if kind == "CachedDataset" and isinstance(inner, Mapping):
        wrapped = read_entry(inner)
        return Entry(config, wrapped.in_memory, wrapped.path, bool(config.get("versioned")))
    if not config or kind in {"MemoryDataset", "SharedMemoryDataset"}:
        return Entry(config, in_memory=True)
    place = next((str(config[key]) for key in LOCATIONS if config.get(key)), None)
    if place is None or ("://" in place and not place.startswith("file://")):
        return Entry(config, in_memory=False)
    return Entry(config, False, Path(place.removeprefix("file://")).absolute(), bool(config.get("versioned")))


def declared(entry: Entry, root: Path) -> dict[str, Any]:
    """Return the part of a declaration that counts: no metadata, no credentials, places relative to the project."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): plain(item) for key, item in value.items() if key not in SILENT}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        if isinstance(value, str) and value.startswith(f"{root}/"):
            return value.removeprefix(f"{root}/")
        return value

    return dict(plain(entry.config))
