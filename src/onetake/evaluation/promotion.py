"""The stored incumbent: what an agent earned, kept so that later agents can be held against it.

A record is of one world: the suites as they were played, and the seed of their luck. Rows of another world must not be
paired with it, so it carries a digest of each suite, its seed, and what the suite's own incumbent earned: a policy that
never learns, whose reward changes only if the world does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from onetake.build import nearest
from onetake.envs.native import as_json
from onetake.errors import ConfigError, OutputError, SchemaError, UnknownIdError
from onetake.evaluation.incumbent import INCUMBENT

if TYPE_CHECKING:
    from onetake.envs.suite import Suite

VERSION = 1
GENERATOR = "philox4x32-10"
ROWS = ("environment", "replicate", "draw", "draws", "value", "realised")


@dataclass(frozen=True)
class Played:
    """What was played on one suite.

    Attributes:
        summary: rows of all agents.
        world: digest of the suite; see `world_digest`.
        seed: root of all luck.
    """

    summary: pl.DataFrame
    world: str
    seed: int

    def rows(self, agent: str) -> pl.DataFrame:
        """Rows that an agent finished, with the columns that a record keeps."""
        return self.summary.filter((pl.col("agent") == agent) & (pl.col("status") == "finished")).select(ROWS)


def world_digest(suite: Suite) -> str:
    """Return what stands for everything that decides what an agent meets in a suite, but for the seed of its luck.

    The name of the incumbent and notes do not count; settings and columns do, value for value.
    """
    state = hashlib.blake2b(digest_size=16)
    state.update(json.dumps([suite.name, suite.part, GENERATOR]).encode())
    for entry in suite.environments:
        sizes = [entry.entities, entry.replicates, entry.steps, entry.draws]
        state.update(json.dumps([entry.name, entry.family, sizes]).encode())
        state.update(json.dumps(json.loads(as_json(entry.name, entry.config)), sort_keys=True).encode())
        for name, column in sorted((entry.columns or {}).items()):
            values = np.ascontiguousarray(column)
            state.update(json.dumps([name, str(values.dtype), values.shape]).encode() + values.tobytes())
    return state.hexdigest()


def promote(agent: str, entry: Mapping[str, Any], played: Mapping[str, Played]) -> dict[str, Any]:
    """Return the record that makes an agent the incumbent of the suites it finished.

    Args:
        agent: its name.
        entry: its type and settings, as in conf.
        played: by suite.

    Raises:
        UnknownIdError: an agent that finished none of the suites; the text names the nearest that did.
    """
    suites = {}
    for name, each in played.items():
        rows = each.rows(agent)
        if not rows.is_empty():
            suites[name] = {
                "seed": each.seed,
                "world": each.world,
                "witness": _witness(each),
                "rows": rows.to_dict(as_series=False),
            }
    if not suites:
        raise UnknownIdError(
            f"agent: got '{agent}', which finished no suite; nearest: {nearest(agent, _agents(played))}"
        )
    record = {"version": VERSION, "agent": agent, "entry": dict(entry), "suites": suites}
    return record | {"digest": record_digest(record)}


def record_digest(record: Mapping[str, Any]) -> str:
    """Return what stands for the content of a record, whatever the order of its keys."""
    plain = {key: value for key, value in record.items() if key != "digest"}
    return hashlib.blake2b(json.dumps(plain, sort_keys=True).encode(), digest_size=16).hexdigest()


def read_record(path: Path) -> dict[str, Any]:
    """Read the record of an incumbent.

    Raises:
        SchemaError: a file that is missing, cut, changed, or no such record.
    """
    record = read_json(path, "the record of an incumbent")
    if record.get("version") != VERSION or not isinstance(record.get("suites"), dict):
        raise SchemaError(f"{path}: got version {record.get('version')}; wanted {VERSION} with suites")
    if record.get("digest") != record_digest(record):
        raise SchemaError(f"{path}: got a record that was changed; wanted the one that was promoted")
    return record


def mismatch(record: Mapping[str, Any], suite: str, played: Played) -> str | None:
    """Return why the rows of a record must not be paired with what was played, or None if they may."""
    own = record["suites"].get(suite)
    if own is None:
        return f"the incumbent {record['agent']} was not promoted on this suite"
    if own["seed"] != played.seed:
        return f"the incumbent played under seed {own['seed']}, this run under {played.seed}"
    if own["world"] != played.world:
        return "the incumbent played another matrix: this suite has changed since"
    if own["witness"] != _witness(played):
        return "the world has changed: what the suite itself names as incumbent earned something else then"
    return None


def stored_rows(record: Mapping[str, Any], suite: str) -> pl.DataFrame:
    """Return the rows of an incumbent on a suite, with the columns ``ROWS``."""
    kinds = {"environment": pl.String(), "value": pl.Float64(), "realised": pl.Float64()}
    schema = {name: kinds.get(name, pl.Int64()) for name in ROWS}
    return pl.DataFrame(record["suites"][suite]["rows"], schema=schema)


def read_json(path: Path, what: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        SchemaError: a file that is missing or holds no JSON object.
    """
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        raise SchemaError(f"{path}: got no such file; wanted {what}") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SchemaError(f"{path}: got no JSON ({error}); wanted {what}") from None
    if not isinstance(found, dict):
        raise SchemaError(f"{path}: got a {type(found).__name__}; wanted {what}")
    return found


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object beside its place and rename it into it.

    Raises:
        OutputError: the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.new")
        beside.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        beside.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: got {error.strerror or error}; wanted a file that can be written") from error


def _witness(played: Played) -> str | None:
    rows = played.rows(INCUMBENT)
    if rows.is_empty():
        return None
    return hashlib.blake2b(json.dumps(rows.to_dict(as_series=False)).encode(), digest_size=16).hexdigest()


def _agents(played: Mapping[str, Played]) -> list[str]:
    if not played:
        raise ConfigError("suites: got none; wanted at least one that was played")
    names: set[str] = set()
    for each in played.values():
        names |= set(each.summary.filter(pl.col("status") == "finished")["agent"].to_list())
    return sorted(names)
