"""Intervals of the mean of bounded numbers that hold at any size, whatever the law: no normal theory in them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from onetake.draws import log, total
from onetake.types import Float64

# Bets of a confidence sequence stay below this share of what could ruin them.
_LARGEST_BET = 0.5


def hoeffding(values: Float64, level: float) -> tuple[float, float]:
    """Return the interval of the mean of numbers in [0, 1]: ``m ± sqrt(ln(2/α) / 2n)``.

    Source: Hoeffding, Probability inequalities for sums of bounded random variables, 1963, theorem 2.
    """
    half = math.sqrt(math.log(2 / (1 - level)) / (2 * len(values)))
    mean = total(values) / len(values)
    return mean - half, mean + half


def empirical_bernstein(values: Float64, level: float) -> tuple[float, float]:
    """Return the interval of the mean of numbers in [0, 1] that shrinks with their variance.

        m ± sqrt(2 V ln(4/α) / n) + 7 ln(4/α) / (3 (n - 1))

    Source: Maurer and Pontil, Empirical Bernstein bounds and sample variance penalization, 2009, theorem 4, at both
    ends.
    """
    count = len(values)
    mean = total(values) / count
    variance = total((values - mean) ** 2) / (count - 1)
    doubt = math.log(4 / (1 - level))
    half = math.sqrt(2 * variance * doubt / count) + 7 * doubt / (3 * (count - 1))
    return mean - half, mean + half


def anytime(values: Float64, level: float) -> tuple[float, float]:
    """Return the last interval of a sequence that holds at every moment at once: one may look as often as one likes.

    With bets ``λ_t = min(sqrt(2 ln(2/α) / (s²_{t-1} t ln(1 + t))), 1/2)`` the interval is

        Σ λ_i x_i / Σ λ_i ± (ln(2/α) + Σ 4 (x_i - m_{i-1})² (-ln(1 - λ_i) - λ_i) / 4) / Σ λ_i

    Source: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, 2023, theorem 2.
    """
    count = len(values)
    step = np.arange(1.0, count + 1)
    mean = (0.5 + np.cumsum(values)) / (step + 1)
    variance = (0.25 + np.cumsum((values - mean) ** 2)) / (step + 1)
    before = np.concatenate([[0.25], variance[:-1]])
    doubt = math.log(2 / (1 - level))
    bet = np.minimum(np.sqrt(2 * doubt / (before * step * log(1 + step))), _LARGEST_BET)
    missed = (values - np.concatenate([[0.5], mean[:-1]])) ** 2
    staked = total(bet)
    middle = total(bet * values) / staked
    half = (doubt + total(missed * (-log(1 - bet) - bet))) / staked
    return middle - half, middle + half


PROMISED: dict[str, Callable[[Float64, float], tuple[float, float]]] = {
    "hoeffding": hoeffding,
    "empirical_bernstein": empirical_bernstein,
    "anytime": anytime,
}
