"""`onetake gate` and `onetake promote` on a project that was played."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

pytestmark = pytest.mark.gate_exit

Cli = Callable[..., Result]
VERDICT = "data/08_reporting/gate.json"
INCUMBENT = "data/06_models/incumbent.json"


def read(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text())
    return found


def test_a_better_agent_passes_with_zero_and_its_reason_in_one_line(project: Path, onetake: Cli) -> None:
    # The suite's own incumbent is the best arm of its tune part, and `second` plays just that.
    result = onetake("gate", "--agent", "second")
    assert result.exit_code == 0
    assert result.output == "pass: second: shops: earns what the incumbent earns, unit for unit\n"
    verdict = read(VERDICT)
    assert (verdict["verdict"], verdict["incumbent"], verdict["night"]) == ("pass", "named by the suites", 1)


def test_a_worse_agent_fails_with_one_and_says_by_how_much(project: Path, onetake: Cli) -> None:
    result = onetake("gate", "-a", "first", "-s", "shops")
    assert result.exit_code == 1
    assert result.output.startswith("worse: first: shops: loses more than 0.50%: -33.")
    assert result.output.count("\n") == 1
    (suite,) = read(VERDICT)["suites"]
    # 0.2 instead of 0.3.
    assert suite["difference"] == pytest.approx(-1 / 3, abs=1e-9)


def test_too_wide_an_interval_is_undecided_with_three(project: Path, onetake: Cli) -> None:
    result = onetake("gate", "-a", "thompson", "--margin", "0.03", "--error", "0.0001")
    assert result.exit_code == 3
    assert result.output.startswith("undecided: thompson: shops: cannot tell whether it loses more than 3.00%")


def test_a_promoted_agent_is_what_others_are_held_against(project: Path, onetake: Cli) -> None:
    said = onetake("promote", "--agent", "first")
    assert (said.exit_code, said.output) == (0, f"first is the incumbent of shops ({INCUMBENT})\n")
    assert read(INCUMBENT)["entry"] == {"type": "fixed-v0", "action": 0}
    assert onetake("gate", "-a", "first").exit_code == 0
    better = onetake("gate", "-a", "thompson")
    assert better.exit_code == 0
    assert read(VERDICT)["incumbent"] == "first"


def test_a_night_on_which_nothing_changed_spends_nothing_and_a_promotion_begins_a_season(
    project: Path, onetake: Cli
) -> None:
    for _ in range(2):
        onetake("gate", "-a", "first")
        assert read(VERDICT)["night"] == 1
    onetake("promote", "-a", "second")
    onetake("gate", "-a", "first")
    assert read(VERDICT)["night"] == 1
    changed = read(INCUMBENT)
    # Another night: the agent earned something else.
    frame = project / "data/07_model_output/scorecards/shops/summary.parquet"
    import polars as pl

    summary = pl.read_parquet(frame)
    summary.with_columns(
        value=pl.when(pl.col("agent") == "first").then(pl.col("value") - 1).otherwise("value")
    ).write_parquet(frame)
    onetake("gate", "-a", "first")
    verdict = read(VERDICT)
    assert (verdict["night"], verdict["error_of_night"]) == (2, pytest.approx(0.05 / 30))
    assert read(INCUMBENT) == changed


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("seed", 1, "the incumbent played under seed 1, this run under 20260601"),
        ("world", "0" * 32, "the incumbent played another matrix: this suite has changed since"),
        (
            "witness",
            "0" * 32,
            "the world has changed: what the suite itself names as incumbent earned something else then",
        ),
    ],
)
def test_an_incumbent_of_another_world_is_undecided_and_never_passes(
    project: Path, onetake: Cli, key: str, value: Any, why: str
) -> None:
    from onetake.evaluation.promotion import record_digest

    onetake("promote", "-a", "thompson")
    record = read(INCUMBENT)
    record["suites"]["shops"][key] = value
    Path(INCUMBENT).write_text(json.dumps(record | {"digest": record_digest(record)}))
    result = onetake("gate", "-a", "thompson")
    assert (result.exit_code, result.output) == (3, f"undecided: thompson: shops: {why}\n")


@pytest.mark.bad_input
def test_bad_input_ends_with_two_and_one_line(project: Path, onetake: Cli) -> None:
    Path("cut.json").write_text('{"version": 1, "suites"')
    Path("other.json").write_text('{"version": 7}')
    onetake("promote", "-a", "thompson")
    record = read(INCUMBENT)
    record["suites"]["shops"]["rows"]["value"][0] += 1
    Path("changed.json").write_text(json.dumps(record))
    for words, line in {
        ("gate", "-a", "tompson"): "agent: got 'tompson', which played no suite; nearest: thompson, second",
        ("gate", "-a", "first", "-s", "hats"): "suite: got 'hats', not in the matrix; nearest: shops",
        ("gate", "-a", "first", "--margin", "2"): "gate.margin: got 2.0; wanted a share in [0, 1)",
        (
            "gate",
            "-a",
            "first",
            "--incumbent",
            "none.json",
        ): "none.json: got no such file; wanted the record of an incumbent",
        ("gate", "-a", "first", "--incumbent", "other.json"): "other.json: got version 7; wanted 1 with suites",
        ("gate", "-a", "first", "--incumbent", "changed.json"): (
            "changed.json: got a record that was changed; wanted the one that was promoted"
        ),
        ("promote", "-a", "tompson"): (
            "agent: got 'tompson', which conf does not name; nearest: thompson, price_thompson, paced_thompson"
        ),
    }.items():
        result = onetake(*words)
        assert (result.stderr, result.exit_code) == (f"onetake: {line}\n", 2)
    cut = onetake("gate", "-a", "first", "--incumbent", "cut.json")
    assert cut.exit_code == 2
    assert cut.stderr.startswith("onetake: cut.json: got no JSON (")


@pytest.mark.bad_input
def test_a_suite_that_was_not_played_yet_says_so(project: Path, onetake: Cli) -> None:
    import shutil

    shutil.rmtree(project / "data/07_model_output/scorecards")
    result = onetake("gate", "-a", "first")
    assert (result.stderr, result.exit_code) == (
        "onetake: scorecard_shops: got nothing yet; wanted what `kedro run` leaves\n",
        2,
    )
