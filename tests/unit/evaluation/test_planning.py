"""How many replicates a margin needs, and a killed cell that goes on at its last block."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from onetake.agents import make
from onetake.envs.suite import EnvironmentEntry, Suite
from onetake.errors import ConfigError
from onetake.evaluation import EvaluationSettings, run_cell
from onetake.evaluation.blocks import BlockStore
from onetake.evaluation.gate import Stratum, judge, relative_deviation
from onetake.evaluation.nights import GateSettings, enough
from onetake.evaluation.power import needed_units, plan, power_of
from onetake.evaluation.promotion import Played, world_digest
from onetake.evaluation.run import run

pytestmark = pytest.mark.planning

SETTINGS = EvaluationSettings(seed=2, resamples=100, max_environments=10, curve_points=4)


def test_power_is_that_of_the_noncentral_t_test() -> None:
    for effect, units, error in ((0.5, 27, 0.05), (0.2, 100, 0.01), (1.5, 5, 0.001)):
        theirs = stats.nct.sf(stats.t.isf(error, units - 1), units - 1, effect * np.sqrt(units))
        assert power_of(effect, units, error=error) == pytest.approx(theirs, abs=1e-9)


def test_needed_units_equal_published_ones_and_are_the_fewest() -> None:
    # One-sided, paired, standardised effect 0.5, error 0.05, power 0.8: 27 (Cohen, 1988; G*Power's manual).
    assert needed_units(0.5, error=0.05, power=0.8) == 27
    for effect in (0.05, 0.3, 2.0):
        units = needed_units(effect, error=0.01, power=0.9)
        assert units is not None
        assert power_of(effect, units, error=0.01) >= 0.9 > power_of(effect, units - 1, error=0.01)
    assert needed_units(1e-9) is None


def test_as_many_units_as_planned_catch_the_loss_as_often_as_planned() -> None:
    deviation, gates = 0.02, 1_500
    planned = plan(deviation, loss=0.02, margin=0.005, error=0.01, power=0.9)
    assert planned.units is not None
    rng = np.random.default_rng(8)
    caught = passed = 0
    for _ in range(gates):
        incumbent = np.full(planned.units, 100.0)
        luck = rng.normal(0, 100 * deviation, size=planned.units)
        caught += judge([Stratum(incumbent - 2.0 + luck, incumbent)], margin=0.005, error=0.01).verdict == "worse"
        passed += judge([Stratum(incumbent + luck, incumbent)], margin=0.005, error=0.01).verdict == "pass"
    # The smaller distance, from margin to equality, decides: the loss is caught more often still.
    assert passed / gates == pytest.approx(planned.power, abs=3 * np.sqrt(0.09 / gates))
    assert caught / gates > planned.power


def test_the_calculator_reads_how_much_the_units_of_a_project_scatter() -> None:
    shop = EnvironmentEntry("hats", "cohort", {"size": 50, "q": [0.2, 0.3]}, entities=4, replicates=12, steps=10)
    suite = Suite("shop", "test", 0, (shop,), incumbent={"action": 1})
    played = run("thompson-v0", suite, EvaluationSettings(resamples=100)).summary
    (row,) = enough(
        "thompson-v0", {"shop": Played(played, world_digest(suite), 0)}, GateSettings(), loss=0.1, power=0.9
    )
    values = {agent: played.filter(agent=agent)["value"].to_numpy() for agent in ("thompson-v0", "incumbent")}
    # The incumbent never learns and its rates are fixed: all scatter is the agent's.
    spread = values["thompson-v0"].std(ddof=1) / values["incumbent"].mean()
    assert row["deviation"] == pytest.approx(spread, rel=1e-9)
    assert row["needed"] == needed_units(0.005 / spread, error=GateSettings().error_of(1), power=0.9)
    assert relative_deviation([Stratum(np.ones(1), np.ones(1))], 0.0) is None


class Killed(Exception):
    """Stands for what ends a process."""


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_killed_cell_goes_on_at_its_last_block_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    from onetake.evaluation import cell as module

    hats = EnvironmentEntry("hats", "cohort", {"size": 20, "q": [0.2, 0.4]}, entities=5, replicates=4, steps=6)
    caps = EnvironmentEntry("caps", "bandit", {"rate": [0.2, 0.4]}, entities=5, replicates=4, steps=6)
    suite = Suite("shop", "test", 0, (hats, caps))
    agent = make("thompson-v0")
    whole = run_cell(agent, suite, SETTINGS, name="thompson")
    played: list[tuple[str, int]] = []
    block = module._Round._block

    def counted(self: Any, first: int, count: int, spool: Path | None) -> Any:
        if len(played) == at:
            raise Killed
        played.append((self.entry.name, first))
        return block(self, first, count, spool)

    with monkeypatch.context() as patch:
        patch.setattr(module._Round, "_block", counted)
        with pytest.raises(Killed):
            run_cell(agent, suite, SETTINGS, name="thompson", resume=tmp_path)
    before, at = played.copy(), 99
    with monkeypatch.context() as patch:
        patch.setattr(module._Round, "_block", counted)
        resumed = run_cell(agent, suite, SETTINGS, name="thompson", resume=tmp_path)
    # Two blocks of two replicates each in two environments; none was played twice.
    assert played == [("hats", 0), ("hats", 2), ("caps", 0), ("caps", 2)]
    assert len(before) < len(played)
    for one, other in zip(
        (whole.summary, whole.curves, whole.segments), (resumed.summary, resumed.curves, resumed.segments), strict=True
    ):
        assert one.equals(other)
    assert not [*tmp_path.glob("*/*")]


def test_blocks_of_other_settings_agents_or_suites_are_never_taken(tmp_path: Path) -> None:
    hats = EnvironmentEntry("hats", "cohort", {"q": [0.2, 0.4]}, entities=2, replicates=2, steps=3)
    other = EnvironmentEntry("hats", "cohort", {"q": [0.2, 0.5]}, entities=2, replicates=2, steps=3)
    suites = [Suite("shop", "test", 0, (entry,)) for entry in (hats, other)]
    greedy = [make("epsilon_greedy-v0", epsilon=share) for share in (0.1, 0.2)]
    stores = {
        BlockStore.of(tmp_path, agent, suite, settings, "a").folder
        for agent in greedy
        for suite in suites
        for settings in (SETTINGS, EvaluationSettings(seed=3))
    }
    assert len(stores) == 8


@pytest.mark.bad_input
def test_a_plan_without_a_gap_is_refused() -> None:
    for given in ({"loss": 0.005, "margin": 0.005}, {"loss": 0.001, "margin": 0.005}):
        with pytest.raises(ConfigError, match=r"loss: got 0\.\d+; wanted more than the margin 0\.005"):
            plan(0.01, error=0.05, **given)
    with pytest.raises(ConfigError, match=r"power: got 1\.0; wanted a number between 0 and 1"):
        needed_units(0.5, power=1.0)
