"""Off-policy evaluation: what policies would have earned, from what others logged.

The Thornton log is cut in two. Each action, always played, is judged on one part, and so is each agent of the matrix
after it has learnt from the other part: a node of its own in the namespace ``learning``. The frozen Thompson policy of
Open Bandit and the uniform policy are judged on each other's logs. Policies for patients with sepsis are judged on
whole episodes. All estimates end in one table.
"""

from __future__ import annotations

from collections.abc import Collection

from kedro.pipeline import Node, Pipeline

from onetake.matrix import Player, read_matrix
from onetake.pipelines.evaluation.pipeline import bound
from onetake.pipelines.off_policy_evaluation import nodes

RANDOM, BTS = "open_bandit_random", "open_bandit_bts"
LEARNT, HELD_OUT = "thornton_learnt_rows", "thornton_held_out_rows"
SETTINGS = "params:off_policy.run"
BENCH = {"estimators": "params:estimators", "settings": SETTINGS, "thresholds": "params:off_policy.thresholds"}
PARTS = {"learnt": LEARNT, "held_out": HELD_OUT} | BENCH
OTHER = {"log": f"{RANDOM}_log", "other": f"{BTS}_log"}
SWAPPED = {"log": f"{BTS}_log", "other": f"{RANDOM}_log"} | BENCH
EPISODES = {"log": "icu_sepsis_log", "model": "icu_sepsis_model", "episodes": "params:off_policy.episodes"}
SEPSIS = EPISODES | BENCH | {"estimators": "params:sequential_estimators"}


def create_pipeline(**kwargs: object) -> Pipeline:
    """Return the nodes that the module describes, in that order."""
    players = {player.name: player for cell in read_matrix().cells.values() for player in cell}
    judging = [
        Node(nodes.split_rows, ["thornton_log", SETTINGS], [LEARNT, HELD_OUT], name="split_thornton_log"),
        Node(nodes.judge_always, PARTS, "thornton_estimates", name="judge_thornton_actions"),
        Node(
            nodes.judge_thompson,
            OTHER | {"policy": f"{BTS}_policy", "column_map": f"params:ingestion.{BTS}"} | BENCH,
            f"{RANDOM}_estimates",
            name="judge_thompson_on_random_log",
        ),
        Node(nodes.judge_uniform, SWAPPED, f"{BTS}_estimates", name="judge_uniform_on_bts_log"),
        Node(nodes.judge_sepsis, SEPSIS, "icu_sepsis_estimates", name="judge_sepsis"),
        Node(
            nodes.collect_estimates,
            [f"{log}_estimates" for log in ("thornton", "learnt", RANDOM, BTS, "icu_sepsis")],
            "off_policy_estimates",
            name="collect_estimates",
        ),
    ]
    return Pipeline([*judging, learning(players.values())], tags="off_policy_evaluation")


def learning(players: Collection[Player]) -> Pipeline:
    """Return a node per agent that learns and is judged, and one that collects what was found."""
    found = [f"{player.name}_estimates" for player in players]
    collect = Node(nodes.collect_estimates, found, "learnt_estimates", name="collect_estimates")
    parameters = {*BENCH.values(), *(f"params:agents.{player.name}" for player in players)}
    return Pipeline(
        [*map(judge, players), collect],
        namespace="learning",
        inputs={LEARNT, HELD_OUT},
        outputs="learnt_estimates",
        parameters=parameters,
    )


def judge(player: Player) -> Node:
    """Return the node of an agent, with its class bound so that its code counts in the cache."""
    return Node(
        bound(nodes.judge_agent, name=player.name, agent_class=player.agent_class, defaults=dict(player.defaults)),
        PARTS | {"agent": f"params:agents.{player.name}"},
        f"{player.name}_estimates",
        name=f"judge_{player.name}",
        tags=[f"agent-{player.name}"],
    )
