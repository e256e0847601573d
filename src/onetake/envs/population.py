"""Generated populations: one row a cohort, its own size and its own rates under every arm, as a table.

    logit p_k = logit p + shift_k,   logit q_k = logit q + shift_k

A cohort's base rate is shared by the arms, so that a good cohort is good under all of them; each arm shifts it by a
draw of its own. Tune and test parts never share a draw: every column has a seed of its own by name and part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import polars as pl

from onetake.draws import exp
from onetake.envs.distributions import Distribution
from onetake.envs.native import whole
from onetake.envs.suite import Part
from onetake.errors import ConfigError, SchemaError
from onetake.seeding import child_seed
from onetake.types import Float64

RATES = ("p", "q")


@dataclass(frozen=True)
class Rate:
    """A rate per arm: a base in (0, 1) shared by the arms, and a shift of each arm on the logit scale."""

    base: Distribution
    shifts: tuple[Distribution, ...]


@dataclass(frozen=True)
class Population:
    """How a population is drawn; conf mappings become distributions as they enter.

    Attributes:
        name: label of its seeds. seed: root of its draws. cohorts: how many.
        size: people of a cohort. p, q: rates of interaction and conversion.

    Raises:
        ConfigError: naming the path of what is missing, unknown or out of range.

    >>> half = {"base": {"kind": "beta", "a": 2, "b": 2}, "shifts": [{"kind": "constant", "value": 0.0}] * 2}
    >>> size = {"kind": "integers", "low": 5, "high": 9}
    >>> Population(name="toy", seed=1, cohorts=3, size=size, p=half, q=half).draw("tune").columns
    ['cohort', 'size', 'p_0', 'p_1', 'q_0', 'q_1']
    """

    name: str
    seed: int
    cohorts: int
    size: Distribution | Mapping[str, Any]
    p: Rate | Mapping[str, Any]
    q: Rate | Mapping[str, Any]

    def __post_init__(self) -> None:
        """Read what conf says."""
        if not isinstance(self.name, str) or not self.name:
            raise ConfigError(f"population.name: got {self.name!r}; wanted a text")
        whole("population.seed", self.seed)
        whole("population.cohorts", self.cohorts, 1)
        arms = {name: len(rate.shifts) for name, rate in self._rates().items()}
        if arms["p"] != arms["q"]:
            raise ConfigError(f"population.q.shifts: got {arms['q']}; wanted {arms['p']}, one for each arm")
        self._size()

    def _size(self) -> Distribution:
        if isinstance(self.size, Distribution):
            return self.size
        return Distribution.from_mapping(self.size, "population.size")

    def _rates(self) -> dict[str, Rate]:
        given = {"p": self.p, "q": self.q}
        return {
            name: rate if isinstance(rate, Rate) else _rate(rate, f"population.{name}") for name, rate in given.items()
        }

    @property
    def num_actions(self) -> int:
        """Number of arms."""
        return len(self._rates()["p"].shifts)

    def draw(self, part: Part) -> pl.DataFrame:
        """Draw the table: ``cohort, size, p_0 …, q_0 …``, one row a cohort.

        Raises:
            ConfigError: a part that is neither tune nor test, a base rate outside (0, 1), or a size below 0.
        """
        if part not in get_args(Part):
            raise ConfigError(f"part: got {part!r}; wanted tune or test")
        seed = child_seed(self.seed, "population", self.name, part)
        size = np.rint(self._size().draw(child_seed(seed, "size"), self.cohorts))
        if size.min() < 0 or size.max() >= 2**32:
            raise ConfigError(f"population.size: got {size.min():g} to {size.max():g}; wanted 0 to {2**32 - 1}")
        columns = {"cohort": np.arange(self.cohorts), "size": size.astype(np.uint32)}
        for name, rate in self._rates().items():
            base = rate.base.draw(child_seed(seed, name, "base"), self.cohorts)
            if base.min() <= 0.0 or base.max() >= 1.0:
                raise ConfigError(
                    f"population.{name}.base: got {base.min():g} to {base.max():g}; "
                    "wanted strictly between 0 and 1 (set least and most)"
                )
            odds = base / (1.0 - base)
            for arm, shift in enumerate(rate.shifts):
                shifted = odds * exp(shift.draw(child_seed(seed, name, arm), self.cohorts))
                columns[f"{name}_{arm}"] = shifted / (1.0 + shifted)
        return pl.DataFrame(columns)


def cohort_columns(cohorts: pl.DataFrame) -> dict[str, Float64]:
    """Columns of a ``cohort`` environment: ``size (n,)``, ``p (n, k)``, ``q (n, k)``.

    Raises:
        SchemaError: a column that is missing, or p and q with other numbers of arms.
    """
    arms = {rate: sum(name.startswith(f"{rate}_") for name in cohorts.columns) for rate in RATES}
    if "size" not in cohorts.columns or not arms["p"] or arms["p"] != arms["q"]:
        raise SchemaError(
            f"cohorts: got columns {', '.join(cohorts.columns)}; wanted size, p_0 …, q_0 …, alike in arms"
        )
    rates = {rate: cohorts.select([f"{rate}_{arm}" for arm in range(arms[rate])]).to_numpy() for rate in RATES}
    return {
        "size": cohorts["size"].cast(pl.Float64).to_numpy(),
        **{name: np.ascontiguousarray(v) for name, v in rates.items()},
    }


def _rate(entry: object, path: str) -> Rate:
    fields = _fields(entry, path, ("base", "shifts"))
    shifts = fields["shifts"]
    if not isinstance(shifts, Sequence) or isinstance(shifts, str) or len(shifts) < 2:
        raise ConfigError(f"{path}.shifts: got {shifts!r}; wanted a list of at least two, one for each arm")
    return Rate(
        Distribution.from_mapping(fields["base"], f"{path}.base"),
        tuple(Distribution.from_mapping(shift, f"{path}.shifts[{arm}]") for arm, shift in enumerate(shifts)),
    )


def _fields(entry: object, path: str, wanted: tuple[str, ...]) -> Mapping[str, object]:
    """The entry as a mapping with exactly the wanted keys."""
    if not isinstance(entry, Mapping) or set(entry) != set(wanted):
        got = ", ".join(sorted(map(str, entry))) if isinstance(entry, Mapping) else repr(entry)
        raise ConfigError(f"{path}: got {got}; wanted {', '.join(wanted)}")
    return entry
