"""Self-play: a learner plays against a pool of its own past and others, saved and stopped by rules, and rated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from onetake.errors import ConfigError, ShapeError
from onetake.seeding import child_seed
from onetake.types import Float64

Choice = Literal["newest", "uniform", "hardest"]
#: Plays one game of the first against the second and returns the first's score: 1 won, 0.5 drawn, 0 lost.
Match = Callable[[Any, Any, int], float]
POINTS = 400.0 / math.log(10.0)


class Learner(Protocol):
    """What learns by playing."""

    def learn_against(self, opponent: Any, seed: int) -> None:
        """Play one game against an opponent and learn from it."""

    def snapshot(self) -> Any:
        """The policy as it is now; later learning must not change it."""


@dataclass(frozen=True)
class Rules:
    """When to train, to save and to stop.

    Attributes:
        rounds: most rounds. games: of training a round. trials: games against each opponent in a round's evaluation.
        choice: which opponent a training game is played against; ``hardest`` draws by how often one lost to each.
        save_at: score against the newest opponent from which on the learner joins the pool.
        stop_at: score against every opponent from which on it stops, or None.
        patience: rounds without a saving after which it stops.

    Raises:
        ConfigError: where one cannot be used.
    """

    rounds: int = 50
    games: int = 100
    trials: int = 40
    choice: Choice = "uniform"
    save_at: float = 0.55
    stop_at: float | None = None
    patience: int = 10

    def __post_init__(self) -> None:
        for name in ("rounds", "games", "trials", "patience"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name}: got {value!r}; wanted a whole number of at least 1")
        if self.choice not in ("newest", "uniform", "hardest"):
            raise ConfigError(f"choice: got {self.choice!r}; wanted newest, uniform or hardest")
        for name in ("save_at", "stop_at"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(f"{name}: got {value!r}; wanted a score in [0, 1]")


@dataclass(frozen=True)
class SelfPlay:
    """What came of it.

    Attributes:
        pool: opponents by name, oldest first; saved ones are ``round_<n>``. stopped: why it ended.
        history: a row for each round and opponent: ``round, opponent, score, saved``.
        ratings: Elo points of all in the pool, by a round robin at the end: ``name, rating``.
    """

    pool: Mapping[str, Any]
    stopped: str
    history: pl.DataFrame = field(repr=False)
    ratings: pl.DataFrame = field(repr=False)


def self_play(learner: Learner, pool: Mapping[str, Any], match: Match, rules: Rules, *, seed: int = 0) -> SelfPlay:
    """Train a learner against a pool that it joins as it gets better.

    Args:
        learner: what learns.
        pool: the first opponents by name, oldest first.
        match: plays a game of evaluation; must be fair, such as by changing who begins with the seed.
        rules: when to train, to save and to stop.
        seed: of all games and choices.

    Raises:
        ConfigError: an empty pool, or a name that a saved one would take.
    """
    if not pool or any(name.startswith("round_") for name in pool):
        raise ConfigError(f"pool: got {', '.join(pool) or 'nobody'}; wanted opponents, none of them named round_…")
    opponents, scores = dict(pool), dict.fromkeys(pool, 0.5)
    rows: list[dict[str, Any]] = []
    saved_last, stopped = 0, "rounds"
    for number in range(1, rules.rounds + 1):
        own = child_seed(seed, "round", number)
        for game in range(rules.games):
            name = _chosen(list(opponents), scores, rules.choice, child_seed(own, "choice", game))
            learner.learn_against(opponents[name], child_seed(own, "game", game))
        policy = learner.snapshot()
        scores = {name: _score(policy, other, match, rules.trials, own) for name, other in opponents.items()}
        newest = list(opponents)[-1]
        saved = scores[newest] >= rules.save_at
        rows += [{"round": number, "opponent": name, "score": score, "saved": saved} for name, score in scores.items()]
        if rules.stop_at is not None and min(scores.values()) >= rules.stop_at:
            stopped = "score"
        if saved:
            opponents[f"round_{number}"], scores[f"round_{number}"], saved_last = policy, 0.5, number
        elif number - saved_last >= rules.patience:
            stopped = "patience"
        if stopped != "rounds":
            break
    return SelfPlay(opponents, stopped, pl.DataFrame(rows), _round_robin(opponents, match, rules.trials, seed))


def elo(score: ArrayLike, games: ArrayLike) -> Float64:
    """Return Elo points ``(k,)`` with mean 0, such that a lead of 400 means odds of 10 to 1.

    The most likely strengths of the Bradley–Terry model, with one drawn game against an average player added for each,
    so that they are finite. The order of games does not matter, unlike with ratings that are updated game by game.

    Args:
        score: points that each row won against each column ``(k, k)``, draws counting one half.
        games: that were played ``(k, k)``.

    Raises:
        ShapeError: arrays that are no square tables of one size, or scores beyond the number of games.
    Source: Hunter (2004), MM algorithms for generalized Bradley-Terry models, Annals of Statistics 32(1), section 3.

    >>> elo([[0, 75], [25, 0]], [[0, 100], [100, 0]]).round().tolist()
    [95.0, -95.0]
    """
    won, played = np.asarray(score, dtype=np.float64), np.asarray(games, dtype=np.float64)
    if won.ndim != 2 or won.shape[0] != won.shape[1] or won.shape != played.shape:
        raise ShapeError(f"score: got {won.shape} and games {played.shape}; wanted two square tables of one size")
    if not ((won >= 0) & (won <= played)).all():
        raise ShapeError("score: got one below 0 or above the games; wanted points between")
    strength = np.ones(len(won))
    for _ in range(2_000):
        meetings = played / (strength[:, np.newaxis] + strength)
        after = (won.sum(axis=1) + 0.5) / (meetings.sum(axis=1) + 1.0 / (strength + 1.0))
        if np.allclose(after, strength, rtol=1e-12, atol=0.0):
            break
        strength = after
    points: Float64 = POINTS * np.log(strength)
    points -= points.mean()
    return points


def _score(policy: Any, other: Any, match: Match, trials: int, seed: int) -> float:
    return sum(match(policy, other, child_seed(seed, "trial", trial)) for trial in range(trials)) / trials


def _chosen(names: list[str], scores: Mapping[str, float], choice: Choice, seed: int) -> str:
    if choice == "newest":
        return names[-1]
    rng = np.random.default_rng(seed)
    if choice == "uniform":
        return names[int(rng.integers(len(names)))]
    # A little for everybody, so that nobody is forgotten who has been beaten once.
    weight = np.array([1.0 - scores[name] + 0.05 for name in names])
    return names[int(rng.choice(len(names), p=weight / weight.sum()))]


def _round_robin(pool: Mapping[str, Any], match: Match, trials: int, seed: int) -> pl.DataFrame:
    names = list(pool)
    won, played = np.zeros((len(names), len(names))), np.zeros((len(names), len(names)))
    for i, one in enumerate(names):
        for j in range(i + 1, len(names)):
            score = trials * _score(pool[one], pool[names[j]], match, trials, child_seed(seed, one, names[j]))
            won[i, j], won[j, i] = score, trials - score
            played[i, j] = played[j, i] = trials
    return pl.DataFrame({"name": names, "rating": elo(won, played)}).sort("rating", descending=True)
