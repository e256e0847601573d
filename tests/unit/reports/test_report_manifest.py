"""The manifest: the same content has the same digest, other content another."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import onetake
from onetake.evaluation.settings import EvaluationSettings
from onetake.reports.manifest import PACKAGES, digest, manifest

pytestmark = pytest.mark.report

FRAME = pl.DataFrame({"agent": ["a", "b"], "score": [0.25, None]})


def test_a_digest_counts_values_types_and_names_of_a_frame() -> None:
    assert digest(FRAME) == digest(FRAME.clone())
    others = [
        FRAME.reverse(),
        FRAME.rename({"score": "scores"}),
        FRAME.with_columns(pl.col("score").cast(pl.Float32)),
        FRAME.with_columns(pl.col("score").fill_null(0.0)),
    ]
    assert len({digest(frame) for frame in [FRAME, *others]}) == 5


@given(st.dictionaries(st.text(), st.integers() | st.floats(allow_nan=False) | st.text()))
def test_a_digest_does_not_depend_on_the_order_of_keys(record: dict[str, object]) -> None:
    assert digest(record) == digest(dict(reversed(record.items())))


def test_a_changed_setting_changes_its_own_line_only() -> None:
    one = manifest({"agents": {"alpha": 1.0}}, {"scorecard": FRAME})
    two = manifest({"agents": {"alpha": 2.0}}, {"scorecard": FRAME})
    changed = [(a["kind"], a["name"]) for a, b in zip(one, two, strict=True) if a != b]
    assert changed == [("settings", "agents")]


def test_a_manifest_names_code_core_seeds_and_versions() -> None:
    rows = {
        (item["kind"], item["name"]): item["value"] for item in manifest({"evaluation": EvaluationSettings(seed=7)}, {})
    }
    assert rows["code", "onetake"] == onetake.__version__
    assert len(rows["code", "source of the package"]) == 16
    assert rows["seed", "evaluation.seed"] == "7"
    assert {name for kind, name in rows if kind == "version"} == {"python", *PACKAGES}
