"""Seats to sell: the dynamic program against textbooks, its policy against its value, and every agent against it."""

from __future__ import annotations

from math import ceil, exp, factorial
from typing import Any

import numpy as np
import pytest

from onetake.agents import make
from onetake.envs import EnvironmentEntry, SimVectorEnv, Suite
from onetake.errors import ConfigError
from onetake.evaluation import EvaluationSettings
from onetake.evaluation.cell import run_cell

pytestmark = pytest.mark.perishable_oracle

FLIGHT: dict[str, Any] = {
    "capacity": 12,
    "arrival_rate": 2.0,
    "willingness": 100.0,
    "prices": [60.0, 100.0, 150.0, 220.0],
    "horizon": 10,
    "salvage": 5.0,
    "modifiers": [{"kind": "season", "values": [1.0, 1.5, 0.5]}],
}


def plain_program(
    means: list[list[float]], prices: list[float], capacity: int, salvage: float
) -> tuple[float, list[float], float]:
    """Best, fixed and even values by the recursion in plain Python; ``means`` is demand by step and price."""
    start = [salvage * c for c in range(capacity + 1)]
    tables = [start[:] for _ in range(len(prices) + 2)]
    for step in reversed(means):
        earned = []
        for price, mean in zip(prices, step, strict=True):
            chance = [exp(-mean) * mean**d / factorial(d) for d in range(capacity + 1)]

            def ahead(value: list[float], c: int, price: float = price, chance: list[float] = chance) -> float:
                some = sum(chance[d] * (price * d + value[c - d]) for d in range(c))
                return some + (1 - sum(chance[:c])) * price * c

            earned.append(ahead)
        cells = range(capacity + 1)
        best = [max(ahead(tables[0], c) for ahead in earned) for c in cells]
        even = [sum(ahead(tables[1], c) for ahead in earned) / len(prices) for c in cells]
        fixed = [[ahead(tables[2 + k], c) for c in cells] for k, ahead in enumerate(earned)]
        tables = [best, even, *fixed]
    return tables[0][-1], [table[-1] for table in tables[2:]], tables[1][-1]


def means_of(flight: dict[str, Any]) -> list[list[float]]:
    season = flight["modifiers"][0]["values"]
    rates = [flight["arrival_rate"] * season[t % len(season)] for t in range(flight["horizon"])]
    return [[rate * exp(-price / flight["willingness"]) for price in flight["prices"]] for rate in rates]


def test_values_equal_the_recursion_in_plain_python() -> None:
    env = SimVectorEnv("perishable", FLIGHT)
    best, fixed, even = plain_program(means_of(FLIGHT), FLIGHT["prices"], FLIGHT["capacity"], FLIGHT["salvage"])
    values = env.start_values()
    assert values is not None
    assert env.yardstick_kind == "exact"
    np.testing.assert_allclose(values["best"], best, rtol=1e-10)
    np.testing.assert_allclose(values["arms"][0], fixed, rtol=1e-10)
    np.testing.assert_allclose(values["random"], even, rtol=1e-10)


def test_values_near_those_of_continuous_time_with_exponential_willingness() -> None:
    # Gallego and van Ryzin (1994), section 3.1: with demand a·exp(−p) in continuous time and n seats,
    # J(n, t) = log Σ_{i ≤ n} (a t / e)^i / i!. A fine ladder and 2,000 steps come near it from below.
    rate, seats, time = 6.0, 4, 1.0
    exact = np.log(sum((rate * time / np.e) ** i / factorial(i) for i in range(seats + 1)))
    prices = np.linspace(1.0, 4.0, 151).tolist()
    config = {"capacity": seats, "arrival_rate": rate / 2000, "willingness": 1.0, "prices": prices, "horizon": 2000}
    values = SimVectorEnv("perishable", config).start_values()
    assert values is not None
    # Selling two seats within one step at one price loses O(1/steps); the ladder loses O(step of it squared).
    assert exact - 5e-4 < values["best"][0] <= exact + 1e-9


def test_one_period_of_two_fares_is_littlewoods_rule() -> None:
    # Littlewood (1972): protect seats for the high fare while p_high · P(D_high >= c) > p_low. A salvage value is a low
    # fare that always finds a buyer at the end: the next seat is worth the larger of the two.
    low, high, mean = 40.0, 100.0, 6.0
    config = {"arrival_rate": mean, "willingness": 1e9, "prices": [high], "horizon": 1, "salvage": low}
    worth = []
    for seats in range(1, 13):
        values = SimVectorEnv("perishable", {**config, "capacity": seats}).start_values()
        assert values is not None
        worth.append(values["best"][0])
    below = np.cumsum([exp(-mean) * mean**d / factorial(d) for d in range(13)])
    tail = 1 - np.concatenate([[0.0], below[:-1]])[1:13]
    # A further seat earns the high fare where a buyer comes for it and the low one elsewhere.
    np.testing.assert_allclose(np.diff(worth), low + (high - low) * tail[1:], rtol=1e-6)
    protected = sum(high * chance > low for chance in tail)
    assert protected == sum(np.diff(worth, prepend=0.0) - low > (high - low) * low / high)


