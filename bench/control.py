"""CartPole through the Gymnasium vector face against the vector environments that others ship, and control families."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import gymnasium
import numpy as np

from bench.harness import Measurement, Size, in_turn, missing
from bench.peer import Peer, absent
from onetake.envs import SimVectorEnv, make_vec


def cartpole(size: Size) -> Iterator[Measurement]:
    """N = 4096 under random actions with automatic resets, hundreds of steps a round."""
    n, steps = size.of(4096, 64), size.of(200, 3)
    actions = [np.random.default_rng(seed).integers(0, 2, n) for seed in range(64)]
    env = make_vec("CartPole-v0", n, threads=1)
    env.reset(seed=1)
    theirs = gymnasium.make_vec("CartPole-v1", num_envs=n, vectorization_mode="vector_entry_point")
    theirs.reset(seed=1)

    def many(step: Callable[[np.ndarray], object], count: int) -> None:
        for i in range(count):
            step(actions[i % 64])

    def against(peer: str, goal: float, work: Callable[[int], object]) -> Measurement:
        calls = max(1, steps // 5)
        return in_turn(
            "cartpole",
            peer,
            threads=1,
            goal=goal,
            ours=lambda: many(env.step, steps),
            theirs=lambda: work(calls),
            units=(n * steps, n * calls),
            repeats=size.repeats,
        )

    yield against("gymnasium vector_entry_point", 15.0, lambda calls: many(theirs.step, calls))
    for peer, goal in (("gymnax", 30.0), ("envpool", 100.0)):
        why = absent(peer)
        if why is not None:
            yield missing("cartpole", peer, threads=1, goal=goal, unit="ns/unit", why=why)
            continue
        with Peer(peer, "cartpole.py", peer, str(n)) as child:
            yield against(peer, goal, child.work)


def family_cartpole(size: Size) -> Iterator[Measurement]:
    """It draws nothing but first states, so that a copy of what it reads and writes stands where draws would."""
    n = size.of(1_000_000, 2_000)
    arms = np.random.default_rng(0).integers(0, 2, n)
    yield from _control("cartpole", arms, 4, size)


def family_pendulum(size: Size) -> Iterator[Measurement]:
    """As `family_cartpole`."""
    n = size.of(1_000_000, 2_000)
    torque = np.random.default_rng(0).uniform(-1, 1, (n, 1)).astype(np.float32)
    yield from _control("pendulum", torque, 2, size)


def family_reach(size: Size) -> Iterator[Measurement]:
    """As `family_cartpole`."""
    n = size.of(1_000_000, 2_000)
    velocity = np.random.default_rng(0).uniform(-1, 1, (n, 2)).astype(np.float32)
    yield from _control("reach", velocity, 4, size)


def _control(family: str, actions: np.ndarray, state: int, size: Size) -> Iterator[Measurement]:
    n = len(actions)
    one, two = (SimVectorEnv(family, entities=n, seed=1, threads=threads) for threads in (1, 2))
    for env in (one, two):
        env.reset(seed=1)
    columns, last = np.zeros((state, n)), np.zeros((state, n))
    width = len(one.batch_spec.observation_names)

    def bare() -> object:
        np.copyto(last, columns)
        return actions.copy(), last[0].copy(), np.full((n, width), 0.5, np.float32)

    common = {"units": (n, n), "repeats": size.repeats}
    row = f"family_{family}"

    def ours() -> object:
        return one.step(actions)

    yield in_turn(row, "a copy of what it touches", threads=1, goal=1 / 2.5, ours=ours, theirs=bare, **common)
    yield in_turn(
        row, "itself on one thread", threads=2, goal=1.7, ours=lambda: two.step(actions), theirs=ours, **common
    )
