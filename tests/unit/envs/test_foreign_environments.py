"""Environments that are not ours run in any suite, and say how much slower they are."""

from __future__ import annotations

import logging
import math
import re
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from onetake.agents import make as make_agent
from onetake.envs import EnvironmentEntry, ForeignVectorEnv, Suite
from onetake.envs.suite_plans import RegisteredPlan
from onetake.errors import ConfigError, NotReadyError, OneShotError, OnetakeError, ShapeError, UnknownIdError
from onetake.evaluation import EvaluationSettings, run_cell, unsupported
from onetake.seeding import child_seed

pytestmark = pytest.mark.foreign_env

SHOP = """
import gymnasium
import numpy as np
from gymnasium import spaces


class Shop(gymnasium.Env):
    observation_space = spaces.Dict({"stock": spaces.Discrete(3), "price": spaces.Box(0, 9, (1,), np.float32)})
    action_space = spaces.Discrete(2, start=5)

    def __init__(self, pay=1.0):
        self.pay = pay

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self._see(), {}

    def step(self, action):
        assert action in (5, 6)
        self.t += 1
        luck = self.np_random.random()
        return self._see(), (self.pay if action == 6 else 0.0) * (luck < 0.5), luck < 0.05, False, {"luck": luck}

    def _see(self):
        return {"stock": self.t % 3, "price": np.array([self.t % 9], np.float32)}
"""


@pytest.fixture
def shop(tmp_path: Path) -> str:
    path = tmp_path / "my_shop.py"
    path.write_text(SHOP)
    return f"{path}:Shop"


def test_gymnasium_environment_gives_its_own_numbers() -> None:
    env = ForeignVectorEnv({"id": "CartPole-v1", "horizon": 500}, entities=2, replicates=2, seed=3, first_replicate=7)
    obs, _ = env.reset()
    rng = np.random.default_rng(1)
    actions = rng.integers(0, 2, (60, 4))
    for row, labels in enumerate([(7, 0), (7, 1), (8, 0), (8, 1)]):
        own = gymnasium.make("CartPole-v1")
        want, _ = own.reset(seed=child_seed(3, "foreign", *labels) % 2**31)
        assert (obs[row] == want).all()
    own_obs, reward = want, 0.0
    over = False
    for action in actions:
        obs, rewards, terminated, truncated, infos = env.step(action)
        assert infos == {}
        if over:
            own_obs, _ = own.reset()
            reward, terminal, late = 0.0, False, False
        else:
            own_obs, paid, terminal, late, _ = own.step(action[3])
            reward = float(paid)
        assert (obs[3] == own_obs).all()
        assert (rewards[3], terminated[3], truncated[3]) == (reward, terminal, late)
        over = terminal or late
    assert env.steps_per_second > 0


def test_users_own_class_is_played_with_arms_from_zero_and_flat_rows(shop: str) -> None:
    env = ForeignVectorEnv({"entry_point": shop, "kwargs": {"pay": 3.0}, "horizon": 40}, replicates=50, one_shot=True)
    obs, _ = env.reset(seed=1)
    assert obs.tolist() == [[0, 1, 0, 0]] * 50
    ended = np.zeros(50, dtype=bool)
    total = np.zeros(50)
    while not ended.all():
        obs, reward, terminated, truncated, infos = env.step(np.ones(50, dtype=np.int32))
        assert (reward[ended] == 0).all()
        assert ((terminated | truncated)[ended]).all()
        assert infos == {}
        total += reward
        ended |= terminated | truncated
    assert set(np.unique(total % 3)) == {0}
    assert total.max() > 0
    with pytest.raises(NotReadyError, match="every environment has ended"):
        env.step(np.ones(50, dtype=np.int32))
    with pytest.raises(OneShotError):
        env.reset()


