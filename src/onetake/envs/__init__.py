"""Simulated environments as Gymnasium environments; importing this registers their ids under ``onetake/``."""

from __future__ import annotations

from onetake.envs.sim import SimVectorEnv

__all__ = ["SimVectorEnv"]
