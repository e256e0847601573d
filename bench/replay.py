"""Replay buffers against other libraries: 17 observed numbers, 6 of an action, a million held, batches of 256."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from gymnasium import spaces

from bench.harness import Measurement, Size, Work, in_turn, missing
from bench.peer import Peer, absent
from onetake.replay import Hindsight, Priorities, ReplayBuffer

OBS, ACTION, BATCH = 17, 6, 256
UNIT = "ns/unit"
#: Venv, case, goal, and calls of a round.
Peers = list[tuple[str, str, float, int]]


def _box(count: int) -> spaces.Box:
    return spaces.Box(-9, 9, (count,), np.float32)


def _numbers(held: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    obs = rng.standard_normal((held + 1, OBS), np.float32)
    return obs, rng.standard_normal((held, ACTION), np.float32), rng.standard_normal(held)


def _repeated(work: Callable[[], object], calls: int) -> Work:
    def run() -> None:
        for _ in range(calls):
            work()

    return run


def _filled(held: int, **settings: Any) -> ReplayBuffer:
    buffer = ReplayBuffer(_box(OBS), _box(ACTION), held, **settings)
    obs, action, reward = _numbers(held)
    ends = np.arange(held) % 1000 == 999
    buffer.extend(obs[:-1], action, reward, obs[1:], np.zeros(held, np.bool_), ends)
    return buffer


def _goals() -> spaces.Dict:
    return spaces.Dict({"observation": _box(OBS), "achieved_goal": _box(3), "desired_goal": _box(3)})


def _seen(obs: Any) -> dict[str, Any]:
    return {"observation": obs, "achieved_goal": obs[..., :3], "desired_goal": obs[..., 3:6]}


def _near(achieved: Any, desired: Any, info: Any) -> Any:
    return -(np.linalg.norm(achieved - desired, axis=-1) > 0.05).astype(np.float32)


def _against(row: str, ours: Work, calls: int, held: int, size: Size, peers: Peers) -> Iterator[Measurement]:
    for venv, case, goal, full in peers:
        their_calls = size.of(full, 3)
        common = {"threads": 1, "goal": goal}
        why = absent(venv)
        if why is not None:
            yield missing(row, case, unit=UNIT, why=why, **common)
            continue
        with Peer(venv, "replay.py", case, str(held)) as child:
            try:
                child.work(1)
            except (RuntimeError, BrokenPipeError):
                why = f"{case} does not run in build/peers/{venv}: make bench-peers makes it anew"
                yield missing(row, case, unit=UNIT, why=why, **common)
                continue
            theirs = lambda child=child, count=their_calls: child.work(count)  # noqa: E731 # bound to this round's peer
            units = (calls, their_calls)
            yield in_turn(row, case, ours=ours, theirs=theirs, units=units, repeats=size.repeats, **common)


def uniform(size: Size) -> Iterator[Measurement]:
    """A batch drawn uniformly."""
    held, calls = size.of(1_000_000, 1_000), size.of(2_000, 3)
    buffer = _filled(held)
    peers: Peers = [("replay", "sb3_uniform", 8.0, 500), ("replay", "cpprb_uniform", 4.0, 500)]
    yield from _against("uniform", _repeated(lambda: buffer.sample(BATCH), calls), calls, held, size, peers)


def prioritized(size: Size) -> Iterator[Measurement]:
    """A batch drawn by priority, and its priorities renewed."""
    held, calls = size.of(1_000_000, 1_000), size.of(2_000, 3)
    buffer, rng = _filled(held, priorities=Priorities()), np.random.default_rng(0)

    def work() -> None:
        buffer.update_priorities(buffer.sample(BATCH).indices, rng.random(BATCH))

    peers: Peers = [("replay", "cpprb_prioritized", 8.0, 300), ("tianshou", "tianshou_prioritized", 4.0, 300)]
    yield from _against("prioritized", _repeated(work, calls), calls, held, size, peers)


def hindsight(size: Size) -> Iterator[Measurement]:
    """A batch in hindsight, future goals, four of five."""
    held, calls = size.of(200_000, 500), size.of(1_000, 3)
    buffer = ReplayBuffer(_goals(), _box(ACTION), held, hindsight=Hindsight(_near))
    obs, action, reward = _numbers(held)
    ends = np.arange(held) % 50 == 49
    before, behind = _seen(obs[:-1]), _seen(obs[1:])
    buffer.extend(before, action, reward, behind, np.zeros(held, np.bool_), ends)
    peers: Peers = [("replay", "sb3_hindsight", 20.0, 200)]
    yield from _against("hindsight", _repeated(lambda: buffer.sample(BATCH), calls), calls, held, size, peers)


def add(size: Size) -> Iterator[Measurement]:
    """One transition, added by itself."""
    held, calls = size.of(1_000_000, 1_000), size.of(50_000, 5)
    buffer = _filled(held)
    obs, action = np.ones(OBS, np.float32), np.ones(ACTION, np.float32)
    work = _repeated(lambda: buffer.add(obs, action, 0.0, obs, False, False), calls)
    peers: Peers = [("replay", "sb3_add", 4.0, 10_000), ("replay", "torchrl_add", 150.0, 1_000)]
    yield from _against("add", work, calls, held, size, peers)
