"""Monte Carlo tree search (UCT) over anything that can be forked."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

from onetake.assembly.games import Game
from onetake.errors import ConfigError
from onetake.seeding import child_seed


@dataclass(eq=False, slots=True)
class _Node:
    """A position: what was tried there, what came of it for each player, and what is proven of player 0's value."""

    player: int
    untried: list[int]
    low: float
    high: float
    visits: int = 0
    total: list[float] = field(default_factory=list)
    children: dict[int, _Node] = field(default_factory=dict)

    def close_in(self, widest: tuple[float, float]) -> None:
        """Take over what is proven of the children: the mover picks the best of them for itself."""
        lows, highs = [c.low for c in self.children.values()], [c.high for c in self.children.values()]
        if self.player == 0:
            self.low = max(lows)
            self.high = widest[1] if self.untried else max(highs)
        else:
            self.high = min(highs)
            self.low = widest[0] if self.untried else min(lows)


class UCT:
    """Upper confidence bounds applied to trees, with proofs where a game allows them.

    Each simulation forks the game with luck of its own, walks down by UCB1, adds one node, plays on at random to the
    end, and adds what every player got to the nodes on its way. Where a game declares ``bounds``, a node also keeps
    between which values player 0's result is proven to lie; a proven move is never simulated again. Where luck decides,
    nodes stand for what was done, not for what came of it (open loop).

    Args:
        simulations: a move.
        exploration: factor of the confidence bound, in units of a game's reward.
        discount: of rewards, a step.
        rollout: policy of the playouts, from a game to an action; None for even chances.
        seed: of playouts and luck.

    Source: Kocsis and Szepesvári (2006), Bandit based Monte-Carlo planning; Cazenave and Saffidine (2010), Score
        bounded Monte-Carlo tree search.

    >>> from onetake.assembly.games import TicTacToe
    >>> UCT(simulations=300).choose(TicTacToe("xx.oo....", player=0))
    2
    """

    name = "uct"

    def __init__(
        self,
        *,
        simulations: int = 500,
        exploration: float = math.sqrt(2.0),
        discount: float = 1.0,
        rollout: Callable[[Game], int] | None = None,
        seed: int = 0,
    ) -> None:
        if isinstance(simulations, bool) or not isinstance(simulations, int) or simulations < 1:
            raise ConfigError(f"simulations: got {simulations!r}; wanted a whole number of at least 1")
        if not exploration >= 0:
            raise ConfigError(f"exploration: got {exploration}; wanted a number of at least 0")
        if not 0 <= discount <= 1:
            raise ConfigError(f"discount: got {discount}; wanted a number in [0, 1]")
        self._simulations, self._exploration, self._discount = simulations, exploration, discount
        self._rollout = rollout
        self._seed = seed
        self._rng = np.random.default_rng(child_seed(seed, "playouts"))
        self._known: dict[Hashable, _Node] = {}
        self._forks = 0

    def __call__(self, game: Game) -> int:
        """The same as `choose`."""
        return self.choose(game)

    def choose(self, game: Game) -> int:
        """The action that search holds best for the player whose turn it is.

        Raises:
            ConfigError: a game that has ended.
        """
        root = self._searched(game)
        sign = 1.0 if root.player == 0 else -1.0

        def worth(action: int) -> tuple[float, int, float]:
            child = root.children[action]
            # First what is proven, then what was visited most, then the mean.
            proven = (sign * (child.low if sign > 0 else child.high)) if game.bounds else 0.0
            return proven, child.visits, _mean(child, root.player)

        bad = min(game.bounds[0] * sign, game.bounds[1] * sign) if game.bounds else -math.inf
        safe = [a for a, c in root.children.items() if max(sign * c.low, sign * c.high) > bad or game.bounds is None]
        return max(safe or list(root.children), key=worth)

    def values(self, game: Game) -> dict[int, float]:
        """Mean total reward of the player whose turn it is, by action tried."""
        root = self._searched(game)
        return {action: _mean(child, root.player) for action, child in sorted(root.children.items())}

    def _searched(self, game: Game) -> _Node:
        if game.over:
            raise ConfigError("game: got one that has ended; wanted one that goes on")
        root = self._node(game)
        for _ in range(self._simulations):
            if root.low == root.high:
                break
            self._forks += 1
            self._simulate(root, game.fork(child_seed(self._seed, "fork", self._forks)))
        return root

    def _node(self, game: Game) -> _Node:
        key = game.key()
        node = None if key is None else self._known.get(key)
        if node is None:
            low, high = game.bounds or (-math.inf, math.inf)
            untried = [] if game.over else [int(action) for action in game.actions()]
            self._rng.shuffle(untried)
            node = _Node(game.player, untried, low, high, total=[0.0] * game.players)
            if key is not None:
                self._known[key] = node
        return node

    def _simulate(self, root: _Node, game: Game) -> None:
        path, rewards = [root], []
        node = root
        while not game.over and not node.untried:
            action = self._best(node)
            rewards.append(game.play(action))
            node = node.children[action]
            path.append(node)
        if node.untried:
            rewards.append(game.play(action := node.untried.pop()))
            path.append(self._grown(node, action, game, rewards[-1]))
        tail = self._play_out(game)
        self._back_up(path, rewards, tail, game.bounds)

    def _grown(self, parent: _Node, action: int, game: Game, reward: Sequence[float]) -> _Node:
        child = parent.children[action] = self._node(game)
        if game.over and game.bounds:
            child.low = child.high = reward[0]
        return child

    def _play_out(self, game: Game) -> list[float]:
        total, factor = [0.0] * game.players, 1.0
        while not game.over:
            actions = game.actions()
            action = self._rollout(game) if self._rollout else actions[int(self._rng.integers(len(actions)))]
            for player, reward in enumerate(game.play(action)):
                total[player] += factor * reward
            factor *= self._discount
        return total

    def _back_up(
        self, path: list[_Node], rewards: list[Sequence[float]], tail: list[float], bounds: tuple[float, float] | None
    ) -> None:
        # A node's total counts from the action that led to it; the root's from its own turn.
        to_come = tail
        for place in range(len(path) - 1, -1, -1):
            node = path[place]
            if place:
                reward = rewards[place - 1]
                to_come = [reward[i] + self._discount * to_come[i] for i in range(len(to_come))]
            node.visits += 1
            node.total = [old + new for old, new in zip(node.total, to_come, strict=True)]
            if bounds and node.children:
                node.close_in(bounds)

    def _best(self, node: _Node) -> int:
        # A move whose value is proven has nothing more to tell, unless all are.
        open_ones = {a: c for a, c in node.children.items() if c.low < c.high} or node.children
        log_visits = math.log(max(node.visits, 1))

        def bound(action: int) -> float:
            child = open_ones[action]
            return _mean(child, node.player) + self._exploration * math.sqrt(log_visits / max(child.visits, 1))

        return max(open_ones, key=bound)


def _mean(node: _Node, player: int) -> float:
    return node.total[player] / node.visits if node.visits else 0.0
