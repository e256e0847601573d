"""A user's function of (action, step) is asked once for every pair and then plays in Rust."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onetake.agents import make as make_agent
from onetake.envs import EnvironmentEntry, SimEnv, SimVectorEnv, Suite
from onetake.envs.suite_plans import RegisteredPlan
from onetake.envs.tabulate import tabulate
from onetake.errors import ConfigError, OnetakeError, UnknownIdError
from onetake.evaluation import EvaluationSettings, best_fixed_actions, run_cell

pytestmark = pytest.mark.tabulated

STEPS = 9
MODULE = """
asked = []


def rate(action, step):
    asked.append((action, step))
    return 0.1 * action + 0.01 * step


def wrong(action, step):
    return 1.5 if (action, step) == (1, 4) else 0.5
"""


def promo(action: int, step: int) -> float:
    """Arm 1 is on offer on every third day; arm 2 gets better."""
    return [0.2, 0.8 if step % 3 == 0 else 0.1, 0.05 * step][action]


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "my_rates.py"
    path.write_text(MODULE)
    return path


def bandit(**settings: Any) -> dict[str, Any]:
    return {"rate_table": {"function": promo, "actions": 3}, "horizon": STEPS, **settings}


def test_expected_rewards_are_what_the_function_says_at_each_step() -> None:
    env = SimVectorEnv("bandit", bandit(scale=[1, 2, 3], offset=[0, -1, 0]), entities=5)
    env.reset(seed=1)
    for step in range(STEPS):
        want = [scale * promo(k, step) + offset for k, (scale, offset) in enumerate([(1, 0), (2, -1), (3, 0)])]
        assert np.allclose(env.expected_reward(), want, rtol=1e-15)
        env.step(np.zeros(5, dtype=np.int64))


def test_frequencies_follow_the_function() -> None:
    n = 40_000
    env = SimVectorEnv("bandit", bandit(), entities=n)
    env.reset(seed=2)
    for step in range(STEPS):
        _, reward, *_ = env.step(np.full(n, step % 3))
        chance = promo(step % 3, step)
        # Five standard errors of a frequency: less than one seeded run in a million lies beyond.
        assert abs(reward.mean() - chance) <= 5 * math.sqrt(chance * (1 - chance) / n)


def test_both_chances_of_a_cohort_are_tabulated_and_modifiers_still_multiply() -> None:
    config = {
        "size": 100,
        "p_table": {"function": lambda action, step: 0.5 if step % 2 else 0.25, "actions": 1},
        "q_table": {"function": promo, "actions": 3},
        "modifiers": [{"kind": "trend", "start": 0.5, "slope": 0.0}],
        "horizon": STEPS,
    }
    env = SimVectorEnv("cohort", config, entities=9_000)
    env.reset(seed=3)
    for step in range(STEPS):
        want = [100 * (0.5 if step % 2 else 0.25) / 2 * promo(k, step) / 2 for k in range(3)]
        assert np.allclose(env.expected_reward(), want, rtol=1e-12)
        _, reward, *_ = env.step(np.full(9_000, 2))
        # A conversion is a Bernoulli of the product of both chances: five standard errors of 900,000.
        assert abs(reward.mean() - want[2]) <= 5 * math.sqrt(want[2] / 9_000)


def test_step_of_the_table_is_the_time_since_each_environments_reset() -> None:
    from gymnasium.vector import AutoresetMode

    env = SimVectorEnv("bandit", bandit(), entities=4, autoreset_mode=AutoresetMode.DISABLED)
    env.reset(seed=4)
    for _ in range(4):
        env.step(np.zeros(4, dtype=np.int64))
    env.reset(options={"reset_mask": np.array([True, False, True, False])})
    expected = env.expected_reward()
    assert np.allclose(expected[::2], [promo(k, 0) for k in range(3)])
    assert np.allclose(expected[1::2], [promo(k, 4) for k in range(3)])


def test_table_and_function_give_the_same_numbers_in_both_faces() -> None:
    table = tabulate(promo, 3, STEPS)
    named = SimVectorEnv("bandit", bandit(), entities=6)
    given = SimVectorEnv("bandit", bandit(rate_table=table), entities=6)
    one = SimEnv("bandit", bandit(), entity=5)
    assert named.config["rate_table"] == table
    for env in (named, given, one):
        env.reset(seed=5)
    for step in range(STEPS):
        action = np.full(6, step % 3)
        mine, other = named.step(action), given.step(action)
        assert (mine[1] == other[1]).all()
        assert one.step(step % 3)[1] == mine[1][5]


def test_function_is_asked_once_for_each_pair_and_the_saved_suite_holds_its_answers(
    module: Path, tmp_path: Path
) -> None:
    described = {
        "id": "Bandit-v0",
        "name": "own",
        "steps": 6,
        "config": {"rate_table": {"function": f"{module}:rate", "actions": 2}},
    }
    plan = RegisteredPlan("mine", 1, (described,), 3)
    from onetake.build import load_function

    asked = load_function("test", f"{module}:rate").__globals__["asked"]
    asked.clear()
    suite = plan.make("test")
    assert sorted(asked) == [(action, step) for action in range(2) for step in range(6)]
    suite.save(tmp_path / "suite")
    asked.clear()
    loaded = Suite.load(tmp_path / "suite")
    cell = run_cell(make_agent("thompson-v0"), loaded, EvaluationSettings(seed=1), name="thompson")
    assert asked == []
    assert cell.summary["regret"].null_count() == 0
    assert best_fixed_actions(loaded, 1) == {"own": 1}
    oracle = sum(0.1 + 0.01 * step for step in range(6))
    assert np.allclose(cell.summary["yardstick"].to_numpy(), oracle)


@pytest.mark.parametrize("value", [math.nan, 1.0001, -0.1, math.inf, None, "0.5", [0.1, 0.2], 1 + 1j])
def test_what_is_no_chance_is_refused_with_action_and_step(value: Any) -> None:
    with pytest.raises(ConfigError) as refusal:
        tabulate(lambda action, step: value if (action, step) == (1, 2) else 0.5, 2, 3, what="bandit.rate_table")
    assert str(refusal.value) == f"bandit.rate_table: got {value!r} for action 1 at step 2; wanted a chance in [0, 1]"


def test_file_that_says_something_impossible_is_refused_where_the_entry_is_made(module: Path) -> None:
    config = {"rate_table": {"function": f"{module}:wrong", "actions": 2}}
    with pytest.raises(ConfigError, match=r"bandit\.rate_table: got 1\.5 for action 1 at step 4; wanted a chance"):
        EnvironmentEntry("wrong", "bandit", config, steps=5)


TABLES: list[tuple[dict[str, Any], type[OnetakeError], str]] = [
    (
        {"rate_table": [[0.1, 0.2]] * 3, "horizon": 4},
        ConfigError,
        "bandit.rate_table: got 3 rows; wanted 4, one",
    ),
    ({"rate_table": [[0.1]], "horizon": None}, ConfigError, "bandit.rate_table: got 1 rows; wanted a horizon"),
    ({"rate_table": [[0.1, 0.2], [0.1]], "horizon": 2}, ConfigError, "bandit.rate_table[1]: got 1 values; wanted 2"),
    ({"rate_table": [[0.1, 0.2], [0.1, 1.2]], "horizon": 2}, ConfigError, "bandit.rate_table[1][1]: got 1.2; wanted a"),
    ({"rate_table": [[]], "horizon": 1}, ConfigError, "bandit.rate_table[0]: got 0 values; wanted 1, one an arm"),
    ({"rate_table": {"function": promo}}, ConfigError, "bandit.rate_table: got function; wanted function and actions"),
    (
        bandit(rate_table={"function": promo, "actions": 0}),
        ConfigError,
        "bandit.rate_table.actions: got 0; wanted",
    ),
    (
        bandit(rate_table={"function": 7, "actions": 1}),
        ConfigError,
        "bandit.rate_table.function: got 7; wanted",
    ),
    (
        bandit(rate_table={"function": "math:sqr", "actions": 1}),
        UnknownIdError,
        "bandit.rate_table.function: 'math' has",
    ),
    (
        bandit(rate_table={"function": "math:pi", "actions": 1}),
        ConfigError,
        "bandit.rate_table.function: got 'math:",
    ),
    (bandit(rate_table={"function": "sqrt", "actions": 1}), ConfigError, "entry point: got 'sqrt'; wanted package"),
    (bandit(horizon=None), ConfigError, "bandit.rate_table: got a function without a horizon"),
]


@pytest.mark.parametrize(("config", "kind", "text"), TABLES)
def test_tables_that_cannot_be_used_are_named(config: dict[str, Any], kind: type[OnetakeError], text: str) -> None:
    with pytest.raises(kind) as refusal:
        SimVectorEnv("bandit", config)
    assert str(refusal.value).startswith(text)


def test_table_beside_a_column_is_refused() -> None:
    with pytest.raises(ConfigError, match=r'bandit\.rate_table: got a column "rate" too; wanted one of them'):
        SimVectorEnv("bandit", bandit(), entities=2, columns={"rate": np.full((2, 3), 0.5)})
