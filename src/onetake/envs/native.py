"""What crosses to the native batch, checked: configuration as JSON, columns as float64, seeds, threads."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from onetake._core import VecSim
from onetake.draws import thread_count
from onetake.envs.tabulate import tabulated
from onetake.errors import ConfigError, ShapeError
from onetake.types import Float64

Config = Mapping[str, Any]
Columns = Mapping[str, Any]


def make_native(
    family: str,
    config: Config | None,
    columns: Columns | None,
    *,
    size: tuple[int, int],
    first: tuple[int, int],
    seed: int,
    mode: AutoresetMode,
    one_shot: bool = False,
    threads: int | None,
) -> VecSim:
    """Return the native batch; ``size`` and ``first`` are (entities, replicates) and the ids of the first of each.

    In one-shot mode environments that have ended stand still until all have.

    Raises:
        ConfigError: a setting or a cell that cannot be used, by name.
        ShapeError: a column of another shape than the batch.
        UnknownIdError: a family or a column that there is not.
    """
    if config is not None and not isinstance(config, Mapping):
        raise ConfigError(f"{family}: got {config!r}; wanted a mapping of settings")
    config = tabulated(family, config or {}, (config or {}).get("horizon"))
    table = [(name, _cells(name, values)) for name, values in sorted((columns or {}).items())]
    return VecSim(
        family,
        as_json(family, config),
        table,
        whole("entities", size[0], 1),
        whole("replicates", size[1], 1),
        _id("first_entity", first[0]),
        _id("first_replicate", first[1]),
        whole("seed", seed),
        "Wait" if one_shot else mode.value,
        thread_count(threads),
    )


def whole(name: str, value: Any, low: int = 0) -> int:
    """Return ``value`` as a whole number of at least ``low`` that fits into 64 bits, or refuse it."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if isinstance(value, bool) or not low <= number < 2**64:
        raise ConfigError(f"{name}: got {value!r}; wanted a whole number, at least {low} and below 2**64")
    return number


def _id(name: str, value: Any) -> int:
    number = whole(name, value)
    if number >= 2**32:
        raise ConfigError(f"{name}: got {value!r}; wanted an id below 2**32")
    return number


def as_json(family: str, config: Config) -> str:
    """Return the configuration as JSON text, or refuse what JSON has no word for.

    >>> as_json("cohort", {"p": [0.5, float("nan")]})
    Traceback (most recent call last):
        ...
    onetake.errors.ConfigError: cohort.p[1]: got nan; wanted a finite number
    """
    return json.dumps(_plain(family, config), sort_keys=True)


def _plain(path: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(f"{path}.{key}", item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(f"{path}[{i}]", item) for i, item in enumerate(value)]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{path}: got {value!r}; wanted a finite number")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ConfigError(f"{path}: got {value!r}; wanted a number, text, list or mapping")


def _cells(name: str, values: Any) -> Float64:
    array = np.asarray(values)
    if array.dtype.kind not in "iuf" or array.ndim not in (1, 2):
        got = f"{array.dtype} of shape {array.shape}"
        raise ShapeError(f'columns["{name}"]: got {got}; wanted numbers of shape (rows,) or (rows, arms)')
    cells = np.ascontiguousarray(array, dtype=np.float64)
    return cells[:, np.newaxis] if cells.ndim == 1 else cells


def single_spaces(spec: dict[str, Any]) -> tuple[spaces.Space[Any], spaces.Space[Any]]:
    """Return the observation and action space of one environment."""
    channels = spec["observations"]
    low = np.array([channel["low"] for channel in channels], dtype=np.float32)
    high = np.array([channel["high"] for channel in channels], dtype=np.float32)
    actions = spec["actions"]
    if actions["kind"] == "discrete":
        return spaces.Box(low, high, dtype=np.float32), spaces.Discrete(actions["count"])
    least, most = (np.array(actions[end], dtype=np.float32) for end in ("low", "high"))
    return spaces.Box(low, high, dtype=np.float32), spaces.Box(least, most, dtype=np.float32)
