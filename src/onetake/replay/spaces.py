"""Spaces as fields of a row: a name, a dtype and a shape each."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from onetake.errors import ConfigError

Field = dict[str, Any]
_DTYPES = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]


def field_of(name: str, space: spaces.Space[Any], what: str) -> Field:
    """Return the field of a space whose samples are numbers of one type.

    Raises:
        ConfigError: for spaces of other samples.

    >>> field_of("", spaces.Box(-1, 1, (3,), np.float32), "observation_space")
    {'name': '', 'dtype': 'float32', 'shape': [3]}
    """
    plain = isinstance(space, spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary)
    if not plain or np.dtype(space.dtype).name not in _DTYPES:
        wanted = "Box, Discrete, MultiDiscrete or MultiBinary" + (", or a Dict of them" if "obs" in what else "")
        raise ConfigError(f"{what}: got {space}; wanted {wanted}")
    return {"name": name, "dtype": np.dtype(space.dtype).name, "shape": list(space.shape or ())}


def obs_fields(space: spaces.Space[Any]) -> list[Field]:
    """Return the fields of an observation: one without a name, or one a key of a dict.

    Raises:
        ConfigError: for spaces that do not become arrays of numbers.
    """
    if isinstance(space, spaces.Dict):
        return [field_of(key, part, f"observation_space[{key!r}]") for key, part in space.spaces.items()]
    return [field_of("", space, "observation_space")]
