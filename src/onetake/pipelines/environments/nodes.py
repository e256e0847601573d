"""Nodes of the environments pipeline."""

from __future__ import annotations

from typing import Any

import polars as pl

from onetake.calibration.fit import fit_bandit
from onetake.calibration.fitted_suite import FittedPlan, parameter_draws
from onetake.calibration.read_log import read_binary_log
from onetake.calibration.settings import FitSettings
from onetake.envs.caseload import Caseload, CaseloadPlan
from onetake.envs.catalogue import Catalogue, CataloguePlan
from onetake.envs.clinic import ClinicPlan
from onetake.envs.departures import DeparturePlan, Departures
from onetake.envs.population import Population
from onetake.envs.suite import Part, Suite
from onetake.envs.suite_plans import DescribedPlan, PopulationPlan, RegisteredPlan
from onetake.evaluation.incumbent import best_fixed_actions
from onetake.logs import DecisionLog


def fit_log(log: DecisionLog, settings: FitSettings) -> tuple[dict[str, Any], pl.DataFrame]:
    """Fit a bandit to a log: the record of the fit, and its parameter draws."""
    fit = fit_bandit(read_binary_log(log, name=settings.name, segment=settings.segment), settings)
    return fit.report.record(), parameter_draws(fit)


def check_log(log: DecisionLog, settings: FitSettings) -> dict[str, Any]:
    """Fit a bandit to a log that is not to be rehearsed on, for the record alone."""
    return fit_log(log, settings)[0]


def make_fitted_suites(record: dict[str, Any], draws: pl.DataFrame, plan: FittedPlan) -> tuple[Suite, Suite]:
    """Make both parts of the suite of a fit; a refused fit stops the run here."""
    return plan.make("tune", record, draws), plan.make("test", record, draws)


def generate_population(population: Population) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw both parts of a population."""
    return population.draw("tune"), population.draw("test")


def make_population_suites(tune: pl.DataFrame, test: pl.DataFrame, plan: PopulationPlan) -> tuple[Suite, Suite]:
    """Make both parts of the suite of a population."""
    parts: dict[Part, pl.DataFrame] = {"tune": tune, "test": test}
    return plan.make("tune", parts), plan.make("test", parts)


def generate_departures(departures: Departures) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw both parts of the departures."""
    return departures.draw("tune"), departures.draw("test")


def make_departure_suites(tune: pl.DataFrame, test: pl.DataFrame, plan: DeparturePlan) -> tuple[Suite, Suite]:
    """Make both parts of the suite of departures."""
    parts: dict[Part, pl.DataFrame] = {"tune": tune, "test": test}
    return plan.make("tune", parts), plan.make("test", parts)


def make_clinic_suites(arrays: dict[str, Any], plan: ClinicPlan) -> tuple[Suite, Suite]:
    """Make both parts of the suite of patients."""
    return plan.make("tune", arrays), plan.make("test", arrays)


def make_registered_suite(plan: RegisteredPlan) -> Suite:
    """Make a suite of registered environments; its incumbent is the best fixed arm of the tune part."""
    return plan.make("test", {"action": best_fixed_actions(plan.make("tune"), plan.seed)})


def generate_catalogue(catalogue: Catalogue) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw both parts of a catalogue."""
    return catalogue.draw("tune"), catalogue.draw("test")


def make_catalogue_suites(tune: pl.DataFrame, test: pl.DataFrame, plan: CataloguePlan) -> tuple[Suite, Suite]:
    """Make both parts of the suite of a catalogue; today's prices are its incumbent."""
    return plan.make("tune", tune), plan.make("test", test)


def make_described_suite(plan: DescribedPlan) -> Suite:
    """Make a suite of the environments that conf describes; its incumbent is the best fixed arm of the tune part."""
    return plan.make("test", {"action": best_fixed_actions(plan.make("tune"), plan.seed)})


def generate_caseload(caseload: Caseload) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw both parts of a caseload."""
    return caseload.draw("tune"), caseload.draw("test")


def make_caseload_suites(tune: pl.DataFrame, test: pl.DataFrame, plan: CaseloadPlan) -> tuple[Suite, Suite]:
    """Make both parts of the suite of a caseload; its incumbent treats nobody."""
    return plan.make("tune", tune), plan.make("test", test)
