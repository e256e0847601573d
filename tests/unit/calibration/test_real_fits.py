"""Fits to the two shipped logs against recorded numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from onetake.calibration.fit import arm_fits, fit_bandit, population_rates
from onetake.calibration.logit_normal import LogitNormal
from onetake.calibration.read_log import read_binary_log
from onetake.calibration.settings import FitSettings
from onetake.errors import CalibrationError
from onetake.logs import ColumnMap, DecisionLog, ingest, read_table

pytestmark = pytest.mark.calibration


def log_of(root: Path, name: str, file: str) -> DecisionLog:
    conf = yaml.safe_load((root / "conf/base/parameters/ingestion.yml").read_text())["ingestion"]
    return ingest(read_table(root / "data/01_raw" / file), ColumnMap.from_mapping(conf[name]))


@pytest.fixture(scope="module")
def thornton(root: Path) -> DecisionLog:
    return log_of(root, "thornton", "thornton_hiv/thornton.csv")


@pytest.fixture(scope="module")
def recorded(root: Path) -> dict[str, Any]:
    numbers: dict[str, Any] = json.loads((root / "tests/golden/thornton_hiv.json").read_text())
    return numbers


def test_any_incentive_against_none_is_within_the_recorded_standard_error(
    thornton: DecisionLog, recorded: dict[str, Any]
) -> None:
    log = read_binary_log(thornton, name="thornton", segment="village")
    assert len(log.action) == recorded["rows"]
    assert log.num_segments == recorded["villages"]
    paid = (log.action != log.action_labels.index("none")).astype(np.int64)
    two = replace(log, action=paid, action_labels=("none", "any"), scale=np.ones(2), offset=np.zeros(2))
    drawn = population_rates(two.cells(), LogitNormal().fit(two.cells()).draw(400, 1))
    for arm, label in enumerate(("none", "any")):
        assert abs(drawn[:, arm].mean() - recorded[label]["mean"]) < recorded[label]["standard_error"]
    effect = drawn[:, 1] - drawn[:, 0]
    assert abs(effect.mean() - recorded["difference"]) < recorded["standard_error"]
    # The fit's own uncertainty is of the recorded size: neither pooled away nor blown up.
    assert 0.7 < effect.std() / recorded["standard_error"] < 1.5


def test_thornton_is_fitted_and_passes_every_check(thornton: DecisionLog) -> None:
    log = read_binary_log(thornton, name="thornton", segment="village")
    report = fit_bandit(log, FitSettings(seed=1, segment="village", report_draws=100)).report
    assert report.refused == ()
    assert report.flags == ()
    assert report.differences.seen
    naive = {each.rival: each.verdict for each in report.holdout.comparisons if each.rival != "beta_binomial"}
    assert naive == {"one rate": "better", "arm means": "better", "segment means": "better"}
    assert abs(report.holdout.coverage - report.level) < 3.0 * report.holdout.coverage_error
    assert all(arm.low < arm.logged_rate < arm.high for arm in report.arms)
    reward = next(part for part in report.replay.parts if part.what == "reward")
    assert reward.logged == pytest.approx(thornton.outcomes["reward"].sum())


def test_open_bandit_shows_no_difference_between_arms(root: Path) -> None:
    log = read_binary_log(
        log_of(root, "open_bandit_random", "open_bandit/random_all.parquet"), name="open_bandit", segment="slot"
    )
    assert int(log.success.sum()) == 38
    report = fit_bandit(log, FitSettings(seed=1, segment="slot", report_draws=40, folds=2)).report
    assert report.verdict.startswith("no difference between arms can be seen (p = ")
    assert report.differences.p_value > 0.1
    # 38 clicks: only arms that differ by about as much as they click could have been told apart.
    assert report.differences.detectable > 0.7
    assert any(reason.startswith("differences: ") for reason in report.refused)
    assert report.replay.refused == ()


def test_arm_rates_of_one_segment_and_many_rows_are_the_logged_rates(thornton: DecisionLog) -> None:
    log = read_binary_log(thornton, name="thornton", segment=None)
    arms = arm_fits(log, LogitNormal().fit(log.cells()).draw(400, 2), 0.95)
    for arm in arms:
        error = np.sqrt(arm.logged_rate * (1 - arm.logged_rate) / arm.trials)
        # Pooling five arms that differ widely moves none by half a standard error; draws add error / 20.
        assert abs(arm.rate - arm.logged_rate) < 0.6 * error
        assert (arm.high - arm.low) / (2 * 1.96 * error) == pytest.approx(1.0, abs=0.25)


@pytest.mark.bad_input
def test_a_segment_that_the_log_does_not_have_is_refused(thornton: DecisionLog) -> None:
    with pytest.raises(CalibrationError, match=r"^thornton\.segment: got 'town'; wanted a column of the log: "):
        read_binary_log(thornton, name="thornton", segment="town")


@pytest.mark.bad_input
def test_a_log_without_yes_or_no_outcomes_is_refused(thornton: DecisionLog) -> None:
    import polars as pl

    blank = replace(thornton, outcomes=thornton.outcomes.with_columns(success=pl.lit(None, dtype=pl.Int64)))
    with pytest.raises(CalibrationError, match=r"^thornton\.success: got 2131 rows without; wanted 0 or 1 "):
        read_binary_log(blank, name="thornton", segment=None)
