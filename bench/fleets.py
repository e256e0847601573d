"""Fleets of learners against the same learners written in NumPy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from bench.harness import Measurement, Size, in_turn
from onetake.agents import make
from onetake.types import BatchSpec, Observation, Transitions

ARMS = 10


def thompson(size: Size) -> Iterator[Measurement]:
    """Decide and learn, a Beta posterior for every entity and arm; no propensities asked for."""
    n = size.of(100_000, 500)
    rng = np.random.default_rng(0)
    reward = (rng.random(n) < 0.3).astype(np.float64)
    above, below = np.ones((n, ARMS)), np.ones((n, ARMS))
    rows = np.arange(n)

    def peer() -> None:
        action = rng.beta(above, below).argmax(axis=1)
        above[rows, action] += reward
        below[rows, action] += 1 - reward

    spec = BatchSpec(
        env_id="bench",
        entity_ids=np.arange(n, dtype=np.uint32),
        replicate_ids=np.zeros(1, dtype=np.uint32),
        num_actions=ARMS,
        observation_names=("outcome",),
        horizon=None,
        reward_low=np.asarray(0.0),
        reward_high=np.asarray(1.0),
    )
    observed = np.zeros((n, 1), dtype=np.float32)
    running = np.zeros(n, dtype=np.bool_)
    agent = make("thompson-v0")
    clock = iter(range(10**9))

    def ours() -> None:
        step = next(clock)
        decision = agent.act(Observation(observed, step))
        agent.learn(Transitions(step, observed, decision.action, reward, observed, running, running))

    with threads_of_agents(2):
        agent.begin(spec, seed=1)
        yield in_turn(
            "thompson",
            "numpy Generator.beta(...).argmax(1)",
            threads=2,
            goal=6.0,
            ours=ours,
            theirs=peer,
            units=(n, n),
            repeats=size.repeats,
        )


@contextmanager
def threads_of_agents(count: int) -> Iterator[None]:
    """Agents have no setting for threads: it is the machine's business, told by the environment variable."""
    before = os.environ.get("ONETAKE_THREADS")
    os.environ["ONETAKE_THREADS"] = str(count)
    try:
        yield
    finally:
        if before is None:
            del os.environ["ONETAKE_THREADS"]
        else:
            os.environ["ONETAKE_THREADS"] = before
