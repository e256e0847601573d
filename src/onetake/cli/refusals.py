"""Refusals on the command line: one line that says what was got and what was wanted, exit code 2, no traceback."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, TypeVar

import click
from kedro.io import DatasetError

from onetake.caching import CacheError
from onetake.errors import OnetakeError

OURS = (OnetakeError, CacheError)
# Kinds that Kedro raises for a name, flag or key that it does not know; from elsewhere they are mistakes of ours.
OF_KEDRO = (ValueError, KeyError, TypeError, AttributeError, ImportError)
PLACES = (PermissionError, NotADirectoryError, IsADirectoryError, FileExistsError)
BAD_DECLARATIONS = ("must only contain arguments valid", "An exception occurred when parsing config")
EXIT_CODE = 2

P = ParamSpec("P")
T = TypeVar("T")


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Turn a refusal inside into one line on standard error and exit code 2; let everything else through."""
    caught: tuple[type[Exception], ...] = (*OURS, *OF_KEDRO, DatasetError, OSError, *of_libraries())
    try:
        yield
    except caught as error:
        line = refusal(error)
        if line is None:
            raise
        click.echo(f"onetake: {line}", err=True)
        sys.exit(EXIT_CODE)


def refused_in_one_line(function: Callable[P, T]) -> Callable[P, T]:
    """Let a verb end with one line and exit code 2 where it refuses what it was given."""

    @functools.wraps(function)
    def verb(*args: P.args, **kwargs: P.kwargs) -> T:
        with refusing():
            return function(*args, **kwargs)

    return verb


def of_libraries() -> tuple[type[Exception], ...]:
    """Return the exceptions for conf that cannot be read or does not fit its types."""
    from kedro.config import MissingConfigException
    from kedro.validation.exceptions import ParameterValidationError
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    return MissingConfigException, ParameterValidationError, OmegaConfBaseException, YAMLError


def refusal(error: BaseException) -> str | None:
    """Return the line for an error that is a refusal; None for one that is a mistake in a program.

    >>> from onetake.errors import ConfigError
    >>> refusal(ConfigError("floor: got 2; wanted a number in [0, 1]"))
    'floor: got 2; wanted a number in [0, 1]'
    >>> refusal(ZeroDivisionError("division by zero"))
    """
    chain = list(causes(error))
    ours = [one for one in chain if isinstance(one, OURS)]
    if ours:
        notes = [note for one in chain for note in getattr(one, "__notes__", ())]
        return one_line(str(ours[0])) + "".join(f" ({note})" for note in dict.fromkeys(notes))
    places = [one for one in chain if isinstance(one, PLACES)]
    if places:
        return place(places[0])
    if isinstance(error, of_libraries()):
        return parameters(str(error))
    if isinstance(error, DatasetError):
        known = isinstance(chain[-1], DatasetError | OSError) or any(words in str(error) for words in BAD_DECLARATIONS)
        return one_line(str(error)) if known else None
    return named(str(error)) if isinstance(error, OF_KEDRO) and raised_by_kedro(error.__traceback__) else None


def named(text: str) -> str:
    """Return the line for a name that Kedro does not know; inputs that nothing gives are told apart by their kind.

    >>> named("Pipeline input(s) {'params:agents.tompson'} not found in the RecordingCatalog")
    'parameter agents.tompson: got nothing; wanted a value in conf'
    """
    found = re.fullmatch(r"Pipeline input\(s\) \{(.*)\} not found in the \w+", one_line(text))
    if found is None:
        return one_line(text)
    names = sorted(re.findall(r"'([^']+)'", found[1]))
    keys = [name.removeprefix("params:") for name in names if name.startswith("params:")]
    datasets = [name for name in names if not name.startswith("params:")]
    lines = [f"parameter {', '.join(keys)}: got nothing; wanted a value in conf"] if keys else []
    lines += [f"dataset {', '.join(datasets)}: got nothing; wanted it in the catalog"] if datasets else []
    return "; ".join(lines)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__


def one_line(text: str) -> str:
    """Return a text with every run of white space made one space."""
    return " ".join(text.split())


def place(error: OSError) -> str:
    """Return the line for a place that cannot be written or read."""
    return (
        f"{error.filename or 'a path'}: got {(error.strerror or str(error)).lower()}; wanted a place that can be used"
    )


def parameters(text: str) -> str:
    """Return the line for conf that does not fit: the path of each parameter first."""
    text = re.sub(r"^Parameter validation failed:\n- ", "", text)
    text = re.sub(r"Parameter '([^']+)': (?:Failed to instantiate \w+ for parameter '\1': )?", r"parameter \1: ", text)
    text = re.sub(
        r"parameter (\S+): (\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'",
        lambda found: f"parameter {found[1]}.{found[3]}: got a key that is not known; wanted {_keys(found[2])}",
        text,
    )
    text = re.sub(
        r"parameter (\S+): (\w+)\.__init__\(\) missing \d+ required positional arguments?: (.*)",
        r"parameter \1: got nothing for \3; wanted a value for each",
        text,
    )
    return one_line(text.replace("\n- ", "; "))


def _keys(record: str) -> str:
    """Return the keys of the dataclass of that name; Kedro's message has only the name: the newest module is asked."""
    for module in reversed(list(sys.modules.values())):
        known = getattr(module, "__dict__", {}).get(record)
        if dataclasses.is_dataclass(known):
            return f"one of {', '.join(each.name for each in dataclasses.fields(known))}"
    return f"one of {record}'s"


def raised_by_kedro(trace: TracebackType | None) -> bool:
    """Return whether an error was raised in Kedro's own code, outside the call of a node."""
    inner = None
    while trace is not None:
        inner, trace = trace.tb_frame, trace.tb_next
    name = str(inner.f_globals.get("__name__", "")) if inner is not None else ""
    return name.partition(".")[0] == "kedro" and name != "kedro.pipeline.node"


def project_root() -> Path:
    """Return the folder of the Kedro project that the working directory lies in, ready to be used.

    Raises:
        ConfigError: if it lies in none.
    """
    from kedro.framework.startup import bootstrap_project
    from kedro.utils import find_kedro_project

    from onetake.errors import ConfigError

    root = find_kedro_project(Path.cwd())
    if root is None:
        raise ConfigError(f"working directory: got {Path.cwd()}; wanted a folder inside a Kedro project")
    bootstrap_project(root)
    return Path(root)
