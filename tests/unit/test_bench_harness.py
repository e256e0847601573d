"""The benchmark harness on tiny sizes: every row is there and says what it should. Nothing here is timed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from onetake.envs import families

pytestmark = pytest.mark.house

ROWS = [
    "cohort",
    "cohort_shared",
    "bernoulli",
    "truman",
    "pricing",
    "cartpole",
    "thompson",
    "ucb",
    "linucb",
    "family_cohort",
    "family_bandit",
    "family_intervention",
    "family_pricing",
    "family_cartpole",
    "family_pendulum",
    "family_reach",
    "family_perishable",
    "family_tabular",
    "uniform",
    "prioritized",
    "hindsight",
    "add",
    "calvano",
    "million",
    "warm",
]
KEYS = ["row", "peer", "threads", "ours", "theirs", "unit", "ratio", "low", "high", "goal", "met", "why"]


def bench(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", "--tiny", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_every_simulation_row_is_measured_and_written_in_the_one_form(root: Path, tmp_path: Path) -> None:
    output = tmp_path / "deep" / "bench.json"
    lines = []
    for row in (
        "cohort",
        "bernoulli",
        "truman",
        "pricing",
        "cartpole",
        "thompson",
        "ucb",
        "linucb",
        "calvano",
        "family",
        "uniform",
        "prioritized",
        "hindsight",
        "add",
    ):
        done = bench(root, "--only", row, "--output", str(output))
        assert done.returncode == 0, done.stderr
        lines += json.loads(output.read_text())
    assert {line["row"] for line in lines} == set(ROWS) - {"million", "warm"}
    assert {line["row"] for line in lines if line["row"].startswith("family_")} == {
        f"family_{family}" for family in families()
    }
    for line in lines:
        assert list(line) == KEYS
        if line["ratio"] is None:
            assert line["met"] is None
            assert "make bench-peers" in line["why"]
            continue
        assert 0 < line["low"] <= line["high"]
        assert line["ratio"] == pytest.approx(line["theirs"] / line["ours"])
        assert line["met"] is (line["ratio"] >= line["goal"])
    assert [path.name for path in output.parent.iterdir()] == ["bench.json"]


def test_what_cannot_be_measured_is_neither_met_nor_missed(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.syspath_prepend(str(root))
    monkeypatch.setenv("PATH", "")
    from bench.harness import Size, table
    from bench.scale import warm

    (line,) = warm(Size(tiny=True))
    assert line.ratio is None
    assert line.met is None
    assert line.why == "kedro is not on the path"
    assert line.why in table([line])


def test_every_row_has_its_name_and_a_wrong_one_is_refused(root: Path) -> None:
    done = bench(root, "--only", "nothing")
    assert done.returncode == 2
    assert done.stderr.strip().endswith(f"wanted the beginning of one of {', '.join(ROWS)}")