def test_part_of_a_batch_has_the_numbers_of_the_whole(shop: str) -> None:
    entry = EnvironmentEntry("shop", "foreign", {"entry_point": shop}, entities=2, replicates=4, steps=20)
    whole, part = entry.make(5), entry.make(5, first_replicate=2, replicates=1)
    whole.reset(seed=5)
    part.reset(seed=5)
    for t in range(3):
        mine = whole.step(np.full(8, t % 2))[1][4:6]
        assert (mine == part.step(np.full(2, t % 2))[1]).all()


@pytest.mark.parametrize("history", [False, True])
def test_foreign_environments_stand_in_a_suite_beside_our_own(
    shop: str, history: bool, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    suite = RegisteredPlan("mixed", 1, ("Cohort-v0", "CartPole-v1", shop), 3, steps=15).make("test")
    suite.save(tmp_path / "suite")
    suite = Suite.load(tmp_path / "suite")
    settings = EvaluationSettings(seed=1, history=history)
    with caplog.at_level(logging.WARNING):
        cell = run_cell(make_agent("random-v0"), suite, settings, name="random")
    notes = [record.getMessage() for record in caplog.records if "steps/s" in record.getMessage()]
    assert len(notes) == 2
    assert re.search(
        r"CartPole-v1 is stepped by Python at [\d,]+ steps/s; a native bandit makes [\d,]+ steps/s", notes[0]
    )
    known = cell.summary.filter(environment="Cohort-v0")
    unknown = cell.summary.filter(environment="CartPole-v1")
    assert known["regret"].null_count() == 0
    assert unknown["yardstick_kind"].unique().to_list() == ["unknown"]
    for column in ("regret", "value", "random", "yardstick", "score", "realised_regret", "best_fixed_action"):
        assert unknown[column].null_count() == 3, column
    assert (unknown["realised"] > 5).all()
    curves = cell.curves.filter(environment="CartPole-v1")
    assert curves["regret"].null_count() == len(curves)
    assert curves["realised"].null_count() == 0
    again = run_cell(make_agent("random-v0"), suite, settings, name="random")
    assert again.summary.equals(cell.summary)


def test_agents_that_need_bounds_play_where_a_range_is_stated() -> None:
    config = {"id": "CartPole-v1"}
    entries = [
        EnvironmentEntry("bounded", "foreign", {**config, "reward_range": [0, 1]}, steps=10),
        EnvironmentEntry("unbounded", "foreign", config, steps=10),
        EnvironmentEntry("points", "foreign", {"id": "Pendulum-v1"}, steps=10),
    ]
    reasons = unsupported(make_agent("thompson-v0"), Suite("bounds", "test", 1, tuple(entries)))
    assert reasons == {
        "unbounded": "reward bounds: got [-inf, inf]; wanted finite ones, low below high",
        "points": "actions: got points; wanted arms",
    }


def test_points_reach_a_foreign_environment() -> None:
    env = ForeignVectorEnv({"id": "Pendulum-v1"}, replicates=3)
    env.reset(seed=1)
    for ask in (env.expected_reward, env.best, lambda: env.account(0), env.track_fixed, env.fixed_totals, env.fork):
        with pytest.raises(NotReadyError, match=r"not known of Pendulum-v1, which is not ours"):
            ask()
    spec = env.batch_spec
    assert spec.num_actions == 0
    assert spec.action_high is not None
    assert spec.action_high.tolist() == [2.0]
    assert (env.step(np.full((3, 1), 1.5, np.float32))[1] < 0).all()
    for action, text in [
        (np.full((3, 1), 2.5), r"actions\[0\]: got \[2.5\]; wanted numbers within the bounds"),
        (np.full((3, 1), math.nan), r"actions\[0\]: got \[nan\]"),
        (np.zeros(3), r"actions: got float64 of shape \(3,\); wanted float32 of shape \(3, 1\)"),
    ]:
        with pytest.raises(ShapeError, match=text):
            env.step(action)


class Broken(gymnasium.Env[Any, Any]):
    """Pays or shows what is no number."""

    observation_space = spaces.Box(-1, 1, (1,), np.float32)
    action_space: spaces.Space[Any] = spaces.Discrete(2)

    def __init__(self, reward: float = math.nan, shown: float = 0.0) -> None:
        self.reward, self.shown = reward, shown

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return np.array([self.shown], np.float32), self.reward, False, False, {}


class Doors(Broken):
    """Has actions of a kind that no agent of ours has."""

    action_space = spaces.MultiDiscrete([2, 2])


def test_numbers_that_are_none_are_refused_where_they_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onetake.envs.foreign.load_class", lambda *_: Broken)
    for kwargs, text in [
        ({}, "x:Broken row 0: got reward nan; wanted a finite number"),
        ({"reward": 1.0, "shown": math.nan}, "x:Broken row 0: got an observation with NaN; wanted numbers"),
    ]:
        env = ForeignVectorEnv({"entry_point": "x:Broken", "kwargs": kwargs})
        env.reset(seed=1)
        with pytest.raises(ShapeError, match=text):
            env.step(np.array([0]))
    monkeypatch.setattr("onetake.envs.foreign.load_class", lambda *_: Doors)
    with pytest.raises(ConfigError, match="x:Doors: got actions of MultiDiscrete"):
        ForeignVectorEnv({"entry_point": "x:Doors"})


REFUSALS: list[tuple[dict[str, Any], type[OnetakeError], str]] = [
    ({}, ConfigError, "foreign: got id None, entry_point None; wanted the text of one"),
    ({"id": "CartPole-v1", "entry_point": "a:B"}, ConfigError, "foreign: got id 'CartPole-v1', entry_point 'a:B'"),
    ({"id": "CartPole-v1", "arms": 3}, ConfigError, "foreign.arms: got 3; wanted a known field, one of entry_point"),
    ({"id": "Cartpool-v1"}, UnknownIdError, "foreign.id: got 'Cartpool-v1'; wanted one that Gymnasium knows"),
    (
        {"id": "CartPole-v1", "kwargs": {"moon": 1}},
        ConfigError,
        "foreign.id: got 'CartPole-v1'; wanted one that can be",
    ),
    (
        {"entry_point": "onetake.errors:ConfigError"},
        ConfigError,
        "entry point: got 'onetake.errors",
    ),
    ({"entry_point": "nowhere.at.all:Env"}, ConfigError, "entry point: got module 'nowhere.at.all'"),
    ({"id": "CartPole-v1", "reward_range": [1, 0]}, ConfigError, "foreign.reward_range: got [1, 0]; wanted the lower"),
    ({"id": "CartPole-v1", "reward_range": 3}, ConfigError, "foreign.reward_range: got 3; wanted two numbers"),
    ({"id": "CartPole-v1", "horizon": 0}, ConfigError, "foreign.horizon: got 0; wanted a whole number"),
    ({"id": "CartPole-v1", "kwargs": 3}, ConfigError, "foreign.kwargs: got 3; wanted a mapping"),
]


@pytest.mark.parametrize(("config", "kind", "text"), REFUSALS)
def test_settings_that_name_no_environment_are_refused(
    config: dict[str, Any], kind: type[OnetakeError], text: str
) -> None:
    with pytest.raises(kind) as refusal:
        ForeignVectorEnv(config)
    assert str(refusal.value).startswith(text)
    assert "\n" not in str(refusal.value)


def test_entry_without_an_end_or_with_columns_is_refused(shop: str) -> None:
    with pytest.raises(ConfigError, match="got none; wanted a number, since its episodes have no time limit"):
        EnvironmentEntry.of(shop)
    assert EnvironmentEntry.of("CartPole-v1").steps == 500
    with pytest.raises(
        UnknownIdError, match=r"environment: got 'Cartpool-v1', which is not registered; wanted one like"
    ):
        EnvironmentEntry.of("Cartpool-v1")
    entry = EnvironmentEntry("x", "foreign", {"id": "CartPole-v1"}, columns={"p": np.zeros(1)})
    with pytest.raises(ConfigError, match=r"x\.columns: got p; wanted none, since the environment is not ours"):
        entry.make(1)
