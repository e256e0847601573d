"""`onetake create-default`, `train` and `evaluate`: a YAML file is written, edited and run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import polars as pl
import pytest
import yaml
from click.testing import CliRunner, Result

from onetake.cli import main
from onetake.evaluation.run_file import RunFile, evaluate_run

pytestmark = pytest.mark.cli

Cli = Callable[..., Result]


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, onetake: Cli) -> Path:
    """A run of Thompson sampling on a bandit, as `create-default` writes it but smaller."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "run.yml"
    assert onetake("create-default", "--agent", "thompson-v0", "--env", "onetake/Bandit-v0", "-o", place).exit_code == 0
    edited = yaml.safe_load(place.read_text())
    edited["environment"] |= {"entities": 20, "replicates": 4, "steps": 60}
    place.write_text(yaml.safe_dump(edited))
    return place


def test_the_default_is_yaml_with_every_setting_and_reads_back_as_itself(onetake: Cli) -> None:
    result = onetake("create-default", "--agent", "epsilon_greedy-v0", "--env", "onetake/Cohort-v0")
    assert result.exit_code == 0
    written = yaml.safe_load(result.stdout)
    assert written["agent"]["type"] == "epsilon_greedy-v0"
    assert {"epsilon", "floor", "pooling"} <= set(written["agent"])
    assert written["environment"]["id"] == "onetake/Cohort-v0"
    assert RunFile(**written).text() == result.stdout


def test_train_keeps_a_state_and_evaluate_says_who_did_best(small: Path, onetake: Cli) -> None:
    trained = onetake("train", small)
    assert trained.exit_code == 0, trained.output
    assert trained.output.startswith("trained: 4 replicates, reward ")
    assert Path("runs/thompson-v0/agent.safetensors").is_file()
    fresh = onetake("evaluate", small)
    assert fresh.exit_code == 0, fresh.output
    lines = fresh.output.splitlines()
    assert lines[0].split() == ["rank", "agent", "score", "score_low", "score_high", "regret", "realised"]
    assert [line.split()[1] for line in lines[1:3]] == ["thompson-v0", "random-v0"]
    assert lines[-1] == "results: runs/thompson-v0/evaluate"


def test_what_was_learnt_on_the_tune_part_helps_on_the_test_part_whose_luck_is_other(small: Path, onetake: Cli) -> None:
    onetake("train", small)
    run_file = RunFile.read(small)
    fresh, trained = (evaluate_run(run_file, trained=warm).summary for warm in (False, True))
    regret = [frame.filter(pl.col("agent") == "thompson-v0")["regret"].mean() for frame in (fresh, trained)]
    assert regret[1] < 0.8 * regret[0]  # type: ignore[operator]  # a mean of numbers
    training = pl.read_parquet("runs/thompson-v0/train/summary.parquet")
    assert training["realised"].to_list() != fresh.filter(pl.col("agent") == "thompson-v0")["realised"].to_list()


def test_evaluate_is_the_library_function_and_the_same_twice(small: Path, onetake: Cli) -> None:
    onetake("evaluate", small)
    written = pl.read_parquet("runs/thompson-v0/evaluate/run/thompson-v0/summary.parquet")
    again = evaluate_run(RunFile.read(small)).summary.filter(pl.col("agent") == "thompson-v0")
    assert written.equals(again)


def test_every_verb_explains_itself() -> None:
    for verb, command in main.commands.items():
        shown = CliRunner().invoke(main, [verb, "--help"])
        assert shown.exit_code == 0
        assert len(command.help or "") > 30, verb
        # Every option says what it is for.
        assert all(parameter.help for parameter in command.params if isinstance(parameter, click.Option)), verb


@pytest.mark.bad_input
def test_what_cannot_be_run_is_refused_in_one_line(small: Path, onetake: Cli) -> None:
    def edited(name: str, text: str) -> Path:
        place = Path(name)
        place.write_text(text)
        return place

    base = small.read_text()
    for words, start in {
        ("create-default", "-a", "tompson-v0", "-e", "onetake/Bandit-v0"): "agent id: got 'tompson-v0'; nearest: thomp",
        ("create-default", "-a", "ucb1-v0", "-e", "onetake/Band-v0"): "",
        (
            "create-default",
            "-a",
            "ucb1-v0",
            "-e",
            "onetake/Bandit-v0",
            "-o",
            small,
        ): f"{small}: got a file that is there",
        ("train", "none.yml"): "none.yml: got no such file; wanted a run",
        ("train", edited("a.yml", "agent: [")): "a.yml: got ",
        ("train", edited("b.yml", "agents: 3")): "b.yml: got agents; wanted some of agent, environment",
        ("train", edited("c.yml", base.replace("floor: 0.0", "floor: 2.0"))): "agent.floor: got 2",
        ("evaluate", edited("d.yml", base.replace("level: 0.95", "level: 95.0"))): "evaluation.level: got 95.0",
        ("evaluate", small, "--trained"): "",
    }.items():
        result = onetake(*words)
        assert result.exit_code == 2, words
        assert result.stderr.startswith(f"onetake: {start}")
        assert result.stderr.count("\n") == 1
