"""No agent beats the yardstick of a suite that is shipped, small as the suites are here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from onetake.agents import make
from onetake.envs.caseload import Caseload, CaseloadPlan
from onetake.envs.catalogue import Catalogue, CataloguePlan
from onetake.envs.clinic import ClinicPlan
from onetake.envs.departures import DeparturePlan, Departures
from onetake.envs.population import Population
from onetake.envs.suite import Suite
from onetake.envs.suite_plans import DescribedPlan, PopulationPlan, RegisteredPlan
from onetake.evaluation import EvaluationSettings, run_cell
from onetake.evaluation.cell import unsupported

pytestmark = pytest.mark.oracle_dominates
REPLICATES = 6


def suites(root: Path) -> dict[str, Suite]:
    """The suites of conf with few entities, short, in `REPLICATES` replicates."""
    conf: dict[str, Any] = yaml.safe_load((root / "conf/base/parameters/environments.yml").read_text())

    def plan(name: str, **small: Any) -> dict[str, Any]:
        return {**conf["suites"][name], "replicates": REPLICATES, **small}

    population = Population(**{**conf["population"], "cohorts": 50}).draw("test")
    catalogue = Catalogue(**{**conf["catalogue"], "products": 100}).draw("test")
    caseload = Caseload(**{**conf["caseload"], "people": 100}).draw("test")
    departures = Departures(**{**conf["departures"], "count": 10}).draw("test")
    arrays = dict(np.load(root / "data/01_raw/icu_sepsis/dynamics.npz"))
    short = [{**environment, "entities": 3, "steps": 120} for environment in conf["suites"]["drift"]["environments"]]
    return {
        "truman": RegisteredPlan(**plan("truman", steps=30)).make("test"),
        "population": PopulationPlan(**plan("population", steps=10)).make(
            "test", {"tune": population, "test": population}
        ),
        "pricing": CataloguePlan(**plan("pricing", steps=5)).make("test", catalogue),
        "outreach": CaseloadPlan(**plan("outreach", steps=8)).make("test", caseload),
        "travel": DeparturePlan(**plan("travel", days=12)).make("test", {"tune": departures, "test": departures}),
        "clinic": ClinicPlan(**plan("clinic", patients=40, steps=8)).make("test", arrays),
        "drift": DescribedPlan(**plan("drift", environments=short)).make("test"),
        "cold_start": PopulationPlan(**plan("cold_start", steps=15, cohorts=50)).make(
            "test", {"tune": population, "test": population}
        ),
    }


AGENTS = ("random-v0", "fixed-v0", "thompson-v0", "ucb1-v0")


@pytest.mark.parametrize(
    "name", ["truman", "population", "pricing", "outreach", "travel", "clinic", "drift", "cold_start"]
)
def test_no_agent_beats_the_yardstick_of_a_shipped_suite(name: str, root: Path) -> None:
    """Best-now and bounds in the state that was played hold at every step; values of whole episodes hold on average.

    There an agent's luck with its states moves the sum, the same luck for each of the replicates' mean: 5 standard
    errors of six replicates, in which the bound's own distance is on the safe side.
    """
    suite = suites(root)[name]
    played = 0
    for agent_id in AGENTS:
        agent = make(agent_id)
        if unsupported(agent, suite):
            continue
        summary = run_cell(agent, suite, EvaluationSettings(seed=3, resamples=100), name=agent_id).summary
        assert set(summary["status"]) == {"finished"}
        for (environment,), rows in summary.group_by("environment"):
            regret = (rows["yardstick"] - rows["value"]).to_numpy()
            assert len(regret) == REPLICATES, environment
            assert set(rows["yardstick_kind"]) <= {"exact", "bound"}
            error = regret.std(ddof=1) / np.sqrt(REPLICATES)
            assert regret.mean() >= -5 * error - 1e-9 * rows["yardstick"].abs().max()
            assert rows.select(pl.col("yardstick", "random", "best_fixed").is_finite().all()).row(0) == (True,) * 3
        played += 1
    assert played >= 2
