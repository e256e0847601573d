"""Generated catalogues: distributions as named, parts without a common draw, suites that pay what the table says."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from onetake.envs.catalogue import Catalogue, CataloguePlan, product_columns
from onetake.errors import ConfigError, SchemaError

pytestmark = pytest.mark.population

LAWS: dict[str, Any] = {
    "price": {"kind": "lognormal", "median": 3.0, "deviation": 0.5},
    "margin": {"kind": "uniform", "low": 0.2, "high": 0.4},
    "views": {"kind": "lognormal", "median": 100.0, "deviation": 0.5},
    "rate": {"kind": "beta", "a": 2, "b": 30, "least": 0.001, "most": 0.3},
    "elasticity": {"kind": "normal", "mean": -2.16, "deviation": 0.9, "most": -0.2},
}


def drawn(part: Any = "test", **settings: Any) -> pl.DataFrame:
    return Catalogue(**{"name": "toy", "seed": 4, "products": 2000, "set_size": 10, **LAWS, **settings}).draw(part)


def test_parts_share_no_draw_and_a_small_catalogue_begins_a_large_one() -> None:
    tune, test = drawn("tune"), drawn("test")
    # Rates and elasticities are cut at limits, which both parts then hold.
    for column in ("price", "cost", "views"):
        assert set(tune[column].to_list()).isdisjoint(test[column].to_list())
    assert drawn(products=50).equals(test[:50])


def test_costs_follow_margins_and_no_choice_set_is_overcrowded() -> None:
    frame = drawn(rate={"kind": "uniform", "low": 0.05, "high": 0.2})
    margin = 1 - (frame["cost"] / frame["price"]).to_numpy()
    assert 0.2 <= margin.min() < 0.21
    assert 0.39 < margin.max() <= 0.4
    crowd = frame.group_by("group").agg(pl.col("rate").sum())["rate"]
    np.testing.assert_allclose(crowd.to_numpy(), 0.8, rtol=1e-12)


def test_the_suite_prices_every_product_of_its_part() -> None:
    settings = {"demand": "multinomial_logit", "ladder": [0.9, 1.0, 1.1], "modifiers": []}
    plan = CataloguePlan("toy", seed=1, replicates=2, steps=5, incumbent=1, settings=settings)
    frame = drawn(products=40)
    suite = plan.make("test", frame)
    assert suite.incumbent == {"action": 1}
    env = suite.environments[0].make(seed=3)
    env.reset(seed=3)
    value = (frame["price"] - frame["cost"]) * frame["views"] * frame["rate"]
    np.testing.assert_allclose(env.expected_reward()[:, 1], np.tile(value.to_numpy(), 2), rtol=1e-12)


@pytest.mark.bad_input
def test_unusable_catalogues_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^catalogue\.products: got 0; wanted a whole number, at least 1"):
        drawn(products=0)
    with pytest.raises(ConfigError, match=r"^catalogue\.price\.kind: got 'flat'; wanted one of"):
        drawn(price={"kind": "flat"})
    with pytest.raises(ConfigError, match=r"^catalogue\.rate: got 1 to 1; wanted between 0 and 1"):
        drawn(rate={"kind": "constant", "value": 1.0})
    with pytest.raises(ConfigError, match=r"^catalogue\.crowding: got 1\.5; wanted a number above 0 and below 1"):
        drawn(crowding=1.5)
    with pytest.raises(ConfigError, match=r"^part: got 'train'; wanted tune or test"):
        drawn("train")
    with pytest.raises(SchemaError, match=r"^catalogue: got columns price; wanted cost, views"):
        product_columns(pl.DataFrame({"price": [1.0]}))
    with pytest.raises(ConfigError, match=r"^suite toy\.incumbent: got 3; wanted one of 2 prices"):
        CataloguePlan("toy", 1, 1, 1, incumbent=3, settings={"ladder": [1.0, 1.1]})
