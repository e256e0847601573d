"""Bad conf and bad data of a whole project: one line, exit code 2, no traceback, nothing half written."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from click.testing import CliRunner

from onetake.cli import run

pytestmark = pytest.mark.bad_input

HATS = {"name": "hats", "family": "cohort", "config": {"size": 200, "q": [0.2, 0.3]}, "entities": 4, "steps": 12}
MAP = {
    "assignment": "randomised",
    "action": {"column": "offer", "values": ["none", "card"]},
    "reward": {"column": "paid"},
    "propensity": {"method": "column", "column": "chance"},
    "calendar": {"time": "day", "zone": "UTC", "period": "1d"},
}
SHOP = """day,offer,paid,chance
2024-01-01,none,0,0.5
2024-01-02,card,3,0.5
2024-01-03,none,1,0.5
2024-01-04,card,2,0.5
"""
NODE = " (in node ingest_shop)"


def suite(plan: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    own = {"name": "shops", "seed": 5, "replicates": 8, "environments": [HATS | changes]}
    return {"suites": {"shops": own | (plan or {})}}


def raw(folder: Path) -> Path:
    """A place for the files of a log `shop`, in raw data of the project's own."""
    (folder / "data/01_raw").unlink()
    (folder / "data/01_raw/shop").mkdir(parents=True)
    return folder / "data/01_raw/shop"


def made(folder: Path) -> dict[str, int]:
    """Every file that a run has left, hidden ones too, with the time of its last change."""
    files = (path for path in (folder / "data").rglob("*") if path.is_file())
    return {str(path): path.stat().st_mtime_ns for path in files}


def refused(folder: Path, conf: dict[str, Any], *arguments: str) -> str:
    """The one line of a run with more conf over it, that left everything as it was."""
    from kedro.framework.startup import bootstrap_project

    own = folder / "conf/local/parameters/own.yml"
    text = own.read_text()
    known = yaml.safe_load(text)
    own.write_text(yaml.safe_dump(known | {name: known.get(name, {}) | part for name, part in conf.items()}))
    before = made(folder)
    bootstrap_project(folder)
    result = CliRunner().invoke(run, arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert made(folder) == before
    own.write_text(text)
    (line,) = result.stderr.splitlines()
    return line.removeprefix("onetake: ")


@pytest.mark.bad_params
@pytest.mark.registry
def test_an_agent_that_cannot_be_is_named_with_the_nearest(project: Path) -> None:
    line = refused(project, {"agents": {"second": {"type": "thompsn-v0"}}})
    assert line.startswith("agents.second: agent id: got 'thompsn-v0'; nearest: thompson-v0")
    line = refused(project, {"agents": {"third": {"type": "epsilon_greedy-v0", "epsilonn": 0.1}}})
    assert (
        line == "agents.third.epsilonn: got a setting that EpsilonGreedy has not; wanted one of epsilon, floor, pooling"
    )
    line = refused(project, {"agents": {"third": {"type": "epsilon_greedy-v0", "epsilon": float("nan")}}})
    assert line == "agents.third.epsilon: got nan; wanted a number in [0, 1]"


@pytest.mark.bad_params
def test_unknown_and_ill_typed_keys_of_the_evaluation_are_named_before_any_node(project: Path) -> None:
    wanted = "wanted one of curve_points, history, max_environments, max_steps, seed, track_fixed"
    assert refused(project, {"evaluation": {"play": {"sede": 1}}}) == f"evaluation.play: got the key 'sede'; {wanted}"
    line = refused(project, {}, "--params", "evaluation.score.level=high")
    assert line == "evaluation.score.level: got 'high'; wanted a number between 0 and 1"


@pytest.mark.bad_params
def test_an_environment_that_cannot_be_is_named_by_suite_and_field(project: Path) -> None:
    place = "parameter suites.shops: suite shops, environment hats"
    assert refused(project, suite(family="cohrt")).startswith(f"{place}: unknown family 'cohrt'; known: bandit, ")
    assert refused(project, suite(config={"q": [0.2, 1.3]})) == f"{place}: cohort.q: got 1.3; wanted a chance in [0, 1]"
    line = refused(project, suite(config={"q": [0.2, float("nan")]}))
    assert line == f"{place}: cohort.q[1]: got nan; wanted a finite number"
    line = refused(project, suite({"replicates": 0}))
    assert line.startswith("parameter suites.shops: suite shops.replicates: got 0; wanted a whole number, at least 1")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("chance", "chanse", ": got columns day, offer, paid, chanse; wanted column chance"),
        ("card,3,0.5", "card,3,0", ", row 2, column chance: got 0.0; wanted a number in (0, 1]"),
        ("card,3", "cart,3", ", row 2, column offer: got 'cart'; wanted a known action: none, card"),
        ("card,3", "card,nan", ", row 2, column paid: got 'nan'; wanted a finite number"),
        ("2024-01-03", "soon", ", row 3, column day: got 'soon'; wanted a time"),
    ],
)
def test_a_log_is_refused_by_file_row_and_column(project: Path, old: str, new: str, line: str) -> None:
    place = raw(project)
    (place / "shop.csv").write_text(SHOP.replace(old, new, 1))
    told = refused(project, {"ingestion": {"shop": MAP}}, "--nodes", "ingest_shop")
    assert told.removeprefix(f"{project}/").startswith(f"data/01_raw/shop/shop.csv{line}")
    assert told.endswith(NODE)


def test_a_log_without_declared_assignment_is_refused_before_it_is_read(project: Path) -> None:
    own = {name: value for name, value in MAP.items() if name != "assignment"}
    line = refused(project, {"ingestion": {"shop": own}}, "--nodes", "ingest_shop")
    assert "assignment" in line
    assert "wanted" in line


@pytest.mark.parametrize("kind", ["foreign", "truncated"])
def test_a_parquet_file_that_is_none_is_refused(project: Path, kind: str) -> None:
    place = raw(project)
    whole = io.BytesIO()
    pl.read_csv(io.StringIO(SHOP)).write_parquet(whole)
    content = b"PAR1 is how such files begin" if kind == "foreign" else whole.getvalue()[: len(whole.getvalue()) // 2]
    (place / "shop.parquet").write_bytes(content)
    line = refused(project, {"ingestion": {"shop": MAP}}, "--nodes", "ingest_shop")
    assert line.removeprefix(f"{project}/").startswith("data/01_raw/shop/shop.parquet: got ")
    assert line.endswith("; wanted a whole parquet file")


def test_a_place_that_cannot_be_written_is_refused_and_the_rest_stays(project: Path) -> None:
    place = project / "data/07_model_output/scorecards"
    place.rename(place.with_name("old"))
    place.write_text("a file where a folder should be")
    line = refused(project, {}, "--pipelines", "evaluation", "--params", "evaluation.score.resamples=300")
    assert "data/07_model_output/scorecards" in line
    assert "wanted a" in line


@pytest.mark.cached_nodes
def test_what_only_scores_plays_nothing_again(project: Path) -> None:
    from kedro.framework.startup import bootstrap_project

    words = {}
    for level in ("0.95", "0.9"):
        bootstrap_project(project)
        result = CliRunner().invoke(run, ["--pipelines", "evaluation", "--params", f"evaluation.score.level={level}"])
        assert result.exit_code == 0, result.output
        words[level] = result.stdout.splitlines()[:2]
    assert words["0.95"][0] == "6 nodes to run, 0 up to date"
    assert words["0.9"][0] == "1 nodes to run, 5 up to date"
    assert words["0.9"][1].startswith("[1/1] evaluation.shops.score (")
