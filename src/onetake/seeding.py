"""The one way a seed is split: by label, never by call order."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def child_seed(seed: int, *labels: str | int) -> int:
    """Return the 64-bit seed that belongs to ``labels`` under ``seed``.

    Equal arguments give equal seeds on every machine; the order in which other seeds were asked for does not matter.

    >>> child_seed(7, "environment", "pricing") == child_seed(7, "environment", "pricing")
    True
    >>> child_seed(7, "environment", "pricing") == child_seed(7, "pricing", "environment")
    False
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in (seed, *labels):
        encoded = f"{type(part).__name__}:{part}".encode()
        digest.update(len(encoded).to_bytes(4, "little") + encoded)
    return int.from_bytes(digest.digest(), "little")


def fold_of(ids: NDArray[np.int64], folds: int, seed: int = 0) -> NDArray[np.int64]:
    """Return the fold of each id ``(n,)``: a fixed hash, so that no rhythm of the ids decides, nor what else is there.

    A few ids may leave folds empty: who learns from the other folds then learns from all others.

    >>> fold_of(np.arange(6), 2).tolist()
    [1, 0, 1, 0, 1, 0]
    """
    # The finaliser of SplitMix64 (Steele, Lea, Flood, 2014).
    word = (ids.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word ^= word >> np.uint64(31)
    return (word % np.uint64(folds)).astype(np.int64)
