"""Price agents in the simulator's own shops, against closed forms and against agents that know nothing of prices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from onetake.agents import UCB1, PriceThompson, Thompson
from onetake.agents.base import AbstractAgent
from onetake.envs.sim import SimVectorEnv
from onetake.errors import ShapeError
from onetake.types import Observation, Transitions

pytestmark = pytest.mark.price_agents

LADDER = [0.7, 0.85, 1.0, 1.2, 1.5]
PRODUCTS = 60


def shop(demand: str = "constant_elasticity", **settings: Any) -> SimVectorEnv:
    rng = np.random.default_rng(1)
    columns = {"elasticity": rng.normal(-2.5, 0.6, PRODUCTS).clip(-5, -1.2), "price": rng.uniform(5, 20, PRODUCTS)}
    columns["cost"] = columns["price"] * 0.6
    config = {"demand": demand, "rate": 0.08, "views": 200, "ladder": LADDER, **settings}
    return SimVectorEnv("pricing", config, entities=PRODUCTS, columns=columns)


def run(agent: AbstractAgent, env: SimVectorEnv, steps: int) -> Any:
    """Expected reward lost at each step to the best price ``(T,)``; the last observation stays in the agent's mind."""
    obs, _ = env.reset(seed=3)
    agent.begin(env.batch_spec, seed=5)
    lost = []
    for step in range(steps):
        action = agent.act(Observation(obs, step)).action
        if env.batch_spec.num_actions:
            expected = env.expected_reward()
            lost.append((expected.max(axis=1) - expected[np.arange(PRODUCTS), action]).sum())
        after, reward, ended, cut, _ = env.step(action)
        agent.learn(Transitions(step, obs, action, reward, after, ended, cut))
        obs = after
    return np.array(lost)


@pytest.mark.parametrize("demand", ["constant_elasticity", "semi_log"])
def test_the_elasticities_that_made_the_sales_are_found(demand: Any) -> None:
    env, agent = shop(demand), PriceThompson(demand=demand, floor=0.05)
    run(agent, env, 150)
    state = agent.arrays()
    truth = np.random.default_rng(1).normal(-2.5, 0.6, PRODUCTS).clip(-5, -1.2)
    z = (state["elasticity"] - truth) / np.sqrt(state["var_elasticity"])
    # 60 products whose means stand as far from the truth as their posteriors say: χ² of 60 within 1 in 10⁵.
    assert stats.chi2.ppf(1e-5, PRODUCTS) < (z**2).sum() < stats.chi2.ppf(1 - 1e-5, PRODUCTS)
    assert np.sqrt(state["var_elasticity"]).mean() < 0.4
    assert state["cost"] == pytest.approx(0.6, abs=1e-5)


def test_a_period_is_taken_in_at_the_mode_of_the_posterior() -> None:
    env, agent = shop(), PriceThompson()
    obs, _ = env.reset(seed=1)
    agent.begin(env.batch_spec, seed=1)
    after = np.tile(np.array([[180.0, 11.0, 12.0]], np.float32), (PRODUCTS, 1))
    action, never = np.full(PRODUCTS, 3), np.zeros(PRODUCTS, bool)
    agent.learn(Transitions(0, obs, action, np.full(PRODUCTS, 44.0), after, never, never))
    u = np.array([1.0, np.log(1.2)])

    def loss(theta: Any) -> Any:
        far = (theta - [np.log(0.05), -2.0]) / [2.0, 1.0]
        return 0.5 * far @ far - 11 * theta @ u + 180 * np.exp(theta @ u)

    mode = optimize.minimize(loss, [-3.0, -2.0], method="BFGS", options={"gtol": 1e-9}).x
    curvature = np.diag([0.25, 1.0]) + 180 * np.exp(mode @ u) * np.outer(u, u)
    want = np.linalg.inv(curvature)
    state = agent.arrays()
    assert [state["log_rate"][0], state["elasticity"][0]] == pytest.approx(mode, abs=1e-6)
    got = [state[name][0] for name in ("var_rate", "covariance", "var_elasticity")]
    assert got == pytest.approx([want[0, 0], want[0, 1], want[1, 1]], rel=1e-5)
    # A sale at 12 that earned 4 says that the unit cost 8: 0.8 of the reference price 10.
    assert state["cost"][0] == pytest.approx(0.8)


def test_it_loses_less_while_it_learns_than_agents_for_which_prices_are_only_arms() -> None:
    env = shop()
    ours = run(PriceThompson(), env, 60).sum()
    thompson, ucb = (run(agent, shop(), 60).sum() for agent in (Thompson(), UCB1(exploration=0.1)))
    assert ours < 0.5 * min(thompson, ucb)


