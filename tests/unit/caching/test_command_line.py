"""The command line: one line and exit code 2 for what is refused, a traceback only for what is a mistake of ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from onetake.cli import main, run

TYPED = """
    from dataclasses import dataclass
    from onetake.errors import ConfigError

    @dataclass(frozen=True)
    class Settings:
        floor: float
        steps: int = 3

        def __post_init__(self):
            if not 0 <= self.floor <= 1:
                raise ConfigError(f"floor: got {self.floor}; wanted a number in [0, 1]")

    def clean(raw, settings: Settings):
        if settings.steps == 13:
            raise ConfigError("raw: got 3 rows; wanted more")
        if settings.steps == 0:
            return 1 / 0
        return raw
"""
REGISTRY = """
    from kedro.pipeline import Node, Pipeline
    from shop.typed import clean

    def register_pipelines():
        return {"__default__": Pipeline([Node(clean, ["raw", "params:play"], "clean", name="clean")])}
"""


@pytest.fixture
def typed(shop: Any) -> Any:
    """The toy project with one node whose parameters have a type."""
    shop.write("src/shop/typed.py", TYPED)
    shop.write("src/shop/pipeline_registry.py", REGISTRY)
    shop.parameters(play={"floor": 0.5})
    return shop


def kedro_run(project: Any, *arguments: str) -> Result:
    # What `kedro run` does before it reaches the command.
    project.session().close()
    project.forget_modules()
    return CliRunner().invoke(run, arguments)


def assert_refused(result: Result, line: str) -> None:
    assert result.stderr == f"onetake: {line}\n"
    assert result.exit_code == 2


@pytest.mark.bad_params
@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"floor": 2}, "parameter play: floor: got 2; wanted a number in [0, 1]"),
        ({"floor": 0, "stepz": 1}, "parameter play.stepz: got a key that is not known; wanted one of floor, steps"),
        ({"steps": 1}, "parameter play: got nothing for 'floor'; wanted a value for each"),
        (3, "parameter play: Expected dict for dataclass Settings, got int"),
    ],
)
def test_a_parameter_that_does_not_fit_stops_the_run_before_any_node_and_is_named(
    typed: Any, given: Any, line: str
) -> None:
    typed.parameters(play=given)
    assert_refused(kedro_run(typed), line)
    assert typed.ran() == []


@pytest.mark.bad_params
def test_a_parameter_given_on_the_command_line_is_held_to_its_type_too(typed: Any) -> None:
    line = "parameter play: floor: got 7; wanted a number in [0, 1]"
    assert_refused(kedro_run(typed, "--params", "play.floor=7"), line)
    assert kedro_run(typed, "--params", "play.floor=0.25").exit_code == 0


@pytest.mark.bad_input
def test_what_a_node_refuses_is_one_line_that_names_the_node(typed: Any) -> None:
    typed.edit(
        "src/shop/settings.py",
        "HOOKS = (Log(),)",
        "from onetake.hooks import ProgressHooks\nHOOKS = (Log(), ProgressHooks())",
    )
    typed.parameters(play={"floor": 0, "steps": 13})
    assert_refused(kedro_run(typed), "raw: got 3 rows; wanted more (in node clean)")


def test_a_mistake_of_ours_keeps_its_traceback(typed: Any) -> None:
    typed.parameters(play={"floor": 0, "steps": 0})
    result = kedro_run(typed)
    assert isinstance(result.exception, ZeroDivisionError)
    assert result.exit_code == 1


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["--nodes", "cleen"], "Pipeline does not contain nodes named ['cleen']"),
        (["--pipelines", "nothing"], "Failed to find the pipeline named 'nothing'"),
        (["--runner", "Fancy"], "module 'kedro.runner' has no attribute 'Fancy'"),
        (["--runner-params", "cache=never"], "cache: got 'never'; wanted one of auto, force, off"),
        (["--runner-params", "speed=3"], "runner parameters: SequentialRunner.__init__() got an unexpected keyword"),
        (["--env", "mars"], "Given configuration path either does not exist or is not a valid directory"),
    ],
)
def test_arguments_that_do_not_fit_are_one_line(typed: Any, arguments: list[str], start: str) -> None:
    result = kedro_run(typed, *arguments)
    assert result.stderr.startswith(f"onetake: {start}")
    assert result.stderr.count("\n") == 1
    assert result.exit_code == 2


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("name", "text", "start"),
    [
        ("conf/base/parameters.yml", "play: [", "Invalid YAML or JSON file"),
        ("conf/base/parameters.yml", "play:\n  floor: ${nowhere}", "Interpolation key 'nowhere' not found"),
        ("conf/base/catalog.yml", "raw: {filepath: x}", "An exception occurred when parsing config for dataset 'raw'"),
        ("conf/base/catalog.yml", "raw: {type: json.JSONDataset, filepath: x, colour: red}", "JSONDataset.__init__()"),
    ],
)
def test_conf_that_cannot_be_read_is_one_line(typed: Any, name: str, text: str, start: str) -> None:
    typed.write(name, text)
    result = kedro_run(typed)
    assert start in result.stderr
    assert result.stderr.startswith("onetake: ")
    assert result.stderr.count("\n") == 1
    assert result.exit_code == 2


@pytest.mark.bad_input
def test_a_folder_that_cannot_be_written_is_one_line_and_nothing_is_left_half_written(typed: Any) -> None:
    typed.catalog(clean={"type": "json.JSONDataset", "filepath": "data/raw.json/inside/clean.json"})
    result = kedro_run(typed)
    assert result.stderr.startswith("onetake: ")
    assert "raw.json" in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.exit_code == 2
    assert not list((typed.root / ".cache").rglob("clean-*.json"))
    typed.catalog(clean={"type": "json.JSONDataset", "filepath": "data/clean.json"})
    typed.write(".cache/kedro/records", "a file where the folder should be")
    result = kedro_run(typed)
    assert result.stderr.startswith("onetake: cache folder: got ")
    assert result.exit_code == 2


@pytest.mark.cached_nodes
def test_the_command_takes_cache_modes_and_stock_runners(typed: Any) -> None:
    assert kedro_run(typed).exit_code == 0
    for arguments, ran in (
        ([], []),
        (["--runner-params", "cache=force"], ["clean"]),
        (["--runner", "ThreadRunner", "--runner-params", "cache=off,max_workers=1"], ["clean"]),
        (["--runner", "ThreadRunner"], []),
    ):
        (typed.root / "ran.log").unlink(missing_ok=True)
        result = kedro_run(typed, *arguments)
        assert result.exit_code == 0, result.output
        assert typed.ran() == ran


@pytest.mark.cached_nodes
def test_why_explains_a_node_of_the_project_around_the_working_directory(typed: Any) -> None:
    kedro_run(typed)
    typed.forget_modules()
    result = CliRunner().invoke(main, ["why", "clean"])
    # Two of its own and two exceptions of onetake, which counts where it is not installed but lies as source.
    assert result.output == (
        "clean is up to date: none of the 4 pieces of code, 2 values and 1 inputs that it depends on has changed.\n"
    )
    typed.parameters(play={"floor": 0.75})
    typed.forget_modules()
    result = CliRunner().invoke(main, ["why", "clean", "--parts"])
    assert result.output.startswith("clean runs, because\n- params:play.floor changed from 0.5 to 0.75\n  wiring: ")
    typed.forget_modules()
    assert_refused(
        CliRunner().invoke(main, ["why", "cleen"]), "node: got 'cleen'; wanted one of the pipeline's, such as clean"
    )


@pytest.mark.bad_input
def test_a_verb_outside_a_project_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["list", "pipelines"])
    assert_refused(result, f"working directory: got {tmp_path}; wanted a folder inside a Kedro project")


def test_agents_and_environments_are_listed_without_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    agents = CliRunner().invoke(main, ["list", "agents"]).output
    assert "ucb1-v0" in agents.split()
    environments = CliRunner().invoke(main, ["list", "environments"]).output
    assert "onetake/Bandit-v0" in environments.splitlines()
    assert CliRunner().invoke(main, ["list", "colours"]).exit_code == 2


@pytest.mark.bad_input
def test_kedro_run_in_a_process_of_its_own_ends_with_one_line_and_code_two(root: Path) -> None:
    command = [sys.executable, "-m", "kedro", "run", "--nodes", "nothing"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "onetake: Pipeline does not contain nodes named ['nothing']."
    assert "Traceback" not in done.stderr
    assert done.returncode == 2
