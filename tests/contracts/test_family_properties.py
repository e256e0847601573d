"""What every family keeps, whatever its settings: cuts, threads, forks, episodes, spaces, bounds, means.

`VARIANTS` holds settings that reach into each family's corners; a family that is not listed is held to its defaults.
"""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from hypothesis import given, settings
from hypothesis import strategies as st

from onetake.envs import SimVectorEnv, families

WALK = [{"kind": "random_walk", "step": 0.01}, {"kind": "season", "values": [1, 1.1]}]
SEASON = [{"kind": "season", "values": [0.9, 1.0, 1.1]}]
Columns = Callable[[np.ndarray[Any, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Variant:
    """A family with settings; ``columns`` gives parameters by entity id, ``cut`` is where work may be cut."""

    family: str
    config: dict[str, Any]
    columns: Columns = lambda ids: {}
    cut: int = 1

    def make(self, entities: int, first: int = 0, **more: Any) -> SimVectorEnv:
        ids = np.arange(first, first + entities)
        return SimVectorEnv(
            self.family, self.config, entities=entities, first_entity=first, columns=self.columns(ids), **more
        )


VARIANTS = {
    "bandit": Variant("bandit", {"modifiers": WALK, "horizon": 6}, lambda ids: {"rate": 0.1 + (ids % 7) / 10}),
    "cohort": Variant("cohort", {"modifiers": WALK, "horizon": 6}, lambda ids: {"size": 1 + ids % 50}),
    "cartpole": Variant("cartpole", {"horizon": 20}),
    "intervention": Variant(
        "intervention",
        {"horizon": 5, "modifiers": SEASON, "availability": 0.7},
        lambda ids: {"baseline": 0.1 + (ids % 5) / 10, "recovery": 0.2 + (ids % 3) / 10},
    ),
    "intervention_budget": Variant("intervention", {"horizon": 5, "budget": 2, "availability": 0.8}),
    "intervention_chains": Variant(
        "intervention",
        {
            "horizon": 5,
            "chains": [
                {
                    "transitions": [[[0.9, 0.1], [0.4, 0.6]], [[0.3, 0.7], [0.2, 0.8]]],
                    "rewards": [[0, 1], [-0.1, 0.9]],
                    "start": [0.5, 0.5],
                },
                {"transitions": [[[1, 0], [0, 1]], [[0, 1], [1, 0]]], "rewards": [[0, 2], [1, -1]]},
            ],
        },
        lambda ids: {"chain": ids % 2},
    ),
    "pendulum": Variant("pendulum", {"horizon": 6}),
    # Few seats: ends of both kinds come within the steps played here.
    "perishable": Variant(
        "perishable",
        {"capacity": 6, "horizon": 7, "arrival_rate": 3.0, "modifiers": SEASON},
        lambda ids: {"willingness": 50.0 + ids % 100},
    ),
    "pricing": Variant("pricing", {"horizon": 6, "modifiers": WALK, "dispersion": 0.3}),
    "pricing_sets": Variant(
        "pricing",
        {
            "demand": "nested_logit",
            "nest": 0.5,
            "horizon": 6,
            "shock": 0.1,
            "group_shock": 0.1,
            "reference": {"keep": 0.8, "gain": 0.5, "loss": 1.0},
            "pantry": {"effect": 0.02, "most": 4.0},
        },
        lambda ids: {"group": ids // 4, "views": 20.0 + ids % 50},
        cut=4,
    ),
    "pricing_points": Variant("pricing", {"between": [0.5, 2.0], "horizon": 6}),
    "reach": Variant("reach", {"horizon": 6}),
    "tabular": Variant("tabular", {"horizon": 5, "terminal": [0, 0, 1, 0, 0, 0]}),
}
VARIANTS |= {family: Variant(family, {}) for family in families() if family not in VARIANTS}
EVERY = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
ARMED = {name: one for name, one in VARIANTS.items() if one.make(one.cut).batch_spec.num_actions}
EVERY_WITH_ARMS = pytest.mark.parametrize("variant", ARMED.values(), ids=ARMED.keys())
SEED = st.integers(0, 2**64 - 1)


def actions(env: SimVectorEnv, t: int) -> np.ndarray[Any, Any]:
    """Actions that depend on entity, replicate and step alone, wherever mask and budget leave the choice."""
    spec = env.batch_spec
    entity, replicate = np.meshgrid(spec.entity_ids, spec.replicate_ids)
    pick = (entity.astype(np.int64) * 7 + replicate + 3 * t).ravel()
    space = env.single_action_space
    if isinstance(space, spaces.Box):
        share = (pick[:, None] + np.arange(space.shape[0])) % 5 / 4
        return (space.low + share * (space.high - space.low)).astype(np.float32)
    action: np.ndarray[Any, Any] = pick % spec.num_actions
    if spec.budget is not None:
        action[(entity >= spec.budget).ravel()] = 0
    mask = env.action_mask()
    return action if mask is None else np.where(mask[np.arange(action.size), action], action, 0)


def played(env: SimVectorEnv, steps: int, seed: int | None = 5) -> list[bytes]:
    """Everything that a batch gives, as bytes."""
    out = [env.reset(seed=seed)[0].tobytes()] if seed is not None else []
    for t in range(env.clock, env.clock + steps):
        action = actions(env, t)
        if env.batch_spec.num_actions:
            out += [value.tobytes() for value in env.account(action, action).values()]
        out += [array.tobytes() for array in env.step(action)[:4]]
    return out


@pytest.mark.worker_independence
@EVERY
def test_threads_change_no_byte(variant: Variant) -> None:
    # 12,000 rows are several blocks, and more than one thread alone would take.
    runs = [played(variant.make(12_000, threads=threads), 4) for threads in (1, 2, 8)]
    assert runs[0] == runs[1] == runs[2]


@pytest.mark.worker_independence
@EVERY
@settings(max_examples=8)
@given(
    few=st.integers(1, 5),
    many=st.integers(6, 40),
    first=st.integers(0, 500),
    replicates=st.integers(1, 3),
    mode=st.sampled_from([AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP]),
    seed=SEED,
)
def test_small_batch_is_prefix_of_large_one_through_ends_and_resets(
    variant: Variant, few: int, many: int, first: int, replicates: int, mode: AutoresetMode, seed: int
) -> None:
    few, many, first = few * variant.cut, many * variant.cut, first * variant.cut
    small = variant.make(few, first, autoreset_mode=mode, seed=seed)
    large = variant.make(many, first, replicates=replicates, autoreset_mode=mode, seed=seed)
    assert (small.reset()[0] == large.reset()[0][:few]).all()
    for t in range(10):
        action = actions(large, t)
        own, other = small.step(action[:few]), large.step(action)
        for mine, theirs in zip(own[:4], other[:4], strict=True):
            assert np.array_equal(mine, theirs[:few])


@pytest.mark.worker_independence
@EVERY
@settings(max_examples=4)
@given(cut=st.integers(1, 499), replicates=st.integers(1, 2), seed=SEED)
def test_shards_are_the_whole(variant: Variant, cut: int, replicates: int, seed: int) -> None:
    """Cut wherever the family may be cut; shards of some of the replicates have their numbers too."""
    n, cut = 500 * variant.cut, cut * variant.cut
    whole = variant.make(n, replicates=replicates, seed=seed)
    parts = [
        variant.make(last - first, first, first_replicate=replicate, seed=seed)
        for replicate in range(replicates)
        for first, last in ((0, cut), (cut, n))
    ]
    begins = np.cumsum([0, *(part.num_envs for part in parts)])
    for env in (whole, *parts):
        env.reset()
    for t in range(7):
        action = actions(whole, t)
        together = whole.step(action)
        apart = [part.step(action[a:b]) for part, a, b in zip(parts, begins[:-1], begins[1:], strict=True)]
        for column in range(4):
            assert np.array_equal(together[column], np.concatenate([step[column] for step in apart]))


CHILD = """
import hashlib, sys, numpy as np
from onetake.envs import SimVectorEnv, families
first, count = map(int, sys.argv[1:])
for family in families():
    env = SimVectorEnv(family, entities=count, first_entity=first, seed=3)
    env.reset()
    space, rows = env.single_action_space, []
    for t in range(3):
        action = np.zeros((count, *space.shape), space.dtype)
        rows += [part.copy() for part in env.step(action)[:4]]
    print(family, *(hashlib.sha256(part.tobytes()).hexdigest() for part in rows))
"""


@pytest.mark.worker_independence
def test_two_processes_make_the_bytes_of_one() -> None:
    def run(first: int, count: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", CHILD, str(first), str(count)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    children = [run(0, 300), run(300, 200)]
    told = [child.communicate()[0].splitlines() for child in children]
    assert [child.returncode for child in children] == [0, 0]
    for family, *lines in zip(families(), *told, strict=True):
        env = SimVectorEnv(family, entities=500, seed=3)
        env.reset()
        shape, dtype = env.single_action_space.shape, env.single_action_space.dtype
        rows = [part for _ in range(3) for part in env.step(np.zeros((500, *(shape or ())), dtype))[:4]]
        for line, part in zip(lines, (slice(0, 300), slice(300, 500)), strict=True):
            assert line.split() == [family, *(hashlib.sha256(row[part].tobytes()).hexdigest() for row in rows)]


@pytest.mark.fork_resume
@EVERY
@settings(max_examples=6)
@given(entities=st.integers(1, 60), before=st.integers(0, 9), one_shot=st.booleans(), seed=SEED)
def test_saved_states_and_forks_go_on_byte_equally(
    variant: Variant, entities: int, before: int, one_shot: bool, seed: int
) -> None:
    entities *= variant.cut
    steps = 3
    if one_shot:
        # The last step that everybody can take is that of the horizon, unless all have ended by themselves before.
        before = min(before, 1)
    env = variant.make(entities, replicates=2, one_shot=one_shot)
    played(env, before, seed)
    state, twin = env.save(), env.fork()
    went = played(env, steps, seed=None)
    assert played(twin, steps, seed=None) == went
    again = variant.make(entities, replicates=2, one_shot=one_shot, seed=99)
    again.restore(state)
    assert again.save() == state
    assert played(again, steps, seed=None) == went


@pytest.mark.fork_resume
@EVERY
def test_a_fork_with_another_seed_has_other_luck_wherever_there_is_luck(variant: Variant) -> None:
    env = variant.make(200 * variant.cut)
    env.reset(seed=1)
    # New episodes begin within these steps, so that families without luck but that of their start differ too.
    steps = (env.batch_spec.horizon or 0) + 3
    other = env.fork(seed=2)
    assert played(other, steps, seed=None) != played(env, steps, seed=None)


@pytest.mark.autoreset
@EVERY
@settings(max_examples=6)
@given(entities=st.integers(1, 40), mode=st.sampled_from(["NextStep", "SameStep", "one_shot"]), seed=SEED)
def test_episodes_count_their_steps_and_end_once(variant: Variant, entities: int, mode: str, seed: int) -> None:
    entities *= variant.cut
    one_shot = mode == "one_shot"
    env = variant.make(entities, one_shot=one_shot, autoreset_mode="NextStep" if one_shot else mode)
    env.reset(seed=seed)
    horizon = env.batch_spec.horizon or 10**9
    age, over = np.zeros(entities, dtype=np.int64), np.zeros(entities, dtype=bool)
    for t in range(15):
        _, reward, terminated, truncated, infos = env.step(actions(env, t))
        resets = over if mode == "NextStep" else np.zeros_like(over)
        stands = over if one_shot else np.zeros_like(over)
        age = np.where(resets, 0, np.where(stands, age, age + 1))
        assert (reward[resets | stands] == 0).all()
        assert not (terminated | truncated)[resets].any()
        own = ~stands & ~resets
        assert (truncated[own] == (age[own] >= horizon)).all()
        over = terminated | truncated
        if mode == "SameStep":
            assert ("final_obs" in infos) == bool(over.any())
            age = np.where(over, 0, age)
        # Who stands still waits for the others on the clock of all.
        assert (env.elapsed[~stands] == age[~stands]).all()
        if one_shot and over.all():
            break


@pytest.mark.check_env
@EVERY
@settings(max_examples=6)
@given(entities=st.integers(1, 60), seed=SEED)
def test_spaces_contain_what_is_given_and_rewards_stay_in_their_bounds(
    variant: Variant, entities: int, seed: int
) -> None:
    entities *= variant.cut
    env = variant.make(entities, replicates=2)
    obs, _ = env.reset(seed=seed)
    spec = env.batch_spec
    assert spec.reward_low is not None
    for t in range(9):
        assert env.observation_space.contains(obs)
        action = actions(env, t)
        assert env.action_space.contains(action)
        mask = env.action_mask()
        assert mask is None or (mask.shape == (env.num_envs, spec.num_actions) and mask.any(axis=1).all())
        obs, reward, *_ = env.step(action)
        assert np.isfinite(reward).all()
        assert ((spec.reward_low <= reward) & (reward <= spec.reward_high)).all()


@pytest.mark.no_oracle_leak
@EVERY_WITH_ARMS
def test_expected_reward_is_the_mean_of_a_hundred_thousand_draws(variant: Variant) -> None:
    """500 environments in states of their own, 200 times on from here with other luck: 10^5 draws.

    Entities may share their luck, so that the sum of a fork is one observation. It has finite variance and 200 of them
    are added up: a mean beyond 5 standard errors comes once in 10^6.
    """
    env = variant.make(500)
    env.reset(seed=11)
    for t in range(3):
        env.step(actions(env, t))
    action = actions(env, 3)
    expected = env.account(action)["played"][0]
    earned = np.array([env.fork(seed=seed).step(action)[1].sum() for seed in range(200)])
    error = earned.std(ddof=1) / math.sqrt(len(earned))
    assert abs(earned.mean() - expected) <= 5 * error + 1e-9 * max(1.0, abs(expected))


@pytest.mark.oracle_dominates
@EVERY_WITH_ARMS
@settings(max_examples=4)
@given(seed=SEED)
def test_no_play_is_expected_to_earn_more_than_the_best_now(variant: Variant, seed: int) -> None:
    env = variant.make(20 * variant.cut, replicates=2)
    env.reset(seed=seed)
    for t in range(5):
        action = actions(env, t)
        sums = env.account(action, env.best())
        slack = 1e-9 * (1 + abs(sums["oracle"]))
        assert (sums["played"] <= sums["oracle"] + slack).all()
        assert (sums["arms"].max(axis=1) <= sums["oracle"] + slack).all() or env.yardstick_kind != "best_now"
        if env.yardstick_kind == "best_now":
            assert (sums["greedy"] <= sums["oracle"] + slack).all()
        env.step(action)
