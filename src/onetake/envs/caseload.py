"""Generated caseloads: one row a person, with parameters of their own, as a table; and the suite that treats them.

Tune and test parts never share a draw: every column has a seed of its own by name and part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import polars as pl

from onetake.envs.distributions import Distribution
from onetake.envs.native import whole
from onetake.envs.suite import EnvironmentEntry, Part, Suite
from onetake.errors import ConfigError, SchemaError
from onetake.seeding import child_seed
from onetake.types import Float64

COLUMNS = ("baseline", "responsiveness", "fatigue_rate", "recovery", "value", "availability")


@dataclass(frozen=True)
class Caseload:
    """How people are drawn; conf mappings become distributions as they enter.

    Attributes:
        name: label of its seeds. seed: root of its draws. people: how many.
        baseline: share of days engaged if left alone. responsiveness: what an intervention adds to it.
        fatigue_rate: chance that one tires. recovery: chance that a day without one rests.
        value: of a day of engagement. availability: chance to be reached on a day.

    Raises:
        ConfigError: naming the path of what is missing, unknown or out of range.

    >>> half = {"kind": "constant", "value": 0.5}
    >>> Caseload(name="toy", seed=1, people=3, **dict.fromkeys(COLUMNS, half)).draw("tune").shape
    (3, 7)
    """

    name: str
    seed: int
    people: int
    baseline: Mapping[str, Any]
    responsiveness: Mapping[str, Any]
    fatigue_rate: Mapping[str, Any]
    recovery: Mapping[str, Any]
    value: Mapping[str, Any]
    availability: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Read what conf says."""
        whole("caseload.people", self.people, 1)
        self._laws()

    def _laws(self) -> dict[str, Distribution]:
        return {name: Distribution.from_mapping(getattr(self, name), f"caseload.{name}") for name in COLUMNS}

    def draw(self, part: Part) -> pl.DataFrame:
        """Draw the table: ``person`` and `COLUMNS`, one row a person.

        Raises:
            ConfigError: a part that is neither tune nor test.
        """
        if part not in get_args(Part):
            raise ConfigError(f"part: got {part!r}; wanted tune or test")
        seed = child_seed(self.seed, "caseload", self.name, part)
        drawn = {name: law.draw(child_seed(seed, name), self.people) for name, law in self._laws().items()}
        return pl.DataFrame({"person": np.arange(self.people), **drawn})


def person_columns(caseload: pl.DataFrame) -> dict[str, Float64]:
    """Columns of an ``intervention`` environment.

    Raises:
        SchemaError: a column that is missing.
    """
    missing = [name for name in COLUMNS if name not in caseload.columns]
    if missing:
        raise SchemaError(f"caseload: got columns {', '.join(caseload.columns)}; wanted {', '.join(missing)} too")
    return {name: caseload[name].cast(pl.Float64).to_numpy() for name in COLUMNS}


@dataclass(frozen=True)
class CaseloadPlan:
    """A suite of one environment in which a share of the people of a caseload may be treated each day.

    Attributes:
        name: of the suite. seed: root of its luck. replicates: copies with other luck. steps: days.
        reach: share of the people who may be treated on a day; the budget is the whole number below it.
        settings: of the family ``intervention``: cost, pace, dulling, carry-over, levels, modifiers.

    Raises:
        ConfigError: a size below 1, or a share that is none.
    """

    name: str
    seed: int
    replicates: int
    steps: int
    reach: float
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no suite could be made of."""
        for name in ("replicates", "steps"):
            whole(f"suite {self.name}.{name}", getattr(self, name), 1)
        if not 0.0 <= self.reach <= 1.0:
            raise ConfigError(f"suite {self.name}.reach: got {self.reach}; wanted a share in [0, 1]")

    def make(self, part: Part, caseload: pl.DataFrame) -> Suite:
        """Make a part of the suite from its caseload; its incumbent treats nobody."""
        entry = EnvironmentEntry(
            name="caseload",
            family="intervention",
            config={**self.settings, "budget": int(self.reach * caseload.height)},
            columns=person_columns(caseload),
            entities=caseload.height,
            replicates=self.replicates,
            steps=self.steps,
            labels={"part": part},
        )
        seed = child_seed(self.seed, "suite", self.name, part)
        return Suite(self.name, part, seed, (entry,), {"action": 0})
