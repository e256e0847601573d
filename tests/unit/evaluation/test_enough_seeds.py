"""Sequential stopping: what is clear stops early, what is not plays on, and looking more often alarms no more often."""

from __future__ import annotations

import numpy as np
import pytest

from onetake.agents import make
from onetake.envs.suite import EnvironmentEntry, Suite
from onetake.errors import ConfigError
from onetake.evaluation import EvaluationSettings, run_cell
from onetake.evaluation.gate import Stratum, judge
from onetake.evaluation.sequential import play_until_decided
from onetake.evaluation.spending import levels

pytestmark = pytest.mark.gate_calibration

SETTINGS = EvaluationSettings(seed=4, resamples=100, curve_points=2)


def shop(replicates: int = 24, draws: int = 1) -> Suite:
    hats = EnvironmentEntry(
        "hats", "cohort", {"size": 50, "q": [0.2, 0.3]}, entities=4, replicates=replicates, steps=6, draws=draws
    )
    return Suite("shop", "test", 0, (hats,))


def test_a_clear_loss_stops_early_and_its_rows_are_those_of_the_whole_cell() -> None:
    worse, better = make("fixed-v0", action=0), make("thompson-v0")
    race = play_until_decided((worse, better), shop(), SETTINGS)
    assert race.judgement.verdict == "worse"
    assert race.looks < race.planned
    assert race.summary["replicate"].n_unique() == round(24 * race.share)
    whole = run_cell(better, shop(), SETTINGS, name="other").summary
    own = race.summary.filter(agent="other")
    assert own.equals(whole.head(len(own)))


def test_equal_policies_pass_at_the_first_look_and_doubt_plays_to_the_end() -> None:
    same = make("fixed-v0", action=1)
    assert play_until_decided((same, same), shop(), SETTINGS).looks == 1
    close = play_until_decided((make("thompson-v0"), same), shop(), SETTINGS, margin=0.06, error=0.0005)
    if close.judgement.verdict == "undecided":
        assert (close.looks, close.share) == (4, 1.0)


def test_a_parameter_draw_is_never_cut_apart() -> None:
    race = play_until_decided((make("fixed-v0", action=0), make("fixed-v0", action=1)), shop(24, draws=8), SETTINGS)
    assert race.summary["draw"].n_unique() * 3 == race.summary["replicate"].n_unique()


def test_stopping_at_the_first_verdict_alarms_at_the_nominal_rate() -> None:
    races, units, looks, error = 2_000, 32, 4, 0.05
    rng = np.random.default_rng(21)
    alarms, at_each = 0, levels([(n + 1) / looks for n in range(looks)], error)
    for _ in range(races):
        luck = rng.normal(100, 2, size=units)
        new = luck + rng.normal(0, 1, size=units)
        for look, level in enumerate(at_each, start=1):
            seen = units * look // looks
            verdict = judge([Stratum(new[:seen], luck[:seen])], margin=0.0, error=level).verdict
            if verdict != "undecided":
                alarms += verdict == "worse"
                break
    # Stopping for a pass takes away alarms that might have come later: a little below the error, never above.
    rate = alarms / races
    assert rate <= error + 3 * np.sqrt(error * (1 - error) / races)
    assert rate >= error - 0.01 - 3 * np.sqrt(error * (1 - error) / races)


@pytest.mark.bad_input
def test_more_looks_than_units_are_refused() -> None:
    same = make("fixed-v0", action=1)
    with pytest.raises(ConfigError, match="looks: got 4 for 6 units of hats; wanted two units a look"):
        play_until_decided((same, same), shop(6), SETTINGS)
