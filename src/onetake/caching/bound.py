"""What a node's function is made of: which code it starts from, and the values that are bound into it."""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
import re
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from onetake.caching.closure import Closure
from onetake.caching.fingerprint import NoFingerprint, leaves
from onetake.caching.places import is_library

ENTRY_POINT = re.compile(r"[A-Za-z_]\w*(\.\w+)+(:\w+)?")
FILE_ENTRY_POINT = re.compile(r"(?P<path>[^:\n]+\.py):\w+")


class Bound:
    """Takes a function apart: `references` to code, and `values` as `{part: text}`.

    Raises:
        NoFingerprint: if something bound into the function, or its code, cannot be told from outside.
    """

    def __init__(self, closure: Closure, root: Path) -> None:
        self._closure = closure
        self._root = root
        self.references: set[str] = set()
        self.values: dict[str, str] = {}
        self._seen: set[int] = set()

    def add(self, value: Any, label: str) -> None:
        """Add a value that is bound under a label: code by its references, anything else by its content."""
        if isinstance(value, functools.partial):
            self.add(value.func, label)
            for position, item in enumerate(value.args):
                self.add(item, f"{label}({position})")
            for name, item in sorted(value.keywords.items()):
                self.add(item, f"{label}({name})")
        elif isinstance(value, types.MethodType):
            self.add(value.__func__, label)
            self.add(value.__self__, f"{label}.self")
        elif isinstance(value, types.ModuleType):
            self.references.add(f"{value.__name__}:")
        elif isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
            self._add_code(value, label)
        elif isinstance(value, Mapping | list | tuple) and holds_code(value):
            for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
                self.add(item, f"{label}.{key}")
        else:
            self._add_value(value, label)

    def _add_value(self, value: Any, label: str) -> None:
        """Add a value that is no code; of an instance of a class, its class too."""
        kind = type(value)
        if isinstance(value, enum.Enum):
            self._add_code(kind, label)
        elif self._closure.is_first_party(kind.__module__) or dataclasses.is_dataclass(value) or callable(value):
            if id(value) in self._seen:
                return
            self._seen.add(id(value))
            self._add_code(kind, label)
            state = vars(value) if hasattr(value, "__dict__") else None
            if state is not None:
                for name, item in sorted(state.items()):
                    self.add(item, f"{label}.{name}")
                return
        for path, text in leaves(value, label):
            self.values[path] = text
        self.add_named(value)

    def add_named(self, value: Any) -> None:
        """Add the first-party code that texts inside a value name: `package.module:Class`, `folder/file.py:Class`."""
        if isinstance(value, Mapping):
            for item in value.values():
                self.add_named(item)
        elif isinstance(value, list | tuple):
            for item in value:
                self.add_named(item)
        elif isinstance(value, str) and (match := FILE_ENTRY_POINT.fullmatch(value)):
            path = self._root / match["path"]
            if path.is_file():
                self._closure.add_file(str(path), path)
                self.references.add(f"{path}:")
        elif isinstance(value, str) and ENTRY_POINT.fullmatch(value):
            module, _, name = value.partition(":") if ":" in value else value.rpartition(".")
            if self._closure.is_first_party(module):
                self.references.add(f"{module}:{name}")

    def _add_code(self, value: type | Callable[..., Any], label: str) -> None:
        """Add a function or class by the top-level name that holds its source, and what its closure cells hold."""
        module, qualname = value.__module__ or "", value.__qualname__
        loaded = sys.modules.get(module)
        if not self._closure.is_first_party(module) and not self._is_library(value, module):
            self._add_file(value, module)
        top = qualname.split(".")[0]
        # A lambda has no name to find it by, so its whole module counts.
        self.references.add(f"{module}:" if top == "<lambda>" else f"{module}:{top}")
        if self._is_library(value, module):
            self.values[f"{label} is"] = f"{module}.{qualname}"
        elif getattr(loaded, qualname, None) is not value and isinstance(value, types.FunctionType):
            self._add_cells(value, label)

    def _add_cells(self, value: types.FunctionType, label: str) -> None:
        """Add what a function made by another function remembers."""
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            try:
                held = cell.cell_contents
            except ValueError:
                continue
            self.add(held, f"{label}[{name}]")
        for position, item in enumerate(value.__defaults__ or ()):
            self.add(item, f"{label}=({position})")

    def _is_library(self, value: type | Callable[..., Any], module: str) -> bool:
        """Return whether code is Python's own or an installed package's: its version may count, its source not."""
        if self._closure.is_first_party(module):
            return False
        if isinstance(value, types.BuiltinFunctionType) or module == "builtins":
            return True
        path = getattr(sys.modules.get(module), "__file__", None)
        return path is not None and is_library(Path(path))

    def _add_file(self, value: type | Callable[..., Any], module: str) -> None:
        """Let the file of code count that is neither first-party nor installed."""
        try:
            path = Path(inspect.getsourcefile(value) or "")
        except TypeError:
            path = Path()
        if not path.is_file():
            raise NoFingerprint(f"{module}.{value.__qualname__} has no source file")
        self._closure.add_file(module, path)


def holds_code(value: Any) -> bool:
    """Return whether a value is code or an instance of a class of its own, or has such among its items."""
    if isinstance(value, Mapping):
        return any(holds_code(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(holds_code(item) for item in value)
    return callable(value) or isinstance(value, types.ModuleType) or hasattr(value, "__dict__")
