"""The evaluation pipeline: one node a cell, one dataset out of each namespace, and what the library computes."""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner, ThreadRunner
from polars.testing import assert_frame_equal

from onetake.agents import make
from onetake.datasets.suite import SuiteDataset
from onetake.envs.suite import EnvironmentEntry, Suite
from onetake.evaluation import EvaluationSettings, History, PlaySettings, ScoreSettings, run
from onetake.matrix import Matrix, parse_matrix
from onetake.pipelines.evaluation.nodes import play
from onetake.pipelines.evaluation.pipeline import suite_pipeline

pytestmark = pytest.mark.pipelines

AGENTS: dict[str, dict[str, Any]] = {"thompson": {"type": "thompson-v0"}, "second": {"type": "fixed-v0", "action": 1}}
PLAY: dict[str, Any] = {"seed": 5, "curve_points": 4}
SCORE: dict[str, Any] = {"resamples": 100}


def shop(name: str = "shop") -> Suite:
    entry = EnvironmentEntry("hats", "cohort", {"size": 20, "q": [0.2, 0.4]}, entities=3, replicates=4, steps=6)
    return Suite(name, "test", 0, (entry,), incumbent={"action": 0})


def matrix(*suites: str, **play: Any) -> Matrix:
    return parse_matrix({"suites": list(suites)}, AGENTS, {"play": PLAY | play, "score": SCORE})


def pipeline(own: Matrix) -> Pipeline:
    return Pipeline([suite_pipeline(suite, players, own.history) for suite, players in own.cells.items()])


def catalog(folder: Path, root: Path, *suites: str, **played: Any) -> DataCatalog:
    """The catalog of the repository, its files moved to a folder of the test."""
    loader = OmegaConfigLoader(str(root / "conf"), base_env="base", default_run_env="base")
    declared = {name: dict(config) for name, config in loader["catalog"].items() if "{suite}" in name}
    for config in declared.values():
        config["filepath"] = str(folder / config["filepath"])
    own = DataCatalog.from_config(declared)
    for suite in suites:
        own[f"suite_{suite}"] = MemoryDataset(shop(suite))
    own["params:evaluation.play"] = MemoryDataset(PlaySettings(**(PLAY | played)))
    own["params:evaluation.score"] = MemoryDataset(ScoreSettings(**SCORE))
    for name, entry in AGENTS.items():
        own[f"params:agents.{name}"] = MemoryDataset(dict(entry))
    return own


def test_every_cell_is_one_node_and_only_scorecards_and_costs_leave_a_suite() -> None:
    whole = pipeline(matrix("shop", "market"))
    assert {node.name for node in whole.nodes} == {
        f"evaluation.{suite}.{node}"
        for suite in ("shop", "market")
        for node in ("thompson.play", "second.play", "incumbent.play", "score", "join_costs")
    }
    assert whole.outputs() == {f"{kind}_{suite}" for kind in ("scorecard", "costs") for suite in ("shop", "market")}
    assert whole.inputs() == {"suite_shop", "suite_market", "params:evaluation.play", "params:evaluation.score"} | {
        f"params:agents.{a}" for a in AGENTS
    }
    assert {node.namespace.split(".")[0] for node in whole.nodes if node.namespace} == {"evaluation"}


def test_an_agent_node_sees_its_own_parameters_and_holds_its_class() -> None:
    nodes = {node.name: node for node in pipeline(matrix("shop")).nodes}
    node = nodes["evaluation.shop.second.play"]
    assert set(node.inputs) == {"suite_shop", "params:agents.second", "params:evaluation.play"}
    assert isinstance(node.func, partial)
    assert node.func.func is play
    assert node.func.keywords["agent_class"] is type(make("fixed-v0"))
    assert pickle.loads(pickle.dumps(node.func)).keywords["name"] == "second"


def test_the_settings_are_typed_so_that_kedro_checks_them_before_any_node() -> None:
    from kedro.validation.type_extractor import TypeExtractor

    extractor = TypeExtractor({"evaluation": pipeline(matrix("shop"))})
    assert extractor.extract_types_from_pipelines() == {
        "evaluation.play": PlaySettings,
        "evaluation.score": ScoreSettings,
    }


@pytest.mark.parametrize("runner", [SequentialRunner, ThreadRunner])
def test_the_pipeline_gives_what_the_library_gives(tmp_path: Path, root: Path, runner: Any) -> None:
    datasets = catalog(tmp_path, root, "shop")
    runner().run(pipeline(matrix("shop")), datasets)
    card = datasets.load("scorecard_shop")
    agents = {
        name: make(entry["type"], **{key: value for key, value in entry.items() if key != "type"})
        for name, entry in AGENTS.items()
    }
    known = run(agents, [shop()], EvaluationSettings(**PLAY, **SCORE)).scorecard("shop")
    order = ["agent", "environment", "replicate"]
    assert_frame_equal(card["summary"].sort(order), known["summary"].sort(order), check_exact=True)
    for name in ("leaderboard", "differences"):
        assert_frame_equal(card[name], known[name], check_exact=True)
    assert set(datasets.load("costs_shop")["agent"]) == {*AGENTS, "incumbent"}
    files = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.parquet")}
    assert "data/07_model_output/evaluation/shop/thompson/summary.parquet" in files


def test_two_runs_leave_the_same_bytes_but_for_costs(tmp_path: Path, root: Path) -> None:
    for name in ("first", "second"):
        SequentialRunner().run(pipeline(matrix("shop")), catalog(tmp_path / name, root, "shop"))
    files = [p.relative_to(tmp_path / "first") for p in (tmp_path / "first").rglob("*.parquet")]
    stable = [file for file in files if "costs" not in str(file)]
    # Summary and curves of three who played, and the frames of the scorecard.
    assert len(stable) > 6
    for file in stable:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


@pytest.mark.history
def test_histories_are_kept_where_asked_for(tmp_path: Path, root: Path) -> None:
    own = matrix("shop", history=True)
    datasets = catalog(tmp_path, root, "shop", history=True)
    SequentialRunner().run(pipeline(own), datasets)
    history = datasets.load("evaluation.shop.thompson.history")
    assert isinstance(history, History)
    assert len(history.observable()) == 3 * 4 * 7
    assert not datasets.exists("evaluation.shop.incumbent.history")


def test_an_agent_that_does_not_fit_gets_no_rank_and_stops_nothing(tmp_path: Path, root: Path) -> None:
    datasets = catalog(tmp_path, root, "shop")
    datasets["params:agents.second"] = MemoryDataset({"type": "fixed-v0", "action": 7})
    SequentialRunner().run(pipeline(matrix("shop")), datasets)
    board = datasets.load("scorecard_shop")["leaderboard"]
    second = board.row(by_predicate=pl.col("agent") == "second", named=True)
    assert second["rank"] is None
    assert second["status"] == "unsupported: action: got 7; wanted 0 to 1"
    assert board["rank"].to_list()[:2] == [1, 2]


def test_a_suite_comes_back_from_its_dataset_and_is_previewed(tmp_path: Path) -> None:
    dataset = SuiteDataset(filepath=str(tmp_path / "suite"))
    assert not dataset.exists()
    dataset.save(shop())
    assert dataset.load().environments[0].name == "hats"
    assert dataset.preview()["data"][0][:3] == ["hats", "cohort", "3"]
