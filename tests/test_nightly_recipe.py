"""The nightly recipe says only what can be run, in an order that works, and publishes even when the gate fails."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from onetake.cli import main

pytestmark = pytest.mark.ci_recipe


@pytest.fixture(scope="module")
def steps(root: Path) -> list[dict[str, Any]]:
    recipe = yaml.safe_load((root / ".github/workflows/nightly.yml").read_text())
    # YAML 1.1 reads the bare word `on` as true.
    assert [each["cron"] for each in recipe[True]["schedule"]]
    found: list[dict[str, Any]] = recipe["jobs"]["rehearse"]["steps"]
    return found


def named(steps: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (step,) = (step for step in steps if step.get("name") == name)
    return step


def test_every_onetake_command_of_the_recipe_exists_with_its_options(steps: list[dict[str, Any]]) -> None:
    lines = [line for step in steps for line in str(step.get("run", "")).splitlines()]
    spoken = [words for line in lines for words in re.findall(r"\.venv/bin/onetake ([^|]+)", line)]
    assert sorted(words.split()[0] for words in spoken) == ["gate", "promote", "verify"]
    for words in spoken:
        verb, *rest = shlex.split(words)
        command = main.commands[verb]
        # Parsing refuses an option that there is not; nothing is run.
        assert isinstance(command.make_context(verb, rest), click.Context)


def test_the_night_evaluates_then_gates_then_publishes_whatever_the_gate_says(steps: list[dict[str, Any]]) -> None:
    names = [step.get("name") for step in steps]
    order = [names.index(name) for name in ("evaluate", "gate", "promote", "verify", "picture of the pipelines")]
    assert order == sorted(order)
    assert named(steps, "evaluate")["run"] == ".venv/bin/kedro run"
    for step in steps[names.index("verify") :]:
        assert step["if"] == "always()"
    published = named(steps, "put together what is published")["run"]
    for part in ("data/08_reporting/report.html", "data/08_reporting/gate.json", "build"):
        assert part in published
    # The stored incumbent and the count of nights lie under data/06_models: they must outlast the night.
    (cache,) = (step for step in steps if str(step.get("uses", "")).startswith("actions/cache@"))
    assert {"data/0[2-8]*", ".cache"} <= set(cache["with"]["path"].split())


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (1, 1), (2, 2), (3, 0)])
def test_only_a_shown_loss_or_bad_input_stops_the_night(
    steps: list[dict[str, Any]], tmp_path: Path, code: int, ends: int
) -> None:
    fake = tmp_path / ".venv/bin/onetake"
    fake.parent.mkdir(parents=True)
    fake.write_text(f'#!/bin/sh\necho "said: $*"\nexit {code}\n')
    fake.chmod(0o755)
    summary = tmp_path / "summary"
    summary.touch()
    env = {"PATH": "/usr/bin:/bin", "AGENT": "thompson", "DISPATCHED": "", "GITHUB_STEP_SUMMARY": str(summary)}
    script = str(named(steps, "gate")["run"])
    # As the runner starts it.
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ends
    assert summary.read_text() == "said: gate --agent thompson\n"
    assert ("::warning::" in done.stdout) == (code == 3)
