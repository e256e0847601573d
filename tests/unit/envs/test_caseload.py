"""Generated caseloads: parts without a common draw, suites with a budget, agents that keep to it."""

from typing import Any

import polars as pl
import pytest

from onetake.agents import make
from onetake.envs.caseload import COLUMNS, Caseload, CaseloadPlan, person_columns
from onetake.errors import ConfigError, SchemaError
from onetake.evaluation import EvaluationSettings, evaluate

pytestmark = [pytest.mark.population, pytest.mark.whittle]


def drawn(part: Any = "test", **settings: Any) -> pl.DataFrame:
    law = {"kind": "uniform", "low": 0.1, "high": 0.9}
    return Caseload(**{"name": "toy", "seed": 4, "people": 200, **dict.fromkeys(COLUMNS, law), **settings}).draw(part)


def test_parts_share_no_draw_and_a_small_caseload_begins_a_large_one() -> None:
    tune, test = drawn("tune"), drawn("test")
    for column in COLUMNS:
        assert set(tune[column].to_list()).isdisjoint(test[column].to_list())
    assert drawn(people=50).equals(test[:50])


def test_the_suite_is_scored_against_a_bound_and_others_say_why_they_cannot_play() -> None:
    suite = CaseloadPlan("toy", seed=1, replicates=2, steps=8, reach=0.055).make("test", drawn())
    assert suite.environments[0].make(1).batch_spec.budget == 11
    settings = EvaluationSettings(resamples=100)
    summary = evaluate(make("random-v0"), suite, settings, name="random").summary
    assert summary["yardstick_kind"].to_list() == ["bound"] * 2
    assert (summary["value"] < summary["yardstick"]).all()
    refused = evaluate(make("thompson-v0"), suite, settings, name="thompson").summary
    assert refused["status"].str.starts_with("unsupported: budget: got 11").all()


@pytest.mark.bad_input
def test_unusable_caseloads_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^caseload\.people: got 0; wanted a whole number, at least 1"):
        drawn(people=0)
    with pytest.raises(ConfigError, match=r"^caseload\.value: got nothing; wanted value for constant"):
        drawn(value={"kind": "constant"})
    with pytest.raises(ConfigError, match=r"^part: got 'train'; wanted tune or test"):
        drawn("train")
    with pytest.raises(SchemaError, match=r"wanted baseline too"):
        person_columns(drawn().drop("baseline"))
    with pytest.raises(ConfigError, match=r"^suite toy\.reach: got 1\.5; wanted a share in \[0, 1\]"):
        CaseloadPlan("toy", seed=1, replicates=1, steps=5, reach=1.5)
