"""CartPole and Pendulum are Gymnasium's, and the reaching point is what it says."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv
from gymnasium.envs.classic_control.pendulum import PendulumEnv
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from scipy import stats

from onetake.envs import GoalEnv, GoalVectorEnv, SimEnv, SimVectorEnv, make, make_vec
from onetake.errors import ConfigError, ShapeError

STATES = 1_000_000


@pytest.mark.classic_equal
def test_cartpole_moves_and_ends_as_gymnasiums_from_a_million_states() -> None:
    rng = np.random.default_rng(1)
    # Beyond the thresholds too, and over angles that need a whole turn taken away.
    start = rng.uniform([-2.6, -4, -0.24, -4], [2.6, 4, 0.24, 4], (STATES, 4))
    start[::10, 2] = rng.uniform(-9, 9, STATES // 10)
    action = rng.integers(0, 2, STATES)
    ours = SimVectorEnv("cartpole", entities=STATES, columns={"start": start})
    ours.reset(seed=1)
    theirs: Any = CartPoleVectorEnv(STATES)
    theirs.reset(seed=1)
    theirs.state = start.T.copy()
    obs, reward, terminated, truncated, _ = ours.step(action)
    want_obs, want_reward, want_terminated, _, _ = theirs.step(action)
    assert np.abs(obs - want_obs).max() < 1e-5
    assert (reward == want_reward).all()
    assert not truncated.any()
    bounds = np.array([2.4, 12 * 2 * np.pi / 360])
    away = (np.abs(np.abs(theirs.state[[0, 2]].T) - bounds) > 1e-9).all(axis=1)
    assert away.mean() > 0.999
    assert 0.1 < want_terminated.mean() < 0.9
    assert (terminated == want_terminated)[away].all()


@pytest.mark.classic_equal
def test_pendulum_moves_as_gymnasiums_from_a_million_states() -> None:
    rng = np.random.default_rng(2)
    start = rng.uniform([-30, -8], [30, 8], (STATES, 2))
    torque = rng.uniform(-2, 2, (STATES, 1)).astype(np.float32)
    ours = SimVectorEnv("pendulum", {"scaled": False}, entities=STATES, columns={"start": start})
    ours.reset(seed=1)
    shares = SimVectorEnv("pendulum", entities=STATES, columns={"start": start})
    shares.reset(seed=1)
    theirs: Any = PendulumEnv()
    theirs.state = (start[:, 0], start[:, 1])
    obs, reward, terminated, truncated, _ = ours.step(torque)
    want_obs, want_reward, *_ = theirs.step(torque.T)
    assert (shares.step(torque / 2)[0] == obs).all()
    assert np.abs(obs - want_obs.T).max() < 1e-5
    assert np.abs(reward - want_reward).max() < 1e-5
    assert not (terminated | truncated).any()


@pytest.mark.classic_equal
@pytest.mark.parametrize(
    ("env_id", "bounds"),
    [("CartPole-v0", [0.05] * 4), ("Pendulum-v0", [np.pi, 1.0])],
)
def test_first_states_are_even_at_the_start_and_after_automatic_resets(env_id: str, bounds: list[float]) -> None:
    n = 20_000
    env = make_vec(env_id, n, config={"horizon": 1})
    action = np.zeros(n, np.int64) if env.batch_spec.num_actions else np.zeros((n, 1), np.float32)
    first, _ = env.reset(seed=3)
    env.step(action)
    again, *_ = env.step(action)
    assert (first != again).any(axis=1).all()
    for obs in (first, again):
        state = obs if env_id.startswith("Cart") else np.column_stack([np.arctan2(obs[:, 1], obs[:, 0]), obs[:, 2]])
        for column, bound in zip(state.T.astype(np.float64), bounds, strict=True):
            # Of one seeded sample in ten thousand the largest distance is above 2.2 / sqrt(n).
            distance = stats.kstest(column, stats.uniform(-bound, 2 * bound).cdf).statistic
            assert distance < 2.2 / np.sqrt(n)


@pytest.mark.classic_equal
def test_random_pushes_keep_the_pole_up_for_as_long_as_in_gymnasium() -> None:
    n = 4_000

    def lengths(env: Any) -> np.ndarray[Any, Any]:
        env.reset(seed=4)
        rng, length, running = np.random.default_rng(4), np.zeros(n), np.ones(n, dtype=bool)
        while running.any():
            _, _, terminated, truncated, _ = env.step(rng.integers(0, 2, n))
            length[running] += 1
            running &= ~(terminated | truncated)
        return length

    mine = lengths(make_vec("CartPole-v0", n))
    theirs = lengths(gymnasium.make_vec("CartPole-v1", n, vectorization_mode="vector_entry_point"))
    error = np.sqrt((mine.var() + theirs.var()) / n)
    assert abs(mine.mean() - theirs.mean()) < 4 * error
    assert 20 < mine.mean() < 25


@pytest.mark.classic_equal
@pytest.mark.parametrize(("env_id", "horizon"), [("CartPole-v0", 500), ("Pendulum-v0", 200), ("Reach-v0", 50)])
def test_horizons_are_the_published_ones(env_id: str, horizon: int) -> None:
    assert make_vec(env_id, 1).batch_spec.horizon == horizon


@pytest.mark.classic_equal
def test_rewards_of_sutton_and_barto_are_paid_at_the_fall() -> None:
    start = np.array([[0.0, 0.0, 0.0, 0.0], [2.39, 3.0, 0.0, 0.0]])
    env = SimVectorEnv("cartpole", {"sutton_barto_reward": True}, entities=2, columns={"start": start})
    env.reset(seed=1)
    assert env.expected_reward().tolist() == [[0, 0], [-1, -1]]
    _, reward, terminated, *_ = env.step(np.array([0, 1]))
    assert reward.tolist() == [0, -1]
    assert terminated.tolist() == [False, True]


def steep(rows: int) -> np.ndarray[Any, Any]:
    """First states, own to each, from which the pole falls after other numbers of steps."""
    return np.column_stack([np.zeros(rows), np.zeros(rows), np.linspace(0.01, 0.2, rows), np.linspace(0, 1, rows)])


@pytest.mark.autoreset
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_environments_that_end_one_by_one_are_reset_as_gymnasiums(mode: AutoresetMode) -> None:
    """Own first states leave no luck, so that Gymnasium's vector environment of single ones is the oracle."""
    n = 9
    start, config = steep(n), {"horizon": 12}

    def one(row: int) -> SimEnv:
        return SimEnv("cartpole", config, columns={"start": start[row : row + 1]})

    ours = SimVectorEnv("cartpole", config, entities=n, columns={"start": start}, autoreset_mode=mode)
    theirs = SyncVectorEnv([partial(one, row) for row in range(n)], autoreset_mode=mode)
    assert (ours.reset(seed=1)[0] == theirs.reset(seed=1)[0]).all()
    seen = np.zeros(2, dtype=int)
    for t in range(60):
        action = (np.arange(n) + t // 3) % 2
        mine, sync = ours.step(action), theirs.step(action)
        for got, want in zip(mine[:4], sync[:4], strict=True):
            assert (got == want).all()
        seen += [mine[2].sum(), mine[3].sum()]
        assert mine[4].keys() == sync[4].keys()
        if "final_obs" in mine[4]:
            assert (mine[4]["_final_obs"] == sync[4]["_final_obs"]).all()
            for got, want in zip(mine[4]["final_obs"], sync[4]["final_obs"], strict=True):
                assert (got is None and want is None) or (got == want).all()
    assert (seen > 3).all()


@pytest.mark.autoreset
def test_environments_that_end_one_by_one_wait_for_a_mask_where_nothing_resets_them() -> None:
    n = 5
    env = SimVectorEnv("cartpole", entities=n, columns={"start": steep(n)}, autoreset_mode=AutoresetMode.DISABLED)
    first, _ = env.reset(seed=1)
    over, obs = np.zeros(n, dtype=bool), first
    while not over.any():
        obs, _, terminated, truncated, _ = env.step(np.ones(n, dtype=np.int64))
        over = terminated | truncated
    shown, _ = env.reset(options={"reset_mask": over})
    assert (shown[over] == first[over]).all()
    assert (shown[~over] == obs[~over]).all()
    assert (env.elapsed[over] == 0).all()


@pytest.mark.fork_resume
@pytest.mark.parametrize("env_id", ["CartPole-v0", "Pendulum-v0", "Reach-v0"])
def test_control_environments_go_on_from_saved_bytes(env_id: str) -> None:
    env = make_vec(env_id, 60)
    env.reset(seed=5)
    env.action_space.seed(5)
    actions = [env.action_space.sample() for _ in range(60)]
    for action in actions[:30]:
        env.step(action)
    twin = make_vec(env_id, 60)
    twin.restore(env.save())
    for action in actions[30:]:
        mine, other = env.step(action), twin.step(action)
        assert np.array_equal(mine[1], other[1])
        assert (mine[2] == other[2]).all()


@pytest.mark.classic_equal
def test_points_are_refused_that_are_no_points_of_the_action_space() -> None:
    env, one = make_vec("Reach-v0", 3), make("Pendulum-v0")
    env.reset(seed=1)
    one.reset(seed=1)
    good = np.zeros((3, 2), np.float32)
    assert (env.step(good.astype(np.float64))[1] <= 0).all()
    wrong: list[tuple[Any, str]] = [
        (good.astype(np.int64), "actions: got int64 of shape (3, 2); wanted float32 of shape (3, 2)"),
        (good[:2], "actions: got float32 of shape (2, 2); wanted float32 of shape (3, 2)"),
        (good[:, 0], "actions: got float32 of shape (3,); wanted float32 of shape (3, 2)"),
        (good + np.array([[0, 0], [0, 1.5], [0, 0]]), "actions[1]: got 1.5; wanted between -1 and 1"),
        (good + np.array([[0, 0], [0, 0], [np.nan, 0]]), "actions[2]: got NaN; wanted between -1 and 1"),
    ]
    for action, text in wrong:
        with pytest.raises(ShapeError) as refusal:
            env.step(action)
        assert str(refusal.value) == text
    for single, text in [
        (1, "action: got 1; wanted float32 of shape (1,)"),
        (np.zeros(2, np.float32), "action: got float32 of shape (2,); wanted float32 of shape (1,)"),
        (np.array([np.nan], np.float32), "actions[0]: got NaN; wanted between -1 and 1"),
    ]:
        with pytest.raises(ShapeError) as refusal:
            one.step(single)
        assert str(refusal.value) == text


@pytest.mark.classic_equal
def test_first_states_of_another_width_or_not_finite_are_refused() -> None:
    with pytest.raises(ConfigError, match=r'columns\["start"\]: got 2 values a row; wanted 4'):
        SimVectorEnv("cartpole", entities=3, columns={"start": np.zeros((3, 2))})
    with pytest.raises(ConfigError, match=r'columns\["start"\] row 1: got NaN; wanted a finite number'):
        SimVectorEnv("pendulum", entities=2, columns={"start": np.array([[0.0, 0.0], [0.0, np.nan]])})
    with pytest.raises(ConfigError, match=r"reach\.tolerance: got 0; wanted a number above 0"):
        SimEnv("reach", {"tolerance": 0})


@pytest.mark.classic_equal
def test_bounds_of_points_are_told_to_agents() -> None:
    spec = make_vec("Pendulum-v0", 2).batch_spec
    assert spec.num_actions == 0
    assert spec.action_low is not None
    assert spec.action_high is not None
    assert (spec.action_low.tolist(), spec.action_high.tolist()) == ([-1.0], [1.0])
    assert make_vec("CartPole-v0", 2).batch_spec.action_low is None


@pytest.mark.classic_equal
def test_point_reaches_its_goal_and_the_reward_can_be_recomputed() -> None:
    n = 500
    env = make_vec("Reach-v0", n)
    assert isinstance(env, GoalVectorEnv)
    obs, _ = env.reset(seed=6)
    assert obs in env.observation_space
    earned, flat = np.zeros(n), SimVectorEnv("reach", entities=n)
    flat.reset(seed=6)
    for t in range(50):
        way = obs["desired_goal"] - obs["achieved_goal"]
        action = np.clip(way / 0.1, -1, 1)
        obs, reward, terminated, truncated, _ = env.step(action)
        assert (env.compute_reward(obs["achieved_goal"], obs["desired_goal"], {}) == reward).all()
        shifted = np.roll(obs["desired_goal"], 1, axis=0)
        far = np.linalg.norm((obs["achieved_goal"] - shifted).astype(np.float64), axis=1)
        hindsight = env.compute_reward(obs["achieved_goal"], shifted, {})
        assert (hindsight == -(far > 0.05).astype(float))[np.abs(far - 0.05) > 1e-9].all()
        rows, *_ = flat.step(action)
        assert (rows == np.concatenate([obs["observation"], obs["desired_goal"]], axis=1)).all()
        assert not terminated.any()
        assert truncated.all() == (t == 49)
        earned += reward
    assert (reward == 0).all()
    assert (earned < 0).any()


@pytest.mark.classic_equal
def test_single_point_has_the_dict_that_hindsight_reads() -> None:
    env = gymnasium.make("onetake/Reach-v0")
    assert isinstance(env, GoalEnv)
    obs, info = env.reset(seed=1)
    obs, reward, *_ = env.step(np.zeros(2, np.float32))
    assert (obs["observation"] == obs["achieved_goal"]).all()
    assert env.compute_reward(obs["achieved_goal"], obs["desired_goal"], info) == reward
    assert env.compute_reward(obs["achieved_goal"], obs["achieved_goal"], info) == 0
