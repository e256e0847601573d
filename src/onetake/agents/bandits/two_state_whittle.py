"""Whittle indices of people who are engaged or not: closed forms, whole columns of people at once."""

from __future__ import annotations

import numpy as np

from onetake.types import Float64


def two_state_indices(chance: Float64, reward: Float64, discount: float) -> Float64:
    """Price of a treatment at which it is just not worth it, in both states ``(2, n)``.

    With D the worth of being engaged rather than not, treating in state s is worth ``Δr_s + β Δp_s D``. D follows from
    what is done in the other state, which is either choice; the one that is best there at that price is the right one.

    Args:
        chance: of being engaged next, by state, action and person ``(2, 2, n)``.
        reward: expected, by the same.
        discount: β in [0, 1).

    Source: Whittle, *Restless bandits: activity allocation in a changing world*, 1988; for two states: Mate et al.,
    *Collapsing bandits and their application to public health intervention*, NeurIPS 2020, section 4.

    >>> chance = np.array([[[0.2], [0.6]], [[0.5], [0.9]]])
    >>> two_state_indices(chance, chance, 0.0).round(6).ravel().tolist()
    [0.4, 0.4]
    """
    out = np.empty(chance[0, 0].shape)[None].repeat(2, axis=0)
    for s in (0, 1):
        other, sign = 1 - s, 1.0 if s == 1 else -1.0
        gain, shift = reward[s, 1] - reward[s, 0], discount * (chance[s, 1] - chance[s, 0])
        # The other state left alone: the price is paid in both and falls out of D.
        worth = (reward[1, 0] - reward[0, 0]) / (1.0 - discount * (chance[1, 0] - chance[0, 0]))
        alone = gain + shift * worth
        left = reward[other, 1] - reward[other, 0] - alone
        right = left + discount * (chance[other, 1] - chance[other, 0]) * worth <= 0.0
        # The other state treated: the price is paid here only.
        room = 1.0 - sign * discount * (chance[s, 0] - chance[other, 1])
        level = sign * (reward[s, 0] - reward[other, 1]) / room
        treated = (gain + shift * level) / (1.0 - sign * shift / room)
        out[s] = np.where(right, alone, treated)
    return out
