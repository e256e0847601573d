"""What holds in every decision log, and what it becomes as arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from onetake.errors import SchemaError
from onetake.logs import ContextColumn, ContextEncoding, DecisionLog, LogMeta, check_log, profile, to_arrays
from onetake.logs.origin import Origin
from onetake.logs.schema import DECISIONS, OUTCOMES, TIME

pytestmark = pytest.mark.log_schema

START = datetime(2024, 1, 1, tzinfo=UTC)
HERE = Origin(("decisions.parquet",)), Origin(("outcomes.parquet",))


def sample(size: int = 4) -> DecisionLog:
    times = [START + timedelta(hours=i) for i in range(size)]
    decisions = pl.DataFrame(
        {
            "decision_id": range(size),
            "entity_id": ["a", "b"] * (size // 2),
            "decision_time": pl.Series(times, dtype=TIME),
            "step": range(size),
            "available_actions": [[0, 1, 2]] * size,
            "slot": pl.Series([None] * size, dtype=pl.Int64),
            "action": [i % 3 for i in range(size)],
            "propensity": [0.25] * size,
            "propensity_kind": ["exact"] * size,
            "episode_id": pl.Series([None] * size, dtype=pl.String),
            "policy_id": ["coin"] * size,
            "agent_hash": pl.Series([None] * size, dtype=pl.String),
            "age": [20.0, None, 40.0, 60.0][:size],
            "town": ["x", "y", None, "x"][:size],
        }
    )
    outcomes = pl.DataFrame(
        {
            "decision_id": range(size),
            "outcome_time": pl.Series(times, dtype=TIME),
            "reward": [float(i) for i in range(size)],
            "success": pl.Series([None] * size, dtype=pl.Int64),
            "terminated": [True] * size,
            "truncated": [False] * size,
        }
    )
    context = (
        ContextColumn("age", "number", missing="indicate"),
        ContextColumn("town", "category", ("x", "y"), "indicate"),
    )
    return DecisionLog(decisions, outcomes, LogMeta("made", "randomised", ("p", "q", "r"), "exact", context=context))


def test_a_sound_log_passes_unchanged() -> None:
    log = sample()
    assert check_log(log, *HERE) is log
    assert set(DECISIONS) <= set(log.decisions.columns)
    assert set(OUTCOMES) == set(log.outcomes.columns)


def changed(table: str, change: pl.Expr) -> Callable[[DecisionLog], DecisionLog]:
    def apply(log: DecisionLog) -> DecisionLog:
        frame = getattr(log, table).with_columns(change)
        return replace(log, **{table: frame})

    return apply


SECOND = pl.col("decision_id") == 1
BAD: list[tuple[Callable[[DecisionLog], DecisionLog], str]] = [
    (
        changed("decisions", pl.when(SECOND).then(0).otherwise(pl.col("decision_id")).alias("decision_id")),
        "row 2, column decision_id: got 0",
    ),
    (
        changed("decisions", pl.col("decision_time").reverse()),
        "row 2, column decision_time: .* wanted rows in order of time",
    ),
    (changed("decisions", -pl.col("step")), "row 2, column step: got -1"),
    (
        changed("decisions", pl.when(SECOND).then(3).otherwise(pl.col("action")).alias("action")),
        "row 2, column action: got 3; wanted an index below 3",
    ),
    (
        changed(
            "decisions", pl.when(SECOND).then([0]).otherwise(pl.col("available_actions")).alias("available_actions")
        ),
        "row 2, column action: got 1; wanted one of the available",
    ),
    (
        changed(
            "decisions", pl.when(SECOND).then([1, 5]).otherwise(pl.col("available_actions")).alias("available_actions")
        ),
        "row 2, column available_actions",
    ),
    (
        changed("decisions", pl.lit(2).cast(pl.Int64).alias("slot")),
        "row 1, column slot: got 2; wanted an index below 1",
    ),
    (
        changed("decisions", pl.when(SECOND).then(0.0).otherwise(0.5).alias("propensity")),
        r"row 2, column propensity: got 0\.0; wanted a number in \(0, 1\]",
    ),
    (
        changed("decisions", pl.when(SECOND).then(1.1).otherwise(0.5).alias("propensity")),
        r"row 2, column propensity: got 1\.1",
    ),
    (
        changed("decisions", pl.when(SECOND).then(float("nan")).otherwise(0.5).alias("propensity")),
        "row 2, column propensity: got nan",
    ),
    (changed("decisions", pl.when(~SECOND).then(0.5).alias("propensity")), "row 2, column propensity: got None"),
    (changed("decisions", pl.lit("guessed").alias("propensity_kind")), "row 1, column propensity_kind: got 'guessed'"),
    (
        changed("decisions", pl.lit("none").alias("propensity_kind")),
        r"row 1, column propensity: got 0\.25; wanted no value",
    ),
    (changed("decisions", pl.col("age").fill_null(float("inf"))), "row 2, column age: got inf"),
    (
        changed("decisions", pl.when(~SECOND).then(pl.col("policy_id")).alias("policy_id")),
        "row 2, column policy_id: got None",
    ),
    (changed("decisions", pl.col("action").cast(pl.Int32)), "column action: got Int32; wanted Int64"),
    (lambda log: replace(log, decisions=log.decisions.drop("step")), "wanted column step"),
    (lambda log: replace(log, decisions=log.decisions.drop("town")), "wanted column town"),
    (lambda log: replace(log, decisions=log.decisions.clear()), "got no rows"),
    (lambda log: replace(log, meta=replace(log.meta, assignment="")), "assignment: got ''; wanted one of randomised"),  # type: ignore[arg-type]  # what is refused
    (
        changed("outcomes", pl.when(SECOND).then(float("nan")).otherwise(pl.col("reward")).alias("reward")),
        r"outcomes\.parquet, row 2, column reward: got nan",
    ),
    (
        changed("outcomes", pl.when(SECOND).then(0).otherwise(pl.col("decision_id")).alias("decision_id")),
        "row 2, column decision_id: got 0; wanted one outcome",
    ),
    (
        changed("outcomes", pl.when(SECOND).then(9).otherwise(pl.col("decision_id")).alias("decision_id")),
        "row 2, column decision_id: got 9; wanted the id of a logged",
    ),
    (
        changed("outcomes", pl.col("outcome_time").dt.offset_by("-1s")),
        "row 1, column outcome_time: .*no outcome before its decision",
    ),
]


@pytest.mark.bad_input
@pytest.mark.parametrize(("breaks", "told"), BAD, ids=[told for _, told in BAD])
def test_a_broken_log_is_refused_by_file_row_and_column(
    breaks: Callable[[DecisionLog], DecisionLog], told: str
) -> None:
    with pytest.raises(SchemaError, match=told) as refusal:
        check_log(breaks(sample()), *HERE)
    assert "\n" not in str(refusal.value)


def test_features_are_numbers_then_marks_of_absence_then_levels() -> None:
    log = sample()
    encoding = ContextEncoding.of(log)
    assert encoding.names == ("age", "age_missing", "town=x", "town=y")
    wanted = [[20, 0, 1, 0], [40, 1, 0, 1], [40, 0, 0, 0], [60, 0, 1, 0]]
    np.testing.assert_array_equal(to_arrays(log).context, wanted)


def test_another_log_is_encoded_as_the_first_was() -> None:
    log = sample()
    later = replace(log, decisions=log.decisions.with_columns(age=pl.lit(None, pl.Float64), town=pl.lit("z")))
    context = to_arrays(later, encoding=ContextEncoding.of(log)).context
    np.testing.assert_array_equal(context, [[40, 1, 0, 0]] * 4)


def test_decisions_whose_outcome_has_not_come_are_left_out() -> None:
    log = sample()
    late = replace(log, outcomes=log.outcomes.filter(pl.col("decision_id") != 1))
    arrays = to_arrays(late)
    assert arrays.action.tolist() == [0, 2, 0]
    assert arrays.reward.tolist() == [0.0, 2.0, 3.0]
    with pytest.raises(SchemaError, match="got no decision with an outcome"):
        to_arrays(replace(log, outcomes=log.outcomes.clear()))


def test_rows_that_are_kept_bring_their_outcomes_along() -> None:
    kept = sample().keep(pl.Series([False, True, False, True]))
    assert kept.decisions["decision_id"].to_list() == [1, 3]
    assert kept.outcomes["reward"].to_list() == [1.0, 3.0]


def test_a_profile_has_a_row_for_every_action_even_untried_ones() -> None:
    log = sample()
    only = replace(log, decisions=log.decisions.with_columns(action=pl.lit(0, pl.Int64)))
    shown = profile(only)
    assert shown["decisions"].to_list() == [4, 0, 0]
    assert shown["reward_mean"][0] == 1.5
    # Standard error of 0, 1, 2, 3: sqrt(5/3) / 2.
    assert shown["reward_se"][0] == pytest.approx((5 / 3) ** 0.5 / 2)
    assert shown["label"].to_list() == ["p", "q", "r"]
