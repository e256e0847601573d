"""What attention is worth to people who move on by themselves: Whittle indices, the Whittle policy, and a bound.

A budget joins people: at most B of them are treated on a day. Charging λ for a treatment instead splits them, and what
each would then earn adds up to a bound: no policy within the budget earns more than

    Σ_i V_i(λ_1 … λ_T) + B · Σ_t λ_t          for any prices λ_t ≥ 0,

so the least such number is wanted. The *Whittle index* of a state is the price at which a treatment is just not worth
it there; treating the B people of highest index is the classic policy, near the bound where there are many people.

Sources: Whittle, *Restless bandits: activity allocation in a changing world*, 1988; Hawkins, *A Lagrangian
decomposition approach to weakly coupled dynamic optimization problems*, 2003.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from gymnasium import spaces

from onetake.budget import top
from onetake.envs.sim import SimVectorEnv
from onetake.errors import ConfigError
from onetake.types import Bool, Float32, Float64, Int64


@dataclass(frozen=True, eq=False)
class WhittleIndices:
    """Indices of every state of every environment of a batch.

    Attributes:
        table: index of each state of each kind of person ``(kinds, states)``; NaN behind a kind's own states.
        kind: kind of each environment ``(n,)``.
        indexable: whether each kind is indexable: no state is ever worth treating again at a higher price ``(kinds,)``.
    """

    table: Float64
    kind: Int64
    indexable: Bool

    def of(self, state: Int64) -> Float64:
        """Index of each environment in its state ``(n,)``; states as by `states`."""
        return np.asarray(self.table[self.kind, state])


def whittle_indices(env: SimVectorEnv, discount: float = 0.95) -> WhittleIndices:
    """Return the Whittle indices of the people of an ``intervention`` batch, exact up to rounding.

    As the price of a treatment rises, the best policy changes one state at a time; each change is found by one linear
    system. Modifiers are left out, and availability is counted in.

    Args:
        env: a batch of the family ``intervention`` with two actions.
        discount: weight of tomorrow against today, in [0, 1).

    Raises:
        ConfigError: another discount, or a batch of another kind.

    >>> chain = {"transitions": [[[1, 0], [0, 1]]] * 2, "rewards": [[0, 0], [2, 1]]}
    >>> env = SimVectorEnv("intervention", {"chains": [chain]})
    >>> whittle_indices(env).table.round(6).tolist()
    [[2.0, 1.0]]
    """
    if not 0.0 <= discount < 1.0:
        raise ConfigError(f"discount: got {discount!r}; wanted a number in [0, 1)")
    found = env._sim.whittle(float(discount))
    if found is None:
        raise ConfigError(f"whittle_indices: got family {env.family}; wanted intervention with two actions")
    return WhittleIndices(*found)


def states(env: SimVectorEnv, obs: Float32) -> Int64:
    """Place of each environment's state in its chain ``(n,)``, from what is observed.

    People count ``(engagement · fatigue levels + fatigue) · memory + days − 1``.
    """
    names = env.batch_spec.observation_names
    if names[0] == "state":
        return obs[:, 0].astype(np.int64)
    engagement, fatigue, days = (obs[:, place].astype(np.int64) for place in range(3))
    high = cast(spaces.Box, env.single_observation_space).high
    return np.asarray((engagement * int(high[1] + 1) + fatigue) * int(high[2]) + days - 1, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class WhittlePolicy:
    """Treats those of highest Whittle index, within the budget: what can be done where the people are known.

    It is told the parameters of everybody, so it is a yardstick and no agent.

    Attributes:
        env: the batch it plays. indices: of its people.

    >>> env = SimVectorEnv("intervention", {"budget": 2}, entities=10)
    >>> obs, _ = env.reset(seed=1)
    >>> int(WhittlePolicy.of(env).act(obs).sum())
    2
    """

    env: SimVectorEnv
    indices: WhittleIndices

    @classmethod
    def of(cls, env: SimVectorEnv, discount: float = 0.95) -> WhittlePolicy:
        """Make the policy of a batch.

        Raises:
            ConfigError: as `whittle_indices`, and where some people are not indexable.
        """
        indices = whittle_indices(env, discount)
        if not indices.indexable.all():
            kind = int(np.argmin(indices.indexable))
            row = int(np.argmax(indices.kind == kind))
            raise ConfigError(
                f"environment {row}: got a chain that is not indexable; wanted one that has Whittle indices"
            )
        return cls(env, indices)

    def act(self, obs: Float32) -> Int64:
        """Return an action for each environment ``(n,)``."""
        replicates = len(self.env.batch_spec.replicate_ids)
        mask = self.env.action_mask()
        allowed = np.ones(self.env.num_envs, dtype=np.bool_) if mask is None else mask[:, 1]
        score = self.indices.of(states(self.env, obs))
        budget = self.env.batch_spec.budget
        most = score.size // replicates if budget is None else budget
        treated = top(score.reshape(replicates, -1), allowed.reshape(replicates, -1), most)
        return treated.ravel().astype(np.int64)
