"""What bad input gets: one line with what was got and what was wanted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from onetake.envs import EnvironmentEntry, SimEnv, SimVectorEnv, find, make, make_vec, register, rollout
from onetake.errors import (
    ConfigError,
    NotReadyError,
    OneShotError,
    OnetakeError,
    ShapeError,
    StoppedEarly,
    UnknownIdError,
)

NAN = float("nan")
Make = Callable[[], Any]

SETTINGS: list[tuple[str, dict[str, Any], str]] = [
    ("cohort", {"sizes": 5}, "cohort.sizes: got 5; wanted a known field, one of size, p, p_table, q,"),
    ("cohort", {"size": "many"}, 'cohort.size: got "many"; wanted u32'),
    ("cohort", {"size": 0}, "cohort.size: got 0; wanted a whole number in [1, "),
    ("cohort", {"size": -1}, "cohort.size: got -1; wanted u32"),
    ("cohort", {"p": 1.5}, "cohort.p: got 1.5; wanted a chance in [0, 1]"),
    ("cohort", {"q": [0.5, -0.1]}, "cohort.q: got -0.1; wanted a chance in [0, 1]"),
    ("cohort", {"q": [0.5, NAN]}, "cohort.q[1]: got nan; wanted a finite number"),
    ("cohort", {"q": []}, "cohort.q: got 0 values; wanted 1 or 1"),
    ("cohort", {"p": [0.1, 0.2, 0.3]}, "cohort.q: got 2 values; wanted 1 or 3"),
    ("cohort", {"scale": NAN}, "cohort.scale: got nan; wanted a finite number"),
    ("cohort", {"offset": float("inf")}, "cohort.offset: got inf; wanted a finite number"),
    ("cohort", {"horizon": 0}, "cohort.horizon: got 0; wanted at least 1 step, or null"),
    ("cohort", {"labels": ["a"]}, "cohort.labels: got 1 labels; wanted 2"),
    ("cohort", {"labels": {"a"}}, "cohort.labels: got {'a'}; wanted a number, text, list or mapping"),
    ("bandit", {"rate": [0.1, 2]}, "bandit.rate: got 2; wanted a chance in [0, 1]"),
    ("bandit", {"segment_multipliers": [-1, 1]}, "bandit.segment_multipliers[0]: got -1; wanted numbers, at least 0"),
    ("bandit", {"segment_weights": [1]}, "bandit.segment_weights: got [1.0]; wanted 0 weights"),
    ("bandit", {"modifiers": [{"kind": "tide"}]}, 'bandit.modifiers: got [{"kind":"tide"}]; wanted one of'),
    ("bandit", {"modifiers": [{"kind": "season", "period": 0}]}, "bandit.modifiers[0].period: got 0; wanted"),
    (
        "bandit",
        {"modifiers": [{"kind": "season", "values": [1], "phase": 2}]},
        "bandit.modifiers[0].values: got a sine",
    ),
    ("bandit", {"modifiers": [{"kind": "season", "values": [-1]}]}, "bandit.modifiers[0].values: got -1; wanted"),
    ("bandit", {"modifiers": [{"kind": "trend", "cap": -1}]}, "bandit.modifiers[0].cap: got -1; wanted"),
    ("bandit", {"modifiers": [{"kind": "random_walk", "low": 2}]}, "bandit.modifiers[0].start: got low 2, start 1,"),
    ("bandit", {"modifiers": [{"kind": "random_walk", "step": NAN}]}, "bandit.modifiers[0].step: got nan; wanted"),
    (
        "bandit",
        {"modifiers": [{"kind": "season", "values": []}]},
        "bandit.modifiers[0].values: got []; wanted at least",
    ),
    (
        "bandit",
        {"horizon": 5, "modifiers": [{"kind": "table", "values": [1, 2]}]},
        "bandit.modifiers[0].values: got 2 values; wanted 5, one a step of the episode",
    ),
    (
        "bandit",
        {"horizon": None, "modifiers": [{"kind": "table", "values": [1, 2]}]},
        "bandit.modifiers[0].values: got 2 values; wanted a horizon",
    ),
    (
        "bandit",
        {"modifiers": [{"kind": "change_point", "at": [3, 7], "values": [1, 2]}]},
        "bandit.modifiers[0].values: got 2 values; wanted 3, one more than there are changes",
    ),
    ("bandit", {"modifiers": [{"kind": "change_point", "at": [7, 3]}]}, "bandit.modifiers[0].at: got [7, 3]; wanted"),
    ("bandit", {"modifiers": [{"kind": "holiday"}]}, "bandit.modifiers[0].days: got []; wanted at least one step"),
    (
        "bandit",
        {"modifiers": [{"kind": "holiday", "days": [9], "every": 7}]},
        "bandit.modifiers[0].days: got 9; wanted places in a period, 0 to 6",
    ),
    ("bandit", {"modifiers": [{"kind": "saturation", "half_life": 0}]}, "bandit.modifiers[0].half_life: got 0; wanted"),
    ("bandit", {"modifiers": [{"kind": "competitor_shock", "chance": 2}]}, "bandit.modifiers[0].chance: got 2; wanted"),
    ("bandit", {"modifiers": [{"kind": "trend", "arms": [2]}]}, "bandit.modifiers[0].arms: got 2; wanted arms in 0..1"),
    (
        "pricing",
        {"modifiers": [{"kind": "trend", "arms": [0]}]},
        "pricing.modifiers[0].arms: got 0; wanted none: here all arms change alike",
    ),
    ("bandit", {"outcome": {"kind": "gauss"}}, 'bandit.outcome: got {"kind":"gauss"}; wanted one of'),
    (
        "bandit",
        {"outcome": {"kind": "negative_binomial", "dispersion": 0}},
        "bandit.outcome.dispersion: got 0; wanted a number above 0",
    ),
    ("bandit", {"outcome": {"kind": "log_normal", "deviation": 9}}, "bandit.outcome.deviation: got 9; wanted"),
    ("bandit", {"outcome": {"kind": "poisson"}, "rate": -1}, "bandit.rate: got -1; wanted a mean in [0, 1000000]"),
    ("bandit", {"zeros": 0.5}, "bandit.zeros: got 0.5; wanted 0 where the outcome is bernoulli"),
    ("cohort", {"q_correlation": 1}, "cohort.q_correlation: got 1; wanted 0, or a correlation in"),
    ("bandit", {"delay": {"kind": "fixed", "steps": 5000}}, "bandit.delay.steps: got 5000; wanted a whole number in"),
    ("bandit", {"delay": {"kind": "fixed", "steps": -1}}, 'bandit.delay: got {"kind":"fixed","steps":-1}; wanted'),
    ("bandit", {"delay": {"kind": "chances", "chances": [0.5]}}, "bandit.delay.chances: got [0.5]; wanted at most"),
    ("bandit", {"churn": {"arrival": 1.5}}, "bandit.churn.arrival: got 1.5; wanted a chance in [0, 1]"),
    (
        "perishable",
        {"delay": {"kind": "fixed", "steps": 1}},
        "perishable.delay: got one; wanted none: what is observed",
    ),
    ("intervention", {"churn": {}}, "intervention.churn: got one; wanted none: what is observed there is no outcome"),
    ("pricing", {"churn": {}, "demand": "multinomial_logit"}, "pricing.churn: got one; wanted none: its entities act"),
]


@pytest.mark.bad_input
@pytest.mark.parametrize(("family", "config", "text"), SETTINGS)
def test_settings_that_cannot_be_used_are_named(family: str, config: dict[str, Any], text: str) -> None:
    for face in (SimVectorEnv, SimEnv):
        with pytest.raises(ConfigError) as refusal:
            face(family, config)
        assert str(refusal.value).startswith(text)
        assert "\n" not in str(refusal.value)


COLUMNS: list[tuple[dict[str, Any], type[OnetakeError], str]] = [
    ({"price": [1, 2, 3]}, UnknownIdError, "unknown column 'price'; known: size, p, q"),
    ({"p": [0.1, 0.2]}, ShapeError, 'columns["p"]: got 2 rows of 1; wanted 3 (entities) or 6 (environments) rows'),
    ({"p": [0.1, NAN, 0.2]}, ConfigError, 'columns["p"] row 1: got NaN; wanted a finite number'),
    ({"p": [[0.1, 0.2], [0.3, 1.4], [0.5, 0.6]]}, ConfigError, 'columns["p"] row 1: got 1.4; wanted a chance'),
    ({"size": [3, 2.5, 1]}, ConfigError, 'columns["size"] row 1: got 2.5; wanted a whole number'),
    ({"size": [[3, 2], [3, 2], [1, 2]]}, ConfigError, 'columns["size"]: got 2 values a row; wanted 1'),
    ({"p": ["a", "b", "c"]}, ShapeError, 'columns["p"]: got <U1 of shape (3,); wanted numbers'),
    ({"p": [True, False, True]}, ShapeError, 'columns["p"]: got bool of shape (3,); wanted numbers'),
    ({"enters": [0, 1.5, 0]}, ConfigError, 'columns["enters"] row 1: got 1.5; wanted a whole number, at least 0'),
    ({"enters": [0, 3, 0], "leaves": [1, 2, 1]}, ConfigError, 'columns["leaves"] row 1: got -1 after enters; wanted'),
    ({"p": [0.1, 0.2], "q": [0.1, 0.2, 0.3]}, ShapeError, 'columns["p"]: got 2 rows of 1; wanted 3 (entities) or 6'),
    ({"p": 0.5}, ShapeError, 'columns["p"]: got float64 of shape (); wanted numbers'),
]


@pytest.mark.bad_input
@pytest.mark.parametrize(("columns", "kind", "text"), COLUMNS)
def test_columns_that_cannot_be_used_are_named(columns: dict[str, Any], kind: type[OnetakeError], text: str) -> None:
    with pytest.raises(kind) as refusal:
        SimVectorEnv("cohort", entities=3, replicates=2, columns=columns)
    assert str(refusal.value).startswith(text)


MAKES: list[tuple[Make, type[OnetakeError], str]] = [
    (lambda: SimVectorEnv("cohorts"), UnknownIdError, "unknown family 'cohorts'; known: bandit, cartpole, cohort"),
    (lambda: SimVectorEnv("cohort", entities=0), ConfigError, "entities: got 0; wanted a whole number, at least 1"),
    (lambda: SimVectorEnv("cohort", replicates=-1), ConfigError, "replicates: got -1; wanted"),
    (lambda: SimVectorEnv("cohort", entities=2**40), ConfigError, "entities: got 1099511627776 from id 0 on; wanted"),
    (lambda: SimVectorEnv("cohort", first_entity=2**32), ConfigError, "first_entity: got 4294967296; wanted an id"),
    (lambda: SimVectorEnv("cohort", seed=-3), ConfigError, "seed: got -3; wanted a whole number"),
    (lambda: SimVectorEnv("cohort", seed=1.5), ConfigError, "seed: got 1.5; wanted a whole number"),  # type: ignore[arg-type]  # the kind is the point
    (lambda: SimVectorEnv("cohort", threads=0), ConfigError, "threads: got 0; wanted a whole number"),
    (lambda: SimVectorEnv("cohort", autoreset_mode="Later"), ConfigError, "autoreset_mode: got 'Later'; wanted one of"),
    (lambda: SimVectorEnv("cohort", [1]), ConfigError, "cohort: got [1]; wanted a mapping"),  # type: ignore[arg-type]  # the kind is the point
    (lambda: SimEnv("cohort", render_mode="human"), ConfigError, "render_mode: got 'human'; wanted None"),
    (lambda: make_vec("Cohort-v0", 0), ConfigError, "num_envs: got 0; wanted a whole number, at least 1"),
    (lambda: make_vec("Cohort-v0", 5, replicates=2), ConfigError, "num_envs: got 5; wanted a multiple of replicates"),
    (lambda: make("onetake/Cohrt-v0"), UnknownIdError, "environment: got 'onetake/Cohrt-v0', which is not registered"),
    (lambda: register("onetake/Cohort-v0", "cohort"), ConfigError, "env_id: got 'onetake/Cohort-v0', which is taken"),
    (lambda: register("CartPole-v1", "cohort"), ConfigError, "env_id: got 'CartPole-v1', which is taken"),
    (lambda: register("no version", "cohort"), ConfigError, "env_id: got 'no version'; wanted [namespace/]name-vN"),
    (lambda: register("mine/X-v0", "cohort", {"q": 3}), ConfigError, "cohort.q: got 3; wanted a chance"),
    (lambda: EnvironmentEntry("x", "cohort", replicates=3, draws=2), ConfigError, "x.draws: got 2; wanted a divisor"),
    (lambda: EnvironmentEntry("x", "cohort", steps=0), ConfigError, "x.steps: got 0; wanted a whole number"),
    (
        lambda: EnvironmentEntry("x", "cohort").make(1, replicates=2),
        ConfigError,
        "x.replicates: got 2 from 0 on; wanted",
    ),
]


@pytest.mark.bad_input
@pytest.mark.parametrize(("wrong", "kind", "text"), MAKES)
def test_arguments_that_cannot_be_used_are_named(wrong: Make, kind: type[OnetakeError], text: str) -> None:
    with pytest.raises(kind) as refusal:
        wrong()
    assert str(refusal.value).startswith(text)
    assert "\n" not in str(refusal.value)


@pytest.mark.bad_input
def test_an_unknown_id_names_the_nearest_ones() -> None:
    with pytest.raises(UnknownIdError, match=r"Matching_sin7:conv_1:0\.2:conv_2:0\.3-v0"):
        find("onetake/TimePeriodStep:Matching_sin:conv_1:0.2:conv_2:0.3-v0")
    with pytest.raises(gymnasium.error.NameNotFound):
        gymnasium.make("onetake/Chort-v0")


ACTIONS: list[tuple[Any, str]] = [
    (np.zeros(2, dtype=np.int64), r"actions: got int64 of shape \(2,\); wanted integers of shape \(3,\)"),
    (np.zeros((3, 1), dtype=np.int64), r"actions: got int64 of shape \(3, 1\); wanted"),
    (np.zeros(3), r"actions: got float64 of shape \(3,\); wanted integers"),
    (np.zeros(3, dtype=np.bool_), r"actions: got bool of shape \(3,\); wanted integers"),
    (np.array([0, 2, 1]), r"actions\[1\]: got 2; wanted an arm in 0\.\.1"),
    (np.array([0, 1, -1]), r"actions\[2\]: got -1; wanted an arm"),
    (np.array([2**40, 1, 1]), r"actions\[0\]: got 1099511627776; wanted an arm"),
    (["a", "b", "c"], r"actions: got <U1 of shape \(3,\); wanted integers"),
    (None, r"actions: got object of shape \(\); wanted integers"),
]


@pytest.mark.bad_input
@pytest.mark.parametrize(("actions", "text"), ACTIONS)
def test_actions_that_cannot_be_played_are_named_and_nothing_moves(actions: Any, text: str) -> None:
    env = SimVectorEnv("cohort", entities=3)
    env.reset(seed=1)
    with pytest.raises(ShapeError, match=text):
        env.step(actions)
    assert env.clock == 0


@pytest.mark.bad_input
@pytest.mark.parametrize("action", [2, -1, 0.5, None, "a", np.float64(1), [0], 2**40])
def test_a_single_action_that_cannot_be_played_is_refused(action: Any) -> None:
    env = SimEnv("bandit")
    env.reset(seed=1)
    with pytest.raises(ShapeError, match="got"):
        env.step(action)


@pytest.mark.bad_input
@pytest.mark.parametrize("dtype", "bBhHiIlL")
def test_actions_of_every_integer_kind_are_taken(dtype: str) -> None:
    env, same = (SimVectorEnv("cohort", entities=6) for _ in range(2))
    env.reset(seed=1)
    same.reset(seed=1)
    actions = np.arange(6) % 2
    strided = np.repeat(actions, 2).astype(dtype)[::2]
    assert (env.step(strided)[0] == same.step(actions)[0]).all()


@pytest.mark.bad_input
def test_what_comes_too_early_or_too_late_is_refused() -> None:
    env = SimVectorEnv("cohort", {"horizon": 1}, entities=3, autoreset_mode="Disabled")
    action = np.zeros(3, dtype=np.int64)
    for early in (lambda: env.step(action), env.expected_reward, lambda: env.account(action)):
        with pytest.raises(NotReadyError, match="call reset first"):
            early()
    env.reset(seed=1)
    with pytest.raises(NotReadyError, match="call track_fixed first"):
        env.fixed_totals()
    env.step(action)
    with pytest.raises(NotReadyError, match="environment 0 has ended; reset it first"):
        env.step(action)
    with pytest.raises(ShapeError, match=r"greedy\[0\]: got 9"):
        env.account(action, action + 9)
    single = SimEnv("bandit", {"horizon": 1})
    with pytest.raises(NotReadyError, match="call reset first"):
        single.step(0)
    single.reset(seed=1)
    for yes in (True, np.True_):
        with pytest.raises(ShapeError, match="action: got True; wanted a whole number"):
            single.step(yes)


@pytest.mark.bad_input
@pytest.mark.parametrize("mask", [np.zeros(3, dtype=np.bool_), np.ones(2, dtype=np.bool_), np.ones(3), [True] * 3])
def test_masks_that_say_nothing_are_refused(mask: Any) -> None:
    env = SimVectorEnv("cohort", entities=3, autoreset_mode="Disabled")
    env.reset(seed=1)
    with pytest.raises(ShapeError, match="reset_mask: got"):
        env.reset(options={"reset_mask": mask})
    automatic = SimVectorEnv("cohort", entities=3)
    automatic.reset(seed=1)
    with pytest.raises(ShapeError, match="reset automatically"):
        automatic.reset(options={"reset_mask": np.ones(3, dtype=np.bool_)})
    with pytest.raises(ConfigError, match="seed: got 3 with a reset_mask"):
        env.reset(seed=3, options={"reset_mask": np.ones(3, dtype=np.bool_)})


@pytest.mark.one_shot
@pytest.mark.bad_input
def test_a_step_after_the_one_take_asks_for_no_reset() -> None:
    """A reset would be refused, so the refusal of the step does not send anyone there."""
    single, batch = (
        SimEnv("bandit", {"horizon": 1}, one_shot=True),
        SimVectorEnv("bandit", {"horizon": 1}, one_shot=True),
    )
    for env, action in ((single, 0), (batch, np.zeros(1, dtype=np.int64))):
        env.reset(seed=1)
        env.step(action)
        with pytest.raises(NotReadyError, match="every environment has ended; wanted none, since this batch gives one"):
            env.step(action)


@pytest.mark.bad_input
def test_rows_of_a_column_are_asked_for_once_where_there_is_one_replicate() -> None:
    with pytest.raises(ShapeError, match=r"got 2 rows of 1; wanted 3 rows, one an entity"):
        SimVectorEnv("cohort", entities=3, columns={"p": [0.1, 0.2]})


@pytest.mark.one_shot
def test_one_take_is_one_take() -> None:
    batch, single = SimVectorEnv("cohort", entities=2, one_shot=True), SimEnv("cohort", one_shot=True)
    for env in (batch, single):
        env.reset(seed=1)
        with pytest.raises(OneShotError, match="gives one take"):
            env.reset()
        with pytest.raises(OneShotError):
            env.reset(seed=2)
        with pytest.raises(OneShotError):
            env.fork().reset()
    with pytest.raises(OneShotError):
        batch.reset(options={"reset_mask": np.array([True, False])})


@pytest.mark.one_shot
def test_a_rollout_gives_the_total_of_one_episode_and_stops_early() -> None:
    config = {"size": 5, "p": 1, "q": [0, 1], "horizon": 4}
    assert rollout(SimEnv("cohort", config), lambda obs: 1) == 20
    totals = rollout(SimVectorEnv("cohort", config, entities=3), lambda obs: np.array([0, 1, 1]), seed=3)
    assert np.asarray(totals).tolist() == [0, 20, 20]
    endless = SimEnv("bandit", {"horizon": None})
    with pytest.raises(StoppedEarly, match="still running after 7 steps"):
        rollout(endless, lambda obs: 0, max_steps=7)


@pytest.mark.bad_input
def test_threads_from_the_surroundings_are_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ONETAKE_THREADS", "several")
    with pytest.raises(ConfigError, match="ONETAKE_THREADS: got 'several'"):
        SimVectorEnv("cohort")
