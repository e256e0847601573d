"""Large arrays serve again once nobody has them: whoever keeps one, or a part of one, never sees it change."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from onetake.agents import make
from onetake.envs import SimVectorEnv
from onetake.errors import ConfigError
from onetake.types import Observation

pytestmark = pytest.mark.seam
#: Enough environments that every array of a step is large: a byte each for the smallest.
MANY = 140_000
ARMS = np.arange(MANY) % 2


def bandit() -> SimVectorEnv:
    env = SimVectorEnv("bandit", {"rate": [0.3, 0.6]}, entities=MANY, threads=1)
    env.reset(seed=1)
    return env


def test_kept_arrays_never_change() -> None:
    env = bandit()
    kept = [env.step(ARMS)[:4] for _ in range(6)]
    copies = [[array.copy() for array in step] for step in kept]
    for _ in range(5):
        env.step(1 - ARMS)
    for step, copy in zip(kept, copies, strict=True):
        for array, same in zip(step, copy, strict=True):
            assert array.tobytes() == same.tobytes()


@pytest.mark.parametrize("hold", [lambda a: a[3:9], memoryview, lambda a: a.T, lambda a: a.view(np.uint8)])
def test_parts_of_arrays_keep_the_whole(hold) -> None:
    env = bandit()
    part = hold(env.step(ARMS)[1])
    before = bytes(np.ascontiguousarray(part))
    for _ in range(5):
        env.step(1 - ARMS)
    assert bytes(np.ascontiguousarray(part)) == before


def test_weak_references_see_no_later_step() -> None:
    env = bandit()
    reward = env.step(ARMS)[1]
    copy, weak = reward.copy(), weakref.ref(reward)
    del reward
    for _ in range(5):
        env.step(1 - ARMS)
        seen = weak()
        assert seen is None or (seen == copy).all()


def test_dropped_arrays_serve_again() -> None:
    env = bandit()
    places = set()
    for _ in range(12):
        obs, reward, terminated, truncated, _ = env.step(ARMS)
        places |= {array.ctypes.data for array in (obs, reward, terminated, truncated)}
        # `ctypes` holds its array in a cycle.
        del obs, reward, terminated, truncated
        gc.collect()
    assert len(places) <= 3 * 4


def test_arrays_that_were_turned_or_locked_do_not_serve_again() -> None:
    env = bandit()
    twin = bandit()
    for change in (lambda a: setattr(a.flags, "writeable", False), lambda a: setattr(a, "shape", (2, MANY // 2))):
        obs, reward = env.step(ARMS)[:2]
        change(reward)
        del obs, reward
        wanted = twin.step(ARMS)[1]
        _, reward, *_ = env.step(ARMS)
        assert reward.shape == (MANY,)
        assert reward.flags.writeable
        assert (twin.step(ARMS)[1] == reward).all()
        del wanted


def test_decisions_of_a_fleet_that_are_kept_never_change() -> None:
    env = bandit()
    agent = make("thompson-v0")
    agent.begin(env.batch_spec, seed=3)
    observed = np.zeros((MANY, 1), dtype=np.float32)
    kept = [agent.act(Observation(observed, step)).action for step in range(5)]
    copies = [action.copy() for action in kept]
    for step in range(5, 9):
        agent.act(Observation(observed, step))
    assert all((action == copy).all() for action, copy in zip(kept, copies, strict=True))


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "one_shot"])
@pytest.mark.parametrize(
    "family", ["bandit", "cartpole", "cohort", "intervention", "pendulum", "perishable", "pricing", "reach", "tabular"]
)
def test_a_step_does_not_depend_on_what_its_arrays_held(family: str, mode: str) -> None:
    """One batch keeps all its arrays, so that each is new; the other finds its own full of rubbish."""
    new, worn = (started(family, mode) for _ in range(2))
    action = np.zeros((new.num_envs, *new.single_action_space.shape), dtype=new.single_action_space.dtype)
    kept = []
    # The shortest has a horizon of 2; the last steps end it, start it anew or find that it stands still.
    for _ in range(2 if mode == "one_shot" else 6):
        kept.append(new.step(action)[:4])
        given = worn.step(action)[:4]
        for array, wanted in zip(given, kept[-1], strict=True):
            assert array.tobytes() == wanted.tobytes()
            array[...] = 1 if array.dtype == np.bool_ else np.nan
        del array, given


def started(family: str, mode: str) -> SimVectorEnv:
    settings = {"one_shot": True} if mode == "one_shot" else {"autoreset_mode": mode}
    for config in ({"horizon": 2}, {}):
        try:
            env = SimVectorEnv(family, config, entities=MANY // 4, **settings)
        except ConfigError:
            continue
        env.reset(seed=5)
        return env
    raise AssertionError(family)
