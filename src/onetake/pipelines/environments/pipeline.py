"""Bandits are fitted to logs and checked; populations are drawn; suites are made as each one's plan in conf says.

The keys of a plan under ``suites`` tell its kind: ``ids`` of registered environments, ``environments`` that are
described on the spot, ``scale`` of the arms of the population, or a fit, where ``calibration`` has settings of that
name.
"""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from onetake.conf_loader import conf_of_run, named_entries
from onetake.pipelines.environments import nodes
from onetake.pipelines.environments.kinds import CATALOGUE, POPULATION, nodes_of_suite


def create_pipeline(**kwargs: object) -> Pipeline:
    """Return the nodes that make every suite of the project.

    Raises:
        ConfigError: a suite whose plan is of no kind.
    """
    parameters = conf_of_run()["parameters"]
    made = [
        Node(
            nodes.check_log,
            inputs=["open_bandit_random_log", "params:calibration.open_bandit"],
            outputs="open_bandit_fit",
            name="fit_open_bandit",
        ),
        Node(nodes.generate_population, inputs="params:population", outputs=POPULATION, name="generate_population"),
        Node(nodes.generate_catalogue, inputs="params:catalogue", outputs=CATALOGUE, name="generate_catalogue"),
    ]
    fits = parameters.get("calibration") or {}
    for name, plan in named_entries("suites", parameters.get("suites")).items():
        made += nodes_of_suite(name, plan, fits)
    return Pipeline(made, tags="environments")
