"""Fleets of learners against the same learners written in NumPy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from bench.harness import Measurement, Size, in_turn, missing
from bench.peer import Peer, absent
from onetake.agents import make
from onetake.agents.one_at_a_time import one_entity
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


def ucb(size: Size) -> Iterator[Measurement]:
    """Decide and learn, UCB1 for every entity."""
    n = size.of(100_000, 500)
    reward = (np.random.default_rng(0).random(n) < 0.3).astype(np.float64)
    total, count = np.full((n, ARMS), 0.5), np.ones((n, ARMS))
    rows = np.arange(n)

    def peer() -> None:
        index = total / count + np.sqrt(2 * np.log(count.sum(axis=1))[:, None] / count)
        action = index.argmax(axis=1)
        total[rows, action] += reward
        count[rows, action] += 1

    observed, running = np.zeros((n, 1), dtype=np.float32), np.zeros(n, dtype=np.bool_)
    agent, clock = make("ucb1-v0"), iter(range(10**9))

    def ours() -> None:
        step = next(clock)
        decision = agent.act(Observation(observed, step))
        agent.learn(Transitions(step, observed, decision.action, reward, observed, running, running))

    with threads_of_agents(2):
        agent.begin(_spec(n, ("outcome",)), seed=1)
        yield in_turn("ucb", "numpy", threads=2, goal=3.0, ours=ours, theirs=peer, units=(n, n), repeats=size.repeats)


def linucb(size: Size) -> Iterator[Measurement]:
    """Decide by one learner of 10 features and 10 arms for many contexts at once, and for one at a time."""
    n, features = size.of(100_000, 500), 10
    rng = np.random.default_rng(0)
    x, action = rng.normal(size=(n, features)).astype(np.float32), rng.integers(0, ARMS, n)
    reward, never = rng.random(n), np.zeros(n, dtype=np.bool_)
    agent = make("linucb-v0", pooling="full", intercept=False)
    names = tuple(f"x{i}" for i in range(features))
    a, b = np.tile(np.eye(features), (ARMS, 1, 1)), np.zeros((ARMS, features))
    for arm in range(ARMS):
        chosen = x[action == arm].astype(np.float64)
        a[arm] += chosen.T @ chosen
        b[arm] = reward[action == arm] @ chosen
    inverse = np.linalg.inv(a)
    theta = np.einsum("kij,kj->ki", inverse, b)
    wide = x.astype(np.float64)

    def peer() -> None:
        width = np.stack([np.einsum("ni,ni->n", wide @ each, wide) for each in inverse], axis=1)
        (wide @ theta.T + np.sqrt(width)).argmax(axis=1)

    with threads_of_agents(2):
        agent.begin(_spec(n, names), seed=1)
        agent.learn(Transitions(0, x, action, reward, x, never, never))
        yield in_turn(
            "linucb",
            "numpy, inverses kept",
            threads=2,
            goal=1.0,
            ours=lambda: agent.act(Observation(x, 1)),
            theirs=peer,
            units=(n, n),
            repeats=size.repeats,
        )
        single = make("linucb-v0", intercept=False)
        single.begin(one_entity(ARMS, names), seed=1)
        few = size.of(2000, 50)
        for i in range(few):
            single.learn_one(x[i], int(action[i]), float(reward[i]))
        contexts = [row.tolist() for row in x[:few]]

        def one_by_one() -> None:
            for context in contexts:
                single.predict_one(context)

        yield _against_mabwiser("batch", 5.0, lambda: agent.act(Observation(x, 1)), (n, n), size)
        yield _against_mabwiser("one at a time", 20.0, one_by_one, (few, size.of(300, 5)), size)


def _against_mabwiser(
    how: str, goal: float, ours: Callable[[], object], units: tuple[int, int], size: Size
) -> Measurement:
    name, threads = f"mabwiser, {how}", 2 if how == "batch" else 1
    why = absent("mabwiser")
    if why is not None:
        return missing("linucb", name, threads=threads, goal=goal, unit="ns/unit", why=why)
    rows = units[1] if how == "batch" else 1
    with Peer("mabwiser", "linucb.py", "mabwiser", str(rows), "10", str(ARMS)) as child:
        return in_turn(
            "linucb",
            name,
            threads=threads,
            goal=goal,
            ours=ours,
            theirs=lambda: child.work(units[1]),
            units=units,
            repeats=size.repeats,
        )


def _spec(n: int, names: tuple[str, ...]) -> BatchSpec:
    return BatchSpec(
        env_id="bench",
        entity_ids=np.arange(n, dtype=np.uint32),
        replicate_ids=np.zeros(1, dtype=np.uint32),
        num_actions=ARMS,
        observation_names=names,
        horizon=None,
        reward_low=np.asarray(0.0),
        reward_high=np.asarray(1.0),
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
