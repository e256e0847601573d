"""Simulated environments as Gymnasium environments; importing this registers their ids under ``onetake/``."""

from __future__ import annotations

from onetake.envs import truman
from onetake.envs.foreign import ForeignVectorEnv
from onetake.envs.goals import GoalEnv, GoalVectorEnv
from onetake.envs.registration import (
    Registration,
    families,
    find,
    make,
    make_vec,
    register,
    registered,
    slug,
)
from onetake.envs.rollout import rollout
from onetake.envs.sim import SimVectorEnv
from onetake.envs.single import SimEnv
from onetake.envs.suite import EnvironmentEntry, Suite

__all__ = [
    "EnvironmentEntry",
    "ForeignVectorEnv",
    "GoalEnv",
    "GoalVectorEnv",
    "Registration",
    "SimEnv",
    "SimVectorEnv",
    "Suite",
    "families",
    "find",
    "make",
    "make_vec",
    "register",
    "registered",
    "rollout",
    "slug",
]

_TITLES = {"cartpole": "CartPole"}
for _family in families():
    register(f"onetake/{_TITLES.get(_family, _family.capitalize())}-v0", _family)
for _id, (_family, _config) in truman.environments().items():
    register(_id, _family, _config)
