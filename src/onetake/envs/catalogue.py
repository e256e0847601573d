"""Generated catalogues: one row a product, with price, cost, views, rate, elasticity and choice set, as a table.

The cost is the price times one less the margin. Chances to buy within a choice set must add up to less than 1, so the
rates of a set that drew too much are scaled down together. Tune and test parts never share a draw: every column has a
seed of its own by name and part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import polars as pl

from onetake.envs.distributions import Distribution
from onetake.envs.native import whole
from onetake.envs.suite import EnvironmentEntry, Part, Suite
from onetake.errors import ConfigError, SchemaError
from onetake.seeding import child_seed
from onetake.types import Float64

COLUMNS = ("price", "cost", "views", "rate", "elasticity", "group")


@dataclass(frozen=True)
class Catalogue:
    """How a catalogue is drawn; conf mappings become distributions as they enter.

    Attributes:
        name: label of its seeds. seed: root of its draws. products: how many. set_size: products of a choice set.
        price: reference price. margin: share of it that is no cost. views: expected interactions a step.
        rate: chance to buy at the reference price. elasticity: own-price elasticity there.
        crowding: largest sum of the rates of a choice set.

    Raises:
        ConfigError: naming the path of what is missing, unknown or out of range.

    >>> one = {"kind": "constant", "value": 1.0}
    >>> law = {"price": one, "margin": one, "views": one, "rate": {"kind": "beta", "a": 2, "b": 30}, "elasticity": one}
    >>> Catalogue(name="toy", seed=1, products=4, set_size=2, **law).draw("tune")["group"].to_list()
    [0, 0, 1, 1]
    """

    name: str
    seed: int
    products: int
    set_size: int
    price: Mapping[str, Any]
    margin: Mapping[str, Any]
    views: Mapping[str, Any]
    rate: Mapping[str, Any]
    elasticity: Mapping[str, Any]
    crowding: float = 0.8

    def __post_init__(self) -> None:
        """Read what conf says."""
        for field in ("products", "set_size"):
            whole(f"catalogue.{field}", getattr(self, field), 1)
        if not 0.0 < self.crowding < 1.0:
            raise ConfigError(f"catalogue.crowding: got {self.crowding}; wanted a number above 0 and below 1")
        self._laws()

    def _laws(self) -> dict[str, Distribution]:
        names = ("price", "margin", "views", "rate", "elasticity")
        return {name: Distribution.from_mapping(getattr(self, name), f"catalogue.{name}") for name in names}

    def draw(self, part: Part) -> pl.DataFrame:
        """Draw the table: ``product`` and `COLUMNS`, one row a product.

        Raises:
            ConfigError: a part that is neither tune nor test, or a rate that is no chance.
        """
        if part not in get_args(Part):
            raise ConfigError(f"part: got {part!r}; wanted tune or test")
        seed = child_seed(self.seed, "catalogue", self.name, part)
        drawn = {name: law.draw(child_seed(seed, name), self.products) for name, law in self._laws().items()}
        group = np.arange(self.products) // self.set_size
        rate = drawn["rate"]
        if rate.min() <= 0.0 or rate.max() >= 1.0:
            raise ConfigError(
                f"catalogue.rate: got {rate.min():g} to {rate.max():g}; wanted between 0 and 1 (set least, most)"
            )
        crowd = np.bincount(group, weights=rate)[group]
        return pl.DataFrame(
            {
                "product": np.arange(self.products),
                "group": group,
                "price": drawn["price"],
                "cost": drawn["price"] * (1.0 - drawn["margin"]),
                "views": drawn["views"],
                "rate": rate * np.minimum(1.0, self.crowding / crowd),
                "elasticity": drawn["elasticity"],
            }
        )


def product_columns(catalogue: pl.DataFrame) -> dict[str, Float64]:
    """Columns of a ``pricing`` environment.

    Raises:
        SchemaError: a column that is missing.
    """
    missing = [name for name in COLUMNS if name not in catalogue.columns]
    if missing:
        raise SchemaError(f"catalogue: got columns {', '.join(catalogue.columns)}; wanted {', '.join(missing)} too")
    return {name: catalogue[name].cast(pl.Float64).to_numpy() for name in COLUMNS}


@dataclass(frozen=True)
class CataloguePlan:
    """A suite of one environment in which every product of a catalogue is priced at once.

    Attributes:
        name: of the suite. seed: root of its luck. replicates: copies with other luck. steps: periods.
        incumbent: the price that stands today, as a place on the ladder.
        settings: of the family ``pricing``: model, ladder, noise, shocks, memory, modifiers.

    Raises:
        ConfigError: a size below 1, or an incumbent that is not on the ladder.
    """

    name: str
    seed: int
    replicates: int
    steps: int
    incumbent: int
    settings: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse what no suite could be made of."""
        for field in ("replicates", "steps"):
            whole(f"suite {self.name}.{field}", getattr(self, field), 1)
        rungs = len(self.settings.get("ladder", ()))
        if whole(f"suite {self.name}.incumbent", self.incumbent) >= rungs:
            raise ConfigError(
                f"suite {self.name}.incumbent: got {self.incumbent}; wanted one of {rungs} prices of settings.ladder"
            )

    def make(self, part: Part, catalogue: pl.DataFrame) -> Suite:
        """Make a part of the suite from its catalogue."""
        entry = EnvironmentEntry(
            name="catalogue",
            family="pricing",
            config=dict(self.settings),
            columns=product_columns(catalogue),
            entities=catalogue.height,
            replicates=self.replicates,
            steps=self.steps,
            labels={"part": part},
        )
        seed = child_seed(self.seed, "suite", self.name, part)
        return Suite(self.name, part, seed, (entry,), {"action": self.incumbent})
