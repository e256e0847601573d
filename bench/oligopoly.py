"""Sessions of price-setting Q-learners to convergence, against the same periods in a plain NumPy loop."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator

import numpy as np

from bench.harness import Measurement, Size, against_limit, judged
from onetake.assembly.oligopoly import learn_prices
from onetake.envs.market import MarketVector

ALPHA, BETA, DELTA = 0.15, 4e-6, 0.95


def calvano(size: Size) -> Iterator[Measurement]:
    """200 duopoly sessions to convergence on all cores; the peer plays a slice of one session's periods."""
    cores = os.cpu_count() or 1
    sessions, slice_of = size.of(200, 2), size.of(100_000, 200)
    learner = {} if not size.tiny else {"exploration_decay": 1e-3, "patience": 500}
    times, own, other, gains = [], [], [], []
    for turn in range(size.of(3, 2)):
        start = time.perf_counter()
        found = learn_prices(learner=learner, sessions=sessions, seed=turn, threads=cores)
        times.append(time.perf_counter() - start)
        gains.append(float(found.gain.mean()))
        own.append(times[-1] / float(found.periods.sum()) * 1e9)
        start = time.perf_counter()
        plain_session(slice_of, seed=turn)
        other.append((time.perf_counter() - start) / slice_of * 1e9)
    peer = f"plain NumPy loop (ours: gain {statistics.mean(gains):.3f})"
    ratios = [b / a for a, b in zip(own, other, strict=True)]
    middle = statistics.median
    yield judged("calvano", peer, cores, 100.0, middle(own), middle(other), "ns/period", ratios)
    yield against_limit("calvano", "60 s", threads=cores, measured=times, limit=60.0, unit="s")


def plain_session(periods: int, seed: int) -> np.ndarray:
    """The first periods of a session as the paper describes it: tables in NumPy, a loop in Python."""
    market = MarketVector()
    m, rng = market.prices, np.random.default_rng(seed)
    weight = np.exp((2.0 - market.ladder) / 0.25)
    total = weight[0][:, None] + weight[1][None, :] + 1.0
    table = np.stack(
        [
            (market.ladder[0] - 1.0)[:, None] * weight[0][:, None] / total,
            (market.ladder[1] - 1.0)[None, :] * weight[1][None, :] / total,
        ]
    )
    q = np.stack([np.tile(table[i].mean(axis=1 - i) / (1 - DELTA), (m, m, 1)) for i in range(2)])
    state = tuple(rng.integers(m, size=2))
    for t in range(periods):
        explore = rng.random(2) < np.exp(-BETA * t)
        action = [int(rng.integers(m)) if explore[i] else int(q[i, state[0], state[1]].argmax()) for i in range(2)]
        following = (action[0], action[1])
        for i in range(2):
            target = table[i, action[0], action[1]] + DELTA * q[i, following[0], following[1]].max()
            old = q[i, state[0], state[1], action[i]]
            q[i, state[0], state[1], action[i]] = (1 - ALPHA) * old + ALPHA * target
        state = following
    return q
