"""Ids of environments: ours and, in Gymnasium's registry, the same ones."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium

from onetake import _core
from onetake.envs.goals import GoalEnv, GoalVectorEnv
from onetake.envs.native import whole
from onetake.envs.sim import SimVectorEnv
from onetake.envs.single import SimEnv
from onetake.errors import ConfigError, UnknownIdError

NAMESPACE = "onetake/"
_GOALS = frozenset({"reach"})
_ID = re.compile(r"^(?:[\w:-]+/)?[\w:.-]+-v\d+$")


@dataclass(frozen=True)
class Registration:
    """A registered environment: a family with its settings.

    Attributes:
        env_id: ``namespace/name-vN``.
        family: name of the family.
        config: its settings; those that are missing are the family's defaults.
    """

    env_id: str
    family: str
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The id as a file name."""
        return slug(self.env_id)


_REGISTERED: dict[str, Registration] = {}


def slug(env_id: str) -> str:
    """Return an id as a name that every file system takes.

    >>> slug("onetake/TimePeriodStep:Static:conv_1:0.2:conv_2:0.3-v0")
    'TimePeriodStep-Static-conv_1-0.2-conv_2-0.3-v0'
    """
    return re.sub(r"[^\w.-]+", "-", env_id.removeprefix(NAMESPACE)).strip("-.") or "unnamed"


def register(env_id: str, family: str, config: Mapping[str, Any] | None = None) -> Registration:
    """Register a family with its settings under an id, here and with Gymnasium.

    Gymnasium's ``make`` takes what stands before a ``:`` for a module to import, so an id with a ``:`` is registered
    there a second time under its slug.

    Raises:
        ConfigError: an id that is not ``[namespace/]name-vN``, or that is taken; a setting that cannot be used.
        UnknownIdError: a family that there is not.
    """
    if not _ID.match(env_id):
        raise ConfigError(f"env_id: got {env_id!r}; wanted [namespace/]name-vN")
    if env_id in _REGISTERED or env_id in gymnasium.registry:
        raise ConfigError(f"env_id: got {env_id!r}, which is taken; wanted a new one")
    settings = copy.deepcopy(dict(config or {}))
    SimEnv(family, settings)
    _REGISTERED[env_id] = Registration(env_id, family, settings)
    for name in dict.fromkeys((env_id, env_id if ":" not in env_id else f"{NAMESPACE}{slug(env_id)}")):
        gymnasium.register(
            name,
            entry_point=f"{__name__}:make_single",
            vector_entry_point=f"{__name__}:make_vector",
            kwargs={"env_id": env_id},
            # Order and kinds are checked by the environment itself: wrappers would only make it slower.
            order_enforce=False,
            disable_env_checker=True,
        )
    return _REGISTERED[env_id]


def registered() -> tuple[str, ...]:
    """Return all ids, in the order of their registration."""
    return tuple(_REGISTERED)


def is_registered(env_id: str) -> bool:
    """Return whether an id is one of ours; the namespace may be left out."""
    return env_id in _REGISTERED or f"{NAMESPACE}{env_id}" in _REGISTERED


def find(env_id: str) -> Registration:
    """Return the registration of an id; the namespace may be left out.

    Raises:
        UnknownIdError: names the nearest ids.

    >>> find("Cohort-v0").family
    'cohort'
    """
    for name in (env_id, f"{NAMESPACE}{env_id}"):
        if name in _REGISTERED:
            return _REGISTERED[name]
    near = difflib.get_close_matches(env_id, _REGISTERED, n=3, cutoff=0.3) or list(_REGISTERED)[:3]
    raise UnknownIdError(f"environment: got {env_id!r}, which is not registered; wanted one like {', '.join(near)}")


def families() -> tuple[str, ...]:
    """Return the names of all families."""
    return tuple(_core.family_names())


def make(env_id: str, *, config: Mapping[str, Any] | None = None, **settings: Any) -> SimEnv:
    """Return the single environment of an id.

    Args:
        env_id: a registered id.
        config: settings of the family that differ from the registered ones.
        **settings: arguments of `SimEnv`.

    >>> make("TimePeriodStep:Static:conv_1:0.2:conv_2:0.3-v0").action_space
    Discrete(2)
    """
    found = find(env_id)
    face = GoalEnv if found.family in _GOALS else SimEnv
    return face(found.family, {**found.config, **(config or {})}, env_id=found.env_id, **settings)


def make_vec(
    env_id: str, num_envs: int = 1, *, config: Mapping[str, Any] | None = None, **settings: Any
) -> SimVectorEnv:
    """Return ``num_envs`` environments of an id as one; with ``replicates`` they are that many times the same entities.

    Args:
        env_id: a registered id.
        num_envs: number of environments.
        config: settings of the family that differ from the registered ones.
        **settings: arguments of `SimVectorEnv`.

    Raises:
        ConfigError: ``num_envs`` of 0, or one that ``replicates`` does not divide.

    >>> make_vec("Cohort-v0", 6, replicates=2).batch_spec.entity_ids
    array([0, 1, 2], dtype=uint32)
    """
    found = find(env_id)
    number = whole("num_envs", num_envs, 1)
    replicates = whole("replicates", settings.pop("replicates", 1), 1)
    if number % replicates:
        raise ConfigError(f"num_envs: got {number}; wanted a multiple of replicates = {replicates}")
    face = GoalVectorEnv if found.family in _GOALS else SimVectorEnv
    return face(
        found.family,
        {**found.config, **(config or {})},
        entities=number // replicates,
        replicates=replicates,
        env_id=found.env_id,
        **settings,
    )


def make_single(env_id: str, **settings: Any) -> SimEnv:
    """Make a single environment for ``gymnasium.make``."""
    return make(env_id, **settings)


def make_vector(env_id: str, num_envs: int = 1, **settings: Any) -> SimVectorEnv:
    """Make a vector environment for ``gymnasium.make_vec``."""
    return make_vec(env_id, num_envs, **settings)
