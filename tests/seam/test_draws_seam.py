"""The seam of the samplers: same bytes for any cut, refusals of one line, other threads go on."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from onetake.draws import Draws, mean, power, thread_count, total
from onetake.draws import log as natural_log
from onetake.errors import ConfigError, ShapeError

ENTITIES, REPLICATES = 3001, 7
GRID = {"entities": ENTITIES, "replicates": REPLICATES}


def every_kind(draws: Draws, chances: np.ndarray, rows: np.ndarray | None = None) -> dict[str, np.ndarray]:
    chances = chances if rows is None else chances[rows]
    table = np.column_stack([chances, 1 - chances])
    return {
        "uniform": draws.uniform(3, width=3, rows=rows),
        "normal": draws.normal(chances, 2.0, 3, slot=9, rows=rows),
        "bernoulli": draws.bernoulli(chances, 3, rows=rows),
        "binomial": draws.binomial(5000, table, 3, rows=rows),
        "poisson": draws.poisson(30 * chances, 3, rows=rows),
        "gamma": draws.gamma(4 * table, 1.5, 3, rows=rows),
        "beta": draws.beta(3 * chances, 2.0, 3, rows=rows),
        "categorical": draws.categorical(table, 3, rows=rows),
    }


@pytest.mark.worker_independence
def test_any_number_of_threads_gives_the_same_bytes():
    chances = np.random.default_rng(0).random(ENTITIES * REPLICATES)
    one = every_kind(Draws(5, threads=1, **GRID), chances)
    for threads in (2, 5):
        for name, value in every_kind(Draws(5, threads=threads, **GRID), chances).items():
            assert value.tobytes() == one[name].tobytes(), name


@pytest.mark.worker_independence
def test_shards_by_entity_and_by_replicate_join_to_the_whole():
    chances = np.random.default_rng(1).random((REPLICATES, ENTITIES))
    whole = every_kind(Draws(5, **GRID), chances.ravel())
    parts: dict[str, list[np.ndarray]] = {name: [] for name in whole}
    for replicate in range(REPLICATES):
        cut = 17 + 401 * replicate
        shards = [
            every_kind(Draws(5, entities=cut, first_replicate=replicate), chances[replicate, :cut]),
            every_kind(
                Draws(5, first_entity=cut, entities=ENTITIES - cut, first_replicate=replicate),
                chances[replicate, cut:],
            ),
        ]
        for name in parts:
            parts[name] += [shard[name] for shard in shards]
    for name, value in whole.items():
        np.testing.assert_array_equal(np.concatenate(parts[name]), value, err_msg=name)


@pytest.mark.worker_independence
def test_chosen_rows_draw_what_they_draw_in_the_whole_batch():
    generator = np.random.default_rng(2)
    chances = generator.random(ENTITIES * REPLICATES)
    rows = generator.permutation(ENTITIES * REPLICATES)[:1234]
    draws = Draws(5, **GRID)
    whole, some = every_kind(draws, chances), every_kind(draws, chances, rows)
    for name, value in some.items():
        np.testing.assert_array_equal(value, whole[name][rows], err_msg=name)


@pytest.mark.seam
def test_sums_do_not_depend_on_strides_and_hold_their_axis():
    values = np.random.default_rng(3).standard_normal((5, 4, 301))
    for axis in range(3):
        np.testing.assert_allclose(total(values, axis=axis), values.sum(axis=axis), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(mean(values, axis=axis), values.mean(axis=axis), rtol=1e-12, atol=1e-12)
    assert total(values[:, ::2]) == total(np.ascontiguousarray(values[:, ::2]))
    assert total([]) == 0.0
    # Kahan's example: a plain left-to-right sum of ten million tenths is off by 1.6e-4.
    assert abs(total(np.full(10_000_000, 0.1)) - 1e6) < 1e-8


@pytest.mark.seam
def test_other_python_threads_run_during_a_draw():
    draws = Draws(1, entities=400_000, threads=1)
    ticks, done = [], threading.Event()

    def draw() -> None:
        draws.beta(0.4, 0.7, 0)
        done.set()

    worker = threading.Thread(target=draw)
    worker.start()
    while not done.is_set():
        ticks.append(time.perf_counter())
        time.sleep(0.0005)
    worker.join()
    assert len(ticks) >= 3


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda d: d.bernoulli([0.1, np.nan, 0.2], 0),
            ConfigError,
            r"p\[1\]: got NaN; wanted a probability in \[0, 1\]",
        ),
        (
            lambda d: d.binomial(5, [[0.5, 1.5]], 0),
            ConfigError,
            r"p\[0, 1\]: got 1.5; wanted a probability in \[0, 1\]",
        ),
        (lambda d: d.binomial(-1, 0.5, 0), ConfigError, r"n\[0\]: got -1; wanted a whole number in \[0, 2\^32\)"),
        (lambda d: d.binomial(2.5, 0.5, 0), ShapeError, r"n: got dtype float64; wanted whole numbers"),
        (
            lambda d: d.gamma([1.0, -2.0, 1.0], 1.0, 0),
            ConfigError,
            r"shape\[1\]: got -2; wanted a finite number above 0",
        ),
        (lambda d: d.beta(1.0, 0.0, 0), ConfigError, r"b\[0\]: got 0; wanted a finite number above 0"),
        (lambda d: d.normal(0.0, -1.0, 0), ConfigError, r"scale\[0\]: got -1; wanted a finite number of at least 0"),
        (lambda d: d.poisson(2e9, 0), ConfigError, r"rate\[0\]: got 2000000000; wanted a number in \[0, 1e9\]"),
        (lambda d: d.bernoulli([0.1, 0.2], 0), ShapeError, r"p: got shape \(2,\); wanted 3 rows or 1"),
        (lambda d: d.beta(np.ones((3, 2)), np.ones((3, 4)), 0), ShapeError, r"a: got 3 rows, 2 columns; wanted .*"),
        (lambda d: d.categorical([0.5, 0.4], 0), ConfigError, r"probabilities\[0\]: got sum 0.9; wanted sum 1"),
        (lambda d: d.uniform(-1), ConfigError, r"step: got -1; wanted a whole number in \[0, 2\^32\)"),
        (lambda d: d.uniform(0, rows=np.array([0, 3])), ShapeError, r"rows: got 3; wanted row numbers in \[0, 3\)"),
        (lambda d: Draws(-1), ConfigError, r"seed: got -1; wanted a whole number in \[0, 2\^64\)"),
        (lambda d: Draws(1, entities=0), ConfigError, r"entities: got 0 from 0 on; wanted at least 1, all below 2\^32"),
        (lambda d: Draws(1, threads=0), ConfigError, r"threads: got 0; wanted a whole number of at least 1"),
        (lambda d: natural_log([-1.0]), ConfigError, r"values\[0\]: got -1; wanted a number of at least 0"),
        (lambda d: power([1.0, 2.0], [1.0, 2.0, 3.0]), ShapeError, r"exponent: got shapes .*; wanted .*"),
        (lambda d: total([np.nan]), ConfigError, r"values\[0\]: got NaN; wanted a number"),
        (lambda d: mean([]), ConfigError, r"values: got no numbers; wanted at least 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(call, error, text):
    with pytest.raises(error, match=f"^{text}$"):
        call(Draws(7, entities=3))


@pytest.mark.bad_input
def test_thread_count_comes_from_the_environment_and_is_checked(monkeypatch):
    monkeypatch.setenv("ONETAKE_THREADS", "3")
    assert thread_count() == 3
    monkeypatch.setenv("ONETAKE_THREADS", "many")
    with pytest.raises(ConfigError, match="ONETAKE_THREADS: got 'many'"):
        thread_count()


@pytest.mark.seam
def test_results_have_their_dtype_shape_and_own_their_memory():
    draws = Draws(7, entities=3)
    for value, dtype, shape in [
        (draws.uniform(0), np.float64, (3,)),
        (draws.uniform(0, width=1), np.float64, (3, 1)),
        (draws.bernoulli(0.5, 0), np.bool_, (3,)),
        (draws.binomial(np.uint32(9), [[0.5, 0.1]], 0), np.int64, (3, 2)),
        (draws.poisson(2, 0, rows=np.array([], dtype=np.int64)), np.int64, (0,)),
        (draws.categorical([0.5, 0.5], 0), np.int64, (3,)),
    ]:
        assert value.dtype == dtype
        assert value.shape == shape
        assert value.flags.writeable
