"""Bytes per environment are those that docs/memory.md states, measured in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from onetake.envs import families

pytestmark = pytest.mark.memory

CHILD = """
import gc, json, sys
import numpy as np
from onetake.envs import SimVectorEnv

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def batch(n):
    columns = {name: np.arange(n) // 10 if name == "group" else np.full(n, value) for name, value in given.items()}
    env = SimVectorEnv(family, config, entities=n, columns=columns, threads=1)
    env.reset(seed=1)
    env.step(np.zeros((n, *(env.single_action_space.shape or ())), env.single_action_space.dtype))
    return env, columns

family, n, config, given = sys.argv[1], int(sys.argv[2]), *map(json.loads, sys.argv[3:])
batch(100)
gc.collect()
before = resident()
env, columns = batch(n)
gc.collect()
# What the caller holds is the caller's: the core has a copy of the columns.
own = sum(column.nbytes for column in columns.values())
with open("/proc/self/status") as file:
    peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024
print(json.dumps({"saved": len(env.save()) / n, "held": (resident() - before - own) / n, "peak": peak}))
"""
PRICING = {
    "demand": "nested_logit",
    "nest": 0.45,
    "dispersion": 0.25,
    "shock": 0.05,
    "group_shock": 0.15,
    "reference": {"keep": 0.8, "gain": 0.3, "loss": 0.6},
    "pantry": {"effect": 0.02, "most": 4.0},
}
PRODUCT = {"price": 3.0, "cost": 1.0, "views": 100.0, "rate": 0.03, "elasticity": -2.0, "group": 0.0}
PERSON = dict.fromkeys(("baseline", "responsiveness", "fatigue_rate", "recovery", "value", "availability"), 0.5)
GIVEN: dict[str, tuple[dict[str, Any], dict[str, float]]] = {
    "bandit": ({}, {"rate": 0.2}),
    "cohort": ({}, {"size": 100.0, "p": 0.2, "q": 0.2}),
    "intervention": ({}, PERSON),
    "perishable": ({}, {"capacity": 50.0, "arrival_rate": 3.0, "willingness": 90.0}),
    "pricing": (PRICING, PRODUCT),
}


def measured(family: str, n: int) -> dict[str, float]:
    config, columns = GIVEN.get(family, ({}, {}))
    command = [sys.executable, "-c", CHILD, family, str(n), json.dumps(config), json.dumps(columns)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def stated(root: Path) -> dict[str, list[str]]:
    lines = (root / "docs" / "memory.md").read_text().splitlines()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize("family", families())
def test_bytes_of_an_environment_are_the_stated_ones(family: str, root: Path) -> None:
    columns, state, held = stated(root)[family]
    assert columns == (", ".join(GIVEN.get(family, ({}, {}))[1]) or "–")
    found = measured(family, 300_000)
    # A saved state has a head of some hundred bytes, and a few more a block.
    assert found["saved"] == pytest.approx(float(state), abs=0.1)
    # Memory comes in pages and some of it is kept for later: a tenth, and 4 MiB of 300,000.
    assert found["held"] <= 1.1 * float(held) + 14


@pytest.mark.skipif(sys.platform != "linux", reason="the largest resident size is read from /proc")
def test_a_million_products_need_less_than_500_mebibytes() -> None:
    assert measured("pricing", 1_000_000)["peak"] < 500
