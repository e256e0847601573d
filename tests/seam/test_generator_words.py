"""The generator, held to a plain NumPy implementation and to Random123's published answers."""

from __future__ import annotations

import numpy as np
import pytest

from onetake import _core

MASK = 0xFFFFFFFF


def philox(counter: list[np.ndarray], key: tuple[int, int]) -> list[np.ndarray]:
    """Philox4x32-10, written from the paper (Salmon et al. 2011, section 3.3) with 64-bit products."""
    a, b, c, d = (np.asarray(word, dtype=np.uint64) for word in counter)
    k0, k1 = key
    for _ in range(10):
        x, y = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b, c, d = (
            (y >> np.uint64(32)) ^ b ^ np.uint64(k0),
            y & np.uint64(MASK),
            (x >> np.uint64(32)) ^ d ^ np.uint64(k1),
            x & np.uint64(MASK),
        )
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return [a, b, c, d]


def mix(x: int) -> int:
    """SplitMix64's finaliser (Steele, Lea and Flood 2014)."""
    wide = 2**64 - 1
    x = (x + 0x9E3779B97F4A7C15) & wide
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & wide
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & wide
    return x ^ (x >> 31)


def plain_words(seed, stream, slot, attempt, step, replicate, entities):
    """The counter layout: (slot * 64 + try, step, entity / 4, replicate), lane entity mod 4."""
    mixed = mix(mix(seed) ^ stream)
    ids = np.asarray(entities, dtype=np.uint64)
    zero = np.zeros_like(ids)
    block = philox([zero + slot * 64 + attempt, zero + step, ids // 4, zero + replicate], (mixed & MASK, mixed >> 32))
    return np.choose((ids % 4).astype(np.int64), block).astype(np.uint32)


@pytest.mark.philox
@pytest.mark.parametrize(
    ("counter", "key", "want"),
    [
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([MASK] * 4, [MASK] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_core_and_oracle_both_give_the_published_answers(counter, key, want):
    assert _core.philox_block(counter, key) == want
    assert [int(word) for word in philox(counter, (key[0], key[1]))] == want


@pytest.mark.philox
@pytest.mark.parametrize("entity", [0, 1, 3, 61, 2**32 - 300])
def test_words_follow_the_counter_layout_wherever_a_batch_starts(entity):
    for slot, attempt, step, replicate in [(0, 0, 0, 0), (5, 63, 2**32 - 1, 7), (2**26 - 1, 1, 3, 2**32 - 1)]:
        words = _core.words(12345, 99, slot, attempt, step, replicate, entity, 299)
        wanted = plain_words(12345, 99, slot, attempt, step, replicate, np.arange(entity, entity + 299))
        np.testing.assert_array_equal(words, wanted)
