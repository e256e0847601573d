"""The report of a rehearsal: every part is there, charts and tables say the same, names cannot harm."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from onetake.errors import ConfigError, SchemaError
from onetake.reports import figures, suite_tables, tables
from onetake.reports.document import Document, Table
from onetake.reports.html import render
from onetake.reports.rehearsal import Findings, ReportSettings, rehearsal
from onetake.reports.standings import standings

pytestmark = pytest.mark.report


def drawn(findings: Findings) -> dict[str, Any]:
    return {
        "leaderboard": figures.leaderboard_figure(findings.standings.board),
        "regret": figures.regret_figure(findings.standings.curves),
        "calibration": figures.calibration_figure(findings.fits),
        "off_policy": figures.off_policy_figure(findings.estimates),
    }


def document(findings: Findings) -> Document:
    return rehearsal(findings, drawn(findings), ReportSettings())


def column(table: Table, name: str) -> list[str]:
    index = [head.name for head in table.columns].index(name)
    return [row[index].text for row in table.rows]


def order(table: Table, name: str) -> list[float | str | None]:
    index = [head.name for head in table.columns].index(name)
    return [row[index].order for row in table.rows]


def test_every_part_is_there_in_order(findings: Findings) -> None:
    anchors = [section.anchor for section in document(findings).sections]
    suites = ["suite-truman", "suite-thornton"]
    ends = ["regret", "calibration", "off-policy", "costs", "manifest"]
    assert anchors == ["rehearsed", "leaderboard", *suites, "risk", *ends]


def test_leaderboard_figure_shows_what_its_table_shows(findings: Findings) -> None:
    figure = figures.leaderboard_figure(findings.standings.board)
    for trace, suite in zip(figure.data, findings.standings.suites, strict=True):
        table = suite_tables.leaderboard_table(findings.standings.of(suite))
        scores = dict(zip(column(table, "agent"), order(table, "score"), strict=True))
        # An agent without a score stands in the table with the reason, and not in the chart.
        assert scores.pop("pricer") is None
        assert dict(zip(trace.y, trace.x, strict=True)) == scores
        board = findings.standings.of(suite).board.drop_nulls("score").sort("score")
        lows = [x - below for x, below in zip(trace.x, trace.error_x.arrayminus, strict=True)]
        assert lows == pytest.approx(board["score_low"].to_list(), abs=1e-12)


def test_a_curve_ends_at_the_regret_of_the_table(findings: Findings) -> None:
    figure = figures.regret_figure(findings.standings.of("truman").curves)
    table = suite_tables.regret_table(findings.standings.of("truman"))
    ends = {trace.name: trace.y[-1] for trace in figure.data if trace.name}
    assert ends == pytest.approx(dict(zip(column(table, "agent"), order(table, "regret"), strict=True)))


def test_regret_to_a_bound_is_marked_as_the_most_that_was_lost(findings: Findings) -> None:
    exact = findings.standings.of("truman")
    bound = replace(exact, plays=exact.plays.with_columns(yardstick=pl.lit("bound, exact")))
    assert [table.columns[1].name for table in map(suite_tables.regret_table, (exact, bound))] == ["regret", "regret ≤"]
    assert column(suite_tables.plays_table(bound), "yardstick") == ["≤ bound, exact"]
    nobody = replace(exact, board=exact.board.clear(), plays=exact.plays.clear())
    assert suite_tables.regret_table(nobody).rows == ()


def test_parts_of_regret_add_up_in_the_table(findings: Findings) -> None:
    board = findings.standings.board.drop_nulls("regret")
    parts = board.select(pl.sum_horizontal("cost_of_constraints", "cost_of_not_knowing", "cost_of_exploring"))
    assert parts.to_series().to_list() == pytest.approx(board["regret"].to_list())


def test_an_unsupported_agent_stands_in_the_table_with_its_reason(findings: Findings) -> None:
    table = suite_tables.leaderboard_table(findings.standings.of("truman"))
    shown = dict(zip(column(table, "agent"), column(table, "status"), strict=True))
    assert shown["pricer"] == "unsupported: needs a price ladder"


def test_a_refused_estimate_shows_no_number_anywhere(findings: Findings) -> None:
    table = tables.off_policy_table(findings.estimates)
    refused = findings.estimates["refused"].to_list()
    assert [text == "refused" for text in column(table, "value")] == refused
    assert [key is None for key in order(table, "value")] == refused
    figure = figures.off_policy_figure(findings.estimates)
    points = {name for trace in figure.data if trace.name != "what it really earned" for name in trace.y}
    refused_names = {
        f"{row['policy']} · {row['estimator']}" for row in findings.estimates.filter("refused").iter_rows(named=True)
    }
    assert points & refused_names == set()
    assert {note.y for note in figure.layout.annotations if note.text == "refused"} == refused_names


def test_off_policy_figure_shows_the_values_of_its_table(findings: Findings) -> None:
    own = findings.estimates.filter((pl.col("log") == "thornton") & ~pl.col("refused"))
    table = tables.off_policy_table(own)
    names = [f"{p} · {e}" for p, e in zip(column(table, "policy"), column(table, "estimator"), strict=True)]
    figure = figures.off_policy_figure(own)
    points = {
        y: x
        for trace in figure.data
        if trace.name in ("usable", "with doubts")
        for x, y in zip(trace.x, trace.y, strict=True)
    }
    assert points == dict(zip(names, order(table, "value"), strict=True))


def test_calibration_figure_shows_rates_and_held_out_differences_of_the_record(findings: Findings) -> None:
    figure = figures.calibration_figure(findings.fits)
    held_out = figure.data[0]
    thornton = findings.fits["thornton"]
    wanted = [1000 * each["difference"] for each in thornton["holdout"]["comparisons"]]
    assert [x for x, y in zip(held_out.x, held_out.y, strict=True) if y.startswith("thornton")] == wanted
    fitted = next(trace for trace in figure.data if trace.name == "fitted")
    assert list(fitted.y) == [arm["rate"] for arm in thornton["arms"]]


def test_a_total_lies_at_one_when_it_is_at_the_end_of_its_interval() -> None:
    part = {"what": "reward", "logged": 110.0, "low": 90.0, "high": 110.0, "simulated": 100.0, "inside": True}
    scatter = part | {"what": "scatter", "logged": 100.0}
    points = figures.replayed_points({"log": {"replay": {"parts": [part], "scatter": scatter}}})
    assert points["value"].to_list() == [1.0, 0.0]


def test_a_refused_fit_says_so_and_its_marks_stand_with_its_suite(findings: Findings) -> None:
    observed = dict(findings.fits)
    observed["thornton"] = {**observed["thornton"], "marks": ["observational: arms may have followed the demand"]}
    page = document(replace(findings, fits=observed))
    texts = {section.anchor: [getattr(block, "text", "") for block in section.blocks] for section in page.sections}
    assert "observational: arms may have followed the demand" in texts["suite-thornton"]
    assert "Refused: differences: no difference between arms can be seen" in texts["calibration"]


def test_hostile_names_stay_text(hostile_findings: Findings) -> None:
    page = render(document(hostile_findings))
    assert "<b onclick" not in page
    assert not re.search(r"<script>alert", page)
    # Plotly reads HTML in labels, so names reach it escaped.
    figure = figures.leaderboard_figure(hostile_findings.standings.board)
    assert not any("<" in name for trace in figure.data for name in trace.y)


def test_the_same_findings_give_the_same_bytes(findings: Findings) -> None:
    assert render(document(findings)) == render(document(findings))


def test_one_suite_and_one_replicate_have_no_interval_and_still_a_report(findings: Findings) -> None:
    lone = findings.standings.of("thornton")
    without = lone.curves.with_columns(regret_low=pl.lit(None, pl.Float64), regret_high=pl.lit(None, pl.Float64))
    figure = figures.regret_figure(without)
    assert all(len(trace.x) == 0 for trace in figure.data if not trace.name)


def test_missing_columns_figures_and_records_are_refused_by_name(findings: Findings) -> None:
    with pytest.raises(SchemaError, match=r"^off-policy estimates: got no column refused"):
        figures.off_policy_figure(findings.estimates.drop("refused"))
    with pytest.raises(SchemaError, match=r"^off-policy estimates: got no column overlap"):
        tables.off_policy_table(findings.estimates.drop("overlap"))
    with pytest.raises(SchemaError, match=r"^scorecard truman: got no key leaderboard, summary, curves, differences"):
        standings({"truman": {}})
    three = {name: figure for name, figure in drawn(findings).items() if name != "off_policy"}
    with pytest.raises(SchemaError, match=r"^figures: got no key off_policy"):
        rehearsal(findings, three, ReportSettings())
    unchecked = {key: value for key, value in findings.fits["thornton"].items() if key != "replay"}
    with pytest.raises(SchemaError, match=r"^fit thornton: got no key replay"):
        figures.calibration_figure({"thornton": unchecked})


def test_a_title_that_is_not_text_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"reporting.title: got 7; wanted text"):
        ReportSettings(title=7)  # type: ignore[arg-type]  # what a wrong conf would give
