"""What holds for every registered environment, and for every family."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from onetake.envs import SimEnv, SimVectorEnv, families, find, make, make_vec, registered, slug

ARMED = [env_id for env_id in registered() if make_vec(env_id, 1).batch_spec.num_actions]
LATENT = {"rate", "p", "q", "expected", "oracle", "best", "level", "modifier", "prob", "mean"}


def parts_of(obs: Any) -> list[np.ndarray[Any, Any]]:
    return list(obs.values()) if isinstance(obs, dict) else [obs]


def some_actions(env: SimVectorEnv, t: int) -> np.ndarray[Any, Any]:
    """Actions that differ between neighbours and steps."""
    space, n = env.single_action_space, env.num_envs
    if isinstance(space, gymnasium.spaces.Discrete):
        return (np.arange(n) + t) % int(space.n)
    assert isinstance(space, gymnasium.spaces.Box)
    share = ((np.arange(n) + t) % 5 / 4)[:, None]
    return (space.low + share * (space.high - space.low)).astype(np.float32)


@pytest.mark.check_env
@pytest.mark.parametrize("env_id", registered())
def test_single_environment_passes_gymnasiums_checker(env_id: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make(gymnasium.spec(env_id))
        assert env.unwrapped is env
        check_env(env)


@pytest.mark.check_env
@pytest.mark.parametrize("env_id", registered())
def test_ids_are_reached_through_gymnasium_by_text(env_id: str) -> None:
    plain = env_id if ":" not in env_id else f"onetake/{slug(env_id)}"
    assert isinstance(gymnasium.make(plain), SimEnv)
    assert isinstance(gymnasium.make(f"onetake.envs:{plain}"), SimEnv)
    env = gymnasium.make_vec(plain, num_envs=3, vectorization_mode="vector_entry_point")
    assert isinstance(env, SimVectorEnv)
    assert env.batch_spec.env_id == env_id
    assert not set(':/\\*?"<>|') & set(find(env_id).slug)


@pytest.mark.vector_100k
@pytest.mark.parametrize("env_id", registered())
def test_a_hundred_thousand_copies_step_in_one_call(env_id: str) -> None:
    n = 100_000
    env = make_vec(env_id, n)
    obs, _ = env.reset(seed=1)
    spec = env.batch_spec
    assert isinstance(obs, dict) or obs.shape == (n, len(spec.observation_names))
    obs, reward, terminated, truncated, _ = env.step(some_actions(env, 0))
    assert {part.dtype for part in parts_of(obs)} == {np.dtype(np.float32)}
    assert (reward.dtype, terminated.dtype, truncated.dtype) == (np.float64, np.bool_, np.bool_)
    assert obs in env.observation_space
    assert (reward >= spec.reward_low).all()
    assert (reward <= spec.reward_high).all()
    assert all(array.flags.owndata or array.base.flags.owndata for array in (reward, terminated, truncated))


@pytest.mark.no_oracle_leak
@pytest.mark.parametrize("env_id", ARMED)
def test_the_evaluator_reads_what_no_agent_sees(env_id: str) -> None:
    env = make_vec(env_id, 40, replicates=4)
    _, infos = env.reset(seed=2)
    action, greedy = np.arange(40) % 2, np.ones(40, dtype=np.int64)
    for _ in range(3):
        expected = env.expected_reward()
        if env.yardstick_kind == "best_now":
            assert (env.best() == expected.argmax(axis=1)).all()
        sums = env.account(action, greedy)
        rows = np.arange(40)
        per_replicate = {
            "oracle": expected.max(axis=1),
            "played": expected[rows, action],
            "greedy": expected[rows, greedy],
            "random": expected.mean(axis=1),
        }
        for name, values in per_replicate.items():
            assert np.allclose(sums[name], values.reshape(4, 10).sum(axis=1), rtol=1e-12)
        assert np.allclose(sums["arms"], expected.reshape(4, 10, -1).sum(axis=1), rtol=1e-12)
        obs, *_, infos = env.step(action)
        assert infos == {}
        names = set(env.batch_spec.observation_names)
        assert not any(latent in name for name in names for latent in LATENT - {"p", "q"})
        assert obs.shape[1] == len(names)


@pytest.mark.no_oracle_leak
def test_totals_of_fixed_actions_are_the_sums_of_expected_rewards() -> None:
    env = make_vec("WeeklyWithTrend-v0", 6, replicates=2)
    env.reset(seed=2)
    env.track_fixed()
    total = np.zeros((6, 2))
    for t in range(9):
        total += env.expected_reward()
        env.step(np.full(6, t % 2))
    assert np.allclose(env.fixed_totals(), total, rtol=1e-12)


def certain(**settings: Any) -> dict[str, Any]:
    return {"size": 7, "p": 1, "q": [0, 1], "horizon": 3, **settings}


@pytest.mark.autoreset
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_automatic_resets_are_those_of_gymnasium(mode: AutoresetMode) -> None:
    """Chances of 0 and 1 leave no luck, so that Gymnasium's own vector environment is the oracle."""
    config = certain()
    ours = SimVectorEnv("cohort", config, entities=4, autoreset_mode=mode)
    theirs = SyncVectorEnv([lambda: SimEnv("cohort", config)] * 4, autoreset_mode=mode)
    assert ours.metadata["autoreset_mode"] is mode
    assert (ours.reset(seed=1)[0] == theirs.reset(seed=1)[0]).all()
    for t in range(11):
        action = (np.arange(4) + t) % 2
        mine, sync = ours.step(action), theirs.step(action)
        for got, want in zip(mine[:4], sync[:4], strict=True):
            assert got.dtype == want.dtype
            assert (got == want).all()
        assert mine[4].keys() == sync[4].keys()
        if "final_obs" in mine[4]:
            assert (np.stack(mine[4]["final_obs"]) == np.stack(sync[4]["final_obs"])).all()
            assert (mine[4]["_final_obs"] == sync[4]["_final_obs"]).all()
            assert mine[4]["final_info"] == sync[4]["final_info"]


