"""Rates of events that are log-linear in what was done: how one outcome moves what is believed of them."""

from __future__ import annotations

import numpy as np

from onetake.draws import exp, log
from onetake.types import Bool, Float64, Int64

_NEWTON_STEPS = 12


def turns(rows: Int64) -> list[Int64]:
    """Places of rows so that each turn names a row at most once, in the order of their coming."""
    if len(np.unique(rows)) == len(rows):
        return [np.arange(len(rows))]
    order = np.argsort(rows, kind="stable")
    start = np.r_[True, np.diff(rows[order]) != 0]
    nth = np.arange(len(rows)) - np.maximum.accumulate(np.where(start, np.arange(len(rows)), 0))
    return [np.sort(order[nth == turn]) for turn in range(int(nth.max()) + 1)]


def poisson_mode(mean: Float64, variance: Float64, count: Float64, exposure: Float64) -> tuple[Float64, Float64]:
    """Log rates at the mode of normal priors times Poisson likelihoods ``(m,)``, and the curvature there."""
    low = mean - variance * exposure * exp(np.clip(mean, -60.0, 60.0)) - 1e-12
    high = mean + variance * count + 1e-12
    place = np.clip(log((count + 0.5) / (exposure + 1.0)), low, high)
    for _ in range(_NEWTON_STEPS):
        events = exposure * exp(np.clip(place, -60.0, 60.0))
        gap = place - mean - variance * (count - events)
        low, high = np.where(gap < 0, place, low), np.where(gap < 0, high, place)
        step = place - gap / (1.0 + variance * events)
        inside: Bool = (step >= low) & (step <= high)
        place = np.where(inside, step, 0.5 * (low + high))
    return place, exposure * exp(np.clip(place, -60.0, 60.0))
