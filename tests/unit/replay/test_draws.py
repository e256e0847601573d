"""What is drawn, how often, and what it comes to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from scipy import stats

from onetake.errors import NotReadyError, ShapeError
from onetake.replay import Demonstrations, Hindsight, Priorities, ReplayBuffer

BOX = spaces.Box(-1e9, 1e9, (2,), np.float32)
TWO = spaces.Discrete(2)
GOALS = spaces.Dict({key: spaces.Box(-99, 99, (1,), np.float32) for key in ("achieved_goal", "desired_goal")})


def filled(count: int, **settings: Any) -> ReplayBuffer:
    """One running episode whose observation is its time twice and whose reward is its time."""
    buffer = ReplayBuffer(BOX, TWO, settings.pop("capacity", count), **settings)
    times = np.arange(count + 1, dtype=np.float32)[:, None].repeat(2, axis=1)
    ends = np.zeros(count, np.bool_)
    buffer.extend(times[:-1], np.arange(count) % 2, np.arange(count), times[1:], ends, ends)
    return buffer


@pytest.mark.buffer_uniform
def test_each_held_transition_is_drawn_as_often_and_batches_are_apart() -> None:
    buffer = filled(250, capacity=100, seed=3)
    drawn = np.concatenate([buffer.sample(100).indices for _ in range(200)])
    assert (drawn.min(), drawn.max()) == (150, 249)
    # 20,000 draws of 100 kinds; a right sampler falls below 0.001 once in a thousand seeds, and this is one seed.
    assert stats.chisquare(np.bincount(drawn - 150)).pvalue > 0.001
    batch = buffer.sample(10)
    assert batch.obs.flags.owndata or batch.obs.base is not None
    batch.obs[:] = -1
    assert buffer.sample(50).obs.min() >= 150


@pytest.mark.buffer_uniform
def test_equal_seeds_draw_alike_and_others_do_not() -> None:
    one, other, third = (filled(50, seed=seed).sample(40).indices for seed in (5, 5, 6))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, third)


@pytest.mark.buffer_uniform
@pytest.mark.bad_input
def test_more_than_is_held_is_refused_with_how_many_there_are() -> None:
    with pytest.raises(NotReadyError, match="sample: got a batch of 11; wanted at most 10, the transitions held"):
        filled(10).sample(11)


@pytest.mark.per_distribution
def test_frequencies_match_priorities_and_the_batch_keeps_its_size() -> None:
    buffer = filled(100, seed=11, priorities=Priorities(alpha=0.7, beta=0.4, epsilon=1e-9))
    priority = np.linspace(0.0, 5.0, 100) + 0.01
    buffer.update_priorities(np.arange(100), priority)
    counts = np.zeros(100)
    for _ in range(400):
        batch = buffer.sample(64)
        assert len(batch.indices) == 64
        counts += np.bincount(batch.indices, minlength=100)
    expected = priority**0.7 / (priority**0.7).sum() * counts.sum()
    # Strata make counts steadier than independent draws, so that the test is on the safe side.
    assert stats.chisquare(counts, expected).pvalue > 0.001
    chance = priority**0.7 / (priority**0.7).sum()
    beta = 0.4 + 0.6 * 399 / 100_000
    weight = (100 * chance[batch.indices]) ** -beta
    # Masses are kept in 32 bits: 6e-8 of a mass, less of a weight.
    assert batch.weight == pytest.approx(weight / weight.max(), rel=1e-6)


@pytest.mark.per_distribution
def test_beta_rises_to_one_in_a_straight_line_and_stays() -> None:
    buffer = filled(10, priorities=Priorities(beta=0.2, beta_batches=4))
    betas = []
    for _ in range(7):
        betas.append(buffer.beta)
        buffer.sample(5)
    assert betas == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0])


@pytest.mark.per_distribution
def test_a_new_transition_has_the_largest_priority_that_was_ever_given() -> None:
    buffer = filled(9, capacity=10, seed=1, priorities=Priorities(alpha=1.0, epsilon=1e-6))
    buffer.update_priorities(np.arange(9), np.full(9, 50.0))
    buffer.update_priorities(np.arange(9), np.full(9, 1e-6))
    buffer.add(np.float32([9, 9]), 0, 0.0, np.float32([10, 10]), False, False)
    # 50 against 9 * 2e-6: all but 4e-7 of the mass, so that a batch of 10 misses it once in 10^5 seeds.
    assert (buffer.sample(10).indices == 9).all()


@pytest.mark.per_distribution
@pytest.mark.bad_input
def test_wrong_priorities_are_refused_and_left_transitions_passed_over() -> None:
    buffer = filled(30, capacity=10, priorities=Priorities())
    buffer.update_priorities(np.array([0, 5, 25]), np.array([1.0, 2.0, 3.0]))
    for wrong, text in ((np.nan, "NaN"), (-1.0, "-1"), (np.inf, "inf")):
        with pytest.raises(ShapeError, match=f"priority: got {text}; wanted finite numbers from 0 on"):
            buffer.update_priorities(np.array([25]), [wrong])
    with pytest.raises(ShapeError, match="indices: got 30; wanted numbers that a batch came with"):
        buffer.update_priorities(np.array([30]), [1.0])
    with pytest.raises(NotReadyError, match="wanted a buffer with priorities"):
        filled(3).update_priorities(np.array([0]), [1.0])


@pytest.mark.nstep
def test_sums_stop_at_termination_and_bootstrap_at_truncation() -> None:
    for terminated in (True, False):
        buffer = ReplayBuffer(BOX, TWO, 50, n_step=3, discount=0.5, seed=2)
        for t in range(10):
            last = t == 5
            ends = (last and terminated, last and not terminated)
            buffer.add(np.float32([t, 0]), 0, 1.0, np.float32([t + 1, last]), *ends)
        batch = buffer.sample(10)
        for i, t in enumerate(batch.indices.tolist()):
            # An end behind step 5; the newest step is 9.
            count = min(3, (5 if t <= 5 else 9) - t + 1)
            ended = t <= 5 and t + count == 6
            assert batch.reward[i] == [1.0, 1.5, 1.75][count - 1]
            assert batch.discount[i] == (0.0 if ended and terminated else 0.5**count)
            assert batch.next_obs[i].tolist() == [t + count, float(ended)]
            assert (batch.terminated[i], batch.truncated[i]) == (ended and terminated, ended and not terminated)


def reached(achieved: Any, desired: Any, info: Any) -> Any:
    assert achieved.shape == desired.shape
    return np.where(np.abs(achieved - desired).max(axis=-1) < 0.5, 0.0, -1.0)


def walked(strategy: Any, **settings: Any) -> ReplayBuffer:
    """Episodes of 10 steps; what is reached at step t of episode e is 10 e + t + 1."""
    buffer = ReplayBuffer(GOALS, TWO, 100, seed=4, hindsight=Hindsight(reached, strategy, **settings))
    for t in range(100):
        seen = [{"achieved_goal": np.float32([x]), "desired_goal": np.float32([-1])} for x in (t, t + 1)]
        buffer.add(seen[0], 0, -1.0, seen[1], False, t % 10 == 9)
    return buffer


@pytest.mark.her_strategies
@pytest.mark.parametrize("strategy", ["future", "final", "episode"])
def test_goals_come_from_where_the_strategy_says_and_never_from_the_past(strategy: str) -> None:
    buffer = walked(strategy)
    ahead = []
    for _ in range(50):
        batch = buffer.sample(100)
        assert batch.relabelled.sum() == 80
        goal = batch.obs["desired_goal"][:, 0]
        assert np.array_equal(batch.next_obs["desired_goal"][:, 0], goal)
        assert (goal[~batch.relabelled] == -1).all()
        first = batch.indices - batch.indices % 10
        steps = (goal - 1 - batch.indices)[batch.relabelled]
        low, high = (first - batch.indices)[batch.relabelled], (first + 9 - batch.indices)[batch.relabelled]
        assert (steps >= {"future": 0 * low, "final": high, "episode": low}[strategy]).all()
        assert (steps <= high).all()
        assert np.array_equal(batch.reward[batch.relabelled], np.where(steps == 0, 0.0, -1.0))
        ahead.append(steps[low == 0])
    if strategy == "future":
        # From an episode's first step every one of the ten is as likely: about 400 draws in one seed.
        assert stats.chisquare(np.bincount(np.concatenate(ahead).astype(int), minlength=10)).pvalue > 0.001


@pytest.mark.her_strategies
def test_reaching_the_new_goal_may_terminate() -> None:
    batch = walked("future", compute_terminated=lambda a, d, info: reached(a, d, info) == 0).sample(100)
    hit = batch.relabelled & (batch.reward == 0)
    assert hit.any()
    assert np.array_equal(batch.terminated, hit)
    assert np.array_equal(batch.discount == 0, hit)


@pytest.mark.her_strategies
@pytest.mark.bad_input
def test_answers_that_are_no_rewards_are_refused() -> None:
    for answer, text in ((np.zeros(3), r"got \(3,\); wanted \(5,\)"), (np.full(5, np.nan), "got NaN or infinity")):
        buffer = walked("future")
        buffer._hindsight = Hindsight(lambda a, d, info, answer=answer: answer)
        with pytest.raises(ShapeError, match=f"compute_reward: {text}"):
            buffer.sample(5)


@pytest.mark.buffer_episodic
def test_slices_end_with_their_episode_and_episodes_are_whole() -> None:
    buffer = ReplayBuffer(BOX, TWO, 25, seed=6)
    for t in range(47):  # Episodes of 7; the head of the fourth has gone, the last one runs.
        buffer.add(np.float32([t, 0]), t % 2, t, np.float32([t + 1, t % 7 == 6]), t % 7 == 6, False)
    assert buffer.num_episodes == 2
    drawn = buffer.sample_slices(25, 4)
    assert drawn.obs.shape == (5, 25, 2)
    for i, first in enumerate(drawn.indices.tolist()):
        count = min(4, 7 - first % 7, 47 - first)
        assert drawn.mask[:, i].tolist() == [t < count for t in range(4)]
        assert drawn.obs[: count + 1, i, 0].tolist() == list(range(first, first + count + 1))
        assert drawn.reward[:count, i].tolist() == list(range(first, first + count))
    whole = [buffer.episode(i) for i in range(2)]
    assert [int(one.indices[0]) for one in whole] == [28, 35]
    assert all(one.terminated[:, 0].tolist() == [False] * 6 + [True] for one in whole)
    assert whole[0].obs[-1, 0].tolist() == [35.0, 1.0]
    starts = np.concatenate([buffer.sample_episodes(2).indices for _ in range(300)])
    # Binomial(600, 1/2) has a standard deviation of 12.2; four of them are passed once in 16,000 seeds.
    assert abs((starts == 28).sum() - 300) < 4 * 12.3
    with pytest.raises(ShapeError, match="number: got 2; wanted 0 to 1"):
        buffer.episode(2)


@pytest.mark.demo_buffer
def test_demonstrations_have_a_batch_size_and_a_mask_of_their_own() -> None:
    shown = filled(20, seed=8, priorities=Priorities(alpha=1.0))
    buffer = filled(100, capacity=40, seed=9, demonstrations=Demonstrations(shown, 6))
    batch = buffer.sample(30)
    assert batch.obs.shape == (36, 2)
    assert batch.demonstration.tolist() == [False] * 30 + [True] * 6
    assert (batch.obs[:30, 0] >= 60).all()
    numbers = -1 - batch.indices[30:]
    assert np.array_equal(batch.obs[30:, 0], numbers)
    buffer.update_priorities(batch.indices, np.where(batch.demonstration, 1e6, 0.0))
    # The demonstrations that were seen hold all but 1e-4 of the mass.
    assert set(-1 - buffer.sample(30).indices[30:]) <= set(numbers.tolist())
    with pytest.raises(NotReadyError, match="sample: got a batch of 6; wanted at most 2"):
        filled(9, demonstrations=Demonstrations(filled(2), 6)).sample(3)
