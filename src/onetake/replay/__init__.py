"""Replay buffers: what was lived through, kept in Rust and drawn again as NumPy arrays."""

from __future__ import annotations

from onetake.replay.batch import Batch, Sequences
from onetake.replay.buffer import ReplayBuffer
from onetake.replay.parts import Demonstrations, Hindsight, Priorities

__all__ = ["Batch", "Demonstrations", "Hindsight", "Priorities", "ReplayBuffer", "Sequences"]
