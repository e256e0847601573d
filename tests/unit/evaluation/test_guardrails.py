"""Guardrails: incumbents, harm by segment, parameter draws, and what it cost."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from onetake.agents import make
from onetake.envs.suite import EnvironmentEntry, Suite
from onetake.envs.suite_plans import DescribedPlan, RegisteredPlan
from onetake.errors import UnknownIdError
from onetake.evaluation import EvaluationSettings, run
from onetake.evaluation.curves import CURVES_SCHEMA
from onetake.evaluation.leaderboard import scorecard
from onetake.evaluation.parameter_draws import parameter_draws
from onetake.evaluation.rivals import survival
from onetake.evaluation.segments import segments_of
from onetake.evaluation.summary import SUMMARY_SCHEMA
from onetake.reports.risks import harm_notes, price_of_regret_table
from onetake.types import Float64


def two_kinds(entities: int = 40, replicates: int = 8) -> Suite:
    """Large cohorts answer to arm 1; small ones are put off by it. Arm 0 is in use today."""
    size = np.r_[np.full(entities // 4, 20.0), 150.0 + 5 * np.arange(entities - entities // 4)]
    rates = np.where(size[:, None] < 100, [[0.3, 0.2]], [[0.2, 0.3]])
    shop = EnvironmentEntry("shop", "cohort", {}, {"size": size, "q": rates}, entities, replicates, 10)
    return Suite("kinds", "test", 0, (shop,), incumbent={"action": 0})


@pytest.mark.guardrails
def test_an_agent_that_wins_on_the_whole_is_shown_to_harm_the_segment_it_harms() -> None:
    result = run({"one": make("fixed-v0", action=1)}, two_kinds(), EvaluationSettings(resamples=100))
    card = result.scorecard("kinds")
    assert card["verdicts"]["verdict"].to_list() == ["pass"]
    harm = card["harm"]
    assert harm.filter(pl.col("harmed"))["segment"].to_list() == ["size: lowest quarter"]
    assert [note.text for note in harm_notes(harm)] == ["Suite kinds: one harms size: lowest quarter."]  # type: ignore[union-attr]  # they are notes
    lost = harm.filter(pl.col("segment") == "size: lowest quarter").row(0, named=True)
    # Ten cohorts of 20 people who come with chance 1/2, ten days, a tenth less: 100, within four standard errors.
    assert lost["difference"] == pytest.approx(-100, abs=4 * np.sqrt(2 * 1000 * 0.25) / np.sqrt(8))


@pytest.mark.guardrails
def test_segments_add_up_to_the_whole_and_do_not_depend_on_blocks() -> None:
    suite = two_kinds()
    whole = run("thompson-v0", suite, EvaluationSettings(resamples=100))
    cut = run("thompson-v0", suite, EvaluationSettings(resamples=100, max_environments=80))
    assert whole.segments.equals(cut.segments)
    sums = whole.segments.group_by("agent", "replicate", maintain_order=True).agg(pl.col("realised").sum())
    both = sums.join(
        whole.summary.select("agent", "replicate", pl.col("realised").alias("all")), on=["agent", "replicate"]
    )
    np.testing.assert_allclose(both["realised"], both["all"], rtol=1e-12)


@pytest.mark.guardrails
def test_segments_are_groups_where_there_are_some_else_entities_else_quarters() -> None:
    found = segments_of({"category": np.arange(100) % 3, "size": np.arange(100.0)}, 100)
    assert found is not None
    assert found.names == ("category 0", "category 1", "category 2")
    quarters = segments_of({"rate": np.tile(np.arange(20.0)[::-1, None], (3, 2))}, 20)
    assert quarters is not None
    assert np.bincount(quarters.index).tolist() == [5, 5, 5, 5]
    assert quarters.index[0] == 3
    assert segments_of({"size": np.ones(50)}, 50) is None
    assert segments_of(None, 50) is None
    assert segments_of(None, 1) is None


@pytest.mark.guardrails
def test_equal_play_harms_nobody() -> None:
    result = run({"same": make("fixed-v0", action=0)}, two_kinds(), EvaluationSettings(resamples=100))
    harm = result.scorecard("kinds")["harm"]
    assert harm["difference"].to_list() == [0.0] * 4
    assert not harm["harmed"].any()


def drawn(agent: str, scores: Float64) -> pl.DataFrame:
    """Summary rows of a fitted environment: ``(draws, seeds)`` scores."""
    draws, seeds = scores.shape
    columns = {
        "suite": ["fitted"] * scores.size,
        "environment": ["village"] * scores.size,
        "agent": [agent] * scores.size,
        "replicate": list(range(scores.size)),
        "draw": [r // seeds for r in range(scores.size)],
        "draws": [draws] * scores.size,
        "status": ["finished"] * scores.size,
        "score": scores.ravel().tolist(),
    }
    return pl.DataFrame(columns | {name: None for name in SUMMARY_SCHEMA if name not in columns}, schema=SUMMARY_SCHEMA)


@pytest.mark.parameter_draws
def test_both_parts_of_the_variance_and_how_often_the_winner_changes_are_told() -> None:
    rng = np.random.default_rng(4)
    draws, seeds = 200, 8
    first = 0.5 + rng.normal(0, 0.2, size=(draws, 1)) + rng.normal(0, 0.1, size=(draws, seeds))
    second = np.tile(np.where(np.arange(draws) < 50, 2.0, -2.0)[:, None], (1, seeds))
    found = parameter_draws(pl.concat([drawn("first", first), drawn("second", second), drawn("incumbent", first + 9)]))
    one = found.filter(pl.col("agent") == "first").row(0, named=True)
    # Standard deviations from v degrees of freedom err by 1 / sqrt(2 v) of themselves; three of that.
    assert one["draw_deviation"] == pytest.approx(0.2, rel=3.5 / np.sqrt(2 * (draws - 1)))
    assert one["seed_deviation"] == pytest.approx(0.1, rel=3 / np.sqrt(2 * draws * (seeds - 1)))
    # The second wins the 50 draws in which it has 2; the incumbent is no contestant.
    assert (one["wins"], one["winner_changes"]) == (0.75, 0.25)
    assert found.filter(pl.col("agent") == "incumbent")["wins"].to_list() == [None]


@pytest.mark.parameter_draws
def test_more_seeds_do_not_narrow_what_the_log_left_open() -> None:
    from onetake.evaluation.paired import paired_differences

    rng = np.random.default_rng(5)
    effect = rng.normal(0.1, 0.3, size=(12, 1))
    widths = []
    for seeds in (4, 64):
        luck = rng.normal(0, 0.05, size=(12, seeds))
        frames = [drawn("a", effect + luck), drawn("b", np.zeros((12, seeds)))]
        row = paired_differences(pl.concat(frames), metrics=("score",)).row(0, named=True)
        widths.append(row["high"] - row["low"])
        # Over replicates alone it would seem sure; over draws it is not.
        assert row["low"] < 0 < row["high"]
        assert row["draw_variance"] > 10 * row["seed_variance"]
    # The spread between draws stays: sixteen times the seeds would narrow an interval over seeds by four.
    assert widths[1] > 0.8 * widths[0]


@pytest.mark.parameter_draws
def test_suites_without_draws_have_no_such_rows(simulated_suite: Suite) -> None:
    result = run(["random-v0", "thompson-v0"], simulated_suite, EvaluationSettings(resamples=100))
    found = result.scorecard("simulated")["parameter_draws"]
    assert set(found["environment"]) == {"drawn"}
    assert (found["draws"].unique().item(), found["seeds"].unique().item()) == (3, 2)


@pytest.mark.costs
def test_rate_memory_and_time_stand_beside_the_regret_of_every_agent(simulated_suite: Suite) -> None:
    result = run(["random-v0", "thompson-v0"], simulated_suite, EvaluationSettings(resamples=100))
    table = price_of_regret_table(result.scorecard("simulated")["leaderboard"], result.costs)
    heads = [column.name for column in table.columns]
    assert heads == ["suite", "agent", "score", "regret", "decisions a second", "seconds", "peak memory, MiB"]
    assert {row[1].text for row in table.rows} == {"random-v0", "thompson-v0", "incumbent"}
    for row in table.rows:
        assert all(isinstance(cell.order, float) for cell in row[3:])
        assert row[4].order > 0  # type: ignore[operator]  # a number, as was just seen
    own = result.costs.filter(pl.col("agent") == "thompson-v0")
    decisions = result.summary.filter(pl.col("agent") == "thompson-v0").select(
        (pl.col("steps") * pl.col("entities")).sum()
    )
    assert own["decisions"].sum() == decisions.item()


def card(scores: dict[str, Float64]) -> dict[str, pl.DataFrame]:
    """A scorecard of one environment; everyone's luck is their own."""
    summary = pl.concat([drawn(agent, values[None, :]) for agent, values in scores.items()])
    curves = pl.DataFrame(schema=CURVES_SCHEMA)
    return scorecard(summary, curves, EvaluationSettings(resamples=100))


