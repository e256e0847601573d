"""What conf says about a suite, and the suite that comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from onetake.draws import total
from onetake.envs.native import whole
from onetake.envs.population import cohort_columns
from onetake.envs.sim import SimVectorEnv
from onetake.envs.suite import EnvironmentEntry, Part, Suite
from onetake.errors import ConfigError
from onetake.seeding import child_seed


@dataclass(frozen=True)
class RegisteredPlan:
    """A suite of environments by name, each at its own horizon; tune and test differ in their luck only.

    Attributes:
        name: of the suite. seed: root of its luck. replicates: copies of each.
        ids: registered environments, ids that Gymnasium knows, or entry points of a user's ``Env`` classes; each as
            text, or as a mapping of ``id`` with ``config`` (settings of its own), ``name``, ``entities`` or ``steps``.
        steps: length of the episodes, or None for their own.

    Raises:
        UnknownIdError: an id that is not registered, with the nearest ones. ConfigError: no id, or no replicate.

    >>> RegisteredPlan("one", 1, ("onetake/Bandit-v0",), 2).make("test").environments[0].name
    'Bandit-v0'
    """

    name: str
    seed: int
    ids: Sequence[str | Mapping[str, Any]]
    replicates: int
    steps: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no suite could be made of."""
        whole(f"suite {self.name}.seed", self.seed)
        whole(f"suite {self.name}.replicates", self.replicates, 1)
        if self.steps is not None:
            whole(f"suite {self.name}.steps", self.steps, 1)
        if isinstance(self.ids, str) or not self.ids:
            raise ConfigError(f"suite {self.name}.ids: got {self.ids!r}; wanted a list of registered ids")
        for described in self.ids:
            self._entry(described)

    def _entry(self, described: str | Mapping[str, Any]) -> EnvironmentEntry:
        known = {"id", "config", "name", "entities", "steps"}
        given = {"id": described} if isinstance(described, str) else dict(described)
        unknown = sorted(set(given) - known) or ([] if isinstance(given.get("id"), str) else ["id"])
        if unknown:
            got = f"{unknown[0]} {given.get(unknown[0])!r}"
            raise ConfigError(f"suite {self.name}.ids: got {got}; wanted id with some of config, name, entities, steps")
        settings: dict[str, Any] = {"steps": self.steps, **{key: given[key] for key in given if key != "id"}}
        return EnvironmentEntry.of(str(given["id"]), replicates=self.replicates, **settings)

    def make(self, part: Part, incumbent: Mapping[str, Any] | None = None) -> Suite:
        """Make a part of the suite."""
        entries = tuple(self._entry(described) for described in self.ids)
        return Suite(self.name, part, child_seed(self.seed, "suite", self.name, part), entries, incumbent)


@dataclass(frozen=True)
class DescribedPlan:
    """A suite of environments that conf describes; tune and test differ in their luck only.

    Attributes:
        name: of the suite. seed: root of its luck. replicates: copies of each.
        environments: ``name`` and ``family`` of each, and if wanted ``config``, ``entities`` and ``steps``.

    Raises:
        ConfigError: no environment, or one that no batch can be made of. UnknownIdError: a family that there is not.

    >>> hats = {"name": "hats", "family": "cohort", "config": {"q": [0.2, 0.3]}, "entities": 5, "steps": 10}
    >>> DescribedPlan("shop", 1, 2, [hats]).make("test").environments[0].entities
    5
    """

    name: str
    seed: int
    replicates: int
    environments: Sequence[Mapping[str, Any]]

    def __post_init__(self) -> None:
        """Refuse what no suite could be made of."""
        whole(f"suite {self.name}.seed", self.seed)
        whole(f"suite {self.name}.replicates", self.replicates, 1)
        path = f"suite {self.name}.environments"
        if not isinstance(self.environments, list | tuple) or not self.environments:
            raise ConfigError(f"{path}: got {self.environments!r}; wanted a list of environments")
        for number, entry in enumerate(self.environments):
            got = sorted(map(str, entry)) if isinstance(entry, Mapping) else repr(entry)
            if not isinstance(entry, Mapping) or not {"name", "family"} <= set(entry) <= set(_DESCRIBED):
                raise ConfigError(
                    f"{path}[{number}]: got {got}; wanted {', '.join(_DESCRIBED)}, at least the first two"
                )
        self.make("test")

    def make(self, part: Part, incumbent: Mapping[str, Any] | None = None) -> Suite:
        """Make a part of the suite."""
        entries = tuple(EnvironmentEntry(**entry, replicates=self.replicates) for entry in self.environments)
        return Suite(self.name, part, child_seed(self.seed, "suite", self.name, part), entries, incumbent)


