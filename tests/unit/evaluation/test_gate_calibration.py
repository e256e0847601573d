"""The gate alarms as rarely as it says, catches what it must, and spends one error over many nights."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from onetake.agents.bandits.thompson import Thompson
from onetake.envs.suite import EnvironmentEntry, Suite
from onetake.errors import ConfigError
from onetake.evaluation import EvaluationSettings, run_cell
from onetake.evaluation.gate import Judgement, Stratum, judge, overall
from onetake.evaluation.nights import GateSettings
from onetake.evaluation.spending import boundaries, levels, spent
from onetake.seeding import child_seed
from onetake.types import BatchSpec, Float64

pytestmark = pytest.mark.gate_calibration

GATES = 1_000
# The budget that docs/gate.md states: 20 replicates of 8 shops with 400 visitors a day, for 25 days.
REPLICATES, SHOPS, VISITORS, DAYS = 20, 8, 400, 25
NIGHT = GateSettings().error_of(1)


@dataclass(eq=False)
class Reseeded(Thompson):
    """The same agent with other luck of its own."""

    def begin(self, spec: BatchSpec, seed: int) -> None:
        super().begin(spec, child_seed(seed, "other"))


@pytest.fixture(scope="module")
def thousand() -> tuple[Float64, Float64]:
    """What two equal, differently seeded agents earned in 1,000 gates of 20 replicates each ``(gates, replicates)``."""
    rates = np.random.default_rng(5).beta(8, 40, size=(SHOPS, 3))
    shops = EnvironmentEntry("shops", "cohort", {"size": VISITORS}, {"q": rates}, SHOPS, GATES * REPLICATES, DAYS)
    suite = Suite("gate", "test", 1, (shops,))
    settings = EvaluationSettings(seed=3, curve_points=2, track_fixed=False)
    played = [run_cell(agent, suite, settings, name="agent") for agent in (Reseeded(), Thompson())]
    new, incumbent = (cell.summary["value"].to_numpy().reshape(GATES, REPLICATES) for cell in played)
    return new, incumbent


def verdicts(new: Float64, incumbent: Float64, *, margin: float, error: float) -> Counter[str]:
    return Counter(
        judge([Stratum(*pair)], margin=margin, error=error).verdict for pair in zip(new, incumbent, strict=True)
    )


def margin_of(rate: float, trials: int = GATES) -> float:
    """Three binomial standard errors of a share."""
    return 3 * float(np.sqrt(rate * (1 - rate) / trials))


def test_equal_agents_with_other_seeds_alarm_at_the_nominal_rate_in_a_thousand_gates(
    thousand: tuple[Float64, Float64],
) -> None:
    found = verdicts(*thousand, margin=0.0, error=0.05)
    assert found["worse"] / GATES == pytest.approx(0.05, abs=margin_of(0.05))
    assert found["pass"] / GATES == pytest.approx(0.05, abs=margin_of(0.05))


def test_a_loss_of_exactly_the_margin_alarms_at_the_nominal_rate(thousand: tuple[Float64, Float64]) -> None:
    new, incumbent = thousand
    found = verdicts(new * 0.995, incumbent, margin=0.005, error=0.05)
    assert found["worse"] / GATES == pytest.approx(0.05, abs=margin_of(0.05))


def test_a_planted_loss_of_two_percent_is_caught_nine_times_in_ten_on_any_night(
    thousand: tuple[Float64, Float64],
) -> None:
    new, incumbent = thousand
    found = verdicts(new * 0.98, incumbent, margin=0.005, error=NIGHT)
    assert found["worse"] / GATES >= 0.9 + margin_of(0.9)
    assert found["pass"] == 0


def test_an_equal_agent_is_never_called_worse_within_the_margin(thousand: tuple[Float64, Float64]) -> None:
    # At the error of a night, 1 in 600, and half a per cent inside the margin, 1,000 gates expect less than one alarm.
    found = verdicts(*thousand, margin=0.005, error=NIGHT)
    assert found["worse"] <= 1
    assert found["pass"] > 0.1 * GATES


def test_a_season_of_thirty_nights_alarms_no_more_than_one_gate_may() -> None:
    seasons, replicates = 250, 10
    rng = np.random.default_rng(7)
    alarms = 0
    for _ in range(seasons):
        luck = rng.normal(100.0, 2.0, size=(30, replicates))
        new = luck + rng.normal(0.0, 1.0, size=luck.shape)
        errors = [GateSettings().error_of(night) for night in range(1, 31)]
        alarms += any(
            judge([Stratum(*night)], margin=0.0, error=error).verdict == "worse"
            for *night, error in zip(new, luck, errors, strict=True)
        )
    # Thirty independent looks at 0.05 / 30 each: 1 - (1 - 0.05 / 30)^30 = 0.0488.
    assert alarms / seasons == pytest.approx(0.0488, abs=margin_of(0.0488, seasons))


def test_one_environment_is_the_paired_t_test_of_the_loss_against_the_margin() -> None:
    rng = np.random.default_rng(11)
    incumbent = rng.normal(50, 3, size=12)
    new = incumbent * 0.99 + rng.normal(0, 0.5, size=12)
    theirs = stats.ttest_1samp(new - incumbent + 0.005 * incumbent, 0.0, alternative="less").pvalue
    for error in (theirs * 0.99, theirs * 1.01):
        assert (judge([Stratum(new, incumbent)], margin=0.005, error=error).verdict == "worse") == (error > theirs)


def test_the_ends_of_the_interval_are_the_shares_that_the_test_just_lets_stand() -> None:
    rng = np.random.default_rng(12)
    incumbent = rng.normal(50, 3, size=9)
    new = incumbent * 0.97 + rng.normal(0, 0.5, size=9)
    found = judge([Stratum(new, incumbent)], margin=0.005, error=0.025)
    for end, side in ((found.low, "greater"), (found.high, "less")):
        assert end is not None
        assert stats.ttest_1samp(new - incumbent - end * incumbent, 0.0, alternative=side).pvalue == pytest.approx(
            0.025
        )


def test_environments_are_strata_and_a_negative_reward_has_a_size() -> None:
    rng = np.random.default_rng(13)
    costs = [-rng.normal(mean, 1.0, size=8) for mean in (100.0, 10.0)]
    strata = [Stratum(cost * 1.05 + rng.normal(0, 0.1, size=8), cost) for cost in costs]
    found = judge(strata, margin=0.005, error=0.01)
    # Five per cent more cost is a loss of five per cent.
    assert found.verdict == "worse"
    assert found.difference == pytest.approx(-0.05, abs=0.002)
    assert found.incumbent_reward == pytest.approx(sum(cost.mean() for cost in costs))


def test_equal_rewards_pass_whatever_the_margin_and_one_unit_decides_nothing() -> None:
    luck = np.array([1.0, 2.0, 3.0])
    assert judge([Stratum(luck, luck)], margin=0.0, error=0.05).verdict == "pass"
    for few in (luck[:1], np.zeros(5)):
        assert judge([Stratum(few, few)], margin=0.0, error=0.05).verdict == "undecided"


def test_undecided_says_how_many_units_would_tell() -> None:
    rng = np.random.default_rng(14)
    incumbent = np.full(10, 100.0)
    new = incumbent - 1.0 + rng.normal(0, 3.0, size=10)
    found = judge([Stratum(new, incumbent)], margin=0.005, error=0.01)
    assert found.verdict == "undecided"
    assert found.needed is not None
    assert f"about {found.needed} units" in found.reason


def test_one_suite_that_is_worse_fails_all_and_all_must_pass() -> None:
    fine, doubt, bad = Judgement("pass", "fine"), Judgement("undecided", "few"), Judgement("worse", "loses")
    assert overall({"a": fine, "b": bad, "c": doubt}) == ("worse", "b: loses")
    assert overall({"a": fine, "c": doubt})[0] == "undecided"
    assert overall({"a": fine, "b": fine})[0] == "pass"


@pytest.mark.parametrize(
    ("kind", "published"),
    [
        # gsDesign's sfLDOF and sfLDPocock, five equal looks, one-sided 0.025.
        ("obrien_fleming", [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        ("pocock", [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
    ],
)
def test_boundaries_equal_published_ones(kind: str, published: list[float]) -> None:
    # Five digits were printed.
    assert boundaries([0.2, 0.4, 0.6, 0.8, 1.0], 0.025, kind) == pytest.approx(published, abs=2e-4)  # type: ignore[arg-type]  # a test's word


def test_looks_with_students_quantiles_alarm_together_at_the_nominal_rate() -> None:
    looks, tests = (8, 16, 24, 32), 4_000
    rng = np.random.default_rng(17)
    values = rng.normal(size=(tests, looks[-1]))
    alarmed = np.zeros(tests, dtype=bool)
    for units, level in zip(looks, levels([n / looks[-1] for n in looks], 0.05), strict=True):
        part = values[:, :units]
        alarmed |= part.mean(axis=1) / part.std(axis=1, ddof=1) * np.sqrt(units) > stats.t.isf(level, units - 1)
    # Significance levels carry over to Student's quantiles up to a tenth of themselves at such sizes.
    assert alarmed.mean() == pytest.approx(0.05, abs=margin_of(0.05, tests) + 0.005)


def test_everything_is_spent_in_the_end_and_nothing_before_the_start() -> None:
    for kind in ("even", "pocock", "obrien_fleming"):
        assert spent(0.0, 0.05, kind) == 0.0  # type: ignore[arg-type]  # a test's word
        assert spent(1.0, 0.05, kind) == pytest.approx(0.05)  # type: ignore[arg-type]  # a test's word
        settings = GateSettings(spending=kind, nights=7)  # type: ignore[arg-type]  # a test's word
        assert sum(settings.error_of(night) for night in range(1, 8)) == pytest.approx(0.05)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"margin": 1.0}, "gate.margin: got 1.0; wanted a share in"),
        ({"error": 0.5}, "gate.error: got 0.5; wanted a number between 0 and 0.5"),
        ({"nights": 0}, "gate.nights: got 0; wanted an integer of at least 1"),
        ({"spending": "all"}, "gate.spending: got 'all'; wanted even, pocock, obrien_fleming"),
    ],
)
def test_settings_outside_their_range_are_refused(given: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigError, match=line.replace("[", r"\[")):
        GateSettings(**given)  # type: ignore[arg-type]  # that is the point


@pytest.mark.bad_input
def test_fractions_that_do_not_rise_are_refused() -> None:
    for fractions in ([], [0.5, 0.5], [0.0, 1.0], [0.5, 1.1]):
        with pytest.raises(ConfigError, match=r"fractions: got .*; wanted rising numbers in \(0, 1\]"):
            boundaries(fractions, 0.05)