@pytest.mark.guardrails
def test_a_winner_that_loses_under_rival_demand_is_told_from_one_that_survives() -> None:
    rng = np.random.default_rng(6)
    luck = rng.normal(0, 0.01, size=10)
    home = card({"a": 0.9 + luck, "b": 0.5 + luck, "incumbent": 1.0 + luck})
    same = card({"a": 0.8 + luck, "b": 0.6 + luck})
    other = card({"a": 0.3 + luck, "b": 0.6 + luck + rng.normal(0, 0.01, size=10)})
    noisy = card({"a": 0.50 + luck, "b": 0.51 + rng.normal(0, 0.3, size=10)})
    cards = {"home": home, "same": same, "other": other, "noisy": noisy}
    found = survival(cards, {"home": ["same", "other", "noisy", "not_played"]})
    assert found["winner"].to_list() == ["a", "a", "a"]
    fates = dict(zip(found["rival"], found["survives"], strict=True))
    assert (fates["same"], fates["other"]) == ("yes", "no")
    assert fates["noisy"] in ("yes", "cannot tell")
    lost = found.filter(pl.col("rival") == "other").row(0, named=True)
    assert lost["rank"] == 2
    assert lost["low"] < -0.3 < lost["high"] < 0
    with pytest.raises(UnknownIdError, match="rivals: got suite 'hme'; nearest that was played: home"):
        survival(cards, {"hme": ["same"]})


@pytest.mark.guardrails
def test_suites_that_conf_lists_or_describes_name_the_best_arm_of_their_tune_part() -> None:
    from onetake.pipelines.environments.nodes import make_described_suite, make_registered_suite

    hats = {"name": "hats", "family": "cohort", "config": {"q": [0.2, 0.3, 0.1]}, "entities": 5, "steps": 4}
    described = make_described_suite(DescribedPlan("shop", 1, 2, [hats]))
    assert described.incumbent == {"action": {"hats": 1}}
    assert described.part == "test"
    listed = make_registered_suite(RegisteredPlan("one", 1, ("onetake/Bandit-v0",), 2, steps=5))
    assert listed.incumbent is not None
    assert set(listed.incumbent["action"]) == {"Bandit-v0"}