@pytest.mark.parametrize("demand", ["exponential", "logit", "linear"])
def test_best_policy_earns_its_value(demand: str) -> None:
    n = 20_000
    env = SimVectorEnv("perishable", {**FLIGHT, "demand": demand, "spread": 30.0}, entities=n, one_shot=True)
    values = env.start_values()
    assert values is not None
    earned, over = np.zeros(n), np.zeros(n, dtype=bool)
    env.reset(seed=5)
    while not over.all():
        _, reward, terminated, truncated, _ = env.step(env.best())
        assert (reward[over] == 0).all()
        earned += reward
        over = terminated | truncated
    # Five standard errors: a false alarm once in 1.7 million.
    assert abs(earned.mean() - values["best"][0]) < 5 * earned.std() / np.sqrt(n)


@pytest.mark.oracle_dominates
def test_no_agent_earns_more_than_the_program() -> None:
    rng = np.random.default_rng(3)
    n = 60
    columns = {
        "capacity": rng.integers(5, 40, n).astype(float),
        "arrival_rate": rng.uniform(0.5, 4.0, n),
        "willingness": rng.uniform(60.0, 160.0, n),
    }
    entry = EnvironmentEntry("flights", "perishable", {"prices": FLIGHT["prices"]}, columns, n, 20, 15)
    suite = Suite("travel", "test", 1, (entry,))
    names = ["random-v0", "fixed-v0", "thompson-v0", "epsilon_greedy-v0", "ucb1-v0"]
    for name in names:
        summary = run_cell(make(name), suite, EvaluationSettings(seed=2), name=name).summary
        assert summary["yardstick_kind"].unique().to_list() == ["exact"]
        regret = summary["regret"].to_numpy()
        assert regret.mean() > -5 * regret.std(ddof=1) / np.sqrt(len(regret))
        parts = summary["cost_of_constraints"] + summary["cost_of_not_knowing"] + summary["cost_of_exploring"]
        assert (parts == summary["regret"]).all()
        if name == "random-v0":
            # Its value is known too: realised and expected play average to it.
            gap = (summary["value"] - summary["random"]).to_numpy()
            assert abs(gap.mean()) < 5 * gap.std(ddof=1) / np.sqrt(len(gap))
        if name == "fixed-v0":
            arms = entry.make(0, replicates=1).start_values()
            assert arms is not None
            gap = summary["value"].to_numpy() - arms["arms"][:, 0].sum()
            assert abs(gap.mean()) < 5 * gap.std(ddof=1) / np.sqrt(len(gap))


def test_expected_reward_is_the_mean_of_many_draws() -> None:
    n = 100_000
    env = SimVectorEnv("perishable", {**FLIGHT, "capacity": 2, "horizon": 1, "arrival_rate": 5.0}, entities=n)
    for arm in range(4):
        env.reset(seed=arm)
        expected = env.expected_reward()[0, arm]
        _, reward, _, _, _ = env.step(np.full(n, arm))
        assert abs(reward.mean() - expected) < 5 * reward.std() / np.sqrt(n)


def test_sales_are_censored_by_stock_and_latent_demand_is_never_seen() -> None:
    env = SimVectorEnv("perishable", {**FLIGHT, "arrival_rate": 50.0}, entities=100, one_shot=True)
    obs, infos = env.reset(seed=1)
    assert infos == {}
    before = obs[:, 0]
    obs, reward, terminated, _, infos = env.step(np.zeros(100, dtype=np.int64))
    assert infos == {}
    assert env.batch_spec.observation_names == ("stock", "time_left", "sales")
    assert (obs[:, 2] == before - obs[:, 0]).all()
    assert (reward == 60.0 * obs[:, 2]).all()
    assert (terminated == (obs[:, 0] == 0)).all()
    assert terminated.all()


def test_a_higher_price_never_sells_more_under_the_same_luck() -> None:
    sales = []
    for arm in range(4):
        env = SimVectorEnv("perishable", FLIGHT, entities=2000)
        env.reset(seed=9)
        sales.append(env.step(np.full(2000, arm))[0][:, 2])
    assert (np.diff(sales, axis=0) <= 0).all()


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"horizon": None}, "perishable.horizon: got null"),
        ({"prices": []}, "perishable.prices: got"),
        ({"prices": [-1.0]}, "perishable.prices: got"),
        ({"arrival_rate": -1.0}, "perishable.arrival_rate: got -1"),
        ({"willingness": 0.0}, "perishable.willingness: got 0"),
        ({"modifiers": [{"kind": "random_walk"}]}, "perishable.modifiers: got a random walk"),
    ],
)
def test_what_cannot_be_sold_is_refused_by_name(change: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        SimVectorEnv("perishable", {**FLIGHT, **change})
    assert str(refused.value).startswith(text)


@pytest.mark.bad_input
def test_stock_that_is_not_whole_is_refused_with_its_row() -> None:
    with pytest.raises(ConfigError, match=r'columns\["capacity"\] row 1: got 2.5; wanted a whole number'):
        SimVectorEnv("perishable", FLIGHT, entities=2, columns={"capacity": [2.0, 2.5]})


def test_environments_that_have_ended_stand_still_until_all_have() -> None:
    capacity = np.array([1.0, 200.0])
    env = SimVectorEnv(
        "perishable", {**FLIGHT, "salvage": 0.0}, entities=2, columns={"capacity": capacity}, one_shot=True
    )
    env.reset(seed=4)
    ended = None
    for _ in range(ceil(FLIGHT["horizon"])):
        obs, reward, terminated, truncated, _ = env.step(np.zeros(2, dtype=np.int64))
        if ended is not None:
            assert (obs[0] == ended).all()
            assert reward[0] == 0
            assert terminated[0]
            assert not truncated[0]
        if terminated[0] and ended is None:
            ended = obs[0].copy()
            env = env.fork()
    assert ended is not None
    assert truncated[1]
