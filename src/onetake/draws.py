"""Random draws and elementary functions that give the same bytes on every machine, for any cut and thread count.

A draw is a pure function of (seed, stream, replicate, entity, step, slot): nothing is consumed, so asking twice gives
the same number, and the draws of an entity do not depend on who else is in the batch. Uniform, normal, Bernoulli,
binomial, Poisson and categorical draws are monotone in one 32-bit word: raising a chance never lowers a draw. The
smallest probability they can tell from 0 is 2^-32, and normal numbers stay within 6.34 of their mean.
"""

from __future__ import annotations

import os
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onetake import _core
from onetake.errors import ConfigError, ShapeError
from onetake.types import Bool, Float64, Int64

__all__ = [
    "AGENT",
    "ENVIRONMENT",
    "Draws",
    "exp",
    "log",
    "mean",
    "power",
    "resampled_totals",
    "thread_count",
    "total",
]

_T = TypeVar("_T", bound=np.generic)

#: Stream of everything that environments draw.
ENVIRONMENT = 0x656E_7669_726F_6E00
#: Stream of everything that agents draw: one for all of them, so that equal policies draw alike.
AGENT = 0x6167_656E_7400_0000


class Draws:
    """Draws for a batch of ``n = replicates * entities`` units; unit ``i`` is entity ``i % entities``.

    Parameters of a draw are one number for all, one per unit ``(n,)``, or a table ``(n, k)``, ``(1, k)`` or ``(n, 1)``;
    with a table the result is ``(n, k)`` and column j takes slot ``slot + j``, else it is ``(n,)``. ``rows`` picks
    units of the batch, in any order; parameters then have ``len(rows)`` rows. Draws that may meet in one step need
    slots of their own.

    Args:
        seed: root of all draws, in [0, 2^64).
        stream: whose draws these are; streams of one seed never meet.
        first_entity: number of the first entity, so that a shard draws what the whole batch would.
        entities: entities of a replicate.
        first_replicate: number of the first replicate.
        replicates: independent copies of the population.
        threads: threads to work on; None for ``ONETAKE_THREADS``, else all cores. Changes the time and nothing else.

    Raises:
        ConfigError: for NaN, a probability outside [0, 1], a scale or shape out of range, a step or slot too large.
        ShapeError: for parameters of another length than the batch, or rows outside it.

    Source: Salmon et al. 2011 (Philox4x32-10); counter layout in ``rust/onetake-core/src/rng.rs``.

    >>> draws = Draws(7, entities=3)
    >>> draws.binomial(100, [0.1, 0.5, 0.9], 0).tolist()
    [6, 50, 94]
    >>> Draws(7, first_entity=1, entities=2).binomial(100, [0.5, 0.9], 0).tolist()
    [50, 94]
    """

    def __init__(
        self,
        seed: int,
        *,
        stream: int = AGENT,
        first_entity: int = 0,
        entities: int = 1,
        first_replicate: int = 0,
        replicates: int = 1,
        threads: int | None = None,
    ) -> None:
        self._batch = _core.DrawBatch(
            _whole("seed", seed, 64),
            _whole("stream", stream, 64),
            _whole("first_entity", first_entity, 32),
            _whole("entities", entities, 32),
            _whole("first_replicate", first_replicate, 32),
            _whole("replicates", replicates, 32),
            thread_count(threads),
        )
        self._rows = entities * replicates

    def uniform(self, step: int, *, slot: int = 0, width: int | None = None, rows: Int64 | None = None) -> Float64:
        """Numbers in (0, 1), the middles of 2^32 equal cells; ``(n, width)``, or ``(n,)`` without a width."""
        at, rows, count = self._at(step, slot, rows)
        flat = self._batch.uniform(at, rows, 1 if width is None else _whole("width", width, 26))
        return flat if width is None else flat.reshape(count, width)

    def normal(
        self, mean: ArrayLike, scale: ArrayLike, step: int, *, slot: int = 0, rows: Int64 | None = None
    ) -> Float64:
        """Normal numbers with standard deviation ``scale``, by the inverse distribution function."""
        at, rows, count = self._at(step, slot, rows)
        tables, width = _tables(count, mean=mean, scale=scale)
        return _shaped(self._batch.normal(at, rows, *tables), width)

    def bernoulli(self, p: ArrayLike, step: int, *, slot: int = 0, rows: Int64 | None = None) -> Bool:
        """True with probability ``p``, to the nearest 2^-32."""
        at, rows, count = self._at(step, slot, rows)
        tables, width = _tables(count, p=p)
        return _shaped(self._batch.bernoulli(at, rows, *tables), width)

    def binomial(self, n: ArrayLike, p: ArrayLike, step: int, *, slot: int = 0, rows: Int64 | None = None) -> Int64:
        """Successes among ``n`` trials (whole numbers below 2^32): the smallest count whose CDF reaches the uniform."""
        at, rows, count = self._at(step, slot, rows)
        trials = np.asarray(n)
        if trials.dtype.kind not in "iu":
            raise ShapeError(f"n: got dtype {trials.dtype}; wanted whole numbers")
        ((chances,), wide), ((counts,), narrow) = _tables(count, p=p), _tables(count, n=trials)
        return _shaped(self._batch.binomial(at, rows, counts, chances), max(wide, narrow))

    def poisson(self, rate: ArrayLike, step: int, *, slot: int = 0, rows: Int64 | None = None) -> Int64:
        """Events where ``rate`` (at most 1e9) are expected: the smallest count whose CDF reaches the uniform."""
        at, rows, count = self._at(step, slot, rows)
        tables, width = _tables(count, rate=rate)
        return _shaped(self._batch.poisson(at, rows, *tables), width)

    def gamma(
        self, shape: ArrayLike, scale: ArrayLike, step: int, *, slot: int = 0, rows: Int64 | None = None
    ) -> Float64:
        """Gamma numbers with mean ``shape * scale``, by Marsaglia and Tsang's method (2000)."""
        at, rows, count = self._at(step, slot, rows)
        tables, width = _tables(count, shape=shape, scale=scale)
        return _shaped(self._batch.gamma(at, rows, *tables), width)

    def beta(self, a: ArrayLike, b: ArrayLike, step: int, *, slot: int = 0, rows: Int64 | None = None) -> Float64:
        """Beta numbers with mean ``a / (a + b)``, each from two gamma numbers of its slot."""
        at, rows, count = self._at(step, slot, rows)
        tables, width = _tables(count, a=a, b=b)
        return _shaped(self._batch.beta(at, rows, *tables), width)

    def categorical(self, probabilities: ArrayLike, step: int, *, slot: int = 0, rows: Int64 | None = None) -> Int64:
        """Arms ``(n,)`` by probabilities ``(k,)``, ``(1, k)`` or ``(n, k)`` whose rows add up to 1 within 1e-6."""
        at, rows, count = self._at(step, slot, rows)
        table = np.asarray(probabilities, dtype=np.float64)
        if table.ndim == 1:
            table = table[None]
        (checked,), _ = _tables(count, probabilities=table)
        return self._batch.categorical(at, rows, checked)

    def _at(self, step: int, slot: int, rows: Int64 | None) -> tuple[tuple[int, int], Int64 | None, int]:
        at = (_whole("step", step, 32), _whole("slot", slot, 26))
        if rows is None:
            return at, None, self._rows
        if rows.ndim != 1 or rows.dtype.kind not in "iu":
            raise ShapeError(f"rows: got {rows.dtype} of shape {rows.shape}; wanted whole numbers of shape (m,)")
        return at, np.ascontiguousarray(rows, dtype=np.int64), len(rows)


