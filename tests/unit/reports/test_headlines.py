"""Who leads a suite: the paired test decides what a headline may say."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from onetake.evaluation.curves import CURVES_SCHEMA
from onetake.evaluation.leaderboard import scorecard
from onetake.evaluation.settings import EvaluationSettings
from onetake.evaluation.summary import SUMMARY_SCHEMA, unsupported_rows
from onetake.reports.document import Fact
from onetake.reports.headlines import headline, remarks
from onetake.reports.standings import Standings, standings
from onetake.types import Float64

pytestmark = [pytest.mark.report, pytest.mark.paired]

LUCK = np.array([0.50, 0.62, 0.55, 0.58, 0.53, 0.60])


def told(yardstick: str = "exact", picky: str | None = None, **scores: Float64) -> Standings:
    """Standings of one suite whose agents have these scores, one a replicate."""
    rows = [
        {"suite": "shop", "environment": "hats", "agent": agent, "replicate": r, "draw": 0, "draws": 1, "score": score}
        | {"entities": 10, "steps": 5, "status": "finished", "yardstick_kind": yardstick, "value": 100 * score}
        | {"regret": 100 - 100 * score, "realised": 100 * score, "cost_of_constraints": 0.0}
        for agent, own in scores.items()
        for r, score in enumerate(own.tolist())
    ]
    summary = pl.DataFrame(rows, schema=SUMMARY_SCHEMA)
    if picky is not None:
        summary = pl.concat([summary, unsupported_rows("shop", picky, {"hats": "budget: got 3; wanted none"})])
    settings = EvaluationSettings(resamples=200)
    return standings({"shop": scorecard(summary, pl.DataFrame(schema=CURVES_SCHEMA), settings)})


def words(fact: Fact) -> str:
    return f"{fact.value}: {fact.words}"


def test_an_agent_that_wins_every_replicate_leads_alone() -> None:
    found = words(headline(told(good=LUCK + 0.2, bad=LUCK, worse=LUCK - 0.1)))
    assert found.startswith("good: surely ahead of all other agents; score 0.76")


def test_agents_that_the_paired_test_cannot_tell_apart_share_the_headline() -> None:
    swing = np.array([0.1, -0.1, 0.1, -0.1, 0.1, -0.05])
    found = words(headline(told(a=LUCK + swing, b=LUCK, worse=LUCK - 0.3)))
    assert found.startswith("a or b: cannot be told apart (paired test, p = ")


def test_an_incumbent_without_regret_is_called_clairvoyant_and_does_not_lead() -> None:
    found = told(incumbent=np.ones(6), good=LUCK + 0.2, bad=LUCK)
    assert words(headline(found)).startswith("good: ")
    assert "the incumbent is the best fixed action and here also the clairvoyant one" in headline(found).words
    assert [note.text.split(":")[0] for note in remarks(found)] == ["The incumbent has no regret at all"]


def test_an_incumbent_that_no_agent_reaches_is_the_headline_with_the_best_agent_beside_it() -> None:
    found = words(headline(told(incumbent=LUCK + 0.3, good=LUCK + 0.2, bad=LUCK)))
    assert found.startswith("incumbent: no agent reaches it; score 0.86")
    assert "best agent good, score 0.76" in found


@pytest.mark.parametrize(
    ("shift", "text"), [(-0.1, "ahead of the incumbent"), (0.2, "not told apart from the incumbent")]
)
def test_the_leader_is_set_against_the_incumbent(shift: float, text: str) -> None:
    assert text in headline(told(incumbent=LUCK + shift, good=LUCK + 0.2, bad=LUCK)).words


def test_one_replicate_leads_and_proves_nothing() -> None:
    found = words(headline(told(a=LUCK[:1], b=LUCK[:1] - 0.1)))
    assert found.startswith("a: highest score; one replicate cannot tell more; score 0.5000")


def test_who_cannot_play_and_a_bound_are_said_plainly() -> None:
    found = told("bound", "picky", a=LUCK, b=LUCK - 0.1)
    assert headline(found).words.endswith("1 agent cannot play it")
    bound, cannot = (note.text for note in remarks(found))
    assert "at most (≤)" in bound
    assert cannot == "Cannot play this suite: picky. budget: got 3; wanted none."
    assert found.bounded == ["shop"]
