"""Suites: environments that are played together, as records that are saved whole or not at all."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from onetake._core import family_tables
from onetake.envs.foreign import FAMILY as FOREIGN
from onetake.envs.foreign import ForeignVectorEnv, recognise, time_limit
from onetake.envs.native import as_json, whole
from onetake.envs.registration import find, is_registered, slug
from onetake.envs.sim import SimVectorEnv
from onetake.envs.tabulate import tabulated
from onetake.errors import ConfigError, OutputError, SchemaError, ShapeError, UnknownIdError

Part = Literal["tune", "test"]
_FILE = "suite.json"
_VERSION = 2
AnyVectorEnv = SimVectorEnv | ForeignVectorEnv


@dataclass(frozen=True, eq=False)
class EnvironmentEntry:
    """One environment of a suite: a batch that is described but not yet made.

    Attributes:
        name: unique in its suite.
        family: name of the family, or ``foreign`` for an environment that is not ours.
        config: its settings (`onetake.envs.foreign.ForeignConfig` where it is not ours); ``steps`` takes the place of
            the horizon.
        columns: own parameters: ``(entities,)``, ``(draws × entities,)`` or ``(replicates × entities,)``, with a second
            axis where each arm has its own value; or None. Tables that a family takes have lengths of their own.
        entities: number of entities. replicates: number of replicates. steps: length of the episode.
        draws: parameter draws among the replicates: replicate ``r`` uses draw ``r // (replicates // draws)``.
        labels: notes for tables and reports, such as the behaviour or the assignment of the log it was fitted to.

    Settings and columns are checked where the batch is made.

    Raises:
        ConfigError: a size below 1, or ``draws`` that do not divide ``replicates``.

    >>> entry = EnvironmentEntry("small", "cohort", {"q": [0.2, 0.3]}, entities=5, replicates=4, steps=10)
    >>> entry.make(seed=1, first_replicate=2, replicates=1).batch_spec.replicate_ids
    array([2], dtype=uint32)
    """

    name: str
    family: str
    config: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, NDArray[Any]] | None = None
    entities: int = 1
    replicates: int = 1
    steps: int = 365
    draws: int = 1
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("entities", "replicates", "steps", "draws"):
            whole(f"{self.name}.{name}", getattr(self, name), 1)
        if self.replicates % self.draws:
            raise ConfigError(
                f"{self.name}.draws: got {self.draws}; wanted a divisor of replicates = {self.replicates}"
            )
        # A saved suite holds what a user's function said, not where it stood.
        object.__setattr__(self, "config", tabulated(self.family, self.config, self.steps))

    @classmethod
    def of(
        cls,
        env_id: str,
        *,
        config: Mapping[str, Any] | None = None,
        name: str | None = None,
        entities: int = 1,
        replicates: int = 1,
        steps: int | None = None,
    ) -> Self:
        """Return the entry of a registered id, of an id that Gymnasium knows, or of an entry point of a user's ``Env``.

        Args:
            env_id: which.
            config: settings that differ from the registered ones.
            name: in its suite, where that is not the id.
            entities: number of entities.
            replicates: number of replicates.
            steps: length of the episode, or None for its own.

        Raises:
            UnknownIdError: names the nearest ids. ConfigError: a foreign environment without an end and without steps.
        """
        foreign = None if is_registered(env_id) else recognise(env_id)
        if foreign is not None:
            settings = {**foreign, **(config or {})}
            limit = time_limit(settings) if steps is None else steps
            if limit is None:
                raise ConfigError(f"{env_id}.steps: got none; wanted a number, since its episodes have no time limit")
            return cls(name or env_id, FOREIGN, settings, None, entities, replicates, limit)
        found = find(env_id)
        settings = {**found.config, **(config or {})}
        own = settings.get("horizon") or SimVectorEnv(found.family).batch_spec.horizon or 1
        length = own if steps is None else steps
        known = name or found.env_id.removeprefix("onetake/")
        return cls(known, found.family, settings, None, entities, replicates, length)

    def make(
        self,
        seed: int,
        *,
        first_replicate: int = 0,
        replicates: int | None = None,
        one_shot: bool = True,
        threads: int | None = None,
    ) -> AnyVectorEnv:
        """Make the batch, or the part of it that begins at ``first_replicate``; parts have the numbers of the whole.

        Raises:
            ConfigError: replicates that the entry does not have.
        """
        count = self.replicates - first_replicate if replicates is None else replicates
        if first_replicate < 0 or count < 1 or first_replicate + count > self.replicates:
            got = f"{count} from {first_replicate} on"
            raise ConfigError(f"{self.name}.replicates: got {got}; wanted some of 0..{self.replicates - 1}")
        if self.family == FOREIGN:
            return self._make_foreign(seed, first_replicate, count, one_shot)
        tables = family_tables(self.family)
        columns = {
            name: column if name in tables else self._rows(np.asarray(column), first_replicate, count)
            for name, column in (self.columns or {}).items()
        }
        return SimVectorEnv(
            self.family,
            {**self.config, "horizon": self.steps},
            entities=self.entities,
            replicates=count,
            columns=columns,
            seed=seed,
            first_replicate=first_replicate,
            env_id=self.name,
            one_shot=one_shot,
            threads=threads,
        )

    def _make_foreign(self, seed: int, first: int, count: int, one_shot: bool) -> ForeignVectorEnv:
        if self.columns:
            got = ", ".join(sorted(self.columns))
            raise ConfigError(f"{self.name}.columns: got {got}; wanted none, since the environment is not ours")
        return ForeignVectorEnv(
            {**self.config, "horizon": self.steps},
            entities=self.entities,
            replicates=count,
            seed=seed,
            first_replicate=first,
            env_id=self.name,
            one_shot=one_shot,
        )

    def _rows(self, column: NDArray[Any], first: int, count: int) -> NDArray[Any]:
        """The rows of a column that belong to ``count`` replicates from ``first`` on."""
        rows = len(column) if column.ndim else 0
        if rows == self.entities:
            return column
        if rows == self.replicates * self.entities:
            return column[first * self.entities : (first + count) * self.entities]
        if rows == self.draws * self.entities:
            draw = np.arange(first, first + count) // (self.replicates // self.draws)
            by_draw = column.reshape(self.draws, self.entities, *column.shape[1:])
            return by_draw[draw].reshape(count * self.entities, *column.shape[1:])
        return column


@dataclass(frozen=True, eq=False)
class Suite:
    """Environments that are played together.

    Attributes:
        name: of the suite.
        part: what is tuned on the ``tune`` part is scored on the ``test`` part.
        seed: root of its luck.
        environments: with unique names.
        incumbent: what stands in use today, or None: ``action`` or ``probabilities``.
        fitted: how it was fitted to a log, or None.

    Each environment is built once, in one replicate, so that what cannot be played is not saved either.

    Raises:
        ConfigError: two environments of one name, or none at all; a seed below 0; settings that no batch can have.
        ShapeError, UnknownIdError: columns or a family that no batch can have.
    """

    name: str
    part: Part
    seed: int
    environments: tuple[EnvironmentEntry, ...]
    incumbent: Mapping[str, Any] | None = None
    fitted: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        names = [entry.name for entry in self.environments]
        twice = sorted({name for name in names if names.count(name) > 1})
        if not names or twice:
            raise ConfigError(f"suite {self.name}: got environments {twice or names}; wanted some, with unique names")
        if self.part not in ("tune", "test"):
            raise ConfigError(f"suite {self.name}: got part {self.part!r}; wanted 'tune' or 'test'")
        whole(f"suite {self.name}.seed", self.seed)
        for entry in self.environments:
            try:
                entry.make(0, replicates=1)
            except (ConfigError, ShapeError, UnknownIdError) as error:
                raise type(error)(f"suite {self.name}, environment {entry.name}: {error}") from error

    def save(self, folder: Path | str) -> None:
        """Write the suite into a folder of its own: beside it first, then renamed into its place.

        Raises:
            OutputError: a place that cannot be written, or that holds anything but a suite; what is there then stays.
        """
        folder = Path(folder)
        try:
            _check_place(folder)
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as beside:
                fresh = Path(beside) / "new"
                fresh.mkdir()
                self._write(fresh)
                if folder.exists():
                    folder.rename(Path(beside) / "old")
                fresh.rename(folder)
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(f"suite {self.name}: got {error}; wanted a folder that can be written") from error

    def _write(self, folder: Path) -> None:
        record: dict[str, Any] = {
            "version": _VERSION,
            "name": self.name,
            "part": self.part,
            "seed": self.seed,
            "incumbent": self.incumbent,
            "fitted": self.fitted,
            "environments": [],
        }
        for number, entry in enumerate(self.environments):
            described = {key: getattr(entry, key) for key in _ENTRY}
            if entry.columns is not None:
                described["columns"] = _write_columns(folder / f"{number:03d}-{slug(entry.name)}", entry.columns)
            record["environments"].append(described)
        plain = json.loads(as_json(self.name, record))
        (folder / _FILE).write_text(json.dumps({**plain, "digest": _record_digest(plain)}, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a suite.

        Raises:
            SchemaError: names the file that is missing, cut, changed or of another kind.
        """
        path = Path(folder) / _FILE
        try:
            record = json.loads(path.read_text())
            if record["version"] != _VERSION:
                raise SchemaError(f"{path}: got version {record['version']}; wanted {_VERSION}")
            if record.pop("digest") != _record_digest(record):
                raise SchemaError(f"{path}: got a record that was changed; wanted the one that was saved")
            entries = tuple(_entry(path.parent, described) for described in record["environments"])
            return cls(record["name"], record["part"], record["seed"], entries, record["incumbent"], record["fitted"])
        except FileNotFoundError as error:
            raise SchemaError(f"{error.filename}: got no such file; wanted the folder of a saved suite") from error
        except (AttributeError, KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise SchemaError(f"{path}: got {error!r}; wanted the record of a saved suite") from error


_ENTRY = ("name", "family", "config", "entities", "replicates", "steps", "draws", "labels")


def _entry(folder: Path, described: dict[str, Any]) -> EnvironmentEntry:
    columns = None if described.get("columns") is None else _read_columns(folder, described["columns"])
    return EnvironmentEntry(**{key: described[key] for key in _ENTRY}, columns=columns)


def _write_columns(place: Path, columns: Mapping[str, NDArray[Any]]) -> list[dict[str, str]]:
    """Write columns as Parquet, those of one length together; return file and digest of each."""
    import polars as pl

    written = []
    for length in sorted({len(values) for values in columns.values()}):
        path = place.with_name(f"{place.name}-{length}.parquet")
        equal = {name: np.ascontiguousarray(values) for name, values in columns.items() if len(values) == length}
        pl.DataFrame({name: pl.Series(name, values) for name, values in equal.items()}).write_parquet(path)
        written.append({"file": path.name, "digest": _digest(path)})
    return written


def _read_columns(folder: Path, written: list[dict[str, str]]) -> dict[str, NDArray[Any]]:
    import polars as pl

    columns = {}
    for described in written:
        path = folder / described["file"]
        if _digest(path) != described["digest"]:
            raise SchemaError(f"{path}: got a file that was cut, changed or exchanged; wanted the one that was saved")
        frame = pl.read_parquet(path)
        columns.update({name: frame[name].to_numpy().copy() for name in frame.columns})
    return columns


def _check_place(folder: Path) -> None:
    """Refuse a place whose contents a suite must not take away."""
    if not folder.exists() or (folder.is_dir() and ((folder / _FILE).is_file() or not any(folder.iterdir()))):
        return
    got = "a folder that holds something else" if folder.is_dir() else "a file"
    raise OutputError(f"{folder}: got {got}; wanted a new or empty folder, or that of a saved suite")


def _record_digest(record: Mapping[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(record, sort_keys=True).encode(), digest_size=16).hexdigest()


def _digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
