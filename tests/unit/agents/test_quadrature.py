"""Chances of Thompson sampling against SciPy's integrals and against its own draws."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import integrate, special, stats

from onetake import _core
from onetake.agents import Thompson

pytestmark = pytest.mark.propensity_contract


def chances(shapes: Any, scale: Any = None, offset: Any = None) -> Any:
    """Chance that each of several scaled Beta variables is the largest, by the core."""
    arms = len(shapes)
    scale = np.ones(arms) if scale is None else np.asarray(scale, np.float64)
    offset = np.zeros(arms) if offset is None else np.asarray(offset, np.float64)
    ids = np.zeros(1, np.uint32)
    fleet = _core.Fleet(1, ids, ids, arms, False, np.ones(1), (scale, offset), None)
    a, b = np.asarray(shapes, np.float64).T
    least = 1e-300  # the prior is added to the counts, which are the shapes here
    fleet.restore(a[:, None].copy(), (a + b)[:, None].copy())
    return fleet.probabilities(("posterior_draw", least, least), 0, None, None, 0.0, 0.0, 1)[0]


def first_larger(shapes: Any, scale: Any, offset: Any) -> float:
    """P(first > second): the second's distribution function integrated over the first's density.

    On the logit axis, where no density is infinite, and between quantiles of both, so that SciPy's adaptive rule misses
    no peak; what lies outside weighs 10^-9.
    """
    first, second = (stats.beta(*shape) for shape in shapes)
    levels = np.concatenate([10.0 ** np.arange(-9, -1), [0.1, 0.25, 0.5, 0.75, 0.9]])
    levels = np.sort(np.concatenate([levels, 1 - levels[:8]]))
    inner = first.ppf(levels)
    steps = (scale[1] * second.ppf(levels) + offset[1] - offset[0]) / scale[0]
    edges = np.clip(np.concatenate([inner, np.clip(steps, inner[0], inner[-1])]), 1e-18, 1 - 1e-15)

    def mass(t: float) -> float:
        x = special.expit(t)
        return float(first.pdf(x) * x * (1 - x) * second.cdf((scale[0] * x + offset[0] - offset[1]) / scale[1]))

    return sum(
        integrate.quad(mass, low, high, epsabs=1e-8, epsrel=1e-8)[0]
        for low, high in pairwise(np.unique(special.logit(edges)))
    )


@pytest.mark.parametrize(
    ("shapes", "scale", "offset"),
    [
        ([(1, 1), (1, 1)], (1, 1), (0, 0)),
        ([(1, 1), (2, 1)], (1, 1), (0, 0)),
        ([(3, 8), (2, 5)], (1, 1), (0, 0)),
        ([(40, 160), (60, 140)], (1, 1), (0, 0)),
        ([(2, 2), (30_000, 70_000)], (1, 1), (0, 0)),
        ([(300_000, 700_000), (300_900, 699_100)], (1, 1), (0, 0)),
        ([(1, 3000), (4, 2000)], (1, 1), (0, 0)),
        ([(2000, 1), (1000, 2)], (1, 1), (0, 0)),
        ([(5, 5), (9, 3)], (1.2, 1.2), (0, -0.35)),
        ([(50, 70), (20, 10)], (10, 3), (-2, 0.5)),
        ([(5, 5), (5, 5)], (1, 1), (0, 2)),
        ([(0.5, 0.5), (0.5, 0.5)], (1, 1), (0, 0)),
        ([(0.5, 2.5), (12.5, 40.5)], (1, 1), (0, 0)),
    ],
)
def test_two_arms_agree_with_scipy_within_the_stated_error(shapes: Any, scale: Any, offset: Any) -> None:
    got = chances(shapes, scale, offset)
    want = first_larger(shapes, scale, offset)
    assert abs(got[0] - want) <= Thompson.propensity_error
    assert got.sum() == pytest.approx(1, abs=1e-14)


def test_equal_arms_have_equal_chances() -> None:
    for arms in (2, 3, 10, 40):
        assert chances([(4, 7)] * arms) == pytest.approx(np.full(arms, 1 / arms), abs=1e-9)


def test_integer_shapes_agree_with_their_closed_form() -> None:
    # P(Beta(a, b) > U) is its mean; of k uniforms and the largest of m others, k / (k + m).
    assert chances([(3, 2), (1, 1)])[0] == pytest.approx(0.6, abs=1e-9)
    assert chances([(4, 1), (1, 1), (1, 1)])[0] == pytest.approx(4 / 6, abs=1e-9)


def test_a_falling_payoff_mirrors_the_arm() -> None:
    assert chances([(3, 8), (2, 5)], (-1, -1))[0] == pytest.approx(chances([(8, 3), (5, 2)])[0], abs=1e-9)


def test_ten_arms_match_the_frequencies_of_draws() -> None:
    rng = np.random.default_rng(11)
    shapes = np.column_stack([rng.integers(1, 60, 10), rng.integers(1, 60, 10)]).astype(float)
    shapes[3] = (900, 500)
    want, draws = chances(shapes), 400_000
    best = rng.beta(shapes[:, 0], shapes[:, 1], (draws, 10)).argmax(axis=1)
    counts = np.bincount(best, minlength=10)
    live = want * draws >= 5
    rest = counts[~live].sum(), want[~live].sum() * draws
    seen, meant = np.append(counts[live], rest[0]), np.append(want[live] * draws, rest[1])
    keep = meant > 0.5
    statistic = ((seen[keep] - meant[keep]) ** 2 / meant[keep]).sum()
    # Right chances are refused here once in 10^6 seeds.
    assert statistic <= stats.chi2.ppf(1 - 1e-6, keep.sum() - 1)


def test_hopeless_and_certain_arms_come_out_as_such() -> None:
    got = chances([(10, 99_990), (90_000, 10_000), (50, 50)])
    assert got.tolist() == pytest.approx([0, 1, 0], abs=1e-9)
    assert (got >= 0).all()
