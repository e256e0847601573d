"""What tree search plays: anything that can be forked, with two examples of how little that is."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Protocol, Self

from onetake.envs.single import SimEnv
from onetake.errors import ConfigError


class Game(Protocol):
    """What can be forked and played on: a board game, or a simulated environment.

    Attributes:
        player: whose turn it is, from 0. players: how many there are. over: whether it has ended.
        bounds: least and largest reward of player 0, where the game is for two, has no luck, pays at its end only, and
            what one wins the other loses; else None. It lets search prove values.
    """

    player: int
    players: int
    over: bool
    bounds: tuple[float, float] | None

    def actions(self) -> Sequence[int]:
        """Actions that are allowed now."""

    def play(self, action: int) -> Sequence[float]:
        """Take an action; the reward of each player."""

    def fork(self, seed: int) -> Self:
        """A copy that goes on from here with its own luck; a game without luck takes no notice of the seed."""

    def key(self) -> Hashable | None:
        """What tells this position from all others, so that search remembers it between moves and games; or None."""


LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))


class TicTacToe:
    """Three in a row on nine fields, numbered row by row; 1 for a win, -1 for a loss.

    >>> game = TicTacToe()
    >>> for field in (0, 3, 1, 4, 2):
    ...     reward = game.play(field)
    >>> reward, game.over
    ((1.0, -1.0), True)
    """

    players = 2
    bounds: tuple[float, float] | None = (-1.0, 1.0)

    def __init__(self, board: str = "." * 9, player: int = 0) -> None:
        if len(board) != 9 or set(board) - set("xo."):
            raise ConfigError(f"board: got {board!r}; wanted nine of x, o and .")
        self.board, self.player = board, player
        self.over = "." not in board or any(self._won(line) for line in LINES)

    def actions(self) -> Sequence[int]:
        """Empty fields."""
        return [field for field, mark in enumerate(self.board) if mark == "."]

    def play(self, action: int) -> tuple[float, float]:
        """Set the mark of the player whose turn it is.

        Raises:
            ConfigError: a field that is taken, or a game that has ended.
        """
        if self.over or self.board[action] != ".":
            raise ConfigError(f"action: got field {action} of {self.board}; wanted an empty one of a running game")
        self.board = self.board[:action] + "xo"[self.player] + self.board[action + 1 :]
        won = any(self._won(line) for line in LINES if action in line)
        self.over = won or "." not in self.board
        mover, self.player = self.player, 1 - self.player
        reward = 0.0 if not won else 1.0 if mover == 0 else -1.0
        return reward, -reward

    def fork(self, seed: int = 0) -> TicTacToe:
        """A copy."""
        twin = TicTacToe.__new__(TicTacToe)
        twin.board, twin.player, twin.over = self.board, self.player, self.over
        return twin

    def key(self) -> Hashable:
        """The board; whose turn it is follows from it."""
        return self.board

    def _won(self, line: tuple[int, int, int]) -> bool:
        a, b, c = line
        return self.board[a] != "." and self.board[a] == self.board[b] == self.board[c]


class ForkedEnv:
    """A simulated environment as a game of one player: every fork has its own luck.

    Args:
        env: a `SimEnv` with arms for actions, already reset; it is never stepped itself.
        limit: steps after which a fork counts as over, or None for the environment's own horizon.

    >>> env = SimEnv("cohort", {"q": [0.2, 0.6], "horizon": 3})
    >>> _ = env.reset(seed=1)
    >>> game = ForkedEnv(env).fork(seed=4)
    >>> reward = game.play(1)
    >>> game.over, len(reward)
    (False, 1)
    """

    player = 0
    players = 1
    bounds: tuple[float, float] | None = None

    def __init__(self, env: SimEnv, *, limit: int | None = None) -> None:
        self._env, self._left = env, limit
        self.over = False
        self._arms = range(int(getattr(env.action_space, "n", 0)))
        if not self._arms:
            raise ConfigError(
                f"env: got actions {env.action_space}; wanted arms, since a tree has finitely many branches"
            )

    def actions(self) -> Sequence[int]:
        """All arms."""
        return self._arms

    def play(self, action: int) -> tuple[float]:
        """Step the environment."""
        _, reward, terminated, truncated, _ = self._env.step(action)
        if self._left is not None:
            self._left -= 1
        self.over = bool(terminated or truncated or self._left == 0)
        return (float(reward),)

    def fork(self, seed: int) -> ForkedEnv:
        """A copy with its own luck."""
        twin = ForkedEnv.__new__(ForkedEnv)
        twin.__dict__.update(vars(self))
        twin._env = self._env.fork(seed)
        return twin

    def key(self) -> None:
        """Nothing: what comes of an action is chance."""
        return


def playout(game: Game, players: Sequence[Any]) -> list[float]:
    """Play ``game`` to its end; each player is a function from the game to an action. Returns total rewards.

    >>> playout(TicTacToe(), [lambda game: game.actions()[0]] * 2)
    [1.0, -1.0]
    """
    total = [0.0] * game.players
    while not game.over:
        for player, reward in enumerate(game.play(players[game.player](game))):
            total[player] += reward
    return total