@pytest.mark.propensity_contract
@pytest.mark.parametrize("demand", ["constant_elasticity", "semi_log"])
def test_the_chance_of_a_rung_is_that_of_its_interval_of_elasticities(demand: Any) -> None:
    env, agent = shop(), PriceThompson(demand=demand, floor=0.02)
    run(agent, env, 6)
    mask = np.ones((PRODUCTS, 5), bool)
    mask[::2, 1] = False
    for allowed in (None, mask):
        chances = agent.action_probabilities(Observation(np.zeros((PRODUCTS, 3), np.float32), 9, mask=allowed))
        assert chances.sum(axis=1) == pytest.approx(1, abs=1e-12)
        counts = np.zeros((PRODUCTS, 5))
        for step in range(100, 1300):
            action = agent.act(Observation(np.zeros((PRODUCTS, 3), np.float32), step, mask=allowed)).action
            counts[np.arange(PRODUCTS), action] += 1
        assert (counts[chances == 0] == 0).all()
        live = chances > 0
        statistic = ((counts[live] - 1200 * chances[live]) ** 2 / (1200 * chances[live])).sum()
        # The floor keeps expected counts above 20; a right agent is refused once in 10^6 seeds.
        assert statistic < stats.chi2.ppf(1 - 1e-6, live.sum() - PRODUCTS)


def test_on_a_continuum_prices_come_to_the_best_one() -> None:
    env = shop(between=[0.7, 2.5])
    agent = PriceThompson()
    run(agent, env, 200)
    elasticity = np.random.default_rng(1).normal(-2.5, 0.6, PRODUCTS).clip(-5, -1.2)
    best = np.clip(0.6 * elasticity / (1 + elasticity), 0.7, 2.5)
    greedy = agent.act(Observation(np.zeros((PRODUCTS, 3), np.float32), 200), explore=False).action[:, 0]

    def profit(x: Any) -> Any:
        return (x - 0.6) * x**elasticity

    assert (profit(greedy) / profit(best)).mean() > 0.97
    assert greedy.dtype == np.float32


@pytest.mark.propensity_contract
@pytest.mark.parametrize("demand", ["constant_elasticity", "semi_log"])
def test_densities_on_a_continuum_add_up_to_one_with_both_ends(demand: Any) -> None:
    env = shop(between=[0.7, 2.0])
    agent = PriceThompson(demand=demand, floor=0.1)
    run(agent, env, 3)
    inner = np.linspace(0.7, 2.0, 4002, dtype=np.float64)[1:-1]
    one = np.array([4])
    seen = Observation(np.zeros((1, 3), np.float32), 9, rows=one)
    density = [agent._density(seen, np.array([[x]]), True)[0] for x in inner]
    ends = [agent._density(seen, np.array([[x]]), True)[0] for x in (0.7, 2.0)]
    low, high = agent._bounds()
    ends = [agent._density(seen, np.array([[x]]), True)[0] for x in (low, high)]
    assert np.trapezoid(density, inner) + sum(ends) == pytest.approx(1, abs=5e-3)
    decision = agent.act(Observation(np.zeros((PRODUCTS, 3), np.float32), 9), propensity=True)
    assert decision.propensity_kind == "density"
    assert (decision.propensity > 0).all()


@pytest.mark.fleet_equals_singles
@pytest.mark.agent_roundtrip
def test_a_product_alone_is_priced_as_in_the_catalogue_and_a_saved_agent_goes_on(tmp_path: Any) -> None:
    env, agent = shop(), PriceThompson(floor=0.05)
    obs, _ = env.reset(seed=2)
    agent.begin(env.batch_spec, seed=5)
    spec = env.batch_spec
    alone = PriceThompson(floor=0.05)
    alone.begin(replace(spec, entity_ids=spec.entity_ids[7:8]), seed=5)
    for step in range(20):
        action = agent.act(Observation(obs, step)).action
        assert alone.act(Observation(obs[7:8], step)).action[0] == action[7]
        after, reward, ended, cut, _ = env.step(action)
        agent.learn(Transitions(step, obs, action, reward, after, ended, cut))
        own = slice(7, 8)
        alone.learn(Transitions(step, obs[own], action[own], reward[own], after[own], ended[own], cut[own]))
        obs = after
    for name, column in alone.arrays().items():
        assert column[0] == agent.arrays()[name][7]
    agent.save(tmp_path / "agent")
    again = PriceThompson.load(tmp_path / "agent", spec)
    assert (again.act(Observation(obs, 20)).action == agent.act(Observation(obs, 20)).action).all()


@pytest.mark.bad_input
def test_batches_that_are_no_prices_are_refused_by_name() -> None:
    spec = shop().batch_spec
    assert str(PriceThompson().supports(replace(spec, observation_names=("price",)))).startswith(
        "observation_names: got price; wanted interactions, conversions too"
    )
    assert "wanted each to end with its multiple" in str(PriceThompson().supports(replace(spec, action_labels=())))
    agent = PriceThompson()
    agent.begin(spec, seed=1)
    nothing, never = np.zeros((PRODUCTS, 2), np.float32), np.zeros(PRODUCTS, bool)
    with pytest.raises(ShapeError, match="next_obs: got shape"):
        agent.learn(Transitions(0, nothing, np.zeros(PRODUCTS, int), np.zeros(PRODUCTS), nothing, never, never))
