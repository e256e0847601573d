"""Agents: one protocol, a registry of ids, and fleets of bandits.

>>> make("thompson")
Thompson(prior_successes=1.0, prior_failures=1.0, floor=0.0, pooling='none')
"""

from __future__ import annotations

from onetake.agents.bandits.epsilon_greedy import EpsilonGreedy
from onetake.agents.bandits.fixed import Fixed
from onetake.agents.bandits.random import Random
from onetake.agents.bandits.thompson import Thompson
from onetake.agents.bandits.ucb1 import UCB1
from onetake.agents.base import AbstractAgent, FrozenPolicy
from onetake.agents.registry import AgentEntry, find, make, register, registered, withdraw

__all__ = [
    "UCB1",
    "AbstractAgent",
    "AgentEntry",
    "EpsilonGreedy",
    "Fixed",
    "FrozenPolicy",
    "Random",
    "Thompson",
    "find",
    "make",
    "register",
    "registered",
    "withdraw",
]

register("random-v0", "onetake.agents.bandits.random:Random")
register("fixed-v0", "onetake.agents.bandits.fixed:Fixed", {"action": 0})
register("epsilon_greedy-v0", "onetake.agents.bandits.epsilon_greedy:EpsilonGreedy", {"epsilon": 0.1})
register("ucb1-v0", "onetake.agents.bandits.ucb1:UCB1")
register("thompson-v0", "onetake.agents.bandits.thompson:Thompson")
