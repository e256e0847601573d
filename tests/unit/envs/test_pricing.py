"""Demand of the pricing family against closed forms, and its best prices against trying everything."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from onetake.envs import SimVectorEnv, make
from onetake.errors import ConfigError, OnetakeError, ShapeError
from onetake.types import Float64

pytestmark = pytest.mark.elasticity_known_answers

LADDER = [0.7, 0.9, 1.0, 1.2, 1.5]
SINGLE = ("constant_elasticity", "semi_log", "linear", "logit")
JOINT = ("multinomial_logit", "nested_logit")
PRICE, COST, VIEWS = 10.0, 6.0, 100.0


def chances(env: SimVectorEnv) -> Float64:
    """The chance to buy that an expected reward implies ``(n, k)``, at the settings of this file."""
    return env.expected_reward() / (VIEWS * (PRICE * np.array(LADDER) - COST))


def batch(demand: str, columns: dict[str, Any] | None = None, **config: Any) -> SimVectorEnv:
    entities = len(next(iter(columns.values()))) if columns else 1
    env = SimVectorEnv("pricing", {"demand": demand, "ladder": LADDER, **config}, entities=entities, columns=columns)
    env.reset(seed=1)
    return env


def shares(rate: Float64, elasticity: Float64, x: Float64, nest: float) -> Float64:
    """Nested logit of one nest against nothing, as the textbook writes it (utilities, inclusive value)."""
    total = rate.sum()
    within = rate / total
    slope = elasticity / (1 / nest - (1 / nest - 1) * within - rate)
    # Utilities in which nothing has 0: exp(v / nest) within the nest, exp(nest log-sum) between nest and nothing.
    utility = nest * (np.log(total / (1 - total)) / nest + np.log(within)) + slope * (x - 1)
    logsum = np.log(np.exp(utility / nest).sum())
    between = np.exp(nest * logsum) / (1 + np.exp(nest * logsum))
    return np.asarray(np.exp(utility / nest - logsum) * between)


@pytest.mark.parametrize("demand", SINGLE)
def test_demand_is_the_published_formula(demand: str) -> None:
    rate, elasticity, x = 0.04, -2.5, np.array(LADDER)
    slope = elasticity / (1 - rate)
    wanted = {
        "constant_elasticity": rate * x**elasticity,
        "semi_log": rate * np.exp(elasticity * (x - 1)),
        "linear": rate * np.maximum(0, 1 + elasticity * (x - 1)),
        "logit": 1 / (1 + (1 - rate) / rate * np.exp(-slope * (x - 1))),
    }[demand]
    env = batch(demand, rate=rate, elasticity=elasticity)
    np.testing.assert_allclose(chances(env)[0], wanted, rtol=1e-12, atol=1e-18)


@pytest.mark.parametrize("demand", SINGLE)
def test_numeric_elasticity_at_the_reference_price_is_the_stated_one(demand: str) -> None:
    step = 1e-6
    ladder = [1 - step, 1.0, 1 + step]
    elasticity = np.array([-0.4, -1.0, -2.16, -3.73])
    env = SimVectorEnv(
        "pricing",
        {"demand": demand, "ladder": ladder, "cost": 0.0, "rate": 0.3},
        entities=4,
        columns={"elasticity": elasticity},
    )
    env.reset(seed=1)
    bought = env.expected_reward() / (VIEWS * PRICE * np.array(ladder))
    # Two sides around the price: the error is of the order of step squared, and rounding of 1e-16 / step.
    numeric = (bought[:, 2] - bought[:, 0]) / (2 * step) / bought[:, 1]
    np.testing.assert_allclose(numeric, elasticity, rtol=1e-7)


@pytest.mark.parametrize("nest", [1.0, 0.5, 0.2])
def test_joint_shares_are_those_of_plain_numpy(nest: float) -> None:
    rate, elasticity = np.array([0.1, 0.02, 0.3]), np.array([-2.0, -1.1, -3.0])
    demand = "multinomial_logit" if nest == 1.0 else "nested_logit"
    env = batch(demand, {"rate": rate, "elasticity": elasticity, "group": np.zeros(3)}, nest=nest)
    for arms in ([0, 2, 4], [2, 2, 2], [4, 1, 0]):
        x = np.array(LADDER)[arms]
        wanted = (VIEWS * (PRICE * x - COST) * shares(rate, elasticity, x, nest)).sum()
        np.testing.assert_allclose(env.account(np.array(arms))["played"], wanted, rtol=1e-12)
    np.testing.assert_allclose(chances(env)[:, 2], rate, rtol=1e-12)


def two_sets(demand: str, arms: list[int], nest: float = 0.4) -> Float64:
    """Mean conversions of two choice sets of two products each, by many replicates."""
    replicates = 4000
    env = SimVectorEnv(
        "pricing",
        {"demand": demand, "ladder": LADDER, "rate": 0.2, "nest": nest},
        entities=4,
        replicates=replicates,
        columns={"group": np.array([0.0, 0.0, 7.0, 7.0])},
    )
    env.reset(seed=3)
    obs, *_ = env.step(np.tile(arms, replicates))
    return np.asarray(obs[:, 1].reshape(replicates, 4).mean(axis=0), dtype=np.float64)


@pytest.mark.realistic_demand
@pytest.mark.parametrize("demand", JOINT)
def test_a_dearer_product_loses_buyers_to_its_own_set_alone(demand: str) -> None:
    before, after = two_sets(demand, [2, 2, 2, 2]), two_sets(demand, [4, 2, 2, 2])
    # Common random numbers: the other set does not change at all, the neighbour gains by far more than noise.
    assert after[0] < before[0]
    assert after[1] > before[1] * 1.05
    np.testing.assert_array_equal(after[2:], before[2:])


@pytest.mark.realistic_demand
def test_irrelevant_alternatives_keep_their_ratio_and_near_ones_steal_more_in_a_nest() -> None:
    rate, elasticity = np.array([0.1, 0.2, 0.15]), np.full(3, -2.0)
    moved = np.array([1.5, 1.0, 1.0])
    gains = []
    for nest in (1.0, 0.5, 0.2):
        before, after = shares(rate, elasticity, np.ones(3), nest), shares(rate, elasticity, moved, nest)
        # Within a nest the ratio of untouched products never changes.
        np.testing.assert_allclose(after[1] / after[2], before[1] / before[2], rtol=1e-12)
        gains.append((after[1:] - before[1:]).sum() / (before[0] - after[0]))
    # The nearer the products, the more of the lost buyers stay in the set; at 1 it is IIA with nothing too.
    assert gains[0] < gains[1] < gains[2]
    np.testing.assert_allclose(gains[0], 0.35 / 0.9, rtol=1e-12)


@pytest.mark.oracle_dominates
@pytest.mark.parametrize("demand", JOINT)
def test_best_prices_of_a_set_are_what_trying_everything_finds(demand: str) -> None:
    rng = np.random.default_rng(4)
    for _ in range(10):
        columns = {
            "rate": rng.uniform(0.02, 0.3, 3),
            "elasticity": rng.uniform(-4, -0.5, 3),
            "cost": rng.uniform(2, 12, 3),
            "views": np.full(3, VIEWS),
            "group": np.zeros(3),
        }
        env = batch(demand, columns, nest=0.3)
        tried = [env.account(np.array(arms))["played"][0] for arms in itertools.product(range(5), repeat=3)]
        account = env.account(env.best())
        np.testing.assert_allclose(account["oracle"], max(tried), rtol=1e-12)
        np.testing.assert_allclose(account["played"], max(tried), rtol=1e-12)


@pytest.mark.oracle_dominates
@pytest.mark.parametrize("demand", SINGLE + JOINT)
@pytest.mark.parametrize("memory", [False, True])
def test_no_play_beats_the_yardstick(demand: str, memory: bool) -> None:
    rng = np.random.default_rng(5)
    n = 12
    columns = {"rate": rng.uniform(0.01, 0.2, n), "elasticity": rng.uniform(-4, 0, n), "group": np.arange(n) // 3}
    config: dict[str, Any] = {"demand": demand, "ladder": LADDER, "modifiers": [{"kind": "season"}]}
    if memory:
        config |= {"reference": {"gain": 1.0, "loss": 2.0}, "pantry": {"effect": 0.2}}
    env = SimVectorEnv("pricing", config, entities=n, columns=columns)
    assert env.yardstick_kind == ("bound" if memory else "best_now")
    env.reset(seed=2)
    for _ in range(40):
        greedy = env.account(env.best())
        actions = rng.integers(0, 5, n) if rng.random() < 0.5 else env.best()
        account = env.account(actions)
        slack = 1e-12 * abs(account["oracle"])
        assert account["played"] <= account["oracle"] + slack
        assert greedy["played"] <= account["oracle"] + slack
        assert memory or greedy["played"] >= account["oracle"] - slack
        env.step(actions)


@pytest.mark.parametrize("demand", SINGLE + JOINT)
def test_expected_reward_is_the_mean_of_many_draws(demand: str) -> None:
    replicates = 100_000
    config = {
        "demand": demand,
        "ladder": LADDER,
        "rate": 0.2,
        "dispersion": 0.4,
        "shock": 0.1,
        "group_shock": 0.2,
        "reference": {"gain": 1.0, "loss": 2.0},
    }
    env = SimVectorEnv("pricing", config, entities=2, replicates=replicates, columns={"group": np.zeros(2)})
    env.reset(seed=6)
    env.step(np.zeros(2 * replicates, dtype=np.int64))
    for arm in (0, 3):
        twin = env.fork()
        expected = twin.expected_reward()[:2, arm]
        _, reward, *_ = twin.step(np.full(2 * replicates, arm))
        reward = reward.reshape(replicates, 2)
        error = reward.std(axis=0) / np.sqrt(replicates)
        assert (abs(reward.mean(axis=0) - expected) < 5 * error).all()


def test_any_price_between_two_is_an_action_too() -> None:
    config = {"demand": "semi_log", "between": [0.5, 2.0], "rate": 0.1, "elasticity": -2.0}
    env = SimVectorEnv("pricing", config, replicates=20_000)
    env.reset(seed=1)
    assert env.single_action_space.contains(np.array([1.25], dtype=np.float32))
    obs, reward, *_ = env.step(np.full((20_000, 1), 1.25, dtype=np.float32))
    expected = VIEWS * 0.1 * np.exp(-2 * 0.25)
    # Poisson counts: the variance is the mean.
    assert abs(obs[:, 1].mean() - expected) < 5 * np.sqrt(expected / 20_000)
    np.testing.assert_allclose(obs[:, 2], 12.5)
    np.testing.assert_allclose(reward, (12.5 - COST) * obs[:, 1])
    with pytest.raises(OnetakeError, match=r"between 0\.5 and 2"):
        env.step(np.full((20_000, 1), 2.5, dtype=np.float32))


def test_profit_is_margin_times_conversions_and_stays_in_its_bounds() -> None:
    rng = np.random.default_rng(7)
    n = 3000
    columns = {"price": rng.uniform(1, 50, n), "cost": rng.uniform(0, 60, n), "views": rng.uniform(0.1, 500, n)}
    env = batch("logit", columns, dispersion=1.0, shock=0.5)
    spec = env.batch_spec
    for step in range(5):
        actions = rng.integers(0, 5, n)
        obs, reward, *_ = env.step(actions)
        price = columns["price"] * np.array(LADDER)[actions]
        np.testing.assert_allclose(reward, (price - columns["cost"]) * obs[:, 1], rtol=1e-12)
        assert (obs[:, 1] <= obs[:, 0]).all()
        assert env.observation_space.contains(obs), step
        assert ((spec.reward_low <= reward) & (reward <= spec.reward_high)).all()
    assert (spec.reward_low < 0).any()


def test_the_registered_id_is_a_ladder_of_five_prices() -> None:
    env = make("onetake/Pricing-v0")
    obs, _ = env.reset(seed=0)
    assert obs.tolist() == [0.0, 0.0, 10.0]
    assert env.action_space.n == 5  # type: ignore[attr-defined]  # a ladder is discrete
    assert make("Pricing-v0", config={"ladder": [1.0, 2.0]}).action_space.n == 2  # type: ignore[attr-defined]  # as above


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("config", "columns", "error", "text"),
    [
        ({"elasticity": 0.5}, {}, ConfigError, r"pricing\.elasticity: got 0\.5; wanted at most 0: .*allow_wrong_sign"),
        ({}, {"elasticity": [-1.0, 0.2]}, ConfigError, r'columns\["elasticity"\] row 1: got 0\.2; wanted at most 0'),
        ({}, {"price": [1.0, np.nan]}, ConfigError, r'columns\["price"\] row 1: got NaN; wanted a finite number'),
        ({}, {"price": [1.0, 2.0, 3.0]}, ShapeError, r'columns\["price"\]: got 3 rows'),
        ({}, {"price": np.ones((2, 5))}, ConfigError, r'columns\["price"\]: got 5 values a row; wanted 1'),
        ({"rate": 0.0}, {}, ConfigError, r"pricing\.rate: got 0; wanted a chance above 0 and below 1"),
        ({"ladder": []}, {}, ConfigError, r"pricing\.ladder: got \[\]; wanted at least one multiple"),
        ({"between": [2.0, 1.0]}, {}, ConfigError, r"pricing\.between: got \[2, 1\]; wanted two multiples"),
        ({"nest": 0.0}, {}, ConfigError, r"pricing\.nest: got 0; wanted a number in \[0\.01, 1\]"),
        ({"dispersion": -1.0}, {}, ConfigError, r"pricing\.dispersion: got -1; wanted a number in \[0, 100\]"),
        ({"group_shock": 0.1}, {}, ConfigError, r"pricing\.group_shock: got 0\.1; wanted 0 where there is no column"),
        ({"reference": {"keep": 1.5}}, {}, ConfigError, r"pricing\.reference\.keep: got 1\.5; wanted a share"),
        ({"demand": "probit"}, {}, ConfigError, r'pricing\.demand: got "probit"; wanted '),
        ({"demand": "multinomial_logit", "rate": 0.6}, {"group": [1, 1]}, ConfigError, r"pricing\.rate of the choice"),
        ({"demand": "nested_logit", "cost": 99.0}, {}, ConfigError, r"pricing\.cost row 0: got 9\.9 times the refer"),
    ],
)
def test_what_cannot_be_used_is_refused(
    config: dict[str, Any], columns: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=f"^{text}"):
        SimVectorEnv("pricing", config, entities=2, columns=columns)


@pytest.mark.bad_input
def test_groups_must_stand_together_in_choice_sets_and_be_the_same_in_every_replicate() -> None:
    config = {"demand": "nested_logit"}
    with pytest.raises(ConfigError, match=r'^columns\["group"\] row 2: got group 1 again; wanted products of a choice'):
        SimVectorEnv("pricing", config, entities=3, columns={"group": [1, 2, 1]})
    with pytest.raises(ConfigError, match=r'^columns\["group"\] row 2: got 5; wanted the entity\'s group'):
        SimVectorEnv("pricing", config, entities=2, replicates=2, columns={"group": [1, 2, 5, 2]})


def test_a_wrong_sign_and_a_cost_above_the_price_are_played_where_they_are_meant() -> None:
    env = batch("semi_log", None, elasticity=0.5, allow_wrong_sign=True, cost=30.0)
    bought = env.expected_reward()[0] / (PRICE * np.array(LADDER) - 30.0)
    assert (np.diff(bought) > 0).all()
    assert (env.expected_reward() < 0).all()
