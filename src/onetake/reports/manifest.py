"""What a report rests on: code, configuration, data, seeds and versions, so that every figure can be made again."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

import onetake
from onetake import _core
from onetake.reports.standings import Standings

# Packages whose version can change a number or how it is shown.
PACKAGES = ("numpy", "scipy", "polars", "pyarrow", "gymnasium", "kedro", "plotly")


def digest(value: object) -> str:
    """Return 16 hexadecimal characters that stand for the content of ``value``.

    Frames count by their columns, types and values; mappings, sequences, dataclasses and plain values by their JSON
    with sorted keys. The same content gives the same digest on every machine.

    >>> digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    True
    """
    return hashlib.blake2b(_canonical(value), digest_size=8).hexdigest()


def manifest(settings: Mapping[str, object], data: Mapping[str, object]) -> list[dict[str, str]]:
    """Return what a report was made of, one record an item with the keys ``kind, name, value``.

    Args:
        settings: configuration by name; each is shown by its digest, and every seed in it by its path.
        data: datasets that the report was made from, by name; each is shown by its digest.

    >>> [item for item in manifest({"evaluation": {"seed": 7}}, {}) if item["kind"] == "seed"]
    [{'kind': 'seed', 'name': 'evaluation.seed', 'value': '7'}]
    """
    rows = [("code", "onetake", onetake.__version__), ("code", "source of the package", source_digest())]
    rows += [("code", "core", _core.__version__), ("code", "source of the core", _core.__source__)]
    rows += [("settings", name, digest(value)) for name, value in sorted(settings.items())]
    rows += [("data", name, digest(value)) for name, value in sorted(data.items())]
    rows += [("seed", path, seed) for path, seed in sorted(_seeds(json.loads(_canonical(settings))))]
    rows.append(("version", "python", platform.python_version()))
    rows += [("version", name, importlib.metadata.version(name)) for name in PACKAGES]
    return [{"kind": kind, "name": name, "value": value} for kind, name, value in rows]


def findings_data(
    standings: Standings, fits: Mapping[str, Mapping[str, Any]], estimates: pl.DataFrame
) -> dict[str, object]:
    """Return what a report was made from, by the names that its manifest uses."""
    suites = {f"standings of suite {suite}": standings.of(suite) for suite in standings.suites}
    records = {f"fit {name}": fit for name, fit in fits.items()}
    return {**suites, **records, "off-policy estimates": estimates}


def source_digest() -> str:
    """Return the digest of the package's own Python files, names included."""
    root = Path(onetake.__file__).parent
    state = hashlib.blake2b(digest_size=8)
    for path in sorted(root.rglob("*.py")):
        for part in (path.relative_to(root).as_posix().encode(), path.read_bytes()):
            state.update(len(part).to_bytes(8, "little") + part)
    return state.hexdigest()


def _seeds(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Every value whose key is ``seed``, with its dotted path."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _seeds(part, (*path, key))
    elif path and path[-1] == "seed":
        yield ".".join(path), str(value)


def _canonical(value: object) -> bytes:
    if isinstance(value, pl.DataFrame):
        schema = [(name, str(dtype)) for name, dtype in value.schema.items()]
        return json.dumps(schema).encode() + value.write_ndjson().encode()
    return json.dumps(value, sort_keys=True, default=_plain, ensure_ascii=True).encode()


def _plain(value: object) -> Any:
    """JSON's plain kinds for what is not plain."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, pl.DataFrame):
        return hashlib.blake2b(_canonical(value), digest_size=8).hexdigest()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
