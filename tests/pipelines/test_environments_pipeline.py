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
from onetake.conf_loader import RunLoader
from onetake.envs.caseload import Caseload, CaseloadPlan
from onetake.envs.catalogue import Catalogue, CataloguePlan
from onetake.envs.clinic import ClinicPlan
from onetake.envs.departures import DeparturePlan, Departures
from onetake.envs.population import Population
from onetake.envs.suite import Suite
from onetake.envs.suite_plans import DescribedPlan, PopulationPlan, RegisteredPlan
from onetake.errors import ConfigError, OnetakeError
from onetake.logs import ColumnMap
from onetake.pipelines import environments, ingestion
from onetake.pipelines.environments.nodes import make_described_suite

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
    "drift",
    "cold_start",
    "cold_start_tune",
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
    catalog["params:suites.travel_linear"] = DeparturePlan(**conf["suites"]["travel_linear"])
    catalog["params:suites.clinic"] = ClinicPlan(**conf["suites"]["clinic"])
    catalog["params:suites.drift"] = DescribedPlan(**conf["suites"]["drift"])
    catalog["params:suites.cold_start"] = PopulationPlan(**conf["suites"]["cold_start"])
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
        suite = Suite.load(made / f"build/ci/05_model_input/suites/{name}")
        assert suite.part == ("tune" if name.endswith("_tune") else "test")
        assert suite.incumbent is not None
        for entry in suite.environments:
            env = entry.make(seed=1, replicates=1)
            env.reset(seed=1)
            assert env.expected_reward().shape[0] == entry.entities


def test_thornton_is_fitted_and_open_bandit_shows_no_difference(made: Path) -> None:
    thornton = json.loads((made / "build/ci/06_models/thornton_fit.json").read_text())
    assert thornton["refused"] == []
    assert thornton["arms"][0]["label"] == "none"
    open_bandit = json.loads((made / "build/ci/06_models/open_bandit_fit.json").read_text())
    assert open_bandit["verdict"].startswith("no difference between arms can be seen (p = ")
    assert open_bandit["refused"]


def test_population_parts_are_tables_of_cohorts(made: Path) -> None:
    folder = made / "build/ci/03_primary"
    tune, test = (pl.read_parquet(folder / f"population_cohorts_{part}.parquet") for part in ("tune", "test"))
    assert tune.columns == test.columns == ["cohort", "size", *(f"{rate}_{arm}" for rate in "pq" for arm in range(3))]
    assert set(tune["q_0"].to_list()).isdisjoint(test["q_0"].to_list())


def test_the_same_run_leaves_the_same_bytes(root: Path, made: Path, tmp_path: Path) -> None:
    again = run_into(root, tmp_path)
    kept = [name for name in again if "05_model_input" in name or "06_models" in name or "03_primary" in name]
    assert kept
    assert [name for name in kept if (made / name).read_bytes() != again[name]] == []


def nodes_of(monkeypatch: pytest.MonkeyPatch, suites: object) -> dict[str, list[str]]:
    conf = {"calibration": {"shop": {"seed": 1}}, "suites": suites}
    monkeypatch.setattr(RunLoader, "latest", {"parameters": conf})
    return {node.name: node.outputs for node in environments.create_pipeline().nodes}


def test_a_suite_of_ones_own_needs_conf_only(monkeypatch: pytest.MonkeyPatch) -> None:
    suites = {
        "mine": {"name": "mine", "seed": 1, "replicates": 2, "ids": ["onetake/Bandit-v0"]},
        "sizes": {"name": "sizes", "seed": 1, "replicates": 2, "environments": []},
        "weeks": {"seed": 1, "steps": 7, "scale": [1.0], "labels": ["one"]},
        "prices": {"name": "prices", "seed": 1, "settings": {"ladder": [1.0]}},
        "calls": {"name": "calls", "seed": 1, "reach": 0.1, "settings": {}},
        "seats": {"name": "seats", "seed": 1, "prices": [1.0]},
        "ward": {"name": "ward", "seed": 1, "patients": 3},
        "shop": {"seed": 1, "steps": 9},
    }
    found = nodes_of(monkeypatch, suites)
    assert found.pop("fit_open_bandit") == ["open_bandit_fit"]
    assert found.pop("generate_population") == ["population_cohorts_tune", "population_cohorts_test"]
    for table in ("catalogue", "caseload", "departures"):
        assert found.pop(f"generate_{table}") == [f"{table}_tune", f"{table}_test"]
    assert found == {
        "make_suite_mine": ["suite_mine"],
        "make_suite_sizes": ["suite_sizes"],
        "make_suite_weeks": ["suite_weeks_tune", "suite_weeks"],
        "make_suite_prices": ["suite_prices_tune", "suite_prices"],
        "make_suite_calls": ["suite_calls_tune", "suite_calls"],
        "make_suite_seats": ["suite_seats_tune", "suite_seats"],
        "make_suite_ward": ["suite_ward_tune", "suite_ward"],
        "fit_shop": ["shop_fit", "shop_parameter_draws"],
        "make_suite_shop": ["suite_shop_tune", "suite_shop"],
    }


@pytest.mark.bad_params
@pytest.mark.parametrize(
    ("plan", "got"),
    [
        ({"seed": 1, "steps": 9}, "seed, steps"),
        ({"ids": [], "scale": []}, "ids, scale"),
        ({}, "{}"),
        ("x", "'x'"),
        (None, "None"),
    ],
)
def test_a_plan_of_no_kind_is_refused(plan: object, got: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=f"suites.mine: got {got}; wanted one of ids, environments, scale"):
        nodes_of(monkeypatch, {"mine": plan})


def test_environments_described_in_conf_are_played() -> None:
    hats = {"name": "hats", "family": "cohort", "config": {"q": [0.2, 0.4]}, "entities": 50, "steps": 10}
    suite = make_described_suite(DescribedPlan("shop", 1, 3, [hats, {"name": "coin", "family": "bandit"}]))
    assert [(entry.name, entry.entities, entry.replicates) for entry in suite.environments] == [
        ("hats", 50, 3),
        ("coin", 1, 3),
    ]
    assert suite.incumbent is not None


@pytest.mark.bad_params
@pytest.mark.parametrize(
    "environments",
    [
        [],
        "hats",
        ["hats"],
        [{"name": "hats"}],
        [{"name": "hats", "family": "cohrt"}],
        [{"name": "hats", "family": "cohort", "config": {"modifiers": [{"kind": "seazon"}]}}],
        [{"name": "hats", "family": "cohort", "stepz": 3}],
        [{"name": "hats", "family": "cohort", "steps": 0}],
    ],
)
def test_descriptions_that_nothing_can_be_made_of_are_refused(environments: Any) -> None:
    with pytest.raises(OnetakeError, match=r"wanted|known"):
        DescribedPlan("shop", 1, 3, environments)
