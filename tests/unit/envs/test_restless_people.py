"""People as restless chains: draws by hand, brute force, closed forms, bounds."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from onetake import _core
from onetake.agents import make as make_agent
from onetake.budget import top
from onetake.draws import Draws
from onetake.envs import SimVectorEnv
from onetake.envs.restless import WhittlePolicy, states, whittle_indices
from onetake.errors import ConfigError, ShapeError
from onetake.types import Observation

pytestmark = pytest.mark.whittle
ENVIRONMENT = 0x656E7669726F6E00


def chain_env(chains: list[dict[str, Any]], **settings: Any) -> SimVectorEnv:
    """One entity a chain."""
    which = np.arange(len(chains))
    return SimVectorEnv("intervention", {"chains": chains, **settings}, entities=len(chains), columns={"chain": which})


def random_chain(rng: np.random.Generator, size: int) -> dict[str, Any]:
    """Treated people move towards better states; rewards rise with the state."""
    passive = rng.dirichlet(np.linspace(2.0, 0.5, size), size)
    active = rng.dirichlet(np.linspace(0.5, 2.0, size), size)
    rewards = np.sort(rng.random(size))
    start = rng.dirichlet(np.ones(size))
    return {
        "transitions": [passive.tolist(), active.tolist()],
        "rewards": [rewards.tolist(), (rewards - 0.05).tolist()],
        "start": start.tolist(),
    }


def joint_values(chains: list[dict[str, Any]], horizon: int, budget: int, choose: Any = None) -> float:
    """Value from the start of the best joint policy within the budget, or of `choose`, over all joint states."""
    sizes = [len(chain["start"]) for chain in chains]
    moves = [np.array(chain["transitions"]) for chain in chains]
    rewards = [np.array(chain["rewards"]) for chain in chains]
    actions = [a for a in itertools.product((0, 1), repeat=len(chains)) if sum(a) <= budget]
    next_values = np.zeros(sizes)
    for t in reversed(range(horizon)):
        now = np.empty(sizes)
        for joint in itertools.product(*map(range, sizes)):
            open_to = actions if choose is None else [choose(t, joint)]
            worth = []
            for action in open_to:
                value = next_values
                for i, (state, a) in enumerate(zip(joint, action, strict=True)):
                    value = np.tensordot(moves[i][a][state], value, axes=(0, 0))
                worth.append(
                    float(value) + sum(rewards[i][a][s] for i, (s, a) in enumerate(zip(joint, action, strict=True)))
                )
            now[joint] = max(worth)
        next_values = now
    for chain in chains:
        next_values = np.tensordot(np.array(chain["start"]), next_values, axes=(0, 0))
    return float(next_values)


def relaxed_optimum(chains: list[dict[str, Any]], horizon: int, budget: int) -> float:
    """The linear program over occupations with the budget kept on average each day: the least Lagrangian bound."""
    sizes = [len(chain["start"]) for chain in chains]
    place, count = {}, 0
    for i, size in enumerate(sizes):
        for key in itertools.product([i], range(horizon), range(size), (0, 1)):
            place[key] = count
            count += 1
    gain, rows, right = np.zeros(count), [], []
    limits = np.zeros((horizon, count))
    for (i, t, s, a), at in place.items():
        gain[at] = chains[i]["rewards"][a][s]
        limits[t, at] = a
    for i, size in enumerate(sizes):
        moves = np.array(chains[i]["transitions"])
        for t, s in itertools.product(range(horizon), range(size)):
            row = np.zeros(count)
            row[[place[i, t, s, a] for a in (0, 1)]] = 1.0
            if t:
                for before, a in itertools.product(range(size), (0, 1)):
                    row[place[i, t - 1, before, a]] -= moves[a, before, s]
            rows.append(row)
            right.append(chains[i]["start"][s] if t == 0 else 0.0)
    found = linprog(-gain, A_ub=limits, b_ub=np.full(horizon, budget), A_eq=np.array(rows), b_eq=right)
    return float(-found.fun)


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_lies_above_brute_force_and_near_the_linear_program(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chains, horizon, budget = [random_chain(rng, 3) for _ in range(3)], 6, 1
    env = chain_env(chains, horizon=horizon, budget=budget)
    values = env.start_values()
    assert values is not None
    assert env.yardstick_kind == "bound"
    bound = float(values["best"].sum())
    relaxed = relaxed_optimum(chains, horizon, budget)
    assert joint_values(chains, horizon, budget) <= relaxed + 1e-9
    # Prices are searched, not solved for: any of them make a bound, and these come within 1 % of the least one.
    assert relaxed - 1e-9 <= bound <= 1.01 * relaxed


def test_without_a_budget_the_value_is_exact() -> None:
    chains = [random_chain(np.random.default_rng(seed), 3) for seed in range(3)]
    env = chain_env(chains, horizon=5)
    values = env.start_values()
    assert values is not None
    assert env.yardstick_kind == "exact"
    assert float(values["best"].sum()) == pytest.approx(joint_values(chains, 5, 3), rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_the_whittle_policy_comes_within_3_percent_of_brute_force(seed: int) -> None:
    # The margin: over seeds 0 to 5 the largest loss of three people with three states in 8 days is below it.
    rng = np.random.default_rng(seed)
    chains, horizon, budget = [random_chain(rng, 3) for _ in range(3)], 8, 1
    found = whittle_indices(chain_env(chains, horizon=horizon, budget=budget), discount=0.9)
    assert found.indexable.all()

    def choose(_: int, joint: tuple[int, ...]) -> tuple[int, ...]:
        score = found.of(np.array(joint))[np.newaxis]
        return tuple(top(score, np.ones(score.shape, dtype=bool), budget)[0].astype(int))

    best = joint_values(chains, horizon, budget)
    assert 0.97 * best <= joint_values(chains, horizon, budget, choose) <= best + 1e-9


def test_indices_of_the_age_of_information_are_the_published_ones() -> None:
    # Kadota et al., IEEE/ACM Transactions on Networking 26 (2018): h (h + 1) / 2 at age h where no channel fails.
    size = 12
    reset = [[1.0] + [0.0] * (size - 1)] * size
    older = np.eye(size)[np.minimum(np.arange(size) + 1, size - 1)].tolist()
    rewards = [[-(h + 1.0) for h in range(size)]] * 2
    env = chain_env([{"transitions": [older, reset], "rewards": rewards}])
    found = whittle_indices(env, discount=1.0 - 1e-8)
    h = np.arange(1, 9)
    assert found.indexable.all()
    np.testing.assert_allclose(found.table[0, :8], h * (h + 1) / 2, rtol=1e-6)


def test_indices_of_a_resting_machine_are_gittins() -> None:
    # Who rests does not move: the index of the better of two states is its reward, that of the other is what playing
    # on until back in it earns a discounted play (Gittins, Glazebrook and Weber 2011, chapter 2).
    good, poor, stay, rise, discount = 1.0, 0.3, 0.7, 0.4, 0.9
    played = [[stay, 1 - stay], [rise, 1 - rise]]
    env = chain_env([{"transitions": [np.eye(2).tolist(), played], "rewards": [[0.0, 0.0], [good, poor]]}])
    run = 1.0 / (1.0 - discount * stay)
    want = [good, (poor + discount * rise * good * run) / (1.0 + discount * rise * run)]
    np.testing.assert_allclose(whittle_indices(env, discount).table[0], want, rtol=1e-9)


def test_a_chain_that_is_not_indexable_is_flagged_and_refused() -> None:
    rng = np.random.default_rng(0)
    chains = []
    for _ in range(400):
        moves = rng.dirichlet(np.full(3, 0.3), (2, 3))
        chains.append({"transitions": moves.tolist(), "rewards": rng.normal(size=(2, 3)).tolist()})
    found = whittle_indices(chain_env(chains), discount=0.95)
    subsidies = np.linspace(-60.0, 60.0, 4001)
    for i in [*np.flatnonzero(~found.indexable)[:5], *np.flatnonzero(found.indexable)[:5]]:
        passive = [passive_states(chains[i], price, 0.95) for price in subsidies]
        grows = all((before <= after).all() for before, after in itertools.pairwise(passive))
        assert grows == bool(found.indexable[i])
    assert not found.indexable.all()
    with pytest.raises(ConfigError, match="not indexable"):
        WhittlePolicy.of(chain_env(chains), discount=0.95)


def passive_states(chain: dict[str, Any], price: float, discount: float) -> np.ndarray:
    """Where being left alone is best at a price, by policy iteration in plain NumPy."""
    moves, rewards = np.array(chain["transitions"]), np.array(chain["rewards"])
    paid = rewards - price * np.array([[0.0], [1.0]])
    active = np.zeros(moves.shape[1], dtype=int)
    rows = np.arange(len(active))
    for _ in range(50):
        value = np.linalg.solve(np.eye(len(active)) - discount * moves[active, rows], paid[active, rows])
        worth = paid + discount * moves @ value
        better = (worth[1] > worth[0] + 1e-9).astype(int)
        if (better == active).all():
            break
        active = better
    return active == 0


def test_a_step_is_the_plain_float64_loop_draw_for_draw() -> None:
    n, days, seed = 40, 12, 9
    rng = np.random.default_rng(1)
    columns = {
        "baseline": rng.beta(2, 3, n),
        "responsiveness": rng.uniform(0.1, 0.8, n),
        "value": rng.gamma(2.0, 0.5, n),
        "fatigue_rate": rng.uniform(0.2, 0.9, n),
        "recovery": rng.uniform(0.1, 0.5, n),
        "availability": rng.uniform(0.5, 1.0, n),
    }
    config = {"levels": 3, "memory": 3, "modifiers": [{"kind": "season", "values": [1.0, 1.2, 0.8]}]}
    env = SimVectorEnv("intervention", config, entities=n, columns=columns, seed=seed)
    obs, infos = env.reset(seed=seed)

    def word(slot: int, step: int, i: int) -> float:
        return float(_core.words(seed, ENVIRONMENT, slot, 0, step, 0, i, 1)[0])

    def yes(slot: int, step: int, i: int, chance: float) -> bool:
        return word(slot, step, i) + 1.0 <= chance * 2.0**32 + 0.5

    people = [
        {"e": 2 * yes(3, 0, i, columns["baseline"][i]), "f": 0, "d": 3, "a": yes(2, 0, i, columns["availability"][i])}
        for i in range(n)
    ]
    for t in range(days):
        want = np.array([[p["e"], p["f"], p["d"], p["a"]] for p in people], dtype=np.float32)
        np.testing.assert_array_equal(obs, want)
        mask = np.array([[True, p["a"]] for p in people])
        np.testing.assert_array_equal(infos["action_mask"], mask)
        action = (rng.random(n) < 0.5) & mask[:, 1]
        rewards = []
        for i, p in enumerate(people):
            own = {name: float(values[i]) for name, values in columns.items()}
            echo = 0.5 ** p["d"] if p["d"] < 3 else 0.0
            lift = (float(action[i]) + echo) * (1.0 - 0.7 / 2.0 * p["f"])
            level = [1.0, 1.2, 0.8][t % 3]
            rise = 0.5 * min(max((own["baseline"] + own["responsiveness"] * lift) * level, 0.0), 1.0)
            moved = yes(0, t, i, rise) + yes(0, t, i, 1.0 - (0.5 - rise)) - 1
            p["e"] = min(max(p["e"] + moved, 0), 2)
            if action[i]:
                p["f"] = min(p["f"] + yes(1, t, i, own["fatigue_rate"]), 2)
            else:
                p["f"] = max(p["f"] - yes(1, t, i, own["recovery"]), 0)
            p["d"] = 1 if action[i] else min(p["d"] + 1, 3)
            p["a"] = yes(2, t + 1, i, own["availability"])
            rewards.append(own["value"] * (p["e"] / 2.0) - 0.1 * action[i])
        obs, reward, _, _, infos = env.step(action.astype(np.int64))
        np.testing.assert_array_equal(reward, rewards)


def test_the_expected_reward_is_the_mean_of_many_draws() -> None:
    config = {"levels": 3, "availability": 0.7}
    env = SimVectorEnv("intervention", config, entities=100_000)
    env.reset(seed=3)
    for step in range(4):
        mask = env.action_mask()
        assert mask is not None
        action = (mask[:, 1] & (np.arange(100_000) % 2 == step % 2)).astype(np.int64)
        expected = env.expected_reward()[np.arange(100_000), action]
        _, reward, *_ = env.step(action)
        # Rewards lie within 1: five standard errors of their mean.
        assert abs((reward - expected).mean()) < 5 * (reward - expected).std() / np.sqrt(100_000)


def people(n: int, **settings: Any) -> SimVectorEnv:
    rng = np.random.default_rng(4)
    columns = {
        "baseline": rng.beta(2, 3, n),
        "responsiveness": rng.uniform(0.1, 0.8, n),
        "value": rng.gamma(2.0, 0.5, n),
        "availability": rng.uniform(0.5, 1.0, n),
    }
    return SimVectorEnv("intervention", {"horizon": 14, **settings}, entities=n, columns=columns, replicates=2)


def earned(env: SimVectorEnv, choose: Any) -> float:
    obs, _ = env.reset(seed=6)
    total = 0.0
    for step in range(14):
        action = choose(obs, step)
        total += float(env.account(action)["played"].sum())
        obs, *_ = env.step(action)
    return total


def test_no_policy_beats_the_bound_and_whittle_comes_near_it() -> None:
    n = 2_000
    env = people(n, budget=100)
    values = env.start_values()
    assert values is not None
    bound = float(values["best"].sum())
    whittle = WhittlePolicy.of(env)
    random = make_agent("random-v0")
    random.begin(env.batch_spec, 1)
    by_whittle = earned(env, lambda obs, _: whittle.act(obs))
    at_random = earned(env, lambda obs, step: random.act(Observation(obs, step, mask=env.action_mask())).action)
    idle = earned(env, lambda obs, _: np.zeros(2 * n, dtype=np.int64))
    # Expected rewards along one episode of 4,000 people: luck moves the sum by well under 1 %.
    assert idle < at_random < by_whittle < 1.01 * bound
    assert by_whittle > 0.98 * bound


def test_a_budget_drawn_at_random_is_kept_and_its_chances_are_known() -> None:
    env = people(200, budget=20)
    obs, _ = env.reset(seed=2)
    agent = make_agent("random-v0")
    mask, hits = env.action_mask(), np.zeros(400)
    assert mask is not None
    rounds = 2_000
    for seed in range(rounds):
        agent.begin(env.batch_spec, seed)
        action = agent.act(Observation(obs, 0, mask=mask)).action
        assert (action.reshape(2, -1).sum(axis=1) == 20).all()
        hits += action
    chances = agent.action_probabilities(Observation(obs, 0, mask=mask))
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    # 400 shares of 2,000 draws: none is 5 standard errors away.
    error = np.sqrt(chances[:, 1] * chances[:, 0] / rounds)
    assert (np.abs(hits / rounds - chances[:, 1]) <= 5 * error).all()


def test_states_are_read_from_observations_as_the_chain_counts_them() -> None:
    env = SimVectorEnv("intervention", {"levels": 3}, entities=50)
    obs, _ = env.reset(seed=1)
    seen = set()
    for step in range(20):
        seen |= set(states(env, obs).tolist())
        obs, *_ = env.step((Draws(1, entities=50).uniform(step) < 0.5).astype(np.int64))
    assert max(seen) < 3 * 3 * 4
    assert whittle_indices(env).table.shape == (1, 36)


@pytest.mark.bad_input
def test_more_than_the_budget_is_refused_and_changes_nothing() -> None:
    env = SimVectorEnv("intervention", {"budget": 2}, entities=5, replicates=2)
    env.reset(seed=1)
    before = env.save()
    action = np.array([0, 1, 1, 0, 0, 1, 1, 0, 0, 1])
    with pytest.raises(ShapeError, match="actions of replicate 1: got 3 interventions; wanted at most 2"):
        env.step(action)
    assert env.save() == before
    soft = SimVectorEnv("intervention", {"budget": 2, "soft_budget": True}, entities=5, replicates=2)
    soft.reset(seed=1)
    soft.step(action)
    assert soft.excess().tolist() == [0, 1]
    twin = SimVectorEnv("intervention", {"budget": 2, "soft_budget": True}, entities=5, replicates=2)
    twin.restore(soft.save())
    assert twin.excess().tolist() == [0, 1]


def test_a_soft_budget_binds_nobody_so_that_the_value_without_one_is_exact() -> None:
    soft, free = (people(60, **budget) for budget in ({"budget": 2, "soft_budget": True}, {}))
    assert (soft.yardstick_kind, soft.batch_spec.coupling, soft.batch_spec.budget) == ("exact", "replicate", None)
    values, known = soft.start_values(), free.start_values()
    assert values is not None
    assert known is not None
    np.testing.assert_array_equal(values["best"], known["best"])


@pytest.mark.oracle_dominates
def test_above_ten_thousand_people_the_bound_is_one_whatever_the_sample_its_prices_came_from() -> None:
    """Prices come of 500 of 12,000 different people; at those prices everybody is added up, so nothing is estimated."""
    env = people(12_000, budget=600)
    assert env.yardstick_kind == "bound"
    values = env.start_values()
    assert values is not None
    whittle = WhittlePolicy.of(env)
    by_whittle = earned(env, lambda obs, _: whittle.act(obs))
    assert 0.99 * values["best"].sum() < by_whittle < 1.003 * values["best"].sum()


@pytest.mark.bad_input
def test_who_is_not_available_cannot_be_treated() -> None:
    env = SimVectorEnv("intervention", {"availability": 0.0}, entities=3)
    env.reset(seed=1)
    with pytest.raises(ShapeError, match=r"actions\[2\]: got 1; wanted an arm that the action mask allows"):
        env.step(np.array([0, 0, 1]))


HALF = [[0.5, 0.5], [0.5, 0.5]]


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"budget": -1}, "intervention.budget: got -1; wanted a whole number, at least 0"),
        ({"horizon": None}, "intervention.horizon: got null; wanted at least 1 day"),
        ({"levels": 1}, "intervention.levels: got 1; wanted a whole number in"),
        ({"pace": 1.5}, "intervention.pace: got 1.5; wanted a share"),
        ({"modifiers": [{"kind": "random_walk"}]}, "intervention.modifiers: got a random walk"),
        (
            {"chains": [{"transitions": [HALF, [[0.5, 0.5], [0.5, 0.4]]], "rewards": [[0, 1]] * 2}]},
            r"intervention.chains\[0\].transitions\[1\]\[1\]: got a sum of 0.9; wanted 1",
        ),
        ({"chains": [{"transitions": [HALF], "rewards": [[0, 1]]}]}, r"intervention.chains\[0\]: got 1 matrices"),
    ],
)
def test_settings_that_cannot_be_are_refused(config: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        SimVectorEnv("intervention", config)
