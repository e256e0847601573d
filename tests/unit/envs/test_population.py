"""Generated populations have the distributions that conf names, and their parts share nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from onetake.envs.distributions import KINDS, Distribution
from onetake.envs.population import Population, cohort_columns
from onetake.envs.suite_plans import PopulationPlan, RegisteredPlan, best_fixed_arm
from onetake.errors import ConfigError, SchemaError, UnknownIdError

pytestmark = pytest.mark.pipelines

ENTRIES: dict[str, tuple[dict[str, float], Callable[[Any], Any] | None]] = {
    "uniform": ({"low": 2.0, "high": 5.0}, stats.uniform(2, 3).cdf),
    "normal": ({"mean": 1.0, "deviation": 2.0}, stats.norm(1, 2).cdf),
    "lognormal": ({"median": 3.0, "deviation": 0.5}, stats.lognorm(0.5, scale=3).cdf),
    "gamma": ({"shape": 2.5, "scale": 0.4}, stats.gamma(2.5, scale=0.4).cdf),
    "beta": ({"a": 3.0, "b": 27.0}, stats.beta(3, 27).cdf),
    "integers": ({"low": 3, "high": 6}, None),
    "constant": ({"value": 1.5}, None),
}
SETTINGS: dict[str, Any] = {
    "name": "toy",
    "seed": 4,
    "cohorts": 2000,
    "size": {"kind": "lognormal", "median": 50, "deviation": 0.5, "whole": True},
    "p": {"base": {"kind": "uniform", "low": 0.2, "high": 0.8}, "shifts": [{"kind": "constant", "value": 0.0}] * 2},
    "q": {
        "base": {"kind": "beta", "a": 4, "b": 6},
        "shifts": [{"kind": "constant", "value": 0.0}, {"kind": "normal", "mean": 0.5, "deviation": 0.2}],
    },
}


def test_every_kind_is_tested() -> None:
    assert set(ENTRIES) == set(KINDS)


@pytest.mark.parametrize("kind", [kind for kind, (_, cdf) in ENTRIES.items() if cdf is not None])
def test_continuous_kinds_agree_with_scipy(kind: str) -> None:
    parameters, cdf = ENTRIES[kind]
    drawn = Distribution.from_mapping({"kind": kind, **parameters}, "x").draw(seed=1, size=50_000)
    # One seeded sample a kind: a right sampler fails this with chance 1e-4.
    assert stats.kstest(drawn, cdf).pvalue > 1e-4


def test_integers_have_both_ends_and_equal_chances() -> None:
    drawn = Distribution.from_mapping({"kind": "integers", **ENTRIES["integers"][0]}, "x").draw(seed=1, size=40_000)
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [3.0, 4.0, 5.0, 6.0]
    assert stats.chisquare(counts).pvalue > 1e-4


def test_limits_cut_and_whole_rounds() -> None:
    entry = {"kind": "normal", "mean": 0.0, "deviation": 3.0, "least": -1.0, "most": 2.0, "whole": True}
    assert set(Distribution.from_mapping(entry, "x").draw(seed=1, size=500).tolist()) == {-1.0, 0.0, 1.0, 2.0}


def test_shifts_act_on_the_logit_scale_and_the_base_is_shared() -> None:
    frame = Population(**SETTINGS).draw("test")
    assert frame["p_0"].equals(frame["p_1"], check_names=False)
    q = frame.select("q_0", "q_1").to_numpy()
    moved = np.diff(np.log(q / (1 - q)), axis=1).ravel()
    assert stats.kstest(moved, stats.norm(0.5, 0.2).cdf).pvalue > 1e-4
    assert stats.kstest(q[:, 0], stats.beta(4, 6).cdf).pvalue > 1e-4


def test_parts_share_no_draw_and_a_small_population_begins_a_large_one() -> None:
    population = Population(**SETTINGS)
    tune, test = population.draw("tune"), population.draw("test")
    for column in ("p_0", "q_0", "q_1"):
        assert set(tune[column].to_list()).isdisjoint(test[column].to_list())
    small = Population(**{**SETTINGS, "cohorts": 50}).draw("test")
    assert small.equals(test[:50])
    assert test.equals(population.draw("test"))


def test_the_suite_pays_what_the_table_says() -> None:
    population = Population(**{**SETTINGS, "cohorts": 30})
    parts: Any = {part: population.draw(part) for part in ("tune", "test")}
    plan = PopulationPlan("toy", seed=1, replicates=2, steps=5, scale=[2.0, 1.5], labels=["a", "b"])
    suite = plan.make("test", parts)
    env = suite.environments[0].make(seed=3)
    env.reset(seed=3)
    frame = parts["test"]
    for arm, scale in enumerate((2.0, 1.5)):
        value = scale * frame["size"].cast(pl.Float64) * frame[f"p_{arm}"] * frame[f"q_{arm}"]
        np.testing.assert_allclose(env.expected_reward()[:, arm], np.tile(value.to_numpy(), 2), rtol=1e-9)
    assert suite.incumbent == {"action": best_fixed_arm(parts["tune"], [2.0, 1.5])}


def test_best_fixed_arm_equals_a_plain_loop() -> None:
    frame = Population(**SETTINGS).draw("tune")
    for scale in ([1.0, 1.0], [1.0, 0.5], [0.0, 1.0]):
        earned = [0.0, 0.0]
        for row in frame.iter_rows(named=True):
            for arm in range(2):
                earned[arm] += scale[arm] * row["size"] * row[f"p_{arm}"] * row[f"q_{arm}"]
        assert best_fixed_arm(frame, scale) == int(np.argmax(earned))


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"kind": "unifrom"}, r"x\.kind: got 'unifrom'; wanted one of beta, constant, gamma, "),
        ({"kind": "beta", "a": 1.0}, r"x: got a; wanted a, b for beta"),
        ({"kind": "beta", "a": 0.0, "b": 1.0}, r"x\.a: got 0\.0; wanted a number above 0"),
        ({"kind": "beta", "a": "1", "b": 1.0}, r"x\.a: got '1'; wanted a number"),
        ({"kind": "constant", "value": float("nan")}, r"x\.value: got nan; wanted a finite number"),
        ({"kind": "uniform", "low": 2.0, "high": 1.0}, r"x\.low: got 2\.0 above high 1\.0; wanted low ≤ high"),
        ({"kind": "normal", "mean": 0, "deviation": -1}, r"x\.deviation: got -1\.0; wanted a number of 0 or more"),
        ({"kind": "constant", "value": 1, "least": 3, "most": 2}, r"x\.least: got 3\.0 above most 2\.0; wanted "),
        ("beta", r"x: got 'beta'; wanted a mapping with a kind"),
    ],
)
def test_unusable_distributions_are_refused(entry: object, text: str) -> None:
    with pytest.raises(ConfigError, match=f"^{text}"):
        Distribution.from_mapping(entry, "x")


@pytest.mark.bad_input
def test_unusable_populations_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^population\.cohorts: got 0; wanted a whole number, at least 1 "):
        Population(**{**SETTINGS, "cohorts": 0})
    with pytest.raises(ConfigError, match=r"^population\.q\.shifts: got 3; wanted 2, one for each arm$"):
        Population(**{**SETTINGS, "q": {**SETTINGS["q"], "shifts": [{"kind": "constant", "value": 0.0}] * 3}})
    certain = {**SETTINGS["p"], "base": {"kind": "constant", "value": 1.0}}
    with pytest.raises(ConfigError, match=r"^population\.p\.base: got 1 to 1; wanted strictly between 0 and 1 "):
        Population(**{**SETTINGS, "p": certain}).draw("tune")
    with pytest.raises(ConfigError, match=r"^part: got 'train'; wanted tune or test$"):
        Population(**SETTINGS).draw("train")  # type: ignore[arg-type]  # the wrong part is the point
    with pytest.raises(SchemaError, match=r"^cohorts: got columns size, p_0; wanted size, p_0 …, q_0 …, "):
        cohort_columns(pl.DataFrame({"size": [1], "p_0": [0.5]}))


@pytest.mark.bad_input
def test_unusable_suites_are_refused() -> None:
    with pytest.raises(UnknownIdError, match="Bandit-v0"):
        RegisteredPlan("x", 1, ["onetake/Bandti-v0"], 2)
    with pytest.raises(ConfigError, match=r"^suite x\.ids: got \[\]; wanted a list of registered ids$"):
        RegisteredPlan("x", 1, [], 2)
    with pytest.raises(ConfigError, match=r"^suite x\.labels: got 1; wanted 2, as in scale$"):
        PopulationPlan("x", 1, 1, 1, scale=[1.0, 2.0], labels=["a"])
    with pytest.raises(ConfigError, match=r"^suite x\.steps: got 0; wanted a whole number, at least 1 "):
        PopulationPlan("x", 1, 1, 0, scale=[1.0], labels=["a"])


@pytest.mark.bad_params
def test_seeds_and_modifiers_are_refused_before_anything_is_drawn() -> None:
    with pytest.raises(ConfigError, match=r"population\.seed: got -1; wanted a whole number"):
        Population(**{**SETTINGS, "seed": -1})
    with pytest.raises(ConfigError, match=r"suite toy: .*seazon"):
        PopulationPlan("toy", 1, 2, 3, (1.0, 1.0), ("a", "b"), [{"kind": "seazon"}])
    with pytest.raises(ConfigError, match=r"suite toy\.seed: got -1"):
        RegisteredPlan("toy", -1, ("onetake/Bandit-v0",), 2)
