"""What calibration refuses, in one line that says what was got and what was wanted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from onetake.calibration.fit import fit_bandit
from onetake.calibration.fitted_suite import FittedPlan, parameter_draws
from onetake.calibration.logit_normal import LogitNormal
from onetake.calibration.planted import planted_log
from onetake.calibration.replay import replay
from onetake.calibration.report import OBSERVATIONAL
from onetake.calibration.settings import FitSettings
from onetake.errors import CalibrationError, ConfigError, ShapeError

pytestmark = [pytest.mark.calibration, pytest.mark.bad_input]

LOG, _ = planted_log((0.3, 0.6), rows=400, seed=1)
SETTINGS = FitSettings(seed=1, report_draws=40, folds=2)


def test_a_log_without_declared_assignment_is_refused() -> None:
    with pytest.raises(CalibrationError, match=r"^planted\.assignment: got none declared; wanted one of randomised, "):
        replace(LOG, assignment="")


def test_a_log_of_one_action_is_refused() -> None:
    log = replace(LOG, action=np.zeros(400, dtype=np.int64))
    with pytest.raises(
        CalibrationError, match=r"^planted\.action: got one action only \(arm 0\); wanted at least two$"
    ):
        fit_bandit(log, SETTINGS)


def test_too_few_rows_are_refused() -> None:
    log, _ = planted_log((0.3, 0.6), rows=150, seed=1)
    with pytest.raises(CalibrationError, match=r"^planted: got 150 rows; wanted at least 200$"):
        fit_bandit(log, SETTINGS)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_kind_of_outcome_is_refused(value: float) -> None:
    log = replace(LOG, success=np.full(400, value))
    with pytest.raises(CalibrationError, match=rf"^planted\.success: got {value:g} in every row; wanted some of 0 "):
        fit_bandit(log, SETTINGS)


@pytest.mark.parametrize("value", [np.nan, 0.5, 2.0])
def test_outcomes_other_than_0_and_1_are_refused(value: float) -> None:
    success = LOG.success.copy()
    success[3] = value
    with pytest.raises(CalibrationError, match=rf"^planted\.success: got {value}; wanted 0 or 1$"):
        replace(LOG, success=success)


def test_an_action_without_a_label_and_money_that_is_no_number_are_refused() -> None:
    with pytest.raises(CalibrationError, match=r"^planted\.action: got int64 values; wanted 0 to 1$"):
        replace(LOG, action=LOG.action + 1)
    with pytest.raises(CalibrationError, match=r"^planted\.scale: got \[ 1\. nan\]; wanted one finite number for each"):
        replace(LOG, scale=np.array([1.0, np.nan]))


def test_an_observational_log_marks_its_fit() -> None:
    report = fit_bandit(replace(LOG, assignment="observational"), SETTINGS).report
    assert report.marks == (OBSERVATIONAL,)
    assert fit_bandit(LOG, SETTINGS).report.marks == ()


def test_no_suite_comes_of_a_log_without_visible_differences() -> None:
    log, _ = planted_log((0.3, 0.3), rows=600, seed=2)
    fit = fit_bandit(log, SETTINGS)
    assert fit.report.verdict.startswith("no difference between arms can be seen (p = ")
    with pytest.raises(CalibrationError, match=r"^planted: differences: no difference between arms can be seen"):
        FittedPlan(seed=1, steps=5).make("test", fit.report.record(), parameter_draws(fit))


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("model", "magic", "one of beta_binomial, logit_normal"),
        ("draws", 0, "a whole number of at least 1"),
        ("folds", 1, "a whole number of at least 2"),
        ("level", 1.0, "a number between 0 and 1"),
        ("alpha", float("nan"), "a number between 0 and 1"),
    ],
)
def test_unusable_settings_are_refused(field: str, value: object, wanted: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{field}: got {value!r}; wanted {wanted}$"):
        replace(SETTINGS, **{field: value})


def test_rates_of_another_shape_are_refused() -> None:
    rates = LogitNormal().fit(LOG.cells()).draw(5, 1)
    with pytest.raises(ShapeError, match=r"^rates: got shape \(5, 1, 1\); wanted \(draws, 1, 2\)$"):
        replay(LOG, rates[:, :, :1], seeds=2, level=0.9, seed=1)


def test_the_hash_follows_data_and_settings() -> None:
    report = fit_bandit(LOG, SETTINGS).report
    assert report.hash == fit_bandit(LOG, SETTINGS).report.hash
    assert report.hash != fit_bandit(LOG, replace(SETTINGS, seed=2)).report.hash
    success = LOG.success.copy()
    success[0] = 1.0 - success[0]
    assert report.hash != fit_bandit(replace(LOG, success=success), SETTINGS).report.hash
