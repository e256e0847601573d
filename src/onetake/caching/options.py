"""What a project may set about its cache, and the one exception of this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

Mode = Literal["auto", "force", "off"]
MODES: tuple[str, ...] = get_args(Mode)
UNCACHED = "uncached"
"""A node with this tag runs whenever it is asked for."""


class CacheError(ValueError):
    """A setting of the cache, or a cache folder, that cannot be used. One line."""


@dataclass(frozen=True)
class CacheOptions:
    """How nodes are fingerprinted and where the records lie.

    Attributes:
        first_party: top-level packages whose source counts, wherever they lie; empty means the package of the running
            Kedro project. Code that is not installed (a user's own, beside the project) counts in any case.
        versions: distributions whose version counts for the nodes that reach them.
        tokens: for first-party modules without source (extensions), what stands for their source. Asked only when a
            node reaches the module; without an entry the bytes of the module's file count.
        by_name: functions (`module:name`) that find code by a name known only at run time, and the packages that they
            may find it in. Without an entry such a function makes every first-party module count; an empty tuple says
            that whatever it finds is bound into the node.
        folder: where records and memos lie, relative to the project.

    >>> CacheOptions(first_party=("shop",)).folder.as_posix()
    '.cache/kedro'
    """

    first_party: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    tokens: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    by_name: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folder: Path = Path(".cache/kedro")


def checked_mode(value: object) -> Mode:
    """Return `value` if it is a mode of the cache.

    Raises:
        CacheError: if it is not.
    """
    for mode in MODES:
        # YAML and the command line read a bare `off` as false.
        if value == mode or (value is False and mode == "off"):
            return mode  # type: ignore[return-value]  # narrowed to a member of MODES above
    raise CacheError(f"cache: got {value!r}; wanted one of {', '.join(MODES)}")
