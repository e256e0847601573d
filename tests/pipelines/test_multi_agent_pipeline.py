"""Crews in markets, from conf to the part of the report that is about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from kedro.config import OmegaConfigLoader
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from onetake.agents import make
from onetake.assembly.crews import RESULT, Crew, Training, train, verdict
from onetake.conf_loader import RunLoader
from onetake.errors import ConfigError, SchemaError
from onetake.pipelines import multi_agent_training
from onetake.reports.markets import markets_section

pytestmark = [pytest.mark.pipelines, pytest.mark.calvano]

QUICK = {"exploration_decay": 1e-3, "patience": 1000}


@pytest.fixture
def conf(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    bootstrap_project(root)
    # A loader takes the place of the newest one when it is made; what was there comes back after the test.
    monkeypatch.setattr(RunLoader, "latest", RunLoader.latest)
    return RunLoader(
        str(root / "conf"), env="ci", base_env="base", default_run_env="local", merge_strategy={"parameters": "soft"}
    )


def catalog_of(conf: OmegaConfigLoader) -> DataCatalog:
    catalog = DataCatalog()
    parameters = conf["parameters"]
    for name, entry in parameters["agents"].items():
        catalog[f"params:agents.{name}"] = MemoryDataset(entry)
    own = parameters["multi_agent"]
    catalog["params:multi_agent.training"] = MemoryDataset(Training(**own["training"]))
    for part in ("markets", "crews"):
        for name, entry in own[part].items():
            catalog[f"params:multi_agent.{part}.{name}"] = MemoryDataset(entry)
    catalog["market_results"] = MemoryDataset()
    return catalog


def test_every_crew_plays_every_market_and_runs_give_the_same_bytes(conf: Any) -> None:
    pipeline = multi_agent_training.create_pipeline()
    assert "train_q_learners_in_duopoly" in [node.name for node in pipeline.nodes]
    tables = []
    for _ in range(2):
        catalog = catalog_of(conf)
        SequentialRunner().run(pipeline, catalog)
        tables.append(catalog.load("market_results"))
    found = tables[0]
    assert found.equals(tables[1])
    assert found.schema == RESULT
    own = conf["parameters"]["multi_agent"]
    pairs = {(market, crew) for market in own["markets"] for crew in own["crews"]}
    assert set(found.select("market", "crew").iter_rows()) == pairs
    learners = found.filter(pl.col("crew") == "q_learners")
    assert learners["control_gain"].null_count() == 0
    assert (found["gain_low"] <= found["gain"]).all()
    assert (found["monopoly_price"] > found["nash_price"]).all()


def test_conf_without_markets_makes_no_nodes_and_wrong_names_are_refused(
    conf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = dict(conf["parameters"])
    monkeypatch.setattr(RunLoader, "latest", {"parameters": {**parameters, "multi_agent": None}})
    assert multi_agent_training.create_pipeline().nodes == []
    own = {**parameters["multi_agent"], "crews": {"pair": {"agents": ["tompson"]}}}
    monkeypatch.setattr(RunLoader, "latest", {"parameters": {**parameters, "multi_agent": own}})
    with pytest.raises(ConfigError, match=r"multi_agent.crews.pair.agents: got 'tompson'"):
        multi_agent_training.create_pipeline()
    own = {**own, "crews": {"three": {"agents": ["thompson"] * 3}}}
    monkeypatch.setattr(RunLoader, "latest", {"parameters": {**parameters, "multi_agent": own}})
    with pytest.raises(ConfigError, match="wanted one agent, or one a seller"):
        multi_agent_training.create_pipeline()


def test_agents_adapt_to_each_other_in_one_episode_and_their_gain_is_judged() -> None:
    names = ("duopoly", "pair")
    agents = {f"seller_{i}": make("thompson") for i in range(2)}
    row = train(names, {"horizon": 40}, Crew(agents=("thompson",), runs=20), agents, Training(seed=3)).row(
        0, named=True
    )
    assert (row["runs"], row["control_gain"], row["converged"]) == (20, None, None)
    assert row["gain_low"] < row["gain"] < row["gain_high"]
    assert row["nash_price"] - 0.1 < row["price"] < row["monopoly_price"] + 0.1
    with pytest.raises(ConfigError, match="got 1 agents; wanted 2, one a seat"):
        train(names, {}, Crew(agents=("thompson",), runs=2), {"seller_0": make("thompson")}, Training())
    with pytest.raises(ConfigError, match="got neither or both"):
        Crew()


def test_the_verdict_tells_an_artefact_from_collusion() -> None:
    high = {"gain": 0.85, "gain_low": 0.8, "control_gain": 0.2, "answered": 0.9, "punished": 0.95}
    assert verdict(high).startswith("collusive")
    assert verdict({**high, "control_gain": 0.7}).endswith("learners without memory gain as much, an artefact")
    assert verdict({**high, "control_gain": 0.7, "answered": 0.1}).startswith("artefact: deviations are not punished")
    assert verdict(high, memory=0).startswith("artefact: a high gain without memory")
    assert verdict({**high, "punished": 0.2}).startswith("high prices, but deviations are not punished")
    assert verdict({**high, "control_gain": None}).startswith("high prices, with no control")
    assert verdict({**high, "gain_low": 0.3}).startswith("prices are not far above competition")
    assert verdict(high, capacity_binds=True).startswith("not judged")


def test_the_report_says_what_an_artefact_is() -> None:
    crew = Crew(learner=QUICK, runs=3)
    results = train(("duopoly", "q"), {"memory": 0}, crew, {}, Training(seed=1))
    section = markets_section(results)
    texts = [block.text for block in section.blocks if block.block == "note"]
    assert "artefact" in texts[0]
    table = section.blocks[-1]
    assert table.block == "table"
    assert len(table.rows) == 1
    assert all(len(row) == len(table.columns) for row in table.rows)
    with pytest.raises(SchemaError, match="gain"):
        markets_section(results.drop("gain"))
