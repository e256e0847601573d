"""Departures with seats to sell: populations for the family ``perishable``, and the suite that is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import polars as pl

from onetake.draws import total
from onetake.envs.distributions import Distribution
from onetake.envs.native import whole
from onetake.envs.suite import EnvironmentEntry, Part, Suite
from onetake.errors import ConfigError, SchemaError
from onetake.seeding import child_seed

COLUMNS = ("capacity", "looks", "willingness")


@dataclass(frozen=True)
class Departures:
    """How departures are drawn: their seats, how many people look, and what these would pay.

    Attributes:
        name: label of their seeds. seed: root of their draws. count: how many.
        seats: distribution of their seats. load: of the people who look until departure, over seats.
        willingness: of what these would pay, on average.

    Raises:
        ConfigError: naming what is missing, unknown or out of range.

    >>> twenty, two = {"kind": "constant", "value": 20}, {"kind": "constant", "value": 2}
    >>> Departures("air", 1, 3, seats=twenty, load=two, willingness=twenty).draw("tune")["looks"].to_list()
    [40.0, 40.0, 40.0]
    """

    name: str
    seed: int
    count: int
    seats: Mapping[str, Any]
    load: Mapping[str, Any]
    willingness: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse what nothing could be drawn from."""
        whole("departures.count", self.count, 1)
        self._laws()

    def _laws(self) -> dict[str, Distribution]:
        given = {"seats": self.seats, "load": self.load, "willingness": self.willingness}
        return {name: Distribution.from_mapping(law, f"departures.{name}") for name, law in given.items()}

    def draw(self, part: Part) -> pl.DataFrame:
        """Draw the table of a part: ``departure, capacity, looks, willingness``, one row each.

        Raises:
            ConfigError: a part that is neither tune nor test, or draws below their range.
        """
        if part not in get_args(Part):
            raise ConfigError(f"part: got {part!r}; wanted tune or test")
        seed = child_seed(self.seed, "departures", self.name, part)
        drawn = {name: law.draw(child_seed(seed, name), self.count) for name, law in self._laws().items()}
        seats, load, willingness = np.rint(drawn["seats"]), drawn["load"], drawn["willingness"]
        for name, values, least in (("seats", seats, 1.0), ("load", load, 0.0), ("willingness", willingness, 1e-6)):
            if values.min() < least:
                raise ConfigError(f"departures.{name}: got {values.min():g}; wanted at least {least:g}")
        columns = {"capacity": seats.astype(np.uint32), "looks": load * seats, "willingness": willingness}
        return pl.DataFrame({"departure": np.arange(self.count), **columns})


@dataclass(frozen=True)
class DeparturePlan:
    """A suite of one environment in which all departures are sold at once.

    Attributes:
        name: of the suite. seed: root of its luck. replicates: copies with other luck. days: until departure.
        prices: the ladder. labels: names of the prices. salvage: worth of a seat that is left.
        demand: law of the willingness to pay. modifiers: of the arrivals.

    Raises:
        ConfigError: a size below 1, or labels and prices of other lengths.
    """

    name: str
    seed: int
    replicates: int
    days: int
    prices: Sequence[float]
    labels: Sequence[str]
    salvage: float = 0.0
    demand: str = "exponential"
    modifiers: Sequence[Mapping[str, Any]] = ()

    def __post_init__(self) -> None:
        """Refuse what no suite could be made of."""
        for name in ("replicates", "days"):
            whole(f"suite {self.name}.{name}", getattr(self, name), 1)
        if len(self.prices) != len(self.labels):
            wanted = f"{len(self.prices)}, as in prices"
            raise ConfigError(f"suite {self.name}.labels: got {len(self.labels)}; wanted {wanted}")

    def make(self, part: Part, parts: Mapping[Part, pl.DataFrame]) -> Suite:
        """Make a part of the suite; the incumbent is the best fixed price of the tune part.

        Args:
            part: which one.
            parts: the departures of each part.

        Raises:
            SchemaError: columns that are missing.
        """
        incumbent = {"action": best_fixed_arm(self._entry("tune", parts["tune"]))}
        seed = child_seed(self.seed, "suite", self.name, part)
        return Suite(self.name, part, seed, (self._entry(part, parts[part]),), incumbent)

    def _entry(self, part: Part, departures: pl.DataFrame) -> EnvironmentEntry:
        missing = [name for name in COLUMNS if name not in departures.columns]
        if missing:
            got = ", ".join(departures.columns)
            raise SchemaError(f"departures: got columns {got}; wanted {', '.join(missing)} too")
        config = {
            "prices": list(self.prices),
            "labels": list(self.labels),
            "salvage": self.salvage,
            "demand": self.demand,
            "modifiers": [dict(modifier) for modifier in self.modifiers],
        }
        columns = {
            "capacity": departures["capacity"].cast(pl.Float64).to_numpy(),
            "arrival_rate": departures["looks"].to_numpy() / self.days,
            "willingness": departures["willingness"].to_numpy(),
        }
        return EnvironmentEntry(
            "departures",
            "perishable",
            config,
            columns,
            departures.height,
            self.replicates,
            self.days,
            labels={"part": part},
        )


def best_fixed_arm(entry: EnvironmentEntry) -> int:
    """The arm that is worth most from the start, had every entity of one replicate been given it throughout."""
    values = entry.make(0, replicates=1).start_values()
    if values is None:
        raise ConfigError(f"{entry.name}: got a family without values of whole episodes; wanted one that has them")
    return int(np.argmax(total(values["arms"], axis=0)))
