"""A user's own Python function of (action, step), asked once for every pair: from then on Rust looks the answers up."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from onetake.build import load_function
from onetake.errors import ConfigError

Rate = Callable[[int, int], float]
_FIELDS = ("function", "actions")


def tabulate(function: Rate, actions: int, steps: int, *, what: str = "table") -> list[list[float]]:
    """Return what ``function(action, step)`` says for ``actions`` actions and ``steps`` steps, as rows by step.

    Args:
        function: gives the chance of an action at a step, both counted from 0.
        actions: number of actions.
        steps: number of steps.
        what: name of the setting, for refusals.

    Raises:
        ConfigError: something that is no chance, with action and step.

    >>> tabulate(lambda action, step: 0.1 * (action + 1) / (step + 1), actions=2, steps=2)
    [[0.1, 0.2], [0.05, 0.1]]
    """
    pairs = ((step, action) for step in range(steps) for action in range(actions))
    flat = [_chance(function(action, step), what, action, step) for step, action in pairs]
    return [flat[first : first + actions] for first in range(0, len(flat), actions)]


def _chance(value: Any, what: str, action: int, step: int) -> float:
    try:
        chance = float(value)
    except (TypeError, ValueError):
        chance = math.nan
    if not 0 <= chance <= 1 or isinstance(value, str | bytes):
        raise ConfigError(f"{what}: got {value!r} for action {action} at step {step}; wanted a chance in [0, 1]")
    return chance


def tabulated(family: str, config: Mapping[str, Any], steps: int | None) -> Mapping[str, Any]:
    """Return settings in which each ``…_table`` that names a function is the table of what it says.

    Such a setting is a mapping of ``function`` (a callable, or the text ``package.module:function`` or
    ``path/file.py:function``) and ``actions`` (their number).

    Args:
        family: name of the family, for refusals.
        config: its settings.
        steps: length of the episode.

    Raises:
        ConfigError: a mapping with other fields, no end of the episode, or something that is no chance.
    """
    named = {key: value for key, value in config.items() if key.endswith("_table") and isinstance(value, Mapping)}
    if not named:
        return config
    return {**config, **{key: _table(f"{family}.{key}", value, steps) for key, value in named.items()}}


def _table(what: str, given: Mapping[str, Any], steps: int | None) -> list[list[float]]:
    if sorted(given) != sorted(_FIELDS):
        raise ConfigError(f"{what}: got {', '.join(map(str, given)) or 'nothing'}; wanted {' and '.join(_FIELDS)}")
    if steps is None:
        raise ConfigError(f"{what}: got a function without a horizon; wanted one, since it is asked for every step")
    function, actions = given["function"], given["actions"]
    if isinstance(actions, bool) or not isinstance(actions, int) or actions < 1:
        raise ConfigError(f"{what}.actions: got {actions!r}; wanted a whole number, at least 1")
    if not callable(function):
        function = load_function(f"{what}.function", function)
    return tabulate(function, actions, steps, what=what)
