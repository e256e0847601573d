"""The class `VecSim`: who owns arrays, who runs meanwhile, what is refused."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from onetake._core import VecSim, family_names
from onetake.envs import SimVectorEnv
from onetake.errors import ConfigError, ShapeError

pytestmark = pytest.mark.seam


def sim(entities: int = 4, mode: str = "NextStep", threads: int = 1) -> VecSim:
    return VecSim("cohort", "{}", [], entities, 1, 0, 0, 0, mode, threads)


def test_names_of_families_are_sorted() -> None:
    assert family_names() == sorted(family_names())


def test_returned_arrays_are_given_away() -> None:
    batch = sim()
    first = [batch.reset(1), *batch.step(np.zeros(4, dtype=np.int64))[:4], batch.expected()]
    kept = [array.copy() for array in first]
    for array in first:
        assert array.flags.writeable
        assert array.flags.c_contiguous
    batch.step(np.ones(4, dtype=np.int64))
    assert all((array == copy).all() for array, copy in zip(first, kept, strict=True))
    for array in first:
        array[...] = 0
    assert batch.expected().any()


def test_given_arrays_are_left_alone() -> None:
    batch = sim()
    batch.reset(1)
    action = np.zeros(4, dtype=np.int64)
    action.flags.writeable = False
    batch.step(action)
    batch.account(action, action)
    p = np.full((4, 1), 0.5)
    made = VecSim("cohort", "{}", [("p", p)], 4, 1, 0, 0, 0, "NextStep", 1)
    made.reset(1)
    before = made.expected()
    p[:] = 0.1
    assert (made.expected() == before).all()


def test_other_threads_run_during_a_step() -> None:
    """While a batch steps, another thread counts; with the lock held it would not get on at all."""
    env = SimVectorEnv("cohort", entities=400_000, threads=1)
    env.reset(seed=1)
    action = np.zeros(400_000, dtype=np.int64)
    ticks, done = [0], threading.Event()

    def tick() -> None:
        while not done.is_set():
            ticks[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=tick)
    thread.start()
    seen = []
    for _ in range(10):
        before = ticks[0]
        env._sim.step(action)
        seen.append(ticks[0] - before)
    done.set()
    thread.join()
    assert max(seen) > 10


def test_the_core_refuses_what_the_faces_never_send() -> None:
    with pytest.raises(ConfigError, match="autoreset_mode: got never; wanted NextStep"):
        sim(mode="never")
    with pytest.raises(ConfigError, match="threads: got 0"):
        sim(threads=0)
    with pytest.raises(ConfigError, match="cohort: got EOF"):
        VecSim("cohort", "{", [], 1, 1, 0, 0, 0, "Disabled", 1)
    batch = sim(mode="Disabled")
    batch.reset(1)
    with pytest.raises(ShapeError, match="reset_mask: got 3 values; wanted 4"):
        batch.reset_rows(np.ones(3, dtype=np.bool_))
    with pytest.raises(ShapeError, match="reset_mask: got a strided view"):
        batch.reset_rows(np.ones(8, dtype=np.bool_)[::2])
