"""Bandits are fitted to logs and checked; populations are drawn; suites are made of them and of registered ids."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from onetake.pipelines.environments.nodes import (
    check_log,
    fit_log,
    generate_catalogue,
    generate_population,
    make_catalogue_suites,
    make_fitted_suites,
    make_population_suites,
    make_registered_suite,
)


def create_pipeline(**kwargs: object) -> Pipeline:
    """Return the nodes that make every suite of the project."""
    return Pipeline(
        [
            Node(
                fit_log,
                inputs=["thornton_log", "params:calibration.thornton"],
                outputs=["thornton_fit", "thornton_parameter_draws"],
                name="fit_thornton",
            ),
            Node(
                check_log,
                inputs=["open_bandit_random_log", "params:calibration.open_bandit"],
                outputs="open_bandit_fit",
                name="fit_open_bandit",
            ),
            Node(
                make_fitted_suites,
                inputs=["thornton_fit", "thornton_parameter_draws", "params:suites.thornton"],
                outputs=["suite_thornton_tune", "suite_thornton"],
                name="make_suite_thornton",
            ),
            Node(
                generate_population,
                inputs="params:population",
                outputs=["population_cohorts_tune", "population_cohorts_test"],
                name="generate_population",
            ),
            Node(
                make_population_suites,
                inputs=["population_cohorts_tune", "population_cohorts_test", "params:suites.population"],
                outputs=["suite_population_tune", "suite_population"],
                name="make_suite_population",
            ),
            Node(
                generate_catalogue,
                inputs="params:catalogue",
                outputs=["catalogue_tune", "catalogue_test"],
                name="generate_catalogue",
            ),
            Node(
                make_catalogue_suites,
                inputs=["catalogue_tune", "catalogue_test", "params:suites.pricing"],
                outputs=["suite_pricing_tune", "suite_pricing"],
                name="make_suite_pricing",
            ),
            Node(
                make_registered_suite,
                inputs="params:suites.truman",
                outputs="suite_truman",
                name="make_suite_truman",
            ),
        ],
        tags="environments",
    )
