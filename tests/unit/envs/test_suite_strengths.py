"""The shipped catalogue has strengths as in weekly sales of orange juice (docs/pricing.md), which are read here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from onetake.envs import SimVectorEnv
from onetake.envs.catalogue import Catalogue, CataloguePlan, product_columns
from onetake.types import Float64

pytestmark = pytest.mark.realistic_demand


@pytest.fixture(scope="module")
def conf() -> dict[str, Any]:
    path = Path(__file__).resolve().parents[3] / "conf" / "base" / "parameters" / "environments.yml"
    return dict(yaml.safe_load(path.read_text()))


@pytest.fixture(scope="module")
def frame(conf: dict[str, Any]) -> pl.DataFrame:
    return Catalogue(**conf["catalogue"]).draw("test")


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict[str, Any]:
    return dict(json.loads((shared / "dominicks_oj" / "reference.json").read_text()))


def test_elasticities_are_those_of_the_616_regressions(frame: pl.DataFrame, reference: dict[str, Any]) -> None:
    known = reference["store_brand_own_elasticities"]
    drawn = frame["elasticity"].to_numpy()
    assert len(drawn) == 100_000
    # Limits cut 2 % of a normal distribution, which moves its mean and deviation by less than 0.05; the real ones are
    # no normal distribution either, by up to 0.2 in the outer quantiles.
    assert drawn.mean() == pytest.approx(known["mean_raw"], abs=0.05)
    assert drawn.std() == pytest.approx(known["sd_raw"], abs=0.05)
    found = np.quantile(drawn, [0.05, 0.25, 0.5, 0.75, 0.95])
    np.testing.assert_allclose(found, known["quantiles_5_25_50_75_95"], atol=0.2)
    assert (drawn < 0).mean() == 1.0 - known["frac_positive"]


def log_residuals(conf: dict[str, Any], frame: pl.DataFrame) -> tuple[Float64, Float64]:
    """Deviation over 60 days of the logarithm of sales at standing prices, weekday by weekday; and mean sales."""
    settings = conf["suites"]["pricing"]["settings"]
    some = frame.filter(pl.col("views") * pl.col("rate") >= 18)[:2_000]
    columns = product_columns(some) | {"group": np.arange(some.height)}
    env = SimVectorEnv("pricing", {**settings, "modifiers": []}, entities=some.height, columns=columns)
    env.reset(seed=5)
    standing = np.full(some.height, conf["suites"]["pricing"]["incumbent"])
    sold = np.array([env.step(standing)[0][:, 1] for _ in range(60)])
    return np.log(np.maximum(sold, 0.5)).std(axis=0, ddof=1), sold.mean(axis=0)


def test_days_scatter_as_the_weeks_of_real_products_do(
    conf: dict[str, Any], frame: pl.DataFrame, reference: dict[str, Any], shared: Path
) -> None:
    models = reference["own_price_models"]
    real = np.array([models[str(brand)]["rmse"] for brand in range(1, 12)])
    sales = pl.read_parquet(shared / "dominicks_oj" / "sales_dev.parquet")
    packs = sales.group_by("brand").agg(pl.col("packs").mean()).sort("brand")["packs"].to_numpy()
    times_poisson = real**2 * packs
    assert (times_poisson.min().round(), times_poisson.max().round()) == (3.0, 167.0)
    deviation, mean = log_residuals(conf, frame)
    # Products of at least 18 sales, the least median of the real ones.
    assert real.min() < np.median(deviation) < real.max()
    ratio = deviation**2 * mean
    assert times_poisson.min() < np.median(ratio) < times_poisson.max()
    assert np.quantile(ratio, 0.01) > 2.0


def cross_elasticities(frame: pl.DataFrame, nest: float) -> Float64:
    """Of the demand of one product by the price of another of its set, at reference prices ``(sets, 10, 9)``."""
    rate, own = (frame[name].to_numpy().reshape(-1, 10) for name in ("rate", "elasticity"))
    share, more = rate / rate.sum(axis=1, keepdims=True), 1 / nest - 1
    slope = own / (1 / nest - more * share - rate)
    return np.asarray(np.repeat(-slope * (more * share + rate), 9, axis=1))


def test_neighbours_steal_as_much_as_real_ones(
    conf: dict[str, Any], frame: pl.DataFrame, reference: dict[str, Any]
) -> None:
    models = reference["cross_price_models"]
    matrix = np.array([[models[str(i)]["coef"][f"lp{j}"] for j in range(1, 12)] for i in range(1, 12)])
    real = matrix[~np.eye(11, dtype=bool)]
    assert (real > 0).mean() > 0.75
    ours = cross_elasticities(frame, conf["suites"]["pricing"]["settings"]["nest"])
    # The real ones scatter widely and some are below 0; the suite stands between their median and their mean.
    assert np.median(real) < ours.mean() < real.mean()


def test_the_suite_is_not_quiet(conf: dict[str, Any], frame: pl.DataFrame) -> None:
    plan = CataloguePlan(**conf["suites"]["pricing"])
    config = plan.make("test", frame[:100]).environments[0].config
    assert config["demand"] == "nested_logit"
    assert min(config[name] for name in ("dispersion", "shock", "group_shock")) > 0
    assert config["reference"]["loss"] > config["reference"]["gain"] > 0
    assert config["pantry"]["effect"] > 0
