"""Families whose actions change what comes: threads, shards, prefixes, forks and saved states leave the bytes alone."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from onetake.envs import SimEnv, SimVectorEnv, slug

FAMILIES = pytest.mark.parametrize("family", ["perishable", "tabular"])
CONFIG: dict[str, dict[str, Any]] = {
    # Few seats and short episodes: ends of both kinds come within the steps played here.
    "perishable": {"capacity": 6, "horizon": 7, "arrival_rate": 3.0, "modifiers": [{"kind": "season"}]},
    "tabular": {"horizon": 5, "terminal": [0, 0, 1, 0, 0, 0]},
}


def played(env: SimVectorEnv, steps: int, seed: int | None = 5) -> list[bytes]:
    """Everything that a batch gives, as bytes."""
    out = [env.reset(seed=seed)[0].tobytes()] if seed is not None else []
    entity = env.batch_spec.entity_ids
    for t in range(steps):
        action = np.tile((entity + t) % 2, env.num_envs // len(entity)).astype(np.int64)
        out += [value.tobytes() for value in env.account(action, action).values()]
        out.append(env.best().tobytes())
        out += [array.tobytes() for array in env.step(action)[:4]]
    return out


@pytest.mark.worker_independence
@FAMILIES
def test_threads_change_no_byte(family: str) -> None:
    envs = [SimVectorEnv(family, CONFIG[family], entities=10_000, threads=threads) for threads in (1, 2, 5)]
    runs = [played(env, 12) for env in envs]
    assert runs[0] == runs[1] == runs[2]
    values = [env.start_values() for env in envs]
    assert all(str(value) == str(values[0]) for value in values)


@pytest.mark.worker_independence
@FAMILIES
@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_small_batch_is_prefix_of_large_one_through_ends_and_resets(family: str, mode: str) -> None:
    small, large = (SimVectorEnv(family, CONFIG[family], entities=n, autoreset_mode=mode) for n in (3, 8))
    assert (small.reset(seed=1)[0] == large.reset(seed=1)[0][:3]).all()
    ended = 0
    for t in range(40):
        action = (np.arange(8) + t) % 2
        few, many = small.step(action[:3]), large.step(action)
        for own, other in zip(few[:4], many[:4], strict=True):
            assert (own == other[:3]).all()
        ended += int((few[2] | few[3]).sum())
    assert ended > 6


@pytest.mark.worker_independence
@FAMILIES
def test_shards_are_the_whole_with_columns_of_their_own(family: str) -> None:
    n, cut = 5_000, 2_003
    columns: dict[str, Any] = {"willingness": np.linspace(50, 200, n)} if family == "perishable" else {}
    whole = SimVectorEnv(family, CONFIG[family], entities=n, columns=columns)
    parts = [
        SimVectorEnv(
            family,
            CONFIG[family],
            entities=last - first,
            first_entity=first,
            columns={name: values[first:last] for name, values in columns.items()},
        )
        for first, last in ((0, cut), (cut, n))
    ]
    for env in (whole, *parts):
        env.reset(seed=6)
    for t in range(10):
        action = (np.arange(n) + t) % 2
        assert (whole.best() == np.concatenate([part.best() for part in parts])).all()
        together = whole.step(action)
        apart = [part.step(action[first:last]) for part, first, last in zip(parts, (0, cut), (cut, n), strict=True)]
        for column in range(4):
            assert (together[column] == np.concatenate([step[column] for step in apart])).all()


@pytest.mark.fork_resume
@FAMILIES
@pytest.mark.parametrize("one_shot", [True, False])
def test_saved_states_and_forks_go_on_byte_equally(family: str, one_shot: bool) -> None:
    env = SimVectorEnv(family, CONFIG[family], entities=300, one_shot=one_shot)
    played(env, 3)
    state, twin, other = env.save(), env.fork(), env.fork(seed=99)
    went = played(env, 2, seed=None)
    assert played(twin, 2, seed=None) == went
    assert played(other, 2, seed=None) != went
    again = SimVectorEnv(family, CONFIG[family], entities=300, one_shot=one_shot)
    again.restore(state)
    assert played(again, 2, seed=None) == went


@FAMILIES
def test_observations_and_rewards_stay_in_their_stated_bounds(family: str) -> None:
    env = SimVectorEnv(family, CONFIG[family], entities=200)
    obs, _ = env.reset(seed=3)
    spec = env.batch_spec
    for t in range(25):
        assert env.observation_space.contains(obs)
        obs, reward, _, _, _ = env.step((np.arange(200) * 7 + t) % spec.num_actions)
        assert ((spec.reward_low <= reward) & (reward <= spec.reward_high)).all()


@pytest.mark.check_env
@FAMILIES
def test_single_environments_pass_gymnasiums_checker(family: str) -> None:
    env = gymnasium.make(f"onetake/{slug(f'onetake/{family.capitalize()}-v0')}")
    check_env(env.unwrapped)


@FAMILIES
def test_a_single_environment_is_its_row_of_a_batch(family: str) -> None:
    batch = SimVectorEnv(family, CONFIG[family], entities=5, autoreset_mode="Disabled")
    single = SimEnv(family, CONFIG[family], entity=3)
    assert (batch.reset(seed=2)[0][3] == single.reset(seed=2)[0]).all()
    assert single.best() == batch.best()[3]
    obs, reward, terminated, truncated, _ = batch.step(np.ones(5, dtype=np.int64))
    alone = single.step(1)
    assert (alone[0] == obs[3]).all()
    assert alone[1:4] == (reward[3], terminated[3], truncated[3])


@FAMILIES
def test_episodes_end_once_and_earn_what_their_steps_paid(family: str) -> None:
    env = SimVectorEnv(family, CONFIG[family], entities=400, one_shot=True)
    env.reset(seed=8)
    over, steps = np.zeros(400, dtype=bool), 0
    while not over.all():
        _, reward, terminated, truncated, _ = env.step(np.zeros(400, dtype=np.int64))
        assert (reward[over] == 0).all()
        assert ((terminated | truncated) >= over).all()
        assert (env.expected_reward()[terminated | truncated] == 0).all()
        over, steps = terminated | truncated, steps + 1
    assert steps <= CONFIG[family]["horizon"]
