"""The one way a seed is split: by label, never by call order."""

from __future__ import annotations

import hashlib


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
