"""Agents by id: ``[namespace/]name-vN`` keeps an entry point and its settings, for good."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType

from onetake.agents.base import AbstractAgent
from onetake.build import load_class, nearest
from onetake.errors import ConfigError, UnknownIdError

_ID = re.compile(r"(?P<name>(?:[A-Za-z][\w.-]*/)?[A-Za-z]\w*)-v(?P<version>0|[1-9]\d*)")


@dataclass(frozen=True)
class AgentEntry:
    """What an id stands for.

    Attributes:
        id: the versioned id.
        entry_point: ``package.module:Class`` or ``path/file.py:Class``.
        settings: keywords of the class that belong to the id.
        withdrawn: True where the id must no longer be used; successor: the id that replaced it.
    """

    id: str
    entry_point: str
    settings: Mapping[str, object] = field(default_factory=dict)
    withdrawn: bool = False
    successor: str | None = None


_ENTRIES: dict[str, AgentEntry] = {}


def register(id: str, entry_point: str, settings: Mapping[str, object] | None = None) -> AgentEntry:
    """Give an agent and its settings an id. Nothing is imported until it is made.

    Raises:
        ConfigError: if the id has not the form ``[namespace/]name-vN`` or already means something else.

    >>> register("docs/eager-v0", "onetake.agents.bandits.epsilon_greedy:EpsilonGreedy", {"epsilon": 0.3}).id
    'docs/eager-v0'
    >>> make("docs/eager")
    EpsilonGreedy(epsilon=0.3, floor=0.0, pooling='none')
    """
    if not _ID.fullmatch(id):
        raise ConfigError(f"id: got '{id}'; wanted [namespace/]name-vN")
    entry = AgentEntry(id, entry_point, MappingProxyType(dict(settings or {})))
    known = _ENTRIES.setdefault(id, entry)
    if known != entry:
        raise ConfigError(f"id: got '{id}', which is registered as {known.entry_point}; wanted a new version number")
    return known


def withdraw(id: str, successor: str | None = None) -> None:
    """Refuse an id from now on, saying which one replaced it.

    Raises:
        UnknownIdError: if the id, or its successor, is not registered.
    """
    if id not in _ENTRIES:
        raise _unknown(id)
    if successor is not None:
        find(successor)
    old = _ENTRIES[id]
    _ENTRIES[id] = AgentEntry(old.id, old.entry_point, old.settings, withdrawn=True, successor=successor)


def find(id: str) -> AgentEntry:
    """The entry of an id; a name without version means the newest version that is not withdrawn.

    Raises:
        UnknownIdError: if there is no such id (the text names the nearest) or it is withdrawn (the successor).

    >>> find("thompson").id
    'thompson-v0'
    """
    entry = _ENTRIES.get(id)
    if entry is None:
        versions = [(int(m["version"]), key) for key in _ENTRIES if (m := _ID.fullmatch(key)) and m["name"] == id]
        if not versions:
            raise _unknown(id)
        live = [version for version in versions if not _ENTRIES[version[1]].withdrawn]
        entry = _ENTRIES[max(live or versions)[1]]
    if entry.withdrawn:
        raise UnknownIdError(
            f"agent id '{entry.id}' was withdrawn; use {entry.successor or 'another: none replaced it'}"
        )
    return entry


def registered() -> tuple[AgentEntry, ...]:
    """All entries that can be made, ordered by id.

    >>> "ucb1-v0" in [entry.id for entry in registered()]
    True
    """
    return tuple(_ENTRIES[id] for id in sorted(_ENTRIES) if not _ENTRIES[id].withdrawn)


def make(id_or_entry: str | AgentEntry, /, **settings: object) -> AbstractAgent:
    """Make an agent from an id, an entry, or an entry point; ``settings`` go over those of the id.

    Raises:
        UnknownIdError: if the id or the class is not known.
        ConfigError: if a setting is not one of the agent's or has a value that cannot be used.

    >>> make("epsilon_greedy-v0", epsilon=0.2)
    EpsilonGreedy(epsilon=0.2, floor=0.0, pooling='none')
    >>> make("onetake.agents.bandits.fixed:Fixed", action=1)
    Fixed(action=1, floor=0.0)
    """
    if isinstance(id_or_entry, AgentEntry):
        entry = id_or_entry
    elif ":" in id_or_entry:
        entry = AgentEntry(id_or_entry, id_or_entry)
    else:
        entry = find(id_or_entry)
    cls = load_class(entry.entry_point, AbstractAgent)
    given = {**entry.settings, **settings}
    known = [setting.name for setting in fields(cls)]
    for name in given:
        if name not in known:
            raise ConfigError(f"{name}: got a setting that {cls.__name__} has not; wanted one of {', '.join(known)}")
    try:
        agent: AbstractAgent = cls(**given)
    except TypeError as error:  # a setting without default was left out, or the class is abstract
        raise ConfigError(f"{entry.id}: {error}") from error
    return agent


def _unknown(id: str) -> UnknownIdError:
    live = [entry.id for entry in registered()]
    return UnknownIdError(f"agent id: got '{id}'; nearest: {nearest(id, live)}")
