"""Agents compared in pairs, and the scorecard made of it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from onetake.errors import SchemaError
from onetake.evaluation.curves import CURVES_SCHEMA
from onetake.evaluation.leaderboard import leaderboard, mean_curves, scorecard
from onetake.evaluation.paired import holm, paired_differences
from onetake.evaluation.settings import EvaluationSettings
from onetake.evaluation.summary import SUMMARY_SCHEMA, unsupported_rows
from onetake.types import Float64

pytestmark = pytest.mark.paired

SETTINGS = EvaluationSettings(seed=3, resamples=500)


def rows(agent: str, environment: str, scores: Float64, *, draws: int = 1, suite: str = "shop") -> pl.DataFrame:
    """Summary rows with these scores; a value is a score times 100."""
    count = len(scores)
    columns = {
        "suite": [suite] * count,
        "environment": [environment] * count,
        "agent": [agent] * count,
        "replicate": list(range(count)),
        "draw": [r // (count // draws) for r in range(count)],
        "draws": [draws] * count,
        "entities": [10] * count,
        "steps": [5] * count,
        "status": ["finished"] * count,
        "value": (100 * scores).tolist(),
        "realised": (100 * scores).tolist(),
        "score": scores.tolist(),
        "regret": (100 - 100 * scores).tolist(),
    }
    return pl.DataFrame(columns | {name: None for name in SUMMARY_SCHEMA if name not in columns}, schema=SUMMARY_SCHEMA)


def test_equal_agents_differ_by_exactly_zero() -> None:
    scores = np.random.default_rng(1).random(6)
    table = paired_differences(pl.concat([rows("a", "hats", scores), rows("b", "hats", scores)]))
    for column in ("difference", "low", "high", "bootstrap_low", "bootstrap_high"):
        assert table[column].to_list() == [0.0] * len(table)
    assert table["wins"].to_list() == [0.5] * len(table)
    assert table["p_value"].to_list() == [1.0] * len(table)


def test_a_paired_difference_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(2)
    luck = rng.normal(size=12)
    first, second = luck + rng.normal(0.3, 0.1, size=12), luck
    table = paired_differences(pl.concat([rows("a", "hats", first), rows("b", "hats", second)]), metrics=("score",))
    known = stats.ttest_rel(first, second)
    row = table.row(0, named=True)
    assert row["p_value"] == pytest.approx(known.pvalue, rel=1e-9)
    ends = known.confidence_interval(0.95)
    assert (row["low"], row["high"]) == pytest.approx((ends.low, ends.high), rel=1e-9)


def test_pairing_takes_common_luck_out_of_the_interval() -> None:
    rng = np.random.default_rng(3)
    luck = rng.normal(0, 5, size=20)
    table = paired_differences(
        pl.concat([rows("a", "hats", luck + 0.1 + 0.01 * rng.normal(size=20)), rows("b", "hats", luck)]),
        metrics=("score",),
    )
    assert table["low"][0] > 0
    assert table["wins"][0] == 1.0


def test_a_fitted_environment_shows_both_variances_and_how_often_the_winner_changes() -> None:
    # Draw by draw the difference is +1, +1, +1, -1; seeds add nothing.
    per_draw = np.repeat([1.0, 1.0, 1.0, -1.0], 3)
    table = paired_differences(
        pl.concat([rows("a", "fitted", per_draw, draws=4), rows("b", "fitted", 0 * per_draw, draws=4)]),
        metrics=("score",),
    )
    row = table.row(0, named=True)
    assert row["draws"] == 4
    assert row["winner_changes"] == 0.25
    assert row["seed_variance"] == 0.0
    assert row["draw_variance"] == 1.0
    # Over 12 replicates the mean 0.5 would seem sure; over 4 draws it is not.
    assert row["low"] < 0 < row["high"]
    assert row["draw_low"] < 0 < row["draw_high"]


def test_environments_without_a_score_are_left_out_of_scores_only() -> None:
    flat = rows("a", "flat", np.array([1.0, 1.0])).with_columns(score=pl.lit(None, dtype=pl.Float64))
    frames = [flat, flat.with_columns(agent=pl.lit("b")), rows("a", "hats", np.ones(2)), rows("b", "hats", np.zeros(2))]
    table = paired_differences(pl.concat(frames))
    assert set(table.filter(pl.col("metric") == "score")["environment"]) == {"hats"}
    assert set(table.filter(pl.col("metric") == "value")["environment"]) == {"hats", "flat"}


def test_holm_equals_its_definition_worked_by_hand() -> None:
    assert holm([0.04, 0.01, None, 0.03, 0.005]) == pytest.approx([0.06, 0.03, None, 0.06, 0.02])


@pytest.mark.bad_input
def test_agents_that_played_other_replicates_are_refused() -> None:
    frames = [rows("a", "hats", np.ones(3)), rows("b", "hats", np.ones(2))]
    with pytest.raises(SchemaError, match="summary: got different replicates for a and b; wanted the same"):
        paired_differences(pl.concat(frames))


def test_the_leaderboard_ranks_by_score_with_intervals_and_keeps_the_unsupported_apart() -> None:
    rng = np.random.default_rng(4)
    frames = [
        rows(agent, environment, level + rng.normal(0, 0.01, size=10))
        for agent, level in (("good", 0.9), ("bad", 0.1))
        for environment in ("hats", "shoes")
    ]
    table = leaderboard(pl.concat([*frames, unsupported_rows("shop", "picky", {"hats": "no"})]), SETTINGS)
    assert table["agent"].to_list() == ["good", "bad", "picky"]
    assert table["rank"].to_list() == [1, 2, None]
    assert table["best_share"].to_list() == [1.0, 0.0, None]
    assert table["status"].to_list() == ["finished", "finished", "unsupported: no"]
    good = table.row(0, named=True)
    assert good["score_low"] < good["score"] < good["score_high"]
    assert (good["environments"], good["runs"]) == (2, 20)


def test_agents_that_cannot_be_told_apart_share_first_place() -> None:
    scores = np.random.default_rng(5).random(8)
    table = leaderboard(pl.concat([rows(agent, "hats", scores) for agent in ("a", "b")]), SETTINGS)
    assert table["best_share"].to_list() == [0.5, 0.5]
    assert table["rank_low"].to_list() == [1, 1]


def test_over_all_environments_the_test_is_welchs_on_the_mean_of_independent_strata() -> None:
    rng = np.random.default_rng(8)
    gaps = {"hats": rng.normal(0.1, 0.2, size=6), "shoes": rng.normal(0.3, 0.05, size=9)}
    frames = [rows("a", name, gap) for name, gap in gaps.items()]
    frames += [rows("b", name, 0 * gap) for name, gap in gaps.items()]
    table = paired_differences(pl.concat(frames), metrics=("score",), level=0.9)
    row = table.row(by_predicate=pl.col("environment") == "all environments", named=True)
    # The mean of two strata is half of the difference between one and the other's mirror image: SciPy's Welch test.
    known = stats.ttest_ind(gaps["hats"], -gaps["shoes"], equal_var=False)
    ends = known.confidence_interval(0.9)
    assert row["p_value"] == pytest.approx(known.pvalue, rel=1e-9)
    assert (row["low"], row["high"]) == pytest.approx((ends.low / 2, ends.high / 2), rel=1e-9)
    assert row["level"] == 0.9


def test_each_question_is_adjusted_for_its_own_pairs() -> None:
    rng = np.random.default_rng(9)
    luck = rng.normal(size=6)
    frames = [rows(a, "hats", luck + rng.normal(shift, 0.3, size=6)) for a, shift in (("a", 0), ("b", 0.3), ("c", 1))]
    table = paired_differences(pl.concat(frames))
    for metric in ("score", "value", "realised"):
        own = table.filter(pl.col("metric") == metric)
        assert own["p_adjusted"].to_list() == pytest.approx(holm(own["p_value"].to_list()))


def test_few_replicates_look_no_surer_in_ranks_than_in_the_paired_test() -> None:
    # Three replicates, won by 0.02, 0.02 and lost by 0.01: the paired test has p = 0.42, and plain resamples would
    # have the winner first in 26 of 27 cases.
    luck = np.array([0.5, 0.6, 0.7])
    frames = [rows("a", "hats", luck + np.array([0.02, 0.02, -0.01])), rows("b", "hats", luck)]
    table = leaderboard(pl.concat(frames), EvaluationSettings(resamples=2_000, rank_by="mean"))
    assert paired_differences(pl.concat(frames), metrics=("score",))["p_value"][0] > 0.4
    assert table["rank_high"].to_list() == [2, 2]
    assert table["rank_low"].to_list() == [1, 1]


def test_equal_scores_share_the_better_rank() -> None:
    frames = [rows(agent, "hats", np.full(4, score)) for agent, score in (("a", 0.9), ("b", 0.4), ("c", 0.4))]
    assert leaderboard(pl.concat(frames), SETTINGS)["rank"].to_list() == [1, 2, 2]


def test_agents_are_set_against_what_the_incumbent_earned_where_it_played() -> None:
    frames = [rows("incumbent", "hats", np.array([0.2, 0.4])), rows("a", "hats", np.array([0.5, 0.5]))]
    frames[1] = frames[1].with_columns(incumbent=pl.lit(7.0))
    found = scorecard(pl.concat(frames), pl.DataFrame(schema=CURVES_SCHEMA), SETTINGS)["summary"]
    assert found["incumbent"].to_list() == [20.0, 40.0, 20.0, 40.0]
    assert found["incumbent_difference"].to_list() == [0.0, 0.0, 30.0, 10.0]


def curve_points(agent: str, environment: str, steps: list[int], regret: Float64) -> pl.DataFrame:
    replicates = len(regret)
    return pl.DataFrame(
        {
            "suite": "shop",
            "environment": environment,
            "agent": agent,
            "replicate": np.repeat(np.arange(replicates), len(steps)),
            "draw": 0,
            "draws": 1,
            "step": np.tile(steps, replicates),
            "regret": regret.ravel(),
            "cost_of_not_knowing": regret.ravel(),
            "cost_of_exploring": 0.0,
            "realised": 0.0,
        }
    )


def test_mean_curves_sum_environments_and_stand_still_after_an_end() -> None:
    short = curve_points("a", "short", [1, 2], np.array([[1.0, 2.0], [3.0, 4.0]]))
    long = curve_points("a", "long", [1, 2, 3, 4], np.array([[1.0, 2, 3, 4], [1.0, 2, 3, 4]]))
    table = mean_curves(pl.concat([short, long]))
    total = table.filter(pl.col("environment") == "all environments")
    assert total["step"].to_list() == [1, 2, 3, 4]
    assert total["regret"].to_list() == [3.0, 5.0, 6.0, 7.0]
    alone = table.filter(pl.col("environment") == "short")
    half = stats.t.ppf(0.975, 1) * np.sqrt(2.0) / np.sqrt(2)
    np.testing.assert_allclose(alone["regret_high"].to_numpy() - alone["regret"].to_numpy(), half)
    np.testing.assert_allclose(total["regret_high"].to_numpy() - total["regret"].to_numpy(), half)


def test_a_scorecard_is_the_same_twice() -> None:
    rng = np.random.default_rng(6)
    summary = pl.concat([rows(agent, "hats", rng.random(5)) for agent in ("a", "b")])
    curves = pl.concat([curve_points(agent, "hats", [1, 2], rng.random((5, 2))) for agent in ("a", "b")])
    first, second = scorecard(summary, curves, SETTINGS), scorecard(summary, curves, SETTINGS)
    assert set(first) >= {"leaderboard", "summary", "curves", "differences", "settings"}
    for name, frame in first.items():
        assert frame.equals(second[name])


def test_one_replicate_has_scores_and_ranks_but_no_interval() -> None:
    summary = pl.concat([rows(agent, "hats", np.array([score])) for agent, score in (("a", 0.2), ("b", 0.4))])
    curves = pl.concat([curve_points(agent, "hats", [1, 2], np.ones((1, 2))) for agent in ("a", "b")])
    card = scorecard(summary, curves, SETTINGS)
    assert card["leaderboard"]["agent"].to_list() == ["b", "a"]
    assert card["leaderboard"]["score_low"].to_list() == [None, None]
    assert card["curves"]["regret_high"].to_list() == [None] * 4
    for column in ("low", "bootstrap_high", "p_value", "p_adjusted"):
        assert card["differences"][column].null_count() == len(card["differences"]) > 0


def test_a_suite_that_nobody_could_play_still_says_why() -> None:
    refused = unsupported_rows("shop", "picky", {"hats": "no"})
    card = scorecard(refused, pl.DataFrame(schema=CURVES_SCHEMA), SETTINGS)
    assert card["leaderboard"]["status"].to_list() == ["unsupported: no"]
    assert card["curves"].is_empty()
    assert card["differences"].is_empty()
