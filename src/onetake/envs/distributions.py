"""Named distributions that conf may draw an entity's parameters from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from onetake.draws import Draws, exp
from onetake.errors import ConfigError
from onetake.types import Float64

Sampler = Callable[[Draws, Mapping[str, float]], Float64]

#: Parameters of each kind, in the order in which they are named, and how it is drawn.
KINDS: dict[str, tuple[tuple[str, ...], Sampler]] = {
    "constant": (("value",), lambda draws, at: draws.normal(at["value"], 0.0, 0)),
    "uniform": (("low", "high"), lambda draws, at: at["low"] + (at["high"] - at["low"]) * draws.uniform(0)),
    "integers": (
        ("low", "high"),
        lambda draws, at: np.floor(at["low"] + (at["high"] - at["low"] + 1.0) * draws.uniform(0)),
    ),
    "normal": (("mean", "deviation"), lambda draws, at: draws.normal(at["mean"], at["deviation"], 0)),
    "lognormal": (
        ("median", "deviation"),
        lambda draws, at: at["median"] * exp(at["deviation"] * draws.normal(0.0, 1.0, 0)),
    ),
    "gamma": (("shape", "scale"), lambda draws, at: draws.gamma(at["shape"], at["scale"], 0)),
    "beta": (("a", "b"), lambda draws, at: draws.beta(at["a"], at["b"], 0)),
}
#: Parameters that must lie above 0, and those that must not lie below.
POSITIVE = {"median", "shape", "scale", "a", "b"}
NOT_NEGATIVE = {"deviation"}


@dataclass(frozen=True)
class Distribution:
    """A distribution by name, with limits at which draws are cut and, if asked for, whole numbers.

    Kinds: ``constant(value)``, ``uniform(low, high)``, ``integers(low, high)`` with both ends,
    ``normal(mean, deviation)``, ``lognormal(median, deviation)`` with the deviation of the logarithm,
    ``gamma(shape, scale)``, ``beta(a, b)``.

    Attributes:
        kind: one of them. parameters: their values. least, most: limits. whole: round to whole numbers.

    >>> Distribution.from_mapping({"kind": "constant", "value": 2.0}, "size").draw(seed=1, size=3).tolist()
    [2.0, 2.0, 2.0]
    >>> Distribution.from_mapping({"kind": "unifrom", "low": 2.0, "high": 3.0}, "size")
    Traceback (most recent call last):
    onetake.errors.ConfigError: size.kind: got 'unifrom'; wanted one of beta, constant, gamma, ...
    """

    kind: str
    parameters: tuple[tuple[str, float], ...]
    least: float = -np.inf
    most: float = np.inf
    whole: bool = False

    @classmethod
    def from_mapping(cls, entry: object, path: str) -> Distribution:
        """Read a conf entry.

        Raises:
            ConfigError: naming the path of what is missing, unknown, not a number or out of range.
        """
        if not isinstance(entry, Mapping):
            raise ConfigError(f"{path}: got {entry!r}; wanted a mapping with a kind")
        rest: dict[str, Any] = dict(entry)
        kind = rest.pop("kind", None)
        if kind not in KINDS:
            raise ConfigError(f"{path}.kind: got {kind!r}; wanted one of {', '.join(sorted(KINDS))}")
        whole = rest.pop("whole", False)
        if not isinstance(whole, bool):
            raise ConfigError(f"{path}.whole: got {whole!r}; wanted true or false")
        least = _number(rest.pop("least", -np.inf), f"{path}.least", limit=True)
        most = _number(rest.pop("most", np.inf), f"{path}.most", limit=True)
        if least > most:
            raise ConfigError(f"{path}.least: got {least} above most {most}; wanted least ≤ most")
        names = KINDS[kind][0]
        odd = sorted(set(rest) ^ set(names))
        if odd:
            raise ConfigError(
                f"{path}: got {', '.join(sorted(rest)) or 'nothing'}; wanted {', '.join(names)} for {kind}"
            )
        parameters = tuple((name, _in_range(_number(rest[name], f"{path}.{name}"), name, path)) for name in names)
        if names == ("low", "high") and parameters[0][1] > parameters[1][1]:
            raise ConfigError(f"{path}.low: got {parameters[0][1]} above high {parameters[1][1]}; wanted low ≤ high")
        return cls(kind, parameters, least, most, whole)

    def draw(self, seed: int, size: int) -> Float64:
        """Draw ``size`` values; the first of many equal a shorter call's."""
        sampler = KINDS[self.kind][1]
        values = np.asarray(sampler(Draws(seed, entities=size), dict(self.parameters)), dtype=np.float64).reshape(size)
        values = np.clip(values, self.least, self.most)
        return np.asarray(np.rint(values) if self.whole else values)


def _number(value: object, path: str, *, limit: bool = False) -> float:
    """A finite number; a limit may be infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{path}: got {value!r}; wanted a number")
    if np.isnan(value) or (np.isinf(value) and not limit):
        raise ConfigError(f"{path}: got {value}; wanted a finite number")
    return float(value)


def _in_range(value: float, name: str, path: str) -> float:
    if (name in POSITIVE and value <= 0.0) or (name in NOT_NEGATIVE and value < 0.0):
        raise ConfigError(
            f"{path}.{name}: got {value}; wanted a number {'above 0' if name in POSITIVE else 'of 0 or more'}"
        )
    return value
