"""Held-out score, replay check and the test for differences: they see what is there and claim nothing that is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency, fisher_exact

from onetake.calibration.beta_binomial import BetaBinomial
from onetake.calibration.cells import BinaryLog, Cells
from onetake.calibration.differences import detectable_spread, permuted_successes, see_differences
from onetake.calibration.fit import fit_bandit
from onetake.calibration.holdout import Holdout, assign_folds, holdout, paired_difference
from onetake.calibration.logit_normal import LogitNormal
from onetake.calibration.planted import planted_log
from onetake.calibration.replay import replay
from onetake.calibration.settings import FitSettings

pytestmark = pytest.mark.calibration


def score(log: BinaryLog, seed: int = 1) -> Holdout:
    return holdout(log, LogitNormal(), {}, folds=4, draws=60, level=0.9, seed=seed)


def test_held_out_beats_naive_rates_where_arms_and_segments_differ() -> None:
    log, _ = planted_log((0.2, 0.5), rows=4000, segments=40, spread=1.0, seed=3)
    verdicts = {comparison.rival: comparison.verdict for comparison in score(log).comparisons}
    assert verdicts == {"one rate": "better", "arm means": "better", "segment means": "better"}


def test_held_out_claims_nothing_over_arm_means_where_segments_are_alike() -> None:
    """At two standard errors a null comparison is called with chance 0.05: at most 2 of 8 logs (p = 0.994)."""
    called = 0
    for seed in range(8):
        log, _ = planted_log((0.3, 0.5), rows=800, segments=20, spread=0.0, seed=200 + seed)
        called += score(log, seed).against("arm means").verdict == "better"
    assert called <= 2


def test_held_out_cells_are_covered_at_the_nominal_rate() -> None:
    log, _ = planted_log((0.2, 0.5), rows=4000, segments=40, spread=0.7, seed=8)
    result = score(log)
    assert result.num_cells == 4 * 40 * 2
    assert abs(result.coverage - 0.9) < 3.0 * result.coverage_error


def test_folds_are_even_within_each_segment() -> None:
    segment = np.repeat(np.arange(5), 20)
    fold = assign_folds(segment, 4, seed=1)
    assert (np.bincount(segment * 4 + fold) == 5).all()


def test_clustered_error_equals_the_plain_sum_over_segments() -> None:
    rng = np.random.default_rng(1)
    ours, theirs, segment = rng.normal(size=200), rng.normal(size=200), np.repeat(np.arange(20), 10)
    mean, error = paired_difference(ours, theirs, segment)
    sums = [(ours - theirs - mean)[segment == v].sum() for v in range(20)]
    assert mean == pytest.approx(np.mean(ours - theirs))
    assert error == pytest.approx(np.sqrt(20 / 19 * np.sum(np.square(sums))) / 200)


def test_replay_check_passes_on_its_own_data() -> None:
    """Totals are fitted, so they hardly fall out; the change does with chance 0.01: at most 2 of 20 (p = 0.999)."""
    refused = 0
    for seed in range(20):
        log, _ = planted_log((0.2, 0.5, 0.6), rows=800, segments=15, spread=0.6, seed=300 + seed)
        rates = LogitNormal().fit(log.cells()).draw(100, seed)
        refused += bool(replay(log, rates, seeds=5, level=0.99, seed=seed).refused)
    assert refused <= 2


def test_replay_check_refuses_rates_of_another_world() -> None:
    log, _ = planted_log((0.2, 0.5), rows=1500, segments=15, spread=0.5, seed=4)
    other, _ = planted_log((0.3, 0.5), rows=1500, segments=15, spread=0.5, seed=4)
    result = replay(log, LogitNormal().fit(other.cells()).draw(100, 1), seeds=5, level=0.99, seed=1)
    assert any(reason.startswith("replay.successes.arm 0: got ") for reason in result.refused)


def test_replay_check_refuses_a_world_that_moved_while_the_log_was_written() -> None:
    log, _ = planted_log((0.3, 0.5), rows=2000, segments=10, spread=0.3, drift=1.5, seed=5)
    report = fit_bandit(log, FitSettings(seed=1, report_draws=60)).report
    assert [reason.split(":")[0] for reason in report.refused] == ["replay.change"]
    assert report.verdict.startswith("refused: replay.change: got ")


def test_segments_that_disagree_about_arms_are_flagged() -> None:
    """Half of the segments like arm 0, half like arm 1: totals come back, cells scatter."""
    first, _ = planted_log((0.2, 0.7), rows=2000, segments=10, seed=6)
    second, _ = planted_log((0.6, 0.5), rows=2000, segments=10, seed=7)
    log = BinaryLog(
        name="mixed",
        action=np.concatenate([first.action, second.action]),
        success=np.concatenate([first.success, second.success]),
        segment=np.concatenate([first.segment, second.segment + 10]),
        scale=first.scale,
        offset=first.offset,
        assignment="randomised",
        action_labels=first.action_labels,
        segment_labels=tuple(map(str, range(20))),
    )
    # The first half of the rows is one kind of segment, so the change is foretold: only the scatter gives it away.
    result = replay(log, LogitNormal().fit(log.cells()).draw(100, 1), seeds=5, level=0.99, seed=1)
    assert result.flags
    assert result.flags[0].startswith("cells scatter more than the model says")
    honest = replay(log, BetaBinomial().fit(log.cells()).draw(100, 1), seeds=5, level=0.99, seed=1)
    assert honest.flags == ()


def test_permutation_p_value_equals_the_exact_test_of_two_by_two_tables() -> None:
    cells = Cells(np.array([[24.0, 24.0]]), np.array([[12.0, 5.0]]))
    found = see_differences(cells, permutations=19_999, alpha=0.05, power=0.8, seed=1)
    # With equal arms T orders tables as Fisher's two-sided test does; three binomial standard errors of 19,999.
    exact = fisher_exact([[12, 12], [5, 19]]).pvalue
    assert abs(found.p_value - exact) < 3.0 * np.sqrt(exact * (1 - exact) / 19_999) + 1 / 20_000


def test_statistic_is_pearsons_where_there_is_one_segment() -> None:
    successes, trials = np.array([30.0, 45.0, 50.0]), np.array([100.0, 120.0, 90.0])
    cells = Cells(trials[None], successes[None])
    found = see_differences(cells, permutations=99, alpha=0.05, power=0.8, seed=1)
    pearson = chi2_contingency(np.stack([successes, trials - successes]), correction=False).statistic
    assert found.statistic == pytest.approx(pearson * (1 - cells.pooled_rate))


def test_p_values_are_uniform_where_arms_are_equal_whatever_segments_do() -> None:
    """Share of p ≤ 0.2 in 200 logs: at most 0.2 but for three binomial standard errors."""
    small = 0
    for seed in range(200):
        log, _ = planted_log((0.3, 0.3, 0.3), rows=200, segments=8, spread=1.5, seed=seed)
        small += see_differences(log.cells(), permutations=199, alpha=0.05, power=0.8, seed=seed).p_value <= 0.2
    assert abs(small / 200 - 0.2) < 3.0 * np.sqrt(0.2 * 0.8 / 200)


def test_power_statement_holds_in_simulation() -> None:
    """Rates spread by the detectable amount are seen with about the stated chance."""
    rate, arms, number = 0.2, 10, 150.0
    trials = np.full((1, arms), number)
    null = Cells(trials, np.full((1, arms), rate * number))
    dealt = permuted_successes(null, 2000, 1)
    expected = np.full(arms, rate * number)
    critical = float(np.quantile(((dealt - expected) ** 2 / expected).sum(axis=1), 0.95))
    spread = detectable_spread(critical, arms - 1, rate * number * arms, rate, 0.8)
    pattern = np.linspace(-1, 1, arms)
    rates = rate * (1 + spread * pattern / pattern.std())
    rng = np.random.default_rng(2)
    seen = 0
    for _ in range(1000):
        successes = rng.binomial(int(number), rates)
        equal = successes.mean()
        seen += ((successes - equal) ** 2 / equal).sum() > critical
    # Three binomial standard errors are 0.038; the χ² approximation of the power adds a few hundredths.
    assert abs(seen / 1000 - 0.8) < 0.038 + 0.03
