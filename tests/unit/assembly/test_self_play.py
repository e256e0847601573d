"""Self-play: ratings recover strengths, rules save and stop, and a learner of tic-tac-toe gets better."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onetake.assembly.games import Game, TicTacToe, playout
from onetake.assembly.self_play import Rules, elo, self_play
from onetake.errors import ConfigError, ShapeError

pytestmark = pytest.mark.self_play


class Policy:
    """Greedy by the value of the board after the move, with a share of moves at random."""

    def __init__(self, values: dict[str, float], chance: float = 0.0) -> None:
        self.values, self.chance = values, chance

    def move(self, game: TicTacToe, rng: np.random.Generator) -> int:
        actions = list(game.actions())
        if rng.random() < self.chance:
            return int(rng.choice(actions))
        sign = 1 if game.player == 0 else -1
        boards = [game.board[:a] + "xo"[game.player] + game.board[a + 1 :] for a in actions]
        worth = [sign * self.values.get(board, 0.0) + 1e-6 * rng.random() for board in boards]
        return actions[int(np.argmax(worth))]


def played(first: Policy, second: Policy, rng: np.random.Generator, boards: list[str]) -> float:
    def player(policy: Policy) -> Any:
        def act(game: Game) -> int:
            assert isinstance(game, TicTacToe)
            move = policy.move(game, rng)
            boards.append(game.board[:move] + "xo"[game.player] + game.board[move + 1 :])
            return move

        return act

    return playout(TicTacToe(), [player(first), player(second)])[0]


def match(one: Policy, other: Policy, seed: int) -> float:
    rng = np.random.default_rng(seed)
    if seed % 2:
        return 0.5 + 0.5 * played(one, other, rng, [])
    return 0.5 - 0.5 * played(other, one, rng, [])


class Learner:
    """Monte Carlo values of boards, moved towards how the game ended."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def learn_against(self, opponent: Policy, seed: int) -> None:
        rng = np.random.default_rng(seed)
        own = Policy(self.values, chance=0.2)
        boards: list[str] = []
        result = played(own, opponent, rng, boards) if seed % 2 else played(opponent, own, rng, boards)
        for board in boards:
            old = self.values.get(board, 0.0)
            self.values[board] = old + 0.2 * (result - old)

    def snapshot(self) -> Policy:
        return Policy(dict(self.values))


def test_ratings_recover_the_strengths_that_made_the_scores() -> None:
    truth = np.array([200.0, 50.0, 0.0, -250.0])
    chance = 1 / (1 + 10 ** ((truth[np.newaxis] - truth[:, np.newaxis]) / 400))
    games = np.full((4, 4), 1e5) * (1 - np.eye(4))
    # So many games that the one added draw does not show.
    assert elo(chance * games, games) == pytest.approx(truth - truth.mean(), abs=0.1)
    # Somebody who has never lost has a finite rating.
    assert np.isfinite(elo([[0, 10], [0, 0]], [[0, 10], [10, 0]])).all()


@pytest.mark.parametrize("choice", ["uniform", "hardest"])
def test_a_learner_joins_the_pool_as_it_gets_better_and_beats_where_it_began(choice: Any) -> None:
    rules = Rules(rounds=12, games=150, trials=30, choice=choice, save_at=0.6, patience=12)
    found = self_play(Learner(), {"random": Policy({}, chance=1.0)}, match, rules, seed=3)
    assert len(found.pool) >= 2
    assert found.ratings["name"][0] != "random"
    assert found.ratings["rating"].sum() == pytest.approx(0.0, abs=1e-9)
    last = found.history.filter(found.history["opponent"] == "random")["score"].tail(3).mean()
    # The mean of three times thirty games deviates by at most 0.5 / sqrt(90) = 0.053; even players score 0.5.
    assert last is not None
    assert float(last) > 0.5 + 3 * 0.053  # type: ignore[arg-type]  # a mean of numbers is one
    few = Rules(rounds=2, games=20, trials=10, choice=choice)
    one, two = (self_play(Learner(), {"random": Policy({}, chance=1.0)}, match, few, seed=4) for _ in range(2))
    assert one.history.equals(two.history)
    assert one.ratings.equals(two.ratings)


def test_rules_stop_by_score_by_patience_and_by_rounds() -> None:
    start = {"random": Policy({}, chance=1.0)}
    assert self_play(Learner(), start, match, Rules(rounds=2, games=1, trials=2, stop_at=0.0)).stopped == "score"
    stuck = self_play(Learner(), start, match, Rules(rounds=9, games=1, trials=2, save_at=1.0, patience=1), seed=2)
    assert stuck.stopped == "patience"
    assert self_play(Learner(), start, match, Rules(rounds=1, games=1, trials=2, save_at=0.0)).stopped == "rounds"


@pytest.mark.parametrize(
    ("act", "error", "text"),
    [
        (lambda: Rules(games=0), ConfigError, "games: got 0"),
        (lambda: Rules(choice="best"), ConfigError, "choice: got 'best'"),
        (lambda: Rules(save_at=1.5), ConfigError, "save_at: got 1.5"),
        (lambda: self_play(Learner(), {}, match, Rules()), ConfigError, "pool: got nobody"),
        (lambda: elo([[0, 1]], [[0, 1]]), ShapeError, "two square tables"),
        (lambda: elo([[0, 2], [0, 0]], [[0, 1], [1, 0]]), ShapeError, "above the games"),
    ],
)
def test_bad_input_is_refused(act: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        act()
