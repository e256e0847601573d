"""Tree search: tic-tac-toe is never lost, values are those of exact search, and simulated environments are forked."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from onetake.assembly.games import ForkedEnv, Game, TicTacToe, playout
from onetake.assembly.tree_search import UCT
from onetake.envs.single import SimEnv
from onetake.errors import ConfigError

pytestmark = pytest.mark.mcts


@cache
def exact(board: str, player: int) -> float:
    """Player 0's result under perfect play of both: plain minimax."""
    game = TicTacToe(board, player)
    if game.over:
        won = next((board[a] for a, b, c in LINES if board[a] != "." and board[a] == board[b] == board[c]), None)
        return {None: 0.0, "x": 1.0, "o": -1.0}[won]
    values = [exact(board[:a] + "xo"[player] + board[a + 1 :], 1 - player) for a in game.actions()]
    return max(values) if player == 0 else min(values)


LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))


def perfect(game: Game) -> int:
    assert isinstance(game, TicTacToe)
    sign = 1 if game.player == 0 else -1

    def worth(action: int) -> float:
        board = game.board[:action] + "xo"[game.player] + game.board[action + 1 :]
        return sign * exact(board, 1 - game.player)

    return max(game.actions(), key=worth)


def test_search_never_loses_tic_tac_toe_and_draws_against_perfect_play() -> None:
    search, rng = UCT(simulations=400, seed=1), np.random.default_rng(2)

    def chance(game: Game) -> int:
        return int(rng.choice(game.actions()))

    results = []
    for number in range(1000):
        first = number % 2 == 0
        total = playout(TicTacToe(), [search, chance] if first else [chance, search])
        results.append(total[0 if first else 1])
    assert min(results) >= 0.0
    # Random play is beaten nearly always: perfect play wins about nine in ten of such games.
    assert np.mean(np.array(results) == 1.0) > 0.8
    for _ in range(20):
        assert playout(TicTacToe(), [search, perfect]) == [0.0, 0.0]
        assert playout(TicTacToe(), [perfect, search]) == [0.0, 0.0]


@pytest.mark.parametrize(
    ("board", "player"), [("xx.oo....", 0), ("xx.oo....", 1), ("x...o...x", 1), ("xo.......", 0), ("x.oox....", 1)]
)
def test_the_chosen_move_keeps_the_value_of_exact_search(board: str, player: int) -> None:
    move = UCT(simulations=1000, seed=3).choose(TicTacToe(board, player))
    after = board[:move] + "xo"[player] + board[move + 1 :]
    assert exact(after, 1 - player) == exact(board, player)


def test_a_simulated_environment_is_forked_and_its_better_arm_found() -> None:
    env = SimEnv("cohort", {"size": 1000, "q": [0.2, 0.3, 0.1], "horizon": 20})
    env.reset(seed=1)
    before = env.fork()
    game = ForkedEnv(env, limit=4)
    search = UCT(simulations=300, exploration=200.0, seed=2)
    assert search.choose(game) == 1
    # Four steps of about 1000 × 0.5 × rate each, the first of the arm and the rest leaning to the best one.
    values = UCT(simulations=300, exploration=200.0, seed=2).values(game)
    assert values[1] > values[0] > values[2]
    # What was searched is as it was.
    assert [env.step(1)[1] for _ in range(3)] == [before.step(1)[1] for _ in range(3)]


def test_bad_input_is_refused() -> None:
    for words, text in (
        ({"simulations": 0}, "simulations: got 0"),
        ({"exploration": -1.0}, "exploration: got -1"),
        ({"discount": 1.5}, "discount: got 1.5"),
    ):
        with pytest.raises(ConfigError, match=text):
            UCT(**words)  # type: ignore[arg-type]  # each is of its own kind
    with pytest.raises(ConfigError, match="game: got one that has ended"):
        UCT().choose(TicTacToe("xxxoo...."))
    with pytest.raises(ConfigError, match="board: got 'x'"):
        TicTacToe("x")
    with pytest.raises(ConfigError, match="got field 0"):
        TicTacToe("x........", 1).play(0)
