"""Every native call that takes long lets other Python threads run meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from onetake import _core
from onetake.agents import Thompson
from onetake.draws import Draws
from onetake.envs import SimVectorEnv
from onetake.types import Observation

pytestmark = pytest.mark.gil
MANY = 300_000
Call = Callable[[], Any]


class Ticks:
    """A thread that counts as long as it is let."""

    def __enter__(self) -> Ticks:
        self.count, self._done = 0, threading.Event()
        self._thread = threading.Thread(target=self._tick)
        self._thread.start()
        return self

    def _tick(self) -> None:
        while not self._done.is_set():
            self.count += 1
            time.sleep(0)

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def environment(family: str = "cohort", entities: int = MANY, **config: Any) -> SimVectorEnv:
    env = SimVectorEnv(family, config, entities=entities, threads=1)
    env.reset(seed=1)
    return env


def simulation_calls() -> dict[str, Call]:
    env, action = environment(), np.zeros(MANY, dtype=np.int64)
    many = environment("intervention", 1_000_000, availability=0.5)
    state = many.save()
    few = SimVectorEnv("perishable", {"capacity": 300, "horizon": 200, "arrival_rate": 3.0}, threads=1)
    own = {"baseline": np.linspace(0.1, 0.9, 200)}
    people = SimVectorEnv("intervention", {"horizon": 60}, entities=200, columns=own, threads=1)
    column = np.full(3_000_000, 0.5)
    return {
        "make": lambda: SimVectorEnv("bandit", columns={"rate": column}, entities=len(column), threads=1),
        "reset": lambda: env._sim.reset(1),
        "step": lambda: env._sim.step(action),
        "expected": env._sim.expected,
        "account": lambda: env._sim.account(action),
        "values": env._sim.values,
        "allowed": many._sim.allowed,
        "elapsed": many._sim.elapsed,
        "track_fixed": many._sim.track_fixed,
        "fixed_totals": many._sim.fixed_totals,
        "save": many._sim.save,
        "restore": lambda: many._sim.restore(state),
        "fork": many._sim.fork,
        "start_values": few._sim.start_values,
        "whittle": lambda: people._sim.whittle(0.9),
    }


def fleet_calls() -> dict[str, Call]:
    env = environment("bandit")
    agent = Thompson()
    agent.begin(env.batch_spec, 1)
    fleet: Any = vars(agent)["_fleet"]
    asked = agent._request(Observation(np.empty((MANY, 0), np.float32), 0), True)
    action, reward = np.zeros(MANY, dtype=np.int64), np.ones(MANY)
    return {
        "decide": lambda: fleet.decide(agent._rule(True), *asked),
        "probabilities": lambda: fleet.probabilities(agent._rule(True), *asked),
        "learn": lambda: fleet.learn(None, action, reward, 1),
    }


def draw_calls() -> dict[str, Call]:
    draws, rates = Draws(1, entities=MANY, threads=1), np.full(MANY, 0.3)
    return {
        "uniform": lambda: Draws(1, entities=4_000_000, threads=1).uniform(0),
        "binomial": lambda: draws.binomial(100, rates, 0),
        "words": lambda: _core.words(1, 0, 0, 0, 0, 0, 0, 8_000_000),
    }


@pytest.mark.parametrize("calls", [simulation_calls, fleet_calls, draw_calls])
def test_other_threads_get_on_during_every_native_call(calls: Callable[[], dict[str, Call]]) -> None:
    """With the lock held, a count moves at most once before and once after the work, as the lock changes hands.

    A call that other processes push off the core says nothing, so the best of several counts.
    """
    with Ticks() as ticks:
        for name, call in calls().items():
            most = 0
            for _ in range(20):
                before = ticks.count
                call()
                most = max(most, ticks.count - before)
                if most > 4:
                    break
            assert most > 4, name
