"""Bandits are fitted to logs and checked; populations are drawn; suites are made as each one's plan in conf says.

The keys of a plan under ``suites`` tell its kind (``kinds``); a plan of no kind is a fit, where ``calibration`` has
settings of that name.
"""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from onetake.conf_loader import conf_of_run, named_entries
from onetake.pipelines.environments import nodes
from onetake.pipelines.environments.kinds import GENERATED, nodes_of_suite, parts


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
        )
    ]
    for law, (generate, table) in GENERATED.items():
        made.append(Node(generate, inputs=f"params:{law}", outputs=parts(table), name=f"generate_{law}"))
    fits = parameters.get("calibration") or {}
    for name, plan in named_entries("suites", parameters.get("suites")).items():
        made += nodes_of_suite(name, plan, fits)
    return Pipeline(made, tags="environments")