_DESCRIBED = ("name", "family", "config", "entities", "steps")


@dataclass(frozen=True)
class PopulationPlan:
    """A suite of one environment in which every cohort of a population plays at once.

    Attributes:
        name: of the suite. seed: root of its luck. replicates: copies with other luck. steps: periods.
        scale: reward of a conversion, per arm. labels: names of the arms. modifiers: what changes the rates over time.
        churn: how cohorts come and go, or None. delay: when their outcomes arrive, or None for at once.
        cohorts: how many of the population play, the first so many; None for all.

    Raises:
        ConfigError: a size below 1, labels and scale of other lengths, or settings that no cohort can have.
    """

    name: str
    seed: int
    replicates: int
    steps: int
    scale: Sequence[float]
    labels: Sequence[str]
    modifiers: Sequence[Mapping[str, Any]] = ()
    churn: Mapping[str, Any] | None = None
    delay: Mapping[str, Any] | None = None
    cohorts: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no suite could be made of."""
        whole(f"suite {self.name}.seed", self.seed)
        for field in ("replicates", "steps"):
            whole(f"suite {self.name}.{field}", getattr(self, field), 1)
        if len(self.scale) != len(self.labels):
            raise ConfigError(
                f"suite {self.name}.labels: got {len(self.labels)}; wanted {len(self.scale)}, as in scale"
            )
        if self.cohorts is not None:
            whole(f"suite {self.name}.cohorts", self.cohorts, 1)
        try:
            SimVectorEnv("cohort", {**self._changes, "horizon": self.steps})
        except ConfigError as error:
            raise ConfigError(f"suite {self.name}: {error}") from error

    @property
    def _changes(self) -> dict[str, Any]:
        """Settings of the family that tell what changes over time."""
        given = {"churn": self.churn, "delay": self.delay}
        changes: dict[str, Any] = {key: dict(value) for key, value in given.items() if value is not None}
        return {**changes, "modifiers": [dict(modifier) for modifier in self.modifiers]}

    def make(self, part: Part, parts: Mapping[Part, pl.DataFrame]) -> Suite:
        """Make a part of the suite; the incumbent is the best fixed arm of the tune part.

        Args:
            part: which one.
            parts: the population of each part.

        Raises:
            ConfigError: another number of arms. SchemaError: columns that are missing.
        """
        table = parts[part] if self.cohorts is None else parts[part].head(self.cohorts)
        columns = cohort_columns(table)
        arms = columns["p"].shape[1]
        if len(self.scale) != arms:
            raise ConfigError(
                f"suite {self.name}.scale: got {len(self.scale)} numbers; wanted {arms}, one for each arm"
            )
        entry = EnvironmentEntry(
            name="cohorts",
            family="cohort",
            config={**self._changes, "scale": list(self.scale), "labels": list(self.labels)},
            columns=columns,
            entities=table.height,
            replicates=self.replicates,
            steps=self.steps,
            labels={"part": part},
        )
        incumbent = {"action": best_fixed_arm(parts["tune"], self.scale)}
        return Suite(self.name, part, child_seed(self.seed, "suite", self.name, part), (entry,), incumbent)


def best_fixed_arm(cohorts: pl.DataFrame, scale: Sequence[float]) -> int:
    """The arm that earns most, had every cohort been given it: ``argmax_k scale_k Σ size · p_k · q_k``.

    >>> best_fixed_arm(pl.DataFrame({"size": [10], "p_0": [0.5], "p_1": [0.5], "q_0": [0.2], "q_1": [0.3]}), [1.0, 1.0])
    1
    """
    columns = cohort_columns(cohorts)
    converted = total(columns["size"][:, None] * columns["p"] * columns["q"], axis=0)
    return int(np.argmax(np.asarray(scale) * converted))
