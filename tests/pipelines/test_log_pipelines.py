"""Ingestion and off-policy evaluation from raw files to the table that is reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from kedro.config import OmegaConfigLoader
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog, DatasetError
from kedro.runner import SequentialRunner

from onetake.agents import AbstractAgent
from onetake.conf_loader import RunLoader
from onetake.datasets.decision_log import DecisionLogDataset
from onetake.datasets.raw_table import RawTableDataset
from onetake.errors import ConfigError
from onetake.estimators import Thresholds
from onetake.evaluation.off_policy import OffPolicySettings
from onetake.evaluation.off_policy_episodes import EpisodeSettings
from onetake.logs import ColumnMap
from onetake.matrix import read_matrix
from onetake.pipelines import ingestion, off_policy_evaluation

pytestmark = pytest.mark.pipelines

SHIPPED = ("thornton", "open_bandit_random", "open_bandit_bts", "icu_sepsis")
COLUMNS = [
    *("log", "policy", "estimator", "value", "low", "high", "standard_error", "level", "decisions"),
    *("effective_sample_size", "largest_weight", "clipped_share", "overlap", "flags", "refused"),
    *("truth", "truth_error", "truth_source"),
]


def parameters(root: Path) -> dict[str, Any]:
    loader = OmegaConfigLoader(
        str(root / "conf"), env="ci", base_env="base", default_run_env="local", merge_strategy={"parameters": "soft"}
    )
    loaded: dict[str, Any] = loader["parameters"]
    return loaded


def catalog_of(root: Path, data: Path) -> DataCatalog:
    """The catalog of conf with everything that is written under ``data``, and the parameters as nodes get them."""
    loader = OmegaConfigLoader(str(root / "conf"), env="ci", base_env="base", default_run_env="local")
    entries = loader["catalog"]
    for entry in entries.values():
        path = str(entry.get("filepath", ""))
        entry["filepath"] = str(root / path) if path.startswith("data/01_raw") else str(data / path)
    names = ingestion.create_pipeline().datasets() | off_policy_evaluation.create_pipeline().datasets()
    catalog = DataCatalog.from_config({name: entry for name, entry in entries.items() if name in names or "{" in name})
    conf = parameters(root)
    for name, entry in conf["ingestion"].items():
        catalog[f"params:ingestion.{name}"] = ColumnMap.from_mapping(entry)
    for name, entry in conf["agents"].items():
        catalog[f"params:agents.{name}"] = entry
    catalog["params:estimators"] = conf["estimators"]
    catalog["params:off_policy.run"] = OffPolicySettings(**conf["off_policy"]["run"])
    catalog["params:sequential_estimators"] = conf["sequential_estimators"]
    catalog["params:off_policy.episodes"] = EpisodeSettings(**conf["off_policy"]["episodes"])
    catalog["params:off_policy.thresholds"] = Thresholds(**conf["off_policy"]["thresholds"])
    return catalog


@pytest.fixture(scope="module", autouse=True)
def project(root: Path) -> None:
    bootstrap_project(root)


@pytest.fixture(scope="module")
def run(root: Path, tmp_path_factory: pytest.TempPathFactory) -> DataCatalog:
    catalog = catalog_of(root, tmp_path_factory.mktemp("run"))
    SequentialRunner().run(ingestion.create_pipeline(), catalog)
    SequentialRunner().run(off_policy_evaluation.create_pipeline(), catalog)
    return catalog


def test_every_log_is_written_and_profiled(run: DataCatalog) -> None:
    assert [len(run.load(f"{name}_log")) for name in SHIPPED] == [2131, 10_000, 10_000, 37_592]
    profiles = run.load("log_profiles")
    assert profiles.group_by("source", maintain_order=True).len()["len"].to_list() == [5, 80, 80, 25]
    assert profiles["decisions"].sum() == 59_723


def listed() -> set[str]:
    """Agents that play anything."""
    return {player.name for players in read_matrix().cells.values() for player in players}


def test_estimates_stand_in_one_table_with_their_diagnostics(run: DataCatalog, root: Path) -> None:
    table = run.load("off_policy_estimates")
    assert table.columns == COLUMNS
    estimators, agents = parameters(root)["estimators"], listed()
    assert table.filter(pl.col("log") == "thornton").height == (5 + len(agents)) * len(estimators)
    assert table.filter(pl.col("log").str.starts_with("open_bandit")).height == 2 * len(estimators)
    # Two policies of the model, even play, and one that was learnt from the other half.
    sequential = parameters(root)["sequential_estimators"]
    assert table.filter(pl.col("log") == "icu_sepsis").height == 4 * len(sequential)
    usable = table.filter(~pl.col("refused"))
    assert usable.select(pl.col("value", "low", "high", "standard_error").is_finite().all()).row(0) == (True,) * 4
    assert (usable["low"] <= usable["value"]).all()
    assert (usable["value"] <= usable["high"]).all()


def test_estimates_are_near_what_other_rows_say(run: DataCatalog) -> None:
    known = run.load("off_policy_estimates").filter(pl.col("truth").is_not_null() & (pl.col("log") != "icu_sepsis"))
    assert set(known["log"]) == {"thornton", "open_bandit_random", "open_bandit_bts"}
    distance = (known["value"] - known["truth"]).abs()
    error = (known["standard_error"] ** 2 + known["truth_error"] ** 2).sqrt()
    # 28 differences of independent rows: none beyond four standard errors, save once in 500 runs; the data are fixed.
    assert (distance < 4 * error).all()


@pytest.mark.sequential_ope
@pytest.mark.frozen_policy
def test_episodes_are_judged_beside_exact_values_and_refused_where_weights_have_collapsed(run: DataCatalog) -> None:
    table = run.load("off_policy_estimates").filter(pl.col("log") == "icu_sepsis")
    truth = dict(table.select("policy", "truth").unique().iter_rows())
    assert truth["clinicians"] == pytest.approx(0.781844890255691, abs=1e-9)
    assert truth["optimal"] == pytest.approx(0.8751416996099323, abs=1e-9)
    # Learnt from half of the log, better than the clinicians in the true process.
    assert truth["learnt from the log"] > truth["clinicians"]
    near = table.filter((pl.col("policy") == "clinicians") & pl.col("estimator").is_in(["wis", "dr", "wdr"]))
    assert ((near["value"] - near["truth"]).abs() < 4 * near["standard_error"]).all()
    even = table.filter((pl.col("policy") == "uniform") & pl.col("estimator").is_in(["tis", "wis", "pdis", "cwpdis"]))
    assert even["refused"].all()
    assert even["value"].is_null().all()


def test_agents_are_judged_on_rows_that_they_have_not_learnt_from(run: DataCatalog, root: Path) -> None:
    table, log = run.load("off_policy_estimates"), run.load("thornton_log")
    judged = table.filter((pl.col("log") == "thornton") & (pl.col("policy") == "thompson"))["decisions"][0]
    # Half of 2,131 rows, within five standard deviations of a fair coin: 5 * sqrt(2131) / 2 = 115.
    assert abs(judged - len(log) / 2) < 115


def test_an_agent_that_learns_does_better_than_the_draw(run: DataCatalog) -> None:
    table = run.load("off_policy_estimates").filter((pl.col("log") == "thornton") & (pl.col("estimator") == "dr"))
    value = dict(table.select("policy", "value").iter_rows())
    # The best level earns 0.5 more than the uniform draw in the whole log, six standard errors of either half.
    assert value["thompson"] > value["random"] + 0.3


def test_twice_the_same_seed_gives_the_same_bytes(run: DataCatalog, root: Path, tmp_path: Path) -> None:
    again = catalog_of(root, tmp_path)
    SequentialRunner().run(ingestion.create_pipeline(), again)
    SequentialRunner().run(off_policy_evaluation.create_pipeline(), again)
    assert again.load("off_policy_estimates").equals(run.load("off_policy_estimates"))


def test_a_log_in_the_catalog_shows_its_first_decisions(run: DataCatalog) -> None:
    dataset = run.get("thornton_log")
    assert isinstance(dataset, DecisionLogDataset)
    shown = dataset.preview(nrows=3)
    assert shown["index"] == [0, 1, 2]
    assert "propensity" in shown["columns"]
    assert len(shown["data"]) == 3
    raw = run.get("thornton_table")
    assert isinstance(raw, RawTableDataset)
    assert len(raw.preview(nrows=2)["data"]) == 2


def test_a_further_log_needs_conf_and_files_only(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data/01_raw/shop").mkdir(parents=True)
    (tmp_path / "data/01_raw/shop/sales.csv").write_text(
        "arm,came,at\n" + "".join(f"{day % 2},{day % 3 // 2},2024-01-{day:02}\n" for day in range(1, 7))
    )
    column_map = {
        "assignment": "randomised",
        "action": {"column": "arm", "count": 2},
        "reward": {"success": "came"},
        "calendar": {"time": "at"},
    }
    monkeypatch.setattr(RunLoader, "latest", {"parameters": {"ingestion": {"shop": column_map}}})
    monkeypatch.chdir(tmp_path)
    entries = OmegaConfigLoader(str(root / "conf"), base_env="base", default_run_env="base")["catalog"]
    catalog = DataCatalog.from_config({name: entries[name] for name in ("{log}_table", "{log}_log", "log_profiles")})
    catalog["params:ingestion.shop"] = ColumnMap.from_mapping(column_map)
    pipeline = ingestion.create_pipeline()
    assert [node.name for node in pipeline.nodes] == ["ingest_shop", "profile_logs"]
    SequentialRunner().run(pipeline, catalog)
    assert len(catalog.load("shop_log")) == 6
    assert catalog.load("log_profiles")["decisions"].to_list() == [3, 3]


@pytest.mark.bad_params
@pytest.mark.parametrize("given", [None, {}, ["shop"], {"my shop": {}}])
def test_logs_that_cannot_be_named_are_refused(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunLoader, "latest", {"parameters": {"ingestion": given}})
    with pytest.raises(ConfigError, match="ingestion: got"):
        ingestion.create_pipeline()


@pytest.mark.bad_input
def test_raw_data_are_never_written_and_bad_ones_stop_the_run(tmp_path: Path) -> None:
    (tmp_path / "cut.parquet").write_text("cut")
    dataset = RawTableDataset(filepath=str(tmp_path / "cut.parquet"))
    with pytest.raises(DatasetError, match=r"cut\.parquet: got .*; wanted a whole parquet file"):
        dataset.load()
    with pytest.raises(DatasetError, match="wanted raw data to be read only"):
        dataset.save("anything")  # type: ignore[arg-type]  # what is refused


def test_nodes_are_named_for_what_they_do() -> None:
    pipeline = ingestion.create_pipeline() + off_policy_evaluation.create_pipeline()
    verbs = {node.name.split(".")[-1].split("_")[0] for node in pipeline.nodes}
    assert verbs == {"ingest", "profile", "split", "judge", "collect"}


def test_each_agent_learns_in_a_node_that_carries_its_class(root: Path) -> None:
    learners = {
        node.name: node for node in off_policy_evaluation.create_pipeline().nodes if "learning.judge" in node.name
    }
    assert set(learners) == {f"learning.judge_{name}" for name in listed()}
    for node in learners.values():
        assert issubclass(node.func.keywords["agent_class"], AbstractAgent)  # type: ignore[attr-defined]  # a partial
