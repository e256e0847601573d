"""The recorded Open Bandit numbers (obp 0.5.7) are met."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from onetake.estimators import Interval, TargetPolicy, make
from onetake.logs import ColumnMap, ingest, policy_table, read_table, to_arrays
from onetake.types import LoggedDecisions

pytestmark = pytest.mark.open_bandit

NORMAL = Interval("normal")
SAME_ROWS = {"type": "tabular", "smoothing": 100.0, "folds": 1}
CASES = {"all:random->bts": "random", "all:bts->uniform": "bts"}


@pytest.fixture(scope="module")
def recorded(root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((root / "tests/golden/open_bandit.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def judged(root: Path) -> dict[str, tuple[LoggedDecisions, TargetPolicy]]:
    conf = yaml.safe_load((root / "conf/base/parameters/ingestion.yml").read_text())["ingestion"]
    folder, found = root / "data/01_raw/open_bandit", {}
    for case, name in CASES.items():
        column_map = ColumnMap.from_mapping(conf[f"open_bandit_{name}"])
        log = to_arrays(ingest(read_table(folder / f"{name}_all.parquet"), column_map))
        table = policy_table(read_table(folder / "bts_action_dist_all.csv"), column_map)
        found[case] = (log, TargetPolicy.per_slot("bts", table, log) if name == "random" else TargetPolicy.uniform(80))
    return found


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ips", "ipw"),
        ("snips", "snipw"),
        ("ipw", "ipw"),
        ("snipw", "snipw"),
        ("dm", "dm"),
        ("dr", "dr"),
        ("sndr", "sndr"),
    ],
)
def test_estimates_are_the_recorded_ones(
    recorded: dict[str, Any], judged: dict[str, tuple[LoggedDecisions, TargetPolicy]], case: str, name: str, key: str
) -> None:
    settings: dict[str, Any] = {"reward_model": SAME_ROWS} if name in ("dm", "dr", "sndr") else {}
    estimate = make(name, **settings).estimate(*judged[case], interval=NORMAL)
    assert estimate.value == pytest.approx(recorded[case]["estimates"][key], abs=1e-9)
    assert not estimate.refused


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("limit", [1, 5, 20])
@pytest.mark.parametrize(("name", "key"), [("ips", "ipw_clip"), ("switch_dr", "switch_dr"), ("dros", "dros")])
def test_clipped_estimates_are_the_recorded_ones(
    recorded: dict[str, Any],
    judged: dict[str, tuple[LoggedDecisions, TargetPolicy]],
    case: str,
    limit: int,
    name: str,
    key: str,
) -> None:
    settings: dict[str, Any] = {} if name == "ips" else {"reward_model": SAME_ROWS}
    estimator = make(name, clip=float(limit), **settings)
    value = estimator.estimate(*judged[case], interval=NORMAL).value
    assert value == pytest.approx(recorded[case]["estimates"][f"{key}_{limit}"], abs=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_standard_errors_and_weights_are_the_recorded_ones(
    recorded: dict[str, Any], judged: dict[str, tuple[LoggedDecisions, TargetPolicy]], case: str
) -> None:
    ips = make("ips").estimate(*judged[case], interval=NORMAL)
    dr = make("dr", reward_model=SAME_ROWS).estimate(*judged[case], interval=NORMAL)
    assert ips.standard_error == pytest.approx(recorded[case]["ipw_se"], abs=1e-9)
    assert dr.standard_error == pytest.approx(recorded[case]["dr_se"], abs=1e-9)
    assert ips.effective_sample_size == pytest.approx(recorded[case]["weights"]["ess"], rel=1e-9)
    assert ips.largest_weight == pytest.approx(recorded[case]["weights"]["max"], rel=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_a_dense_policy_gives_what_a_table_gives(
    judged: dict[str, tuple[LoggedDecisions, TargetPolicy]], case: str
) -> None:
    log, policy = judged[case]
    rows = np.zeros(len(log.action), np.int64) if policy.rows is None else policy.rows
    dense = TargetPolicy.per_decision(policy.name, policy.table[rows])
    for name in ("ips", "snips", "dm", "dr"):
        assert make(name).estimate(log, dense, interval=NORMAL) == make(name).estimate(log, policy, interval=NORMAL)


def test_the_pair_that_the_log_never_tried_lowers_the_overlap(
    judged: dict[str, tuple[LoggedDecisions, TargetPolicy]],
) -> None:
    log, policy = judged["all:bts->uniform"]
    assert log.slot is not None
    tried = {(int(a), int(s)) for a, s in zip(log.action, log.slot, strict=True)}
    share = np.mean([sum((a, int(s)) in tried for a in range(80)) / 80 for s in log.slot])
    assert make("ips").estimate(log, policy, interval=NORMAL).overlap == pytest.approx(share, abs=1e-12)
    assert share < 1
