"""The agent's draws for any rows of a batch, whatever part of the population the batch is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onetake.draws import Draws
from onetake.types import BatchSpec, Float64, Int64


@dataclass(frozen=True)
class Luck:
    """Where the entities of a batch stand among all entities and replicates between its first and its last.

    A draw belongs to (seed, replicate, entity, step, slot), so that a single learner draws what it would in a fleet.

    Attributes:
        seed: of the agent. first: first replicate and entity id. size: how many of each lie between first and last.
        units: place of each environment among those ``(n,)``, or None where they are all there in order.

    >>> ids = np.arange(4, dtype=np.uint32)
    >>> batch = BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0))
    >>> whole, rows = Luck.of(batch, seed=7), np.array([3, 1])
    >>> bool((whole.uniform(5, rows=rows) == whole.uniform(5)[rows]).all())
    True
    """

    seed: int
    first: tuple[int, int]
    size: tuple[int, int]
    units: Int64 | None

    @classmethod
    def of(cls, spec: BatchSpec, seed: int) -> Luck:
        """The draws of a batch."""
        ids = [np.asarray(each, dtype=np.int64) for each in (spec.replicate_ids, spec.entity_ids)]
        first = [int(each.min()) for each in ids]
        size = [int(each.max()) - low + 1 for each, low in zip(ids, first, strict=True)]
        units = ((ids[0] - first[0])[:, None] * size[1] + (ids[1] - first[1])[None, :]).ravel()
        plain = len(units) == size[0] * size[1] and bool((np.diff(units) == 1).all())
        return cls(seed, (first[0], first[1]), (size[0], size[1]), None if plain else units)

    def uniform(self, step: int, *, slot: int = 0, width: int | None = None, rows: Int64 | None = None) -> Float64:
        """Numbers in (0, 1) ``(m,)`` or ``(m, width)``; see `Draws.uniform`."""
        return self._draws.uniform(step, slot=slot, width=width, rows=self._rows(rows))

    def normal(self, width: int, step: int, *, slot: int = 0, rows: Int64 | None = None) -> Float64:
        """Standard normal numbers ``(m, width)``; see `Draws.normal`."""
        return self._draws.normal(np.zeros((1, width)), 1.0, step, slot=slot, rows=self._rows(rows))

    def categorical(self, chances: Float64, step: int, *, slot: int = 0, rows: Int64 | None = None) -> Int64:
        """Places drawn by the chances of each row ``(m,)``; see `Draws.categorical`."""
        return self._draws.categorical(chances, step, slot=slot, rows=self._rows(rows))

    def poisson(self, rate: float, width: int, step: int, *, slot: int = 0, rows: Int64 | None = None) -> Int64:
        """Poisson counts ``(m, width)``; see `Draws.poisson`."""
        return self._draws.poisson(np.full((1, width), rate), step, slot=slot, rows=self._rows(rows))

    def beta(self, a: Float64, b: Float64, step: int, *, slot: int = 0) -> Float64:
        """Beta numbers for all environments ``(n, k)``; see `Draws.beta`."""
        return self._draws.beta(a, b, step, slot=slot, rows=self.units)

    @property
    def _draws(self) -> Draws:
        return Draws(
            self.seed,
            first_replicate=self.first[0],
            first_entity=self.first[1],
            replicates=self.size[0],
            entities=self.size[1],
        )

    def _rows(self, rows: Int64 | None) -> Int64 | None:
        if self.units is None:
            return rows
        return self.units if rows is None else self.units[rows]
