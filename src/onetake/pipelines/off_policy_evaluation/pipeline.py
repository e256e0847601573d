"""Off-policy evaluation: what policies would have earned, from what others logged.

The Thornton log is cut in two: agents learn from one part and are frozen; they and each action are judged on the other.
The frozen Thompson policy of Open Bandit is judged on the uniform log, and the uniform policy on the Thompson log, each
beside what the other log says. All estimates end in one table.
"""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from onetake.pipelines.off_policy_evaluation.nodes import (
    collect_estimates,
    judge_learnt,
    judge_thompson,
    judge_uniform,
    learn_policies,
    split_rows,
)

SETTINGS = "params:off_policy.run"
BENCH = ["params:estimators", SETTINGS, "params:off_policy.thresholds"]


def create_pipeline(**kwargs: object) -> Pipeline:
    """Return the nodes that the module describes, in that order."""
    nodes = [
        Node(
            split_rows,
            inputs=["thornton_log", SETTINGS],
            outputs=["thornton_learnt_rows", "thornton_held_out_rows"],
            name="split_thornton_log",
        ),
        Node(
            learn_policies,
            inputs=["thornton_learnt_rows", "params:agents", SETTINGS],
            outputs="thornton_policies",
            name="learn_thornton_policies",
        ),
        Node(
            judge_learnt,
            inputs=["thornton_learnt_rows", "thornton_held_out_rows", "thornton_policies", *BENCH],
            outputs="thornton_estimates",
            name="judge_thornton_policies",
        ),
        Node(
            judge_thompson,
            inputs=[
                "open_bandit_random_log",
                "open_bandit_bts_policy",
                "params:ingestion.open_bandit_bts",
                "open_bandit_bts_log",
                *BENCH,
            ],
            outputs="open_bandit_random_estimates",
            name="judge_thompson_on_random_log",
        ),
        Node(
            judge_uniform,
            inputs=["open_bandit_bts_log", "open_bandit_random_log", *BENCH],
            outputs="open_bandit_bts_estimates",
            name="judge_uniform_on_bts_log",
        ),
        Node(
            collect_estimates,
            inputs=["thornton_estimates", "open_bandit_random_estimates", "open_bandit_bts_estimates"],
            outputs="off_policy_estimates",
            name="collect_estimates",
        ),
    ]
    return Pipeline(nodes, tags="off_policy_evaluation")
