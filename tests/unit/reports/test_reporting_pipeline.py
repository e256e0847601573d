"""The reporting pipeline: from what the others leave to files that open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kedro.framework.project import configure_project
from kedro.io import DataCatalog
from kedro.runner import SequentialRunner
from kedro_datasets.plotly import JSONDataset

from onetake.datasets.html import HTMLDataset
from onetake.evaluation import EvaluationSettings
from onetake.reports.rehearsal import ReportSettings

pytestmark = pytest.mark.report

FIGURES = ("leaderboard_figure", "regret_figure", "calibration_figure", "off_policy_figure")


def run(found: dict[str, Any], folder: Path) -> None:
    configure_project("onetake")
    from onetake.pipelines.reporting.pipeline import SETTINGS, create_pipeline

    catalog = DataCatalog({name: JSONDataset(filepath=str(folder / f"{name}.json")) for name in FIGURES})
    catalog["report"] = HTMLDataset(filepath=folder / "report.html")
    settings: dict[str, Any] = {
        "params:reporting": ReportSettings(title="Tonight"),
        "params:evaluation": EvaluationSettings(seed=7),
    }
    settings |= {f"params:{name}": {} for name in (*SETTINGS, "multi_agent") if name != "evaluation"}
    for name, data in {**found, **settings}.items():
        catalog[name] = data
    SequentialRunner().run(create_pipeline(), catalog)


def test_the_pipeline_leaves_a_page_and_the_same_charts_beside_it(
    found: dict[str, Any], tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    run(found, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "<h1>Tonight</h1>" in page
    assert "bandits in duopoly" in page
    for name in FIGURES:
        own = json.loads((tmp_path / f"{name}.json").read_text())
        start = page.index(f'id="figure-{name.removesuffix("_figure")}">')
        text = page[page.index(">", start) + 1 : page.index("</script>", start)]
        assert json.loads(text)["data"] == own["data"]


def test_the_same_findings_leave_the_same_files(
    found: dict[str, Any], tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    for folder in ("one", "two"):
        run(found, tmp_path / folder)
    for name in [f"{figure}.json" for figure in FIGURES] + ["report.html"]:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_every_suite_of_the_matrix_is_reported(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    configure_project("onetake")
    from onetake.matrix import read_matrix
    from onetake.pipelines.reporting import create_pipeline

    suites = list(read_matrix().cells)
    assert {f"{kind}_{suite}" for suite in suites for kind in ("scorecard", "costs")} <= create_pipeline().inputs()
