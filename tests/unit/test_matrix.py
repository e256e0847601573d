"""The matrix of agents and suites, as conf may write it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from kedro.framework.startup import bootstrap_project

from onetake import matrix
from onetake.conf_loader import RunLoader
from onetake.errors import ConfigError, OnetakeError, UnknownIdError
from onetake.matrix import parse_matrix, read_matrix
from onetake.pipelines import reporting
from onetake.settings import CONFIG_LOADER_ARGS

AGENTS = {"thompson": {"type": "thompson-v0"}, "first": {"type": "fixed-v0"}}


def pairs(found: matrix.Matrix) -> list[str]:
    return [f"{suite}/{player.name}" for suite, players in found.cells.items() for player in players]


@pytest.mark.pipelines
def test_every_agent_plays_every_suite_by_default() -> None:
    found = parse_matrix({"suites": ["truman", "prices"]}, AGENTS, {})
    assert pairs(found) == ["truman/thompson", "truman/first", "prices/thompson", "prices/first"]


@pytest.mark.pipelines
def test_only_and_except_narrow_the_pairs() -> None:
    own = {
        "suites": ["truman", "prices", "shoes"],
        "only": [{"suite": "truman"}, {"agent": "first"}],
        "except": [{"suite": "truman", "agent": "first"}, {"suite": "shoes"}],
    }
    assert pairs(parse_matrix(own, AGENTS, {})) == ["truman/thompson", "prices/first"]


@pytest.mark.pipelines
def test_settings_of_a_registered_id_travel_with_the_class() -> None:
    player = parse_matrix({"suites": ["truman"]}, AGENTS, {}).cells["truman"][1]
    assert player.agent_class.__name__ == "Fixed"
    assert player.defaults == {"action": 0}


@pytest.mark.bad_params
@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("own", "agents", "kind", "text"),
    [
        (None, AGENTS, ConfigError, "matrix: got None; wanted a mapping with except, only, suites"),
        ({"suites": "truman"}, AGENTS, ConfigError, "matrix.suites: got 'truman'; wanted a list of names"),
        ({"suites": ["a"], "onyl": []}, AGENTS, ConfigError, "matrix: got the key 'onyl'; wanted one of"),
        ({"suites": ["a", "a"]}, AGENTS, ConfigError, "matrix.suites: got the name 'a'; .* every name once"),
        ({"suites": ["a.b"]}, AGENTS, ConfigError, r"matrix.suites: got the name 'a\.b'; wanted lower case"),
        (
            {"suites": ["a"], "only": [{"suite": "b"}]},
            AGENTS,
            UnknownIdError,
            r"matrix.only\[0\].suite: got 'b'; nearest: a",
        ),
        (
            {"suites": ["a"], "except": [{"agent": "tompson"}]},
            AGENTS,
            UnknownIdError,
            r"matrix.except\[0\].agent: got 'tompson'; nearest: thompson",
        ),
        ({"suites": ["a"]}, {}, ConfigError, "agents: got {}; wanted a mapping"),
        ({"suites": ["a"]}, {"incumbent": {"type": "random-v0"}}, ConfigError, "agents: got the name incumbent"),
        ({"suites": ["a"]}, {"x": {"type": "tompson-v0"}}, UnknownIdError, r"agents\.x.*got 'tompson-v0'"),
        ({"suites": ["a"]}, {"x": {"type": "random-v0", "speed": 1}}, ConfigError, "agents.x.speed: got a setting"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_node(
    own: Any, agents: Any, kind: type[OnetakeError], text: str
) -> None:
    with pytest.raises(kind, match=text):
        parse_matrix(own, agents, {})


@pytest.mark.bad_params
def test_wrong_evaluation_settings_are_refused_with_the_matrix() -> None:
    with pytest.raises(ConfigError, match=r"evaluation\.score\.level: got 95"):
        parse_matrix({"suites": ["a"]}, AGENTS, {"score": {"level": 95.0}})
    with pytest.raises(ConfigError, match=r"evaluation\.play: got the key 'sede'"):
        parse_matrix({"suites": ["a"]}, AGENTS, {"play": {"sede": 1}})
    with pytest.raises(ConfigError, match="evaluation: got the key 'level'; wanted one of play, score"):
        parse_matrix({"suites": ["a"]}, AGENTS, {"level": 0.9})


@pytest.mark.pipelines
def test_the_matrix_of_the_repository_is_read_without_a_run(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setattr(RunLoader, "latest", None)
    bootstrap_project(root)
    made = {"truman", "population", "thornton", "outreach", "travel", "travel_linear", "clinic", "drift", "cold_start"}
    assert set(read_matrix().cells) == made


@pytest.mark.pipelines
def test_the_environment_of_a_run_decides_matrix_and_places(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunLoader, "latest", None)
    loader = RunLoader(str(root / "conf"), env="ci", **CONFIG_LOADER_ARGS)
    assert RunLoader.latest is loader
    monkeypatch.setattr("onetake.conf_loader.own_loader", lambda: pytest.fail("a second loader takes the globals over"))
    assert read_matrix().cells
    assert loader["catalog"]["report"]["filepath"].startswith("build/ci/")


@pytest.mark.pipelines
def test_a_loader_reads_each_kind_once_and_gives_copies(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunLoader, "latest", None)
    loader = RunLoader(str(root / "conf"), env="ci", **CONFIG_LOADER_ARGS)
    first = loader["parameters"]
    monkeypatch.setattr(loader, "_read_raw_config", lambda key: pytest.fail(f"{key} was read again"))
    second = loader["parameters"]
    assert first == second
    second["agents"].clear()
    assert first == loader["parameters"]
    loader["parameters"] = {"agents": {}}
    assert loader["parameters"] == {"agents": {}}


@pytest.mark.bad_params
def test_a_suite_that_nothing_makes_is_refused_with_what_to_do(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conf: dict[str, dict[str, object]] = {
        "matrix": {"matrix": {"suites": ["mine"]}},
        "parameters": {"agents": AGENTS, "suites": {"minute": {"seed": 1, "steps": 2}}},
        "catalog": {},
    }
    monkeypatch.setattr(RunLoader, "latest", conf)
    line = "matrix.suites: got 'mine', which nothing makes; wanted a plan suites.mine in parameters, or a dataset "
    with pytest.raises(UnknownIdError, match=re.escape(f"{line}suite_mine in the catalog; nearest: minute")):
        read_matrix()
    conf["catalog"]["suite_mine"] = {}
    assert set(read_matrix().cells) == {"mine"}


@pytest.mark.bad_params
@pytest.mark.parametrize(
    ("rivals", "name"), [({"mime": ["mine"]}, "mime"), ({"mine": ["other", "mine_linaer"]}, "mine_linaer")]
)
def test_rivals_that_conf_does_not_describe_are_refused(
    rivals: dict[str, list[str]], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = {"mine": {"seed": 1}, "other": {"seed": 1}, "mine_linear": {"seed": 1}}
    conf: dict[str, dict[str, object]] = {
        "matrix": {"matrix": {"suites": ["mine"]}},
        "parameters": {"agents": AGENTS, "suites": plans, "reporting": {"rivals": rivals}},
        "catalog": {},
    }
    monkeypatch.setattr(RunLoader, "latest", conf)
    with pytest.raises(UnknownIdError, match=f"reporting.rivals: got suite '{name}', which conf does not describe"):
        reporting.create_pipeline()
    # Described but not played: such a rival is left out.
    conf["parameters"]["reporting"] = {"rivals": {"other": ["mine_linear"]}}
    assert "collect_standings" in {node.name for node in reporting.create_pipeline().nodes}