def exp(values: ArrayLike) -> Float64:
    """Return e to each of ``values``, within 2 units in the last place.

    Raises:
        ConfigError: for NaN.

    >>> exp([0.0, 1.0]).tolist()
    [1.0, 2.718281828459045]
    """
    array = np.ascontiguousarray(values, dtype=np.float64)
    return _core.exp(array.ravel()).reshape(array.shape)


def log(values: ArrayLike) -> Float64:
    """Return the natural logarithm of each of ``values``, within 2 units in the last place; -inf for 0.

    Raises:
        ConfigError: for NaN or a negative number.

    >>> log([1.0, 0.0]).tolist()
    [0.0, -inf]
    """
    array = np.ascontiguousarray(values, dtype=np.float64)
    return _core.log(array.ravel()).reshape(array.shape)


def power(base: ArrayLike, exponent: ArrayLike) -> Float64:
    """Return each ``base`` (at least 0) to its ``exponent``, within 1 unit in the last place; the two broadcast.

    Raises:
        ConfigError: for NaN or a negative base.
        ShapeError: for arrays that do not broadcast.

    >>> power([2.0, 9.0], [10.0, 0.5]).tolist()
    [1024.0, 3.0]
    """
    try:
        bases, exponents = np.broadcast_arrays(
            np.asarray(base, dtype=np.float64), np.asarray(exponent, dtype=np.float64)
        )
    except ValueError:
        got = f"{np.shape(base)} and {np.shape(exponent)}"
        raise ShapeError(f"exponent: got shapes {got}; wanted shapes that broadcast") from None
    return _core.power(bases.ravel(), exponents.ravel()).reshape(bases.shape)


