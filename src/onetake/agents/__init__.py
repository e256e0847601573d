"""Agents: one protocol, a registry of ids, and fleets of bandits.

>>> make("thompson")
Thompson(prior_successes=1.0, prior_failures=1.0, floor=0.0, pooling='none')
"""

from __future__ import annotations

from onetake.agents.bandits.bagging import Bagging
from onetake.agents.bandits.budget_sampling import BudgetSampling
from onetake.agents.bandits.contextual_top_b import ContextualTopB
from onetake.agents.bandits.discounted_thompson import DiscountedThompson
from onetake.agents.bandits.discounted_ucb import DiscountedUCB
from onetake.agents.bandits.epsilon_greedy import EpsilonGreedy
from onetake.agents.bandits.epsilon_greedy_linear import EpsilonGreedyLinear
from onetake.agents.bandits.exp3 import EXP3
from onetake.agents.bandits.exp3s import EXP3S
from onetake.agents.bandits.explore_then_commit import ExploreThenCommit
from onetake.agents.bandits.fixed import Fixed
from onetake.agents.bandits.gamma_poisson_thompson import GammaPoissonThompson
from onetake.agents.bandits.gaussian_thompson import GaussianThompson
from onetake.agents.bandits.kl_ucb import KLUCB
from onetake.agents.bandits.lin_ts import LinTS
from onetake.agents.bandits.linucb import LinUCB
from onetake.agents.bandits.logistic_thompson import LogisticThompson
from onetake.agents.bandits.paced_thompson import PacedThompson
from onetake.agents.bandits.price_thompson import PriceThompson
from onetake.agents.bandits.random import Random
from onetake.agents.bandits.restart_thompson import RestartThompson
from onetake.agents.bandits.sliding_window_thompson import SlidingWindowThompson
from onetake.agents.bandits.sliding_window_ucb import SlidingWindowUCB
from onetake.agents.bandits.softmax import Softmax
from onetake.agents.bandits.squarecb import SquareCB
from onetake.agents.bandits.thompson import Thompson
from onetake.agents.bandits.ucb1 import UCB1
from onetake.agents.bandits.whittle_thompson import WhittleThompson
from onetake.agents.base import AbstractAgent, FrozenPolicy
from onetake.agents.registry import AgentEntry, find, make, register, registered, withdraw

__all__ = [
    "EXP3",
    "EXP3S",
    "KLUCB",
    "UCB1",
    "AbstractAgent",
    "AgentEntry",
    "Bagging",
    "BudgetSampling",
    "ContextualTopB",
    "DiscountedThompson",
    "DiscountedUCB",
    "EpsilonGreedy",
    "EpsilonGreedyLinear",
    "ExploreThenCommit",
    "Fixed",
    "FrozenPolicy",
    "GammaPoissonThompson",
    "GaussianThompson",
    "LinTS",
    "LinUCB",
    "LogisticThompson",
    "PacedThompson",
    "PriceThompson",
    "Random",
    "RestartThompson",
    "SlidingWindowThompson",
    "SlidingWindowUCB",
    "Softmax",
    "SquareCB",
    "Thompson",
    "WhittleThompson",
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
register("discounted_thompson-v0", "onetake.agents.bandits.discounted_thompson:DiscountedThompson")
register("discounted_ucb-v0", "onetake.agents.bandits.discounted_ucb:DiscountedUCB")
register("exp3-v0", "onetake.agents.bandits.exp3:EXP3")
register("exp3s-v0", "onetake.agents.bandits.exp3s:EXP3S")
register("explore_then_commit-v0", "onetake.agents.bandits.explore_then_commit:ExploreThenCommit")
register("gamma_poisson_thompson-v0", "onetake.agents.bandits.gamma_poisson_thompson:GammaPoissonThompson")
register("gaussian_thompson-v0", "onetake.agents.bandits.gaussian_thompson:GaussianThompson")
register("kl_ucb-v0", "onetake.agents.bandits.kl_ucb:KLUCB")
register("restart_thompson-v0", "onetake.agents.bandits.restart_thompson:RestartThompson")
register("sliding_window_thompson-v0", "onetake.agents.bandits.sliding_window_thompson:SlidingWindowThompson")
register("sliding_window_ucb-v0", "onetake.agents.bandits.sliding_window_ucb:SlidingWindowUCB")
register("softmax-v0", "onetake.agents.bandits.softmax:Softmax")
register("bagging-v0", "onetake.agents.bandits.bagging:Bagging")
register("epsilon_greedy_linear-v0", "onetake.agents.bandits.epsilon_greedy_linear:EpsilonGreedyLinear")
register("lin_ts-v0", "onetake.agents.bandits.lin_ts:LinTS")
register("linucb-v0", "onetake.agents.bandits.linucb:LinUCB")
register("logistic_thompson-v0", "onetake.agents.bandits.logistic_thompson:LogisticThompson")
register("squarecb-v0", "onetake.agents.bandits.squarecb:SquareCB")
register("price_thompson-v0", "onetake.agents.bandits.price_thompson:PriceThompson")
register("paced_thompson-v0", "onetake.agents.bandits.paced_thompson:PacedThompson")
register("budget_sampling-v0", "onetake.agents.bandits.budget_sampling:BudgetSampling")
register("contextual_top_b-v0", "onetake.agents.bandits.contextual_top_b:ContextualTopB")
register("whittle_thompson-v0", "onetake.agents.bandits.whittle_thompson:WhittleThompson")
