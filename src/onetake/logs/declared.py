"""Conf mappings → frozen records: unknown keys and ill-typed values are refused with their whole path."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from onetake.errors import ConfigError

Record = TypeVar("Record")


def declared(cls: type[Record], value: object, path: str) -> Record:
    """Return the record ``cls`` that the mapping ``value`` declares.

    Raises:
        ConfigError: naming the path of an unknown key, a missing one, or a value of another type than wanted.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Period:
    ...     days: int = 1
    >>> declared(Period, {"days": 7}, "calendar")
    Period(days=7)
    """
    if isinstance(value, cls):
        return value
    if not isinstance(value, Mapping):
        raise ConfigError(f"{path}: got {value!r}; wanted a mapping")
    kinds = get_type_hints(cls)
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]  # a dataclass by contract
    for key in value:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise ConfigError(f"{path}.{key}: got an unknown key{hint}; wanted one of {', '.join(known)}")
    for name, field in known.items():
        if name not in value and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{path}.{name}: got nothing; wanted {_said(kinds[name])}")
    return cls(**{key: coerced(kinds[key], given, f"{path}.{key}") for key, given in value.items()})


def coerced(kind: Any, value: Any, path: str) -> Any:
    """Return ``value`` as the annotation ``kind`` wants it: records from mappings, tuples from lists, floats from ints.

    Raises:
        ConfigError: naming the path, what was got and what was wanted.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in parts:
            return None
        return coerced(next(part for part in parts if part is not type(None)), value, path)
    if is_dataclass(kind) and isinstance(kind, type):
        return declared(kind, value, path)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(coerced(parts[0], item, f"{path}[{i}]") for i, item in enumerate(value))
    if origin is dict and isinstance(value, Mapping):
        return {coerced(parts[0], key, path): coerced(parts[1], item, f"{path}.{key}") for key, item in value.items()}
    if kind is Any or _fits(kind, origin, parts, value):
        return float(value) if kind is float else value
    raise ConfigError(f"{path}: got {value!r}; wanted {_said(kind)}")


def _fits(kind: Any, origin: Any, parts: tuple[Any, ...], value: Any) -> bool:
    if origin is Literal:
        return value in parts
    if isinstance(value, bool) and kind is not bool:
        return False
    if isinstance(value, float) and math.isnan(value):
        return False
    return isinstance(kind, type) and isinstance(value, (int, float) if kind is float else kind)


def _said(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(str(part) for part in get_args(kind))
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind).replace("typing.", "")