def total(values: ArrayLike, *, axis: int | None = None) -> Any:
    """Return the sum of ``values``, or along ``axis``, added in an order that only the length decides.

    Returns:
        A float without an axis, else an array with that axis gone.

    Raises:
        ConfigError: for NaN.

    >>> total([[1.0, 2.0], [3.0, 4.0]], axis=0).tolist()
    [4.0, 6.0]
    """
    array = np.asarray(values, dtype=np.float64)
    if axis is None:
        return float(_core.totals(np.ascontiguousarray(array).ravel(), array.size)[0]) if array.size else 0.0
    moved = np.ascontiguousarray(np.moveaxis(array, axis, -1))
    if not moved.size:
        return np.zeros(moved.shape[:-1])
    return _core.totals(moved.ravel(), moved.shape[-1]).reshape(moved.shape[:-1])


def resampled_totals(
    values: Float64, resamples: int, seed: int, *, first: int = 0, threads: int | None = None
) -> Float64:
    """Return the column sums of bootstrap resamples of rows, without an index ever being stored.

    Row i of resample r is picked by the draw of entity i of replicate ``first + r``, so more resamples keep those that
    fewer had. ``values`` are ``(n,)`` or ``(n, w)``; what comes back is ``(resamples, w)``, the same for any threads.

    Raises:
        ShapeError: where there is no row.

    >>> resampled_totals(np.ones((5, 2)), 3, seed=1).tolist()
    [[5.0, 5.0], [5.0, 5.0], [5.0, 5.0]]
    """
    table = np.ascontiguousarray(values, dtype=np.float64)
    width = 1 if table.ndim == 1 else table.shape[1]
    found = _core.resampled(table.ravel(), width, seed, first, resamples, thread_count(threads))
    return found.reshape(resamples, width)


def mean(values: ArrayLike, *, axis: int | None = None) -> Any:
    """Return the :func:`total` divided by the number of terms.

    Raises:
        ConfigError: for NaN, or where there is nothing to take the mean of.

    >>> mean([1.0, 2.0])
    1.5
    """
    array = np.asarray(values, dtype=np.float64)
    count = array.size if axis is None else array.shape[axis]
    if not count:
        raise ConfigError("values: got no numbers; wanted at least 1")
    return total(array, axis=axis) / count


def thread_count(threads: int | None = None) -> int:
    """Return ``threads``, or else what the environment variable ``ONETAKE_THREADS`` says, or else all cores.

    Raises:
        ConfigError: for anything but a whole number of at least 1.

    >>> thread_count(3)
    3
    """
    if threads is None:
        text = os.environ.get("ONETAKE_THREADS", "").strip()
        if not text:
            return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if not text.isdecimal() or int(text) == 0:
            raise ConfigError(f"ONETAKE_THREADS: got {text!r}; wanted a whole number of at least 1")
        return int(text)
    if _whole("threads", threads, 32) == 0:
        raise ConfigError("threads: got 0; wanted a whole number of at least 1")
    return threads


def _whole(name: str, value: int, bits: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < 2**bits:
        raise ConfigError(f"{name}: got {value!r}; wanted a whole number in [0, 2^{bits})")
    return int(value)


def _tables(count: int, **parameters: ArrayLike) -> tuple[list[Any], int]:
    """Give each parameter two axes; the second value is the number of columns, 0 where none is a table."""
    tables, width = [], 0
    for name, value in parameters.items():
        array = np.asarray(value)
        kind = np.int64 if array.dtype.kind in "iu" and name == "n" else np.float64
        if array.dtype.kind not in "iuf" or array.ndim > 2:
            raise ShapeError(
                f"{name}: got {array.dtype} of shape {array.shape}; wanted numbers of shape (), (n,) or (n, k)"
            )
        if array.ndim == 2:
            width = max(width, array.shape[1])
        if array.ndim and array.shape[0] not in (1, count):
            raise ShapeError(f"{name}: got shape {array.shape}; wanted {count} rows or 1")
        tables.append(np.ascontiguousarray(array.reshape(-1, 1) if array.ndim < 2 else array, dtype=kind))
    return tables, width


def _shaped(flat: NDArray[_T], width: int) -> NDArray[_T]:
    return flat.reshape(-1, width) if width else flat
