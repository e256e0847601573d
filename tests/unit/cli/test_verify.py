"""`onetake verify` derives a report anew and tells a single changed byte."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result

pytestmark = pytest.mark.verify

Cli = Callable[..., Result]
REPORT = Path("data/08_reporting/report.html")


def change(old: str, new: str) -> None:
    text = REPORT.read_text()
    assert old in text
    REPORT.write_text(text.replace(old, new, 1))


def test_a_report_is_derived_anew_with_the_same_bytes(project: Path, onetake: Cli) -> None:
    result = onetake("verify", REPORT)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    # One cell was played again, its suite scored, and every figure made of that.
    assert re.fullmatch(r"same     evaluation\.shops\.(thompson|second|first|incumbent)\.summary", lines[0])
    assert {"same     scorecard_shops", "same     figure leaderboard", "same     section suite-shops"} <= set(lines)
    assert lines[-1] == f"verified: {REPORT}"


def test_a_figure_that_was_tampered_with_fails_and_is_named(project: Path, onetake: Cli) -> None:
    found = re.search(r'id="figure-leaderboard">.*?(\d\.\d{6})', REPORT.read_text(), re.DOTALL)
    assert found is not None
    change(found[1], f"{float(found[1]) + 1e-5:.6f}")
    result = onetake("verify", REPORT, "--cell", "none")
    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == "differs: figure leaderboard"


def test_a_word_or_number_of_a_table_that_was_tampered_with_fails(project: Path, onetake: Cli) -> None:
    change(">first<", ">First<")
    result = onetake("verify", REPORT, "--cell", "none")
    assert (result.exit_code, result.output.splitlines()[-1]) == (1, "differs: section suite-shops")


def test_results_on_disk_that_were_tampered_with_fail_when_their_cell_is_played_again(
    project: Path, onetake: Cli
) -> None:
    place = project / "data/07_model_output/evaluation/shops/thompson/summary.parquet"
    frame = pl.read_parquet(place)
    frame.with_columns(value=pl.col("value") * 1.001).write_parquet(place)
    result = onetake("verify", REPORT, "--cell", "shops.thompson")
    assert result.exit_code == 1
    assert "DIFFERS  evaluation.shops.thompson.summary" in result.output


@pytest.mark.bad_input
def test_a_report_whose_manifest_no_longer_matches_is_refused(project: Path, onetake: Cli) -> None:
    settings = project / "conf/base/parameters/evaluation.yml"
    settings.write_text(settings.read_text().replace("level: 0.95", "level: 0.9"))
    result = onetake("verify", REPORT, "--cell", "none")
    assert result.exit_code == 2
    assert re.fullmatch(
        rf"onetake: {REPORT}: manifest no longer matches: settings evaluation: "
        r"got [0-9a-f]{16}; wanted [0-9a-f]{16}, which this project has now\n",
        result.stderr,
    )


@pytest.mark.bad_input
def test_what_is_no_report_is_refused(project: Path, onetake: Cli) -> None:
    Path("page.html").write_text("<html></html>")
    for words, line in {
        ("none.html",): "none.html: got no such file; wanted a report",
        ("page.html",): "page.html: got a page without a manifest; wanted a report",
        (str(REPORT), "--cell", "shops.ucb9"): (
            "cell: got 'shops.ucb9', which was not played; nearest: shops.first, shops.second, shops.thompson"
        ),
    }.items():
        result = onetake("verify", *words)
        assert result.exit_code == 2
        assert result.stderr.startswith(f"onetake: {line[:60]}")
