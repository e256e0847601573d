"""Fingerprints of values, of functions with what is bound into them, and of files."""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import os
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetake.caching.bound import Bound
from onetake.caching.closure import Closure
from onetake.caching.fingerprint import FileDigests, NoFingerprint, digest, file_state, leaves
from onetake.caching.options import CacheOptions

pytestmark = pytest.mark.cached_nodes

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@dataclasses.dataclass(frozen=True)
class Settings:
    floor: float
    names: tuple[str, ...]


class Colour(enum.Enum):
    RED = 1


@given(VALUES)
def test_the_order_of_a_mapping_and_the_kind_of_a_sequence_leave_no_trace(value: Any) -> None:
    def turned(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: turned(item[key]) for key in reversed(item)}
        return tuple(map(turned, item)) if isinstance(item, list) else item

    assert dict(leaves(turned(value), "v")) == dict(leaves(value, "v"))


@given(VALUES, VALUES)
def test_values_that_json_tells_apart_have_other_leaves(one: Any, two: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)
    # Text keys with dots may spell the same path; no parameter of Kedro can have one.
    if "." not in json.dumps([one, two]):
        assert (dict(leaves(one, "v")) == dict(leaves(two, "v"))) == same


def test_typed_parameters_have_the_leaves_of_the_mapping_that_they_came_from() -> None:
    plain = {"floor": 0.5, "names": ["a", "b"]}
    assert dict(leaves(Settings(0.5, ("a", "b")), "params:x")) == dict(leaves(plain, "params:x"))


def test_values_of_other_kinds_have_their_own_text() -> None:
    values = [1, 1.0, "1", True, None, "None", b"1", Decimal(1), date(2020, 1, 1), Path("1"), Colour.RED, {1}, {"1": 1}]
    texts = [str(dict(leaves(value, "v"))) for value in values]
    assert len(set(texts)) == len(values)
    assert dict(leaves(np.float64(1.5), "v")) == dict(leaves(1.5, "v"))
    assert dict(leaves({1: 2}, "v")) == {"v.1": "2"}


@pytest.mark.parametrize("value", [object(), np.zeros(3), {"a": [object()]}, lambda: 1])
def test_a_value_whose_content_cannot_be_told_is_refused(value: Any) -> None:
    with pytest.raises(NoFingerprint, match=r"^an? \S+ has no fingerprint$"):
        dict(leaves(value, "v"))


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_digests_are_equal_exactly_for_equal_sequences_of_texts(one: list[str], two: list[str]) -> None:
    assert (digest(*one) == digest(*two)) == (one == two)


def test_a_file_that_only_looks_the_same_is_read_again_while_its_time_stamp_is_fresh(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("one")
    files = FileDigests(tmp_path / "memo.json")
    before = files.of(path)
    state = path.stat()
    path.write_text("two")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert files.of(path) != before


def test_a_file_of_old_is_not_read_again_until_it_looks_different(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data"
    path.write_text("one")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    first = FileDigests(tmp_path / "memo.json")
    known = first.of(path)
    first.save()
    monkeypatch.setattr("onetake.caching.fingerprint.content_digest", lambda path: "read")
    assert FileDigests(tmp_path / "memo.json").of(path) == known
    os.utime(path, (1_000_000_001, 1_000_000_001))
    assert FileDigests(tmp_path / "memo.json").of(path) == "read"
    assert file_state(path)[0] == 3
    assert FileDigests().of(tmp_path / "nothing") is None


def bound(value: Any, root: Path, **options: Any) -> tuple[set[str], dict[str, str]]:
    closure = Closure(CacheOptions(first_party=("onetake",), **options), root / "memo.json")
    found = Bound(closure, root)
    found.add(value, "bound")
    return found.references, found.values


def rated(x: Any, agent: Any = None) -> Any:
    return x


class Scorer:
    def __init__(self, weight: float) -> None:
        self.weight = weight

    def score(self, x: float) -> float:
        return x * self.weight

    __call__ = score


NAMELESS = {"f": lambda x: x}


def maker(weight: float) -> Any:
    def scaled(x: float) -> float:
        return x * weight

    return scaled


def test_what_is_bound_into_a_function_counts_by_kind(tmp_path: Path) -> None:
    here = __name__
    assert bound(functools.partial(rated, 3, agent=Scorer), tmp_path) == (
        {f"{here}:rated", f"{here}:Scorer"},
        {"bound(0)": "3"},
    )
    assert bound(Scorer(2.0).score, tmp_path) == ({f"{here}:Scorer"}, {"bound.self.weight": "2.0"})
    assert bound(Scorer(2.5), tmp_path) == ({f"{here}:Scorer"}, {"bound.weight": "2.5"})
    assert bound(maker(4.0), tmp_path) == ({f"{here}:maker"}, {"bound[weight]": "4.0"})
    assert bound(functools.partial(rated, agent={"a": [Scorer]}), tmp_path)[0] == {f"{here}:rated", f"{here}:Scorer"}
    # A lambda cannot be found by name, so its module counts.
    assert bound(NAMELESS["f"], tmp_path)[0] == {f"{here}:"}
    assert bound(json.loads, tmp_path) == ({"json:loads"}, {"bound is": "json.loads"})
    assert bound(sys, tmp_path)[0] == {"sys:"}


def test_texts_that_name_code_bring_it_in(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("class Mine: pass")
    settings = {"type": "onetake.errors:ConfigError", "deep": ["onetake.seeding.child_seed", "json:loads", "v1.2"]}
    references, _ = bound(functools.partial(rated, settings, agent="mine.py:Mine"), tmp_path)
    named = {"onetake.errors:ConfigError", "onetake.seeding:child_seed", f"{tmp_path / 'mine.py'}:"}
    assert references == {f"{__name__}:rated"} | named


def test_a_function_without_a_source_file_has_no_fingerprint(tmp_path: Path) -> None:
    space: dict[str, Any] = {"__name__": "typed_on_a_console"}
    exec("def f(x): return x", space)
    with pytest.raises(NoFingerprint, match=r"typed_on_a_console\.f has no source file"):
        bound(space["f"], tmp_path)
