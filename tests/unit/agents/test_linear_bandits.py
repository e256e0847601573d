"""Linear bandits against plain algebra: matrices inverted by NumPy, modes found by SciPy, formulas worked out by
hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize, special, stats

from onetake import _core
from onetake.agents import Bagging, LinTS, LinUCB, LogisticThompson, SquareCB, make
from onetake.errors import ConfigError, ShapeError
from onetake.types import BatchSpec, CountReward, Observation, Transitions

ARMS, WIDE, PEOPLE = 4, 3, 30


def spec(entities: int = PEOPLE, count: CountReward | None = None) -> BatchSpec:
    ids = np.arange(entities, dtype=np.uint32)
    names = tuple(f"x{i}" for i in range(WIDE))
    return BatchSpec("tests/Ads-v0", ids, ids[:1], ARMS, names, None, np.array(0.0), np.array(1.0), count)


def contexts(rng: Any, count: int = PEOPLE) -> Any:
    return rng.normal(size=(count, WIDE)).astype(np.float32)


def teach(agent: Any, step: int, x: Any, action: Any, reward: Any) -> None:
    never = np.zeros(len(action), bool)
    agent.learn(Transitions(step, x, action, reward, x, never, never))


def chances(agent: Any, x: Any) -> Any:
    return agent.action_probabilities(Observation(x, 99))


def history(rng: Any, steps: int = 12) -> list[tuple[Any, Any, Any]]:
    return [
        (contexts(rng), rng.integers(0, ARMS, PEOPLE), (rng.random(PEOPLE) < 0.4).astype(np.float64))
        for _ in range(steps)
    ]


def with_one(x: Any) -> Any:
    return np.column_stack([np.ones(len(x)), x.astype(np.float64)])


@pytest.mark.linear_bandits
@pytest.mark.parametrize("pooling", ["none", "full"])
def test_linucb_plays_the_bound_of_li_et_al_disjoint(pooling: Any) -> None:
    rng = np.random.default_rng(1)
    agent = LinUCB(alpha=0.7, ridge=0.5, pooling=pooling)
    agent.begin(spec(), seed=1)
    learners = PEOPLE if pooling == "none" else 1
    a = np.tile(0.5 * np.eye(1 + WIDE), (learners, ARMS, 1, 1))
    b = np.zeros((learners, ARMS, 1 + WIDE))
    for step, (x, action, reward) in enumerate(history(rng)):
        teach(agent, step, x, action, reward)
        for i, row in enumerate(with_one(x)):
            learner = i if pooling == "none" else 0
            a[learner, action[i]] += np.outer(row, row)
            b[learner, action[i]] += reward[i] * row
    x = contexts(rng)
    inverse = np.linalg.inv(a)
    want = np.array(
        [
            [inverse[j, k] @ b[j, k] @ row + 0.7 * np.sqrt(row @ inverse[j, k] @ row) for k in range(ARMS)]
            for j, row in zip(
                np.arange(PEOPLE) % learners if learners == 1 else range(PEOPLE), with_one(x), strict=True
            )
        ]
    )
    assert (agent.act(Observation(x, 50)).action == want.argmax(axis=1)).all()
    mask = rng.random((PEOPLE, ARMS)) < 0.6
    mask[:, 1] = True
    masked = np.where(mask, want, -np.inf)
    assert (agent.act(Observation(x, 50, mask=mask)).action == masked.argmax(axis=1)).all()


@pytest.mark.linear_bandits
def test_hybrid_linucb_is_algorithm_2_of_li_et_al() -> None:
    rng = np.random.default_rng(2)
    agent = LinUCB(alpha=1.3, model="hybrid", pooling="full", intercept=False)
    agent.begin(spec(), seed=1)
    # Line by line: A0, b0 for the shared part z = x, and A, B, b for each arm; here x is also the arm's own context.
    big_a, big_b = np.eye(WIDE), np.zeros(WIDE)
    a, cross, b = np.tile(np.eye(WIDE), (ARMS, 1, 1)), np.zeros((ARMS, WIDE, WIDE)), np.zeros((ARMS, WIDE))
    for step, (x, action, reward) in enumerate(history(rng, 6)):
        teach(agent, step, x, action, reward)
        for row, k, r in zip(x.astype(np.float64), action, reward, strict=True):
            inverse = np.linalg.inv(a[k])
            big_a += cross[k].T @ inverse @ cross[k]
            big_b += cross[k].T @ inverse @ b[k]
            a[k] += np.outer(row, row)
            cross[k] += np.outer(row, row)
            b[k] += r * row
            inverse = np.linalg.inv(a[k])
            big_a += np.outer(row, row) - cross[k].T @ inverse @ cross[k]
            big_b += r * row - cross[k].T @ inverse @ b[k]
    beta, root = np.linalg.inv(big_a) @ big_b, np.linalg.inv(big_a)
    x = contexts(rng)
    want = np.zeros((PEOPLE, ARMS))
    for i, row in enumerate(x.astype(np.float64)):
        for k in range(ARMS):
            inverse = np.linalg.inv(a[k])
            theta = inverse @ (b[k] - cross[k] @ beta)
            s = (
                row @ root @ row
                - 2 * row @ root @ cross[k].T @ inverse @ row
                + row @ inverse @ row
                + row @ inverse @ cross[k] @ root @ cross[k].T @ inverse @ row
            )
            want[i, k] = row @ beta + row @ theta + 1.3 * np.sqrt(s)
    assert (agent.act(Observation(x, 50)).action == want.argmax(axis=1)).all()


@pytest.mark.linear_bandits
def test_factors_are_those_of_numpy_after_a_thousand_outcomes() -> None:
    rng = np.random.default_rng(3)
    x, y, weight = rng.normal(size=(1000, 5)), rng.normal(size=1000), rng.random(1000) * 3
    core = _core.Linear(1, 5, 0.25)
    core.learn(np.zeros(1000, np.int64), x, y, weight)
    a = 0.25 * np.eye(5) + (x * weight[:, None]).T @ x
    ask = rng.normal(size=(70, 5))
    mean, width = core.predict(np.zeros(70, np.int64), 1, ask, 1)
    assert mean[:, 0] == pytest.approx(ask @ np.linalg.solve(a, x.T @ (weight * y)), rel=1e-9, abs=1e-12)
    assert width[:, 0] == pytest.approx(np.sqrt(np.einsum("ij,jk,ik->i", ask, np.linalg.inv(a), ask)), rel=1e-9)
    # One at a time, and by other threads, the same bytes.
    for i in (0, 63, 64, 69):
        alone = core.predict(np.zeros(1, np.int64), 1, ask[i : i + 1].copy(), 1)
        assert alone[0][0, 0] == mean[i, 0]
        assert alone[1][0, 0] == width[i, 0]


@pytest.mark.linear_bandits
@pytest.mark.propensity_contract
def test_lin_ts_has_the_chances_of_normal_variables() -> None:
    mean, deviation = np.array([[0.3, 0.1, 0.2]]), np.array([[0.1, 0.4, 0.02]])
    grid = np.linspace(-3, 4, 200_001)
    want = [
        np.trapezoid(
            stats.norm.pdf(grid, mean[0, k], deviation[0, k])
            * np.prod([stats.norm.cdf(grid, mean[0, j], deviation[0, j]) for j in range(3) if j != k], axis=0),
            grid,
        )
        for k in range(3)
    ]
    assert _core.normal_chances(mean, deviation, None)[0] == pytest.approx(want, abs=1e-7)
    masked = _core.normal_chances(mean, deviation, np.array([[True, False, True]]))[0]
    first = stats.norm.cdf((0.3 - 0.2) / np.hypot(0.1, 0.02))
    assert masked == pytest.approx([first, 0, 1 - first], abs=1e-7)
    with pytest.raises(ShapeError, match="wanted finite means, deviations above 0"):
        _core.normal_chances(mean, 0 * deviation, None)


@pytest.mark.linear_bandits
def test_logistic_thompson_stands_at_the_mode_of_its_posterior() -> None:
    rng = np.random.default_rng(4)
    count = CountReward(np.array(40.0), np.ones(ARMS), np.zeros(ARMS))
    agent = LogisticThompson(pooling="full", intercept=False)
    agent.begin(spec(1, count), seed=1)
    x, successes = contexts(rng, 1), np.array([31.0])
    teach(agent, 0, x, np.array([2]), successes)
    row = x[0].astype(np.float64)

    def loss(theta: Any) -> Any:
        return 0.5 * theta @ theta - 31 * np.log(special.expit(theta @ row)) - 9 * np.log(special.expit(-theta @ row))

    theta = optimize.minimize(loss, np.zeros(WIDE), tol=1e-12).x
    mean, width = agent._predict(Observation(x, 1))
    assert mean[0, 2] == pytest.approx(theta @ row, abs=1e-6)
    p = special.expit(theta @ row)
    inverse = np.linalg.inv(np.eye(WIDE) + 40 * p * (1 - p) * np.outer(row, row))
    assert width[0, 2] == pytest.approx(np.sqrt(row @ inverse @ row), rel=1e-6)
    with pytest.raises(ShapeError, match=r"reward: got 41\.0 in row 0; wanted 1 × successes \+ 0 with 0 to 40"):
        teach(agent, 1, x, np.array([2]), np.array([41.0]))


@pytest.mark.linear_bandits
def test_logistic_thompson_recovers_the_coefficients_that_made_its_outcomes() -> None:
    rng = np.random.default_rng(5)
    truth = rng.normal(size=(ARMS, 1 + WIDE))
    agent = LogisticThompson(pooling="full")
    agent.begin(spec(), seed=1)
    for step in range(400):
        x, action = contexts(rng), rng.integers(0, ARMS, PEOPLE)
        p = special.expit((with_one(x) * truth[action]).sum(axis=1))
        teach(agent, step, x, action, (rng.random(PEOPLE) < p).astype(np.float64))
    # 3,000 outcomes an arm; the mean at a point lies within 5 of its own standard deviations of the truth.
    x = contexts(rng)
    mean, width = agent._predict(Observation(x, 1))
    assert (np.abs(mean - with_one(x) @ truth.T) < 5 * width + 0.1).all()
    assert width.max() < 0.4


@pytest.mark.squarecb
def test_squarecb_has_the_chances_of_its_first_algorithm() -> None:
    rng = np.random.default_rng(6)
    agent = SquareCB(gamma=20.0, pooling="full")
    agent.begin(spec(), seed=1)
    for step, row in enumerate(history(rng)):
        teach(agent, step, *row)
    x = contexts(rng)
    mean = agent._predict(Observation(x, 0))[0]
    top = mean.argmax(axis=1)
    want = 1 / (ARMS + 20.0 * (mean.max(axis=1, keepdims=True) - mean))
    want[np.arange(PEOPLE), top] = 0
    want[np.arange(PEOPLE), top] = 1 - want.sum(axis=1)
    assert chances(agent, x) == pytest.approx(want, abs=1e-12)


@pytest.mark.squarecb
def test_bagging_plays_by_the_votes_of_its_models() -> None:
    rng = np.random.default_rng(7)
    agent = Bagging(bags=5, pooling="full")
    agent.begin(spec(), seed=1)
    for step, row in enumerate(history(rng)):
        teach(agent, step, *row)
    odds = 5 * chances(agent, contexts(rng))
    assert odds == pytest.approx(np.rint(odds), abs=1e-9)
    assert odds.sum(axis=1) == pytest.approx(5)
    assert len(np.unique(odds)) > 2


def world(id: str, steps: int = 300, **settings: object) -> Any:
    """Share of the best arm's advantage over a random arm that a pooled learner gets in its last 100 steps."""
    rng = np.random.default_rng(8)
    truth = np.random.default_rng(9).normal(size=(ARMS, WIDE)) * 0.15
    agent = make(id, pooling="full", **settings)
    agent.begin(spec(), seed=1)
    won = []
    for step in range(steps):
        x = contexts(rng)
        expected = np.clip(0.5 + x @ truth.T, 0, 1)
        action = agent.act(Observation(x, step)).action
        reward = (rng.random(PEOPLE) < expected[np.arange(PEOPLE), action]).astype(np.float64)
        teach(agent, step, x, action, reward)
        won.append(
            (expected[np.arange(PEOPLE), action] - expected.mean(1)).sum() / (expected.max(1) - expected.mean(1)).sum()
        )
    return np.mean(won[-100:])


