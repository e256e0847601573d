"""The environments pipeline on the tiny configuration, from raw files to suites."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog
from kedro.runner import SequentialRunner

from onetake.calibration.fitted_suite import FittedPlan
from onetake.calibration.settings import FitSettings
from onetake.envs.caseload import Caseload, CaseloadPlan
from onetake.envs.catalogue import Catalogue, CataloguePlan
from onetake.envs.clinic import ClinicPlan
from onetake.envs.departures import DeparturePlan, Departures
from onetake.envs.population import Population
from onetake.envs.suite import Suite
from onetake.envs.suite_plans import PopulationPlan, RegisteredPlan
from onetake.logs import ColumnMap
from onetake.pipelines import environments, ingestion

pytestmark = [pytest.mark.pipelines, pytest.mark.calibration]

SUITES = (
    "truman",
    "population",
    "population_tune",
    "pricing",
    "pricing_tune",
    "outreach",
    "outreach_tune",
    "thornton",
    "thornton_tune",
    "travel",
    "travel_tune",
    "clinic",
    "clinic_tune",
)


def run_into(root: Path, data: Path) -> dict[str, bytes]:
    """Run the pipeline with everything that is written under ``data``; the files that it left."""
    loader = OmegaConfigLoader(
        str(root / "conf"), env="ci", base_env="base", default_run_env="local", merge_strategy={"parameters": "soft"}
    )
    conf: dict[str, Any] = loader["parameters"]
    entries = loader["catalog"]
    for entry in entries.values():
        path = str(entry.get("filepath", ""))
        entry["filepath"] = str(root / path) if path.startswith("data/01_raw") else str(data / path)
    pipeline = ingestion.create_pipeline() + environments.create_pipeline()
    wanted = pipeline.datasets() | {"suite_{name}"}
    catalog = DataCatalog.from_config({name: entry for name, entry in entries.items() if name in wanted})
    for name, entry in conf["ingestion"].items():
        catalog[f"params:ingestion.{name}"] = ColumnMap.from_mapping(entry)
    for name, entry in conf["calibration"].items():
        catalog[f"params:calibration.{name}"] = FitSettings(**entry)
    catalog["params:population"] = Population(**conf["population"])
    catalog["params:catalogue"] = Catalogue(**conf["catalogue"])
    catalog["params:suites.pricing"] = CataloguePlan(**conf["suites"]["pricing"])
    catalog["params:caseload"] = Caseload(**conf["caseload"])
    catalog["params:suites.outreach"] = CaseloadPlan(**conf["suites"]["outreach"])
    catalog["params:suites.truman"] = RegisteredPlan(**conf["suites"]["truman"])
    catalog["params:suites.population"] = PopulationPlan(**conf["suites"]["population"])
    catalog["params:departures"] = Departures(**conf["departures"])
    catalog["params:suites.travel"] = DeparturePlan(**conf["suites"]["travel"])
    catalog["params:suites.clinic"] = ClinicPlan(**conf["suites"]["clinic"])
    catalog["params:suites.thornton"] = FittedPlan(**conf["suites"]["thornton"])
    SequentialRunner().run(pipeline.only_nodes_with_outputs(*wanted_outputs(pipeline)), catalog)
    return {str(file.relative_to(data)): file.read_bytes() for file in sorted(data.rglob("*")) if file.is_file()}


def wanted_outputs(pipeline: Any) -> set[str]:
    return {name for name in pipeline.all_outputs() if name != "log_profiles"}


@pytest.fixture(scope="module")
def made(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environments")
    run_into(root, folder)
    return folder


def test_every_suite_can_be_played(made: Path) -> None:
    for name in SUITES:
        suite = Suite.load(made / f"data/05_model_input/suites/{name}")
        assert suite.part == ("tune" if name.endswith("_tune") else "test")
        assert suite.incumbent is not None
        for entry in suite.environments:
            env = entry.make(seed=1, replicates=1)
            env.reset(seed=1)
            assert env.expected_reward().shape[0] == entry.entities


def test_thornton_is_fitted_and_open_bandit_shows_no_difference(made: Path) -> None:
    thornton = json.loads((made / "data/06_models/thornton_fit.json").read_text())
    assert thornton["refused"] == []
    assert thornton["arms"][0]["label"] == "none"
    open_bandit = json.loads((made / "data/06_models/open_bandit_fit.json").read_text())
    assert open_bandit["verdict"].startswith("no difference between arms can be seen (p = ")
    assert open_bandit["refused"]


def test_population_parts_are_tables_of_cohorts(made: Path) -> None:
    folder = made / "data/03_primary"
    tune, test = (pl.read_parquet(folder / f"population_cohorts_{part}.parquet") for part in ("tune", "test"))
    assert tune.columns == test.columns == ["cohort", "size", *(f"{rate}_{arm}" for rate in "pq" for arm in range(3))]
    assert set(tune["q_0"].to_list()).isdisjoint(test["q_0"].to_list())


def test_the_same_run_leaves_the_same_bytes(root: Path, made: Path, tmp_path: Path) -> None:
    again = run_into(root, tmp_path)
    kept = [name for name in again if "05_model_input" in name or "06_models" in name or "03_primary" in name]
    assert kept
    assert [name for name in kept if (made / name).read_bytes() != again[name]] == []
