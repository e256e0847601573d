"""Can any difference between arms be seen at all? If not, a ranking of arms is a ranking of luck.

Score statistic over arms, with the successes expected if arms were equal within each segment:

    T = Σ_k (O_k − E_k)² / E_k,   E_k = Σ_v n_vk S_v / n_v

compared with its distribution when outcomes are dealt anew to the arms within each segment (exact whatever the counts;
the χ² approximation is worthless at half a click an arm). Valid where, within a segment, the chance of an arm did not
depend on who came or when. The power statement says how unlike the arms would have to be for the test to see it.
Source: Good (2005), "Permutation, Parametric and Bootstrap Tests of Hypotheses"; Phipson & Smyth (2010) (never p = 0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, Philox

from onetake.calibration.cells import Cells
from onetake.errors import ConfigError
from onetake.types import Float64


@dataclass(frozen=True)
class Differences:
    """Whether arms differ.

    Attributes:
        statistic: T. p_value: of the permutation test. seen: p-value below ``alpha``.
        detectable: relative spread (standard deviation of arms' rates over their mean) that this log would show with
            chance ``power``. permutations: how many.
    """

    statistic: float
    p_value: float
    alpha: float
    seen: bool
    detectable: float
    power: float
    permutations: int

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.seen:
            return f"a difference between arms can be seen (p = {self.p_value:.2g})"
        return (
            f"no difference between arms can be seen (p = {self.p_value:.2g}); "
            f"a relative spread of rates of {self.detectable:.2g} would be seen with chance {self.power:g}"
        )


def _statistic(observed: Float64, expected: Float64) -> Float64:
    return np.asarray(np.sum((observed - expected) ** 2 / expected, axis=-1))


def permuted_successes(cells: Cells, permutations: int, seed: int) -> Float64:
    """Successes of each arm ``(permutations, k)`` when outcomes are dealt anew within each segment.

    >>> cells = Cells(np.array([[3.0, 1.0]]), np.array([[2.0, 0.0]]))
    >>> permuted_successes(cells, 500, seed=1).sum(axis=1).tolist() == [2] * 500
    True
    """
    rng = Generator(Philox(key=seed))
    total = np.zeros((permutations, cells.num_actions))
    for trials, successes in zip(cells.trials, cells.successes, strict=True):
        if trials.sum() > 0:
            dealt = rng.multivariate_hypergeometric(
                trials.astype(np.int64), int(successes.sum()), size=permutations, method="marginals"
            )
            total += dealt
    return total


def see_differences(cells: Cells, *, permutations: int, alpha: float, power: float, seed: int) -> Differences:
    """Test whether any arm differs from any other.

    Raises:
        ConfigError: too few permutations for ``alpha``, or a level outside (0, 1).

    >>> cells = Cells(np.array([[500.0, 500.0]]), np.array([[100.0, 150.0]]))
    >>> see_differences(cells, permutations=999, alpha=0.05, power=0.8, seed=1).seen
    True
    """
    for what, level in (("alpha", alpha), ("power", power)):
        if not 0.0 < level < 1.0:
            raise ConfigError(f"{what}: got {level}; wanted between 0 and 1")
    if (permutations + 1) * alpha < 2:
        raise ConfigError(
            f"permutations: got {permutations}; wanted at least {int(np.ceil(2 / alpha))} for alpha {alpha}"
        )
    number = np.maximum(cells.trials.sum(axis=1, keepdims=True), 1.0)
    expected = (cells.trials * cells.successes.sum(axis=1, keepdims=True) / number).sum(axis=0)
    played = expected > 0
    expected = expected[played]
    logged = float(_statistic(cells.successes.sum(axis=0)[played], expected))
    dealt = _statistic(permuted_successes(cells, permutations, seed)[:, played], expected)
    # A tie counts against the log; sums of the same numbers may differ in the last digit.
    p_value = (1.0 + np.count_nonzero(dealt >= logged * (1.0 - 1e-12))) / (permutations + 1.0)
    critical = float(np.quantile(dealt, 1.0 - alpha))
    detectable = detectable_spread(critical, len(expected) - 1, expected.sum(), cells.pooled_rate, power)
    return Differences(logged, float(p_value), alpha, bool(p_value <= alpha), detectable, power, permutations)


def detectable_spread(critical: float, freedom: int, successes: float, rate: float, power: float) -> float:
    """Relative spread of arms' rates whose T exceeds ``critical`` with chance ``power``.

    With spread c, T / (1 − rate) is about non-central χ² with non-centrality ``c² · successes / (1 − rate)``.

    >>> round(detectable_spread(3.84, 1, 100.0, 0.0, 0.8), 2)
    0.28
    """
    from scipy.optimize import brentq
    from scipy.stats import ncx2

    scale = 1.0 - rate

    def missing(noncentrality: float) -> float:
        return float(ncx2.sf(critical / scale, freedom, noncentrality)) - power

    upper = 10.0
    while missing(upper) < 0:
        upper *= 2.0
    return float(np.sqrt(brentq(missing, 1e-9, upper) * scale / successes))