@pytest.mark.linear_bandits
@pytest.mark.squarecb
@pytest.mark.parametrize("model", ["disjoint", "hybrid"])
@pytest.mark.parametrize(
    "id", ["linucb", "lin_ts", "epsilon_greedy_linear", "logistic_thompson", "squarecb", "bagging"]
)
def test_contexts_are_made_use_of(id: str, model: str) -> None:
    # Uniform play gets 0 and the oracle 1; 100 steps of 30 people make a standard error below 0.02.
    assert world(id, model=model) > 0.6


@pytest.mark.linear_bandits
def test_regret_grows_more_slowly_than_the_number_of_decisions() -> None:
    # Abbasi-Yadkori, Pál and Szepesvári 2011, theorem 3, for one arm's model; K models at most add up. With d = 4,
    # L² = 1 + 3 · 2.5², S = 1 and 1/2-subgaussian noise at T = 9,000 the bound is far above T itself, so what is held
    # here is its form: regret grows more slowly than the number of decisions.
    early, late = world("linucb", 100), world("linucb", 400)
    assert 1 - late < 0.6 * (1 - early) or late > 0.95
    early, late = world("lin_ts", 100), world("lin_ts", 400)
    assert 1 - late < 0.8 * (1 - early) or late > 0.9


@pytest.mark.linear_bandits
@pytest.mark.bad_input
def test_contexts_of_another_width_or_without_numbers_are_refused() -> None:
    agent = LinTS()
    agent.begin(spec(), seed=1)
    with pytest.raises(ShapeError, match=r"values: got shape \(30, 2\); wanted \(30, 3\) as at begin"):
        agent.act(Observation(np.zeros((PEOPLE, 2), np.float32), 0))
    odd = np.zeros((PEOPLE, WIDE), np.float32)
    odd[4, 1] = np.nan
    with pytest.raises(ShapeError, match="values: got a number that is not finite in row 4"):
        agent.act(Observation(odd, 0))
    with pytest.raises(ShapeError, match="obs: got a number that is not finite in row 4"):
        teach(agent, 0, odd, np.zeros(PEOPLE, np.int64), np.zeros(PEOPLE))
    with pytest.raises(ConfigError, match="model: got 'mixed'; wanted one of disjoint, hybrid"):
        LinUCB(model="mixed")  # type: ignore[arg-type] # a wrong setting is the point