@pytest.mark.autoreset
def test_without_automatic_resets_a_mask_starts_some_and_shows_the_others_again() -> None:
    env = SimVectorEnv("cohort", certain(horizon=5), entities=4, autoreset_mode=AutoresetMode.DISABLED)
    env.reset(seed=1)
    env.step(np.ones(4, dtype=np.int64))
    last = env.step(np.ones(4, dtype=np.int64))[0]
    mask = np.array([True, False, False, True])
    obs, _ = env.reset(options={"reset_mask": mask})
    assert (obs[~mask] == last[~mask]).all()
    assert (obs[mask] == 0).all()
    assert env.elapsed.tolist() == [0, 2, 2, 0]
    ends = [env.step(np.ones(4, dtype=np.int64))[3].tolist() for _ in range(3)]
    assert ends == [[False] * 4, [False] * 4, [False, True, True, False]]


@pytest.mark.vector_100k
@pytest.mark.parametrize("family", families())
def test_a_single_environment_is_its_row_of_a_batch(family: str) -> None:
    batch = SimVectorEnv(family, entities=7, replicates=2)
    batch.reset(seed=4)
    single = SimEnv(family, entity=5, replicate=1)
    single.reset(seed=4)
    for t in range(12):
        actions = some_actions(batch, t)
        obs, reward, *_ = batch.step(actions)
        own_obs, own_reward, *_ = single.step(actions[12])
        for own, part in zip(parts_of(own_obs), parts_of(obs), strict=True):
            assert (own == part[12]).all()
        assert own_reward == reward[12]
    if batch.batch_spec.num_actions:
        assert (single.expected_reward() == batch.expected_reward()[12]).all()
        assert single.best() == batch.best()[12]


@pytest.mark.check_env
def test_settings_given_to_make_replace_registered_ones() -> None:
    env = make("Cohort-v0", config={"size": 3})
    assert env.observation_space.high.tolist() == [3, 3]
