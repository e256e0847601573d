"""For each suite of the matrix: let each agent play it; let its incumbent play it; score them; join what it cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, update_wrapper
from inspect import signature
from typing import Any

from kedro.pipeline import Node, Pipeline

from onetake.evaluation import INCUMBENT
from onetake.matrix import Player, read_matrix
from onetake.pipelines.evaluation.nodes import join_costs, play, play_incumbent, score

KINDS = ("summary", "curves", "costs", "segments")
PLAY, SCORE = "params:evaluation.play", "params:evaluation.score"


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Return the nodes of every cell and suite, nested as ``evaluation.<suite>.<agent>``."""
    matrix = read_matrix()
    return Pipeline([suite_pipeline(suite, players, matrix.history) for suite, players in matrix.cells.items()])


def suite_pipeline(suite: str, players: Sequence[Player], history: bool) -> Pipeline:
    """Return the nodes of one suite; only its scorecard and its costs leave the namespace."""
    shared = {"suite": "suite", "settings": PLAY}
    incumbent = Node(play_incumbent, shared, list(KINDS), name="play", tags=["incumbent"])
    cells = [_cell(suite, INCUMBENT, incumbent, {PLAY})]
    cells += [_cell(suite, p.name, player_node(p, history), {PLAY, f"params:agents.{p.name}"}) for p in players]
    names = [*(player.name for player in players), INCUMBENT]
    local = {(name, kind): f"{name}__{kind}" for name in names for kind in KINDS}
    scored = {key: key for (_, kind), key in local.items() if kind != "costs"}
    spent = {key: key for (_, kind), key in local.items() if kind == "costs"}
    joins = Pipeline(
        [
            Node(score, {"played": PLAY, "scored": SCORE} | scored, "scorecard", name="score"),
            Node(join_costs, spent, "costs", name="join_costs"),
        ],
        namespace=f"evaluation.{suite}",
        inputs={key: f"evaluation.{suite}.{name}.{kind}" for (name, kind), key in local.items()},
        outputs={"scorecard": f"scorecard_{suite}", "costs": f"costs_{suite}"},
        parameters={PLAY, SCORE},
    )
    return Pipeline([*cells, joins], tags=[f"suite-{suite}"])


def player_node(player: Player, history: bool) -> Node:
    """Return the node of a cell, with the agent's class bound so that its code counts in the cache."""
    inputs = {"suite": "suite", "agent": f"params:agents.{player.name}", "settings": PLAY}
    func = bound(play, name=player.name, agent_class=player.agent_class, defaults=dict(player.defaults))
    outputs = [*KINDS, *(["history"] if history else [])]
    return Node(func, inputs, outputs, name="play", tags=[f"agent-{player.name}"])


def bound(func: Callable[..., Any], **values: Any) -> Callable[..., Any]:
    """Return ``func`` with some keywords given, under its own name and with the signature of what is left."""
    given = partial(func, **values)
    left = signature(given)
    rest = [parameter for name, parameter in left.parameters.items() if name not in values]
    return update_wrapper(_signed(given, left.replace(parameters=rest)), func)


def _signed(func: Any, own: Any) -> Any:
    func.__signature__ = own
    return func


def _cell(suite: str, name: str, node: Node, parameters: set[str]) -> Pipeline:
    return Pipeline(
        [node], namespace=f"evaluation.{suite}.{name}", inputs={"suite": f"suite_{suite}"}, parameters=parameters
    )
