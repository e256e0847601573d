"""From an entry in ``conf/`` to an object: the entry's ``type`` names it, the rest are its settings."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from onetake.errors import ConfigError, OnetakeError, UnknownIdError

T = TypeVar("T")


def build(path: str, entry: Mapping[str, object], make: Callable[..., T]) -> T:
    """Make the object that ``entry`` describes.

    Args:
        path: where the entry stands in the configuration, such as ``agents.thompson``; refusals begin with it.
        entry: the mapping with ``type`` and settings.
        make: takes the type and the settings as keywords, such as `onetake.agents.make`.

    Raises:
        ConfigError: if the entry is no mapping, has no ``type``, or its settings cannot be used.
        UnknownIdError: if nothing of that type is known.

    >>> build("agents.eager", {"type": "dict", "epsilon": 0.1}, lambda type, **settings: settings)
    {'epsilon': 0.1}
    """
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{path}: got {entry!r}; wanted a mapping with a type and settings")
    kind = entry.get("type")
    if not isinstance(kind, str):
        raise ConfigError(f"{path}.type: got {kind!r}; wanted a registered id or an entry point")
    try:
        return make(kind, **{str(name): value for name, value in entry.items() if name != "type"})
    except OnetakeError as error:
        # Where the text begins with a setting, the setting becomes the end of the path.
        joint = "." if str(error).partition(":")[0].isidentifier() else ": "
        raise type(error)(f"{path}{joint}{error}") from error


def nearest(name: str, known: Iterable[str], *, most: int = 3) -> str:
    """The known names that look most like ``name``, for the text of a refusal.

    >>> nearest("tompson-v0", ["thompson-v0", "ucb1-v0"])
    'thompson-v0'
    """
    names = sorted(known)
    return ", ".join(difflib.get_close_matches(name, names, n=most, cutoff=0.4) or names)


def load_class(entry_point: str, base: type[Any]) -> type[Any]:
    """Import the class behind ``package.module:Class`` or ``path/file.py:Class``.

    Args:
        entry_point: where the class is.
        base: what it must be a subclass of, so that configuration cannot call anything else.

    Raises:
        ConfigError: if the text has no such form, the module or file cannot be found, or the class is no ``base``.
        UnknownIdError: if the module has no such class.

    >>> load_class("onetake.errors:ConfigError", Exception).__name__
    'ConfigError'
    """
    module, place, name = _split(entry_point, "Class")
    if not hasattr(module, name):
        classes = [key for key, value in vars(module).items() if isinstance(value, type) and issubclass(value, base)]
        raise UnknownIdError(f"entry point: '{place}' has no '{name}'; nearest: {nearest(name, classes) or 'none'}")
    found = getattr(module, name)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ConfigError(f"entry point: got '{entry_point}'; wanted a subclass of {base.__name__}")
    return found


def load_function(path: str, entry_point: object) -> Callable[..., Any]:
    """Import the function behind ``package.module:function`` or ``path/file.py:function``.

    Args:
        path: where the entry point stands in the configuration; refusals begin with it.
        entry_point: where the function is.

    Raises:
        ConfigError: if the text has no such form, the module or file cannot be found, or it is no function.
        UnknownIdError: if the module has no such function.

    >>> load_function("docs", "math:sqrt")(4.0)
    2.0
    """
    if not isinstance(entry_point, str):
        raise ConfigError(f"{path}: got {entry_point!r}; wanted a function or the text of its entry point")
    module, place, name = _split(entry_point, "function")
    found = getattr(module, name, None)
    if found is None:
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise UnknownIdError(f"{path}: '{place}' has no '{name}'; nearest: {nearest(name, functions) or 'none'}")
    if not callable(found):
        raise ConfigError(f"{path}: got '{entry_point}', a {type(found).__name__}; wanted a function")
    function: Callable[..., Any] = found
    return function


def _split(entry_point: str, kind: str) -> tuple[ModuleType, str, str]:
    place, colon, name = entry_point.rpartition(":")
    if not (place and colon and name.isidentifier()):
        raise ConfigError(f"entry point: got '{entry_point}'; wanted package.module:{kind} or path/file.py:{kind}")
    return _module_of_file(Path(place)) if place.endswith(".py") else _module_by_name(place), place, name


def _module_by_name(name: str) -> ModuleType:
    if importlib.util.find_spec(name.partition(".")[0]) is None:
        raise ConfigError(f"entry point: got module '{name}'; wanted one that can be imported")
    return _imported(name, lambda: importlib.import_module(name))


def _module_of_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigError(f"entry point: got file '{path}'; wanted one that exists")
    # The name carries the place, so that two files of one name do not meet; a file is run once a process.
    name = f"onetake_file_{path.stem}_{hashlib.blake2b(str(path.resolve()).encode(), digest_size=6).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"entry point: got file '{path}'; wanted a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    run = spec.loader.exec_module
    try:
        _imported(str(path), lambda: run(module))
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _imported(place: str, load: Callable[[], T]) -> T:
    """Import someone's code; whatever it raises becomes one line that says where."""
    try:
        return load()
    except Exception as error:  # someone's code may raise anything, and all of it is bad input here
        own = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith("<frozen")]
        theirs = [f"{f.filename}:{f.lineno}" for f in own if f.filename not in (__file__, importlib.__file__)]
        where = f"{error.filename}:{error.lineno}" if isinstance(error, SyntaxError) else (theirs or ["import"])[-1]
        raise ConfigError(
            f"entry point: got '{place}', which stops at {where} ({type(error).__name__}: {error}); "
            "wanted one that can be imported"
        ) from error
