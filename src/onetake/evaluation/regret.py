"""Pseudo-regret as a sum of parts that add up exactly.

Everything here is in *expected* reward of what was done (money a replicate, all entities and steps together); the
reward that luck really paid stands beside it as ``realised``. Per replicate, with sums over steps and entities,

    regret = (unconstrained oracle - constrained oracle)      cost of constraints
           + (constrained oracle - greedy)                    cost of not knowing
           + (greedy - played)                                cost of exploring

where *greedy* is what the agent's own beliefs would have chosen at each step without exploring. The sum telescopes to
``oracle - played``. So that it does so to the last bit, the totals of a replicate are put on one binary grid that is
fine enough to change none of them by more than the rounding of its own sum; on a grid, differences are exact.

Where an action changes what comes later (stock, fatigue), the best arm of each step is no yardstick. There *oracle* is
the value of the best policy from the start, or a bound on it, *random* and *arms* are values of whole episodes too, and
*greedy* is still the sum over the steps that were really reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from onetake.types import Float64, Int64

_SUMS = ("oracle", "greedy", "played", "random")


@dataclass(frozen=True)
class Standards:
    """Expected rewards of whole episodes of a block of replicates, for environments in which actions change what comes.

    Attributes:
        best: of the best policy, or a bound on it ``(R,)``.
        random: of arms drawn evenly ``(R,)``. arms: had every entity played arm k throughout ``(R, k)``.
        best_fixed_per_entity: had each entity played its own best arm throughout ``(R,)``, or None.
        unconstrained: of the best policy were there no budget ``(R,)``; None where nothing is constrained.
    """

    best: Float64
    random: Float64
    arms: Float64
    best_fixed_per_entity: Float64 | None = None
    unconstrained: Float64 | None = None


@dataclass(frozen=True)
class Totals:
    """What one block of replicates earned; every array has one number per replicate ``(R,)``.

    Attributes:
        unconstrained: expected reward of the best choice were there no constraints.
        oracle: expected reward of the best allowed choice.
        greedy: of the agent's beliefs without exploring. played: of what was done. random: of choosing uniformly.
        arms: had every entity played arm k throughout ``(R, k)``.
        best_fixed_per_entity: had each entity played its own best arm throughout; NaN where not tracked.
        realised: the reward that was really paid.
    """

    unconstrained: Float64
    oracle: Float64
    greedy: Float64
    played: Float64
    random: Float64
    arms: Float64
    best_fixed_per_entity: Float64
    realised: Float64

    @property
    def cost_of_constraints(self) -> Float64:
        """Unconstrained oracle minus constrained oracle."""
        return self.unconstrained - self.oracle

    @property
    def cost_of_not_knowing(self) -> Float64:
        """Constrained oracle minus the greedy choice under the agent's own beliefs."""
        return self.oracle - self.greedy

    @property
    def cost_of_exploring(self) -> Float64:
        """Greedy choice minus what was played; negative where exploring found something better."""
        return self.greedy - self.played

    @property
    def regret(self) -> Float64:
        """The three costs together."""
        return self.cost_of_constraints + self.cost_of_not_knowing + self.cost_of_exploring

    @property
    def best_fixed_action(self) -> Int64:
        """The one arm that would have been best for all entities; the first of equals."""
        return np.asarray(np.argmax(self.arms, axis=1), dtype=np.int64)

    @property
    def best_fixed_for_all(self) -> Float64:
        """Expected reward of that arm."""
        return np.asarray(self.arms.max(axis=1))

    def on_grid(self) -> Totals:
        """Return the same totals on one binary grid a replicate, so that sums and differences of them are exact.

        The grid has 51 binary digits below the largest total: a sum of three such differences still fits a float64.
        """
        sums = (self.unconstrained, self.oracle, self.greedy, self.played, self.random)
        stacked = np.column_stack([*sums, self.best_fixed_per_entity, self.realised, self.arms])
        _, exponent = np.frexp(np.nanmax(np.abs(stacked), axis=1))
        shift = (50 - exponent)[:, None]
        snapped = np.ldexp(np.rint(np.ldexp(stacked, shift)), -shift)
        columns = [np.ascontiguousarray(snapped[:, i]) for i in range(7)]
        unconstrained, oracle, greedy, played, random, per_entity, realised = columns
        arms = np.ascontiguousarray(snapped[:, 7:])
        return Totals(unconstrained, oracle, greedy, played, random, arms, per_entity, realised)


@dataclass
class Ledger:
    """Adds up the accounts of one block of replicates, step after step, always in the same order.

    >>> ledger = Ledger(replicates=1, num_actions=2)
    >>> best, worst, arms = np.array([3.0]), np.array([1.0]), np.array([[1.0, 3.0]])
    >>> account = {"oracle": best, "greedy": best, "played": worst, "random": np.array([2.0]), "arms": arms}
    >>> ledger.add(account, realised=np.array([2.0]))
    >>> ledger.close().cost_of_exploring
    array([2.])
    """

    replicates: int
    num_actions: int
    steps: int = 0
    sums: dict[str, Float64] = field(init=False)
    arms: Float64 = field(init=False)
    realised: Float64 = field(init=False)

    def __post_init__(self) -> None:
        self.sums = {name: np.zeros(self.replicates) for name in _SUMS}
        self.arms = np.zeros((self.replicates, self.num_actions))
        self.realised = np.zeros(self.replicates)

    def add(self, account: Mapping[str, Float64], realised: Float64) -> None:
        """Book one step: the environment's account of it, and the reward it paid per replicate ``(R,)``."""
        for name in _SUMS:
            self.sums[name] += account[name]
        self.arms += account["arms"]
        self.realised += realised
        self.steps += 1

    def close(self, best_fixed_per_entity: Float64 | None = None, standards: Standards | None = None) -> Totals:
        """Return the totals, counted against ``standards`` where given; both oracles are the same without a budget."""
        unknown = np.full(self.replicates, np.nan)
        known = standards or Standards(self.sums["oracle"], self.sums["random"], self.arms)
        return Totals(
            unconstrained=(known.best if known.unconstrained is None else known.unconstrained).copy(),
            oracle=known.best.copy(),
            greedy=self.sums["greedy"].copy(),
            played=self.sums["played"].copy(),
            random=known.random.copy(),
            arms=known.arms.copy(),
            best_fixed_per_entity=unknown if best_fixed_per_entity is None else best_fixed_per_entity,
            realised=self.realised.copy(),
        ).on_grid()
