"""Every crew of sellers is trained in every market of conf that it fits, a node each; the results come together.

A crew is Q-learners of the core, played to convergence, or agents of ``agents.yml``, which play one episode.
"""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Node, Pipeline

from onetake.agents import AbstractAgent, find
from onetake.build import load_class
from onetake.conf_loader import conf_of_run, named_entries
from onetake.errors import ConfigError
from onetake.pipelines.evaluation.pipeline import bound
from onetake.pipelines.multi_agent_training import nodes

TRAINING = "params:multi_agent.training"


def create_pipeline(**kwargs: object) -> Pipeline:
    """Return the nodes that the module describes; none where conf has no markets.

    Raises:
        ConfigError: an entry that cannot be used, by its path.
    """
    parameters = conf_of_run()["parameters"]
    if not parameters.get("multi_agent"):
        return Pipeline([])
    conf = parameters["multi_agent"]
    markets = named_entries("multi_agent.markets", conf.get("markets"))
    crews = named_entries("multi_agent.crews", conf.get("crews"))
    entries = parameters.get("agents") or {}
    pairs = [(market, crew) for market in markets for crew in crews if fits(markets[market], crews[crew])]
    if not pairs:
        raise ConfigError("multi_agent.crews: got none that fills a market's seats; wanted one agent, or one a seller")
    cells = [cell(market, crew, seats(crew, markets[market], crews[crew], entries), entries) for market, crew in pairs]
    collect = Node(nodes.collect_markets, [each.outputs[0] for each in cells], "market_results", name="collect_markets")
    return Pipeline([*cells, collect], tags="multi_agent_training")


def fits(market: dict[str, Any], crew: dict[str, Any]) -> bool:
    """Whether a crew can fill a market's seats: one agent, or Q-learners, fill any number."""
    agents = crew.get("agents") or ()
    return len(agents) <= 1 or len(agents) == market.get("sellers", 2)


def seats(name: str, market: dict[str, Any], crew: dict[str, Any], entries: dict[str, Any]) -> dict[str, str]:
    """Return the agent of each seat, by the seller's name; none for Q-learners."""
    agents = list(crew.get("agents") or ())
    for agent in agents:
        if agent not in entries:
            known = ", ".join(entries)
            raise ConfigError(f"multi_agent.crews.{name}.agents: got '{agent}'; wanted agents of conf ({known})")
    if not agents:
        return {}
    sellers = market.get("sellers", 2)
    return {f"seller_{i}": agents[i % len(agents)] for i in range(sellers)}


def cell(market: str, crew: str, seated: dict[str, str], entries: dict[str, Any]) -> Node:
    """Return the node of a crew in a market, with its agents' classes bound so that their code counts in the cache."""
    players = tuple(player(entries[agent]["type"]) for agent in seated.values())
    inputs = {"market": f"params:multi_agent.markets.{market}", "crew": f"params:multi_agent.crews.{crew}"}
    inputs |= {"training": TRAINING} | {seat: f"params:agents.{agent}" for seat, agent in seated.items()}
    func = bound(nodes.train_crew, names=(market, crew), players=players)
    return Node(func, inputs, f"{crew}_in_{market}_result", name=f"train_{crew}_in_{market}")


def player(kind: str) -> tuple[type[AbstractAgent], dict[str, Any]]:
    """Return the class behind an agent's type in conf, and the settings that belong to a registered id."""
    if ":" in kind:
        return load_class(kind, AbstractAgent), {}
    entry = find(kind)
    return load_class(entry.entry_point, AbstractAgent), dict(entry.settings)
