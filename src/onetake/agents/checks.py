"""Checks of settings, shared by all agents: each refusal names the setting, what was got and what was wanted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import TypeGuard

import numpy as np

from onetake.errors import ConfigError


def check_number(name: str, value: object, low: float, high: float = math.inf, *, above: bool = False) -> None:
    """Refuse a setting that is not a number in ``[low, high]`` (in ``(low, high]`` where ``above``).

    >>> check_number("epsilon", 1.3, 0, 1)
    Traceback (most recent call last):
    onetake.errors.ConfigError: epsilon: got 1.3; wanted a number in [0, 1]
    """
    if not _is_number(value) or not (low < value if above else low <= value) or value > high:
        bound = f"{'(' if above else '['}{low:g}, {high:g}{']' if math.isfinite(high) else ')'}"
        raise ConfigError(f"{name}: got {value!r}; wanted a number in {bound}")


def _is_number(value: object) -> TypeGuard[float]:
    return type(value) is not bool and isinstance(value, Real) and math.isfinite(value)


def check_index(name: str, value: object) -> None:
    """Refuse a setting that is not a whole number from 0 on.

    >>> check_index("action", -1)
    Traceback (most recent call last):
    onetake.errors.ConfigError: action: got -1; wanted a whole number from 0 on
    """
    if not isinstance(value, (int, np.integer)) or value is True or value is False or value < 0:
        raise ConfigError(f"{name}: got {value!r}; wanted a whole number from 0 on")


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Refuse a setting that is none of ``choices``.

    >>> check_choice("pooling", "half", ("none", "full"))
    Traceback (most recent call last):
    onetake.errors.ConfigError: pooling: got 'half'; wanted one of none, full
    """
    if value not in choices:
        raise ConfigError(f"{name}: got {value!r}; wanted one of {', '.join(choices)}")
