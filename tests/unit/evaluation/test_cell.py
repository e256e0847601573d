"""A whole cell against a plain float64 loop, and what must not change it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from onetake.agents import AbstractAgent, make
from onetake.errors import ConfigError, OutputError, StoppedEarly
from onetake.evaluation import EvaluationSettings, History, run, run_cell, run_incumbent
from onetake.evaluation.history import slug
from onetake.seeding import child_seed
from onetake.types import BatchSpec, Float64, Int64, Observation, Transitions

SETTINGS = EvaluationSettings(seed=7, resamples=200, curve_points=5)


@dataclass(eq=False)
class Knowing(AbstractAgent):
    """Plays what it is told is best: an oracle, for the accounts only."""

    suite: Any

    def _start(self, spec: BatchSpec, seed: int) -> None:
        entry = next(e for e in self.suite.environments if len(e.rates) == spec.num_actions)
        self.world = entry.make(1, first_replicate=int(spec.replicate_ids[0]), replicates=len(spec.replicate_ids))

    def _decide(self, observation: Observation, explore: bool) -> Int64:
        self.world.step_count = observation.step
        best: Int64 = self.world.best()
        return best

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        raise NotImplementedError

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        return {}

    def _arrays(self) -> dict[str, Any]:
        return {}

    def _restore(self, arrays: dict[str, Any]) -> None:
        raise NotImplementedError


def loop(entry: Any, suite: Any, agent_id: str, replicate: int) -> dict[str, float]:
    """One replicate, one number at a time: what each sum is by its definition."""
    labels = (suite.name, entry.name)
    env = entry.make(child_seed(7, "environment", *labels), first_replicate=replicate, replicates=1)
    obs, _ = env.reset()
    agent = make(agent_id)
    agent.begin(env.batch_spec, child_seed(7, "agent", *labels))
    chances = suite.incumbent["probabilities"][entry.name]
    sums = dict.fromkeys(("oracle", "greedy", "played", "random", "realised", "incumbent"), 0.0)
    arms = [0.0] * len(chances)
    per_entity = [[0.0] * len(chances) for _ in range(entry.entities)]
    for step in range(entry.steps):
        observation = Observation(obs, step)
        action = agent.act(observation).action
        greedy = agent.act(observation, explore=False).action
        expected = env.expected_reward().tolist()
        next_obs, reward, terminated, truncated, _ = env.step(action)
        for i, row in enumerate(expected):
            sums["oracle"] += max(row)
            sums["greedy"] += row[greedy[i]]
            sums["played"] += row[action[i]]
            sums["random"] += sum(row) / len(row)
            sums["realised"] += float(reward[i])
            sums["incumbent"] += sum(p * x for p, x in zip(chances, row, strict=True))
            for k, x in enumerate(row):
                arms[k] += x
                per_entity[i][k] += x
        agent.learn(Transitions(step, obs, action, reward, next_obs, terminated, truncated))
        obs = next_obs
    return sums | {"best_fixed": max(arms), "best_fixed_per_entity": sum(max(row) for row in per_entity)}


@pytest.mark.regret_accounting
@pytest.mark.parametrize("agent_id", ["thompson-v0", "epsilon_greedy-v0", "ucb1-v0"])
def test_a_cell_equals_a_plain_float64_loop(either_suite: Any, agent_id: str) -> None:
    cell = run_cell(make(agent_id), either_suite, SETTINGS, name="it")
    for entry in either_suite.environments:
        for row in cell.summary.filter(pl.col("environment") == entry.name).iter_rows(named=True):
            known = loop(entry, either_suite, agent_id, row["replicate"])
            pairs = {
                "yardstick": known["oracle"],
                "value": known["played"],
                "random": known["random"],
                "realised": known["realised"],
                "regret": known["oracle"] - known["played"],
                "cost_of_constraints": 0.0,
                "cost_of_not_knowing": known["oracle"] - known["greedy"],
                "cost_of_exploring": known["greedy"] - known["played"],
                "realised_regret": known["oracle"] - known["realised"],
                "best_fixed": known["best_fixed"],
                "regret_to_best_fixed": known["best_fixed"] - known["played"],
                "regret_to_best_fixed_per_entity": known["best_fixed_per_entity"] - known["played"],
                "incumbent": known["incumbent"],
                "incumbent_difference": known["played"] - known["incumbent"],
                "score": (known["played"] - known["random"]) / (known["oracle"] - known["random"]),
            }
            assert {name: row[name] for name in pairs} == pytest.approx(pairs, abs=1e-9)


@pytest.mark.regret_accounting
def test_parts_of_every_row_add_up_exactly(either_suite: Any) -> None:
    summary = run_cell(make("thompson-v0"), either_suite, SETTINGS, name="it").summary
    parts = summary["cost_of_constraints"] + summary["cost_of_not_knowing"] + summary["cost_of_exploring"]
    assert (parts == summary["regret"]).all()
    assert (summary["yardstick"] - summary["value"] == summary["regret"]).all()
    assert (summary["regret"] > 0).all()


@pytest.mark.regret_accounting
def test_an_agent_that_knows_loses_nothing(plain_suite: Any) -> None:
    summary = run_cell(Knowing(plain_suite), plain_suite, SETTINGS, name="oracle").summary
    assert summary["regret"].to_list() == [0.0] * len(summary)
    assert summary["score"].to_list() == [1.0] * len(summary)


@pytest.mark.paired
def test_two_equal_policies_differ_by_exactly_zero(either_suite: Any) -> None:
    result = run({"one": make("thompson-v0"), "other": make("thompson-v0")}, [either_suite], SETTINGS)
    differences = result.scorecard(either_suite.name)["differences"]
    between = differences.filter((pl.col("agent") == "one") & (pl.col("opponent") == "other"))
    assert set(between["metric"]) == {"score", "value", "realised"}
    assert between["difference"].to_list() == [0.0] * len(between)


@pytest.mark.worker_independence
def test_blocks_of_replicates_give_the_bytes_of_one_batch(either_suite: Any) -> None:
    whole = run_cell(make("thompson-v0"), either_suite, replace(SETTINGS, history=True), name="it")
    # 9 environments at once: two replicates of four entities.
    settings = replace(SETTINGS, history=True, max_environments=9)
    cut = run_cell(make("thompson-v0"), either_suite, settings, name="it")
    assert_frame_equal(whole.summary, cut.summary, check_exact=True)
    assert_frame_equal(whole.curves, cut.curves, check_exact=True)
    assert whole.history is not None
    assert cut.history is not None
    files = sorted(path.relative_to(whole.history.folder) for path in whole.history.folder.rglob("*.parquet"))
    assert len(files) == 4
    for file in files:
        assert (whole.history.folder / file).read_bytes() == (cut.history.folder / file).read_bytes()


@pytest.mark.worker_independence
@pytest.mark.parametrize("agent_id", ["thompson-v0", "epsilon_greedy-v0"])
def test_threads_change_no_byte_of_a_cell(simulated_suite: Any, agent_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Enough entities for the work to be cut in several pieces.
    crowd = replace(simulated_suite.environments[0], columns=None, entities=20_000, replicates=2, steps=5)
    suite = replace(simulated_suite, environments=(crowd,))
    cells = []
    for threads in ("1", "2"):
        monkeypatch.setenv("ONETAKE_THREADS", threads)
        cells.append(run_cell(make(agent_id), suite, SETTINGS, name="it"))
    assert_frame_equal(cells[0].summary, cells[1].summary, check_exact=True)
    assert_frame_equal(cells[0].curves, cells[1].curves, check_exact=True)


@pytest.mark.history
def test_a_history_adds_up_to_its_summary(either_suite: Any) -> None:
    cell = run_cell(make("epsilon_greedy-v0"), either_suite, replace(SETTINGS, history=True), name="it")
    assert cell.history is not None
    sums = (
        cell.history.all()
        .group_by("environment", pl.col("replicate").cast(pl.Int64))
        .agg(pl.col("reward").sum(), pl.col("latent_expected_reward").sum(), pl.col("latent_best_reward").sum())
    )
    both = cell.summary.join(sums, on=["environment", "replicate"])
    assert len(both) == len(cell.summary)
    for own, summed in (
        ("realised", "reward"),
        ("value", "latent_expected_reward"),
        ("yardstick", "latent_best_reward"),
    ):
        np.testing.assert_allclose(both[own].to_numpy(), both[summed].to_numpy(), atol=1e-9)


@pytest.mark.one_shot
def test_an_episode_that_does_not_end_is_stopped_and_leaves_no_folder(
    plain_suite: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    settings = replace(SETTINGS, history=True, max_steps=11)
    with pytest.raises(
        StoppedEarly, match="it on swing: a/b of suite plain: got an episode still running after 11 steps"
    ):
        run_cell(make("random-v0"), plain_suite, settings, name="it")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.regret_accounting
def test_the_incumbent_plays_under_the_same_luck(plain_suite: Any) -> None:
    played = run_incumbent(plain_suite, SETTINGS)
    assert played is not None
    assert set(played.summary["agent"]) == {"incumbent"}
    fixed = replace(plain_suite, incumbent={"action": 1})
    always = run_incumbent(fixed, SETTINGS)
    agent = run_cell(make("fixed-v0", action=1), fixed, SETTINGS, name="incumbent")
    assert always is not None
    assert_frame_equal(always.summary, agent.summary, check_exact=True)
    assert agent.summary["incumbent_difference"].to_list() == [0.0] * len(agent.summary)
    assert run_incumbent(replace(plain_suite, incumbent=None), SETTINGS) is None


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("incumbent", "text"),
    [
        ({"action": 2}, "incumbent of suite plain: got action 2 in swing: a/b; wanted 0 to 1"),
        ({"action": None}, "incumbent of suite plain: got action None in swing: a/b; wanted 0 to 1"),
        ({"probabilities": [0.5, 0.6]}, "wanted 2 that sum to 1"),
        ({"probabilities": [float("nan"), 1.0]}, "wanted 2 that sum to 1"),
    ],
)
def test_an_incumbent_that_cannot_be_is_refused(plain_suite: Any, incumbent: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        run_incumbent(replace(plain_suite, incumbent=incumbent), SETTINGS)


@pytest.mark.bad_input
def test_an_agent_that_does_not_support_an_environment_is_refused(plain_suite: Any) -> None:
    with pytest.raises(ConfigError, match="agent it on swing: a/b of suite plain: action: got 2; wanted 0 to 1"):
        run_cell(make("fixed-v0", action=2), plain_suite, SETTINGS, name="it")


@pytest.mark.run_suites
@pytest.mark.history
def test_run_writes_a_summary_and_a_history_for_each_cell(plain_suite: Any, tmp_path: Path) -> None:
    agents = {"thompson": make("thompson-v0"), "Odd name/1": make("random-v0"), "third": make("fixed-v0", action=2)}
    result = run(agents, [plain_suite], replace(SETTINGS, history=True), folder=tmp_path)
    assert set(result.histories) == {("plain", name) for name in ("incumbent", "thompson", "Odd name/1")}
    for name in agents:
        folder = tmp_path / "plain" / slug(name)
        assert_frame_equal(pl.read_parquet(folder / "summary.parquet"), result.summary.filter(pl.col("agent") == name))
    rows = result.summary.filter(pl.col("agent") == "thompson")
    entries = plain_suite.environments
    assert len(rows) == sum(entry.replicates for entry in entries)
    steps = sum(entry.replicates * entry.entities * (entry.steps + 1) for entry in entries)
    assert len(History(tmp_path / "plain" / "thompson" / "history").observable()) == steps
    third = result.summary.filter(pl.col("agent") == "third")
    assert third["status"].to_list() == ["unsupported: action: got 2; wanted 0 to 1"]
    assert [p.name for p in tmp_path.rglob(".*")] == []


def test_progress_is_told_after_every_step(plain_suite: Any) -> None:
    told: list[tuple[str, int, int]] = []
    run_cell(make("random-v0"), plain_suite, SETTINGS, name="it", progress=lambda *at: told.append(at))
    assert told[0] == ("plain × it: swing: a/b", 1, 12)
    assert told[-1] == ("plain × it: drawn", 12, 12)
    assert len(told) == 24


@pytest.mark.bad_input
def test_names_that_clash_and_empty_runs_are_refused(plain_suite: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wanted at least one of each"):
        run([], [plain_suite], SETTINGS)
    with pytest.raises(ConfigError, match="wanted every name once"):
        run(["random-v0", "random-v0"], [plain_suite], SETTINGS)
    with pytest.raises(ConfigError, match="agents: got the name incumbent"):
        run({"incumbent": make("random-v0")}, [plain_suite], SETTINGS)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="wanted a directory that can be written"):
        run(["random-v0"], [plain_suite], SETTINGS, folder=tmp_path / "file")


@pytest.mark.bad_params
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", -1),
        ("seed", True),
        ("level", 95.0),
        ("level", float("nan")),
        ("rank_by", "luck"),
        ("resamples", 1.5),
        ("curve_points", 1),
        ("max_steps", 0),
        ("max_environments", 0),
        ("history", "yes"),
        ("track_fixed", 1),
    ],
)
def test_a_wrong_setting_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"evaluation.{name}: got .*; wanted"):
        EvaluationSettings(**{name: value})
