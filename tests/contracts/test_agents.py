"""What every registered agent promises, whatever it does. The world here is a plain NumPy loop over Bernoulli arms."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from onetake import agents
from onetake.agents import AbstractAgent, AgentEntry, make, registered
from onetake.agents.one_at_a_time import one_entity
from onetake.errors import CheckpointError, ConfigError, NotReadyError, ShapeError
from onetake.types import BatchSpec, CountReward, Observation, Transitions

RATES = np.array([0.15, 0.45, 0.8])
#: Who takes rewards without bounds.
UNBOUNDED = ("random", "fixed", "gaussian", "gamma", "lin", "epsilon_greedy_linear", "squarecb", "bagging")


def batch(entities: Any = 6, replicates: Any = 2, count: CountReward | None = None, arms: int = 3) -> BatchSpec:
    """Ids may be given as arrays, as for a shard."""
    entity_ids = np.arange(entities) if np.isscalar(entities) else entities
    replicate_ids = np.arange(replicates) if np.isscalar(replicates) else replicates
    return BatchSpec(
        "tests/Coins-v0",
        np.asarray(entity_ids, np.uint32),
        np.asarray(replicate_ids, np.uint32),
        arms,
        (),
        None,
        np.array(0.0),
        np.array(1.0),
        count,
    )


#: All who play arms that tell nothing; the others have worlds of their own in tests/unit/agents.
ENTRIES = [entry for entry in registered() if "/" not in entry.id and make(entry).supports(batch()) is None]

each_agent = pytest.mark.parametrize("entry", ENTRIES, ids=[entry.id for entry in ENTRIES])


def see(spec: BatchSpec, step: int, rows: Any = None, mask: Any = None) -> Observation:
    count = spec.num_envs if rows is None else len(rows)
    return Observation(np.empty((count, 0), np.float32), step, rows, mask)


def outcome(step: Any, action: Any, reward: Any, rows: Any = None, propensity: Any = None) -> Transitions:
    nothing, never = np.empty((len(action), 0), np.float32), np.zeros(len(action), bool)
    return Transitions(step, nothing, action, reward, nothing, never, never, propensity, rows)


def luck(spec: BatchSpec, step: int) -> Any:
    """One uniform number for each (replicate, entity) of the batch: the same however the batch is cut."""
    every = np.random.default_rng([step, 7]).random((8, 512))
    return every[np.ix_(spec.replicate_ids, spec.entity_ids)].ravel()


def play(agent: AbstractAgent, spec: BatchSpec, steps: int, first: int = 0) -> Any:
    """Actions of a run ``(steps, n)``; the agent must have begun."""
    taken = []
    for step in range(first, first + steps):
        action = agent.act(see(spec, step)).action
        agent.learn(outcome(step, action, (luck(spec, step) < RATES[action]).astype(np.float64)))
        taken.append(action)
    return np.array(taken)


def begun(entry: AgentEntry, spec: BatchSpec | None = None, *, steps: int = 0, seed: int = 3, **extra: Any) -> Any:
    spec = batch() if spec is None else spec
    known = make(entry).settings
    agent = make(entry, **{name: value for name, value in extra.items() if name in known})
    agent.begin(spec, seed)
    play(agent, spec, steps)
    return agent


@each_agent
def test_actions_are_arms_and_rows_come_back_as_asked(entry: AgentEntry) -> None:
    agent, rows = begun(entry, steps=3), np.array([7, 0, 3])
    decision = agent.act(see(agent.spec, 3, rows), propensity=True)
    assert decision.action.dtype == np.int64
    assert decision.action.shape == (3,)
    assert set(decision.action) <= {0, 1, 2}
    assert decision.rows is rows
    assert decision.propensity.shape == (3,)
    assert ((decision.propensity > 0) & (decision.propensity <= 1)).all()


@each_agent
def test_a_subset_of_rows_decides_as_the_whole_batch_would(entry: AgentEntry) -> None:
    agent, rows = begun(entry, steps=5), np.array([11, 2, 2, 5])
    whole = see(agent.spec, 5)
    some = see(agent.spec, 5, rows)
    assert (agent.act(some).action == agent.act(whole).action[rows]).all()
    assert (agent.action_probabilities(some) == agent.action_probabilities(whole)[rows]).all()


@each_agent
def test_same_seed_gives_the_same_run_and_begin_forgets(entry: AgentEntry) -> None:
    spec, agent = batch(), make(entry)
    runs = []
    for seed in (5, 5, 6):
        agent.begin(spec, seed)
        runs.append(play(agent, spec, 20))
    assert (runs[0] == runs[1]).all()
    assert entry.id.startswith("fixed") or (runs[0] != runs[2]).any()


@pytest.mark.registry
@each_agent
def test_settings_survive_repr_and_conf_unchanged(entry: AgentEntry) -> None:
    agent = make(entry)
    again = eval(repr(agent), vars(agents))
    assert type(again) is type(agent)
    assert again.settings == agent.settings
    assert make(entry.id, **agent.settings).settings == agent.settings
    assert entry.settings.items() <= agent.settings.items()
    begun(entry, steps=3)
    assert make(entry).settings == agent.settings


@pytest.mark.agent_roundtrip
@each_agent
def test_a_saved_agent_goes_on_identically(entry: AgentEntry, tmp_path: Any) -> None:
    agent = begun(entry, steps=12, floor=0.05)
    agent.save(tmp_path / "agent.safetensors")
    again = type(agent).load(tmp_path / "agent.safetensors", agent.spec)
    assert again.settings == agent.settings
    assert again.freeze().digest == agent.freeze().digest
    assert (play(again, agent.spec, 12, 12) == play(agent, agent.spec, 12, 12)).all()
    assert [path.name for path in tmp_path.iterdir()] == ["agent.safetensors"]


@pytest.mark.agent_roundtrip
@each_agent
def test_pickled_and_copied_agents_go_on_identically(entry: AgentEntry) -> None:
    agent = begun(entry, steps=8)
    others = [pickle.loads(pickle.dumps(agent)), copy.deepcopy(agent)]
    runs = [play(each, agent.spec, 6, 8) for each in (agent, *others)]
    assert (runs[0] == runs[1]).all()
    assert (runs[0] == runs[2]).all()
    assert pickle.loads(pickle.dumps(make(entry))).settings == make(entry).settings


@pytest.mark.agent_roundtrip
@pytest.mark.bad_input
@each_agent
def test_tampered_truncated_and_foreign_files_are_refused(entry: AgentEntry, tmp_path: Any, monkeypatch: Any) -> None:
    agent, path = begun(entry, steps=4), tmp_path / "agent.safetensors"
    agent.save(path)
    whole = path.read_bytes()
    cls, other = type(agent), next(type(make(e)) for e in ENTRIES if type(make(e)) is not type(agent))
    with pytest.raises(CheckpointError, match=f"wanted {other.__name__}"):
        other.load(path)
    with pytest.raises(CheckpointError, match=r"wanted .* with the same ids"):
        cls.load(path, batch(entities=7))
    monkeypatch.setattr(cls, "state_version", 99)
    with pytest.raises(CheckpointError, match="got state version 0; wanted 99"):
        cls.load(path)
    monkeypatch.undo()
    for changed in (whole[:-1] + bytes([whole[-1] ^ 1]), whole.replace(b"tests/Coins-v0", b"tests/Dices-v0")):
        path.write_bytes(changed)
        with pytest.raises(CheckpointError, match="changed after it was saved"):
            cls.load(path)
    for broken in (whole[: len(whole) // 2], b"", b"not a saved agent"):
        path.write_bytes(broken)
        with pytest.raises(CheckpointError, match="cannot be read"):
            cls.load(path)
    with pytest.raises(CheckpointError, match="No such file"):
        cls.load(tmp_path / "absent")


@pytest.mark.fleet_equals_singles
@pytest.mark.parametrize("counts", [False, True], ids=["bounded", "counts"])
@each_agent
def test_a_fleet_equals_single_learners_byte_for_byte(entry: AgentEntry, counts: bool) -> None:
    count = CountReward(np.array(1.0), np.ones(3), np.zeros(3)) if counts else None
    spec = batch(5, 2, count)
    fleet = begun(entry, spec, floor=0.03)
    taken = play(fleet, spec, 25)
    chances = fleet.action_probabilities(see(spec, 25))
    for i in range(spec.num_envs):
        alone = batch(spec.entity_ids[i % 5 : i % 5 + 1], spec.replicate_ids[i // 5 : i // 5 + 1], count)
        single = begun(entry, alone, floor=0.03)
        assert (play(single, alone, 25)[:, 0] == taken[:, i]).all()
        assert (single.action_probabilities(see(alone, 25))[0] == chances[i]).all()


@pytest.mark.worker_independence
@pytest.mark.parametrize("pooling", ["none", "full"])
@each_agent
def test_shards_and_threads_give_the_bytes_of_the_whole(entry: AgentEntry, pooling: str, monkeypatch: Any) -> None:
    entities = 511  # no multiple of a block, and not all in one
    spec = batch(entities, 4)
    monkeypatch.setenv("ONETAKE_THREADS", "1")
    whole = play(begun(entry, spec, pooling=pooling, floor=0.01), spec, 6)
    monkeypatch.setenv("ONETAKE_THREADS", "3")
    threaded = begun(entry, spec, pooling=pooling, floor=0.01)
    assert (play(threaded, spec, 6) == whole).all()
    cuts = [(slice(0, entities), slice(0, 1)), (slice(0, entities), slice(1, 4))]
    if threaded.coupling == "independent":
        cuts += [(slice(0, 37), slice(0, 4)), (slice(37, entities), slice(0, 4)), (slice(0, entities, 2), slice(0, 4))]
    every = whole.reshape(6, 4, entities)
    for entity, replicate in cuts:
        shard = batch(spec.entity_ids[entity], spec.replicate_ids[replicate])
        part = play(begun(entry, shard, pooling=pooling, floor=0.01), shard, 6)
        assert (part == every[:, replicate, entity].reshape(6, -1)).all()


@each_agent
def test_pooled_learners_never_cross_a_replicate(entry: AgentEntry) -> None:
    if "pooling" not in make(entry).settings:
        assert make(entry).coupling == "independent"
        return
    spec = batch(4, 2)
    agent = begun(entry, spec, pooling="full")
    assert agent.coupling == "replicate"
    first = np.arange(4)
    agent.learn(outcome(0, np.array([0, 1, 2, 1]), np.array([0.0, 1.0, 0.0, 1.0]), first))
    other = make(entry, pooling="full")
    other.begin(batch(4, 2), 3)
    chances, fresh = agent.action_probabilities(see(spec, 1)), other.action_probabilities(see(spec, 1))
    assert (chances[4:] == fresh[4:]).all()
    assert (chances[:4] == chances[0]).all()
    if "total" not in agent.arrays():
        return
    total, weight = agent.arrays()["total"], agent.arrays()["weight"]
    assert total.shape == (3, 2)
    assert total[:, 0].tolist() == [0, 2, 0]
    assert weight[:, 0].tolist() == [1, 2, 1]
    assert weight[:, 1].tolist() == [0, 0, 0]


@pytest.mark.masks
@each_agent
def test_forbidden_actions_are_never_played(entry: AgentEntry) -> None:
    agent = begun(entry, steps=10, floor=0.1)
    mask = np.random.default_rng(2).random((12, 3)) < 0.5
    mask[~mask.any(axis=1), 1] = True
    for explore in (True, False):
        for step in range(30):
            action = agent.act(see(agent.spec, step, mask=mask), explore=explore).action
            assert mask[np.arange(12), action].all()
    chances = agent.action_probabilities(see(agent.spec, 0, mask=mask))
    assert (chances[~mask] == 0).all()
    assert chances.sum(axis=1) == pytest.approx(1, abs=1e-12)


@pytest.mark.propensity_contract
@pytest.mark.parametrize("masked", [False, True], ids=["open", "masked"])
@each_agent
def test_propensities_sum_to_one_and_match_frequencies(entry: AgentEntry, masked: bool) -> None:
    spec = batch(4, 1)
    agent = begun(entry, spec, steps=9, floor=0.03)
    assert agent.propensity_method in ("exact", "quadrature", "monte_carlo")
    mask = np.array([[True, True, False], [True, True, True], [False, True, True], [True, False, True]])
    mask = mask if masked else None
    chances = agent.action_probabilities(see(spec, 9, mask=mask))
    assert chances.sum(axis=1) == pytest.approx(1, abs=1e-12)
    draws = 1500
    counts = np.zeros((4, 3))
    for step in range(100, 100 + draws):
        decision = agent.act(see(spec, step, mask=mask))
        counts[np.arange(4), decision.action] += 1
    assert (counts[chances == 0] == 0).all()
    # Pearson's statistic over cells that can occur; the floor keeps each expected count above 40. A right agent is
    # refused here once in 10^6 seeds.
    live = chances > 0
    # Estimated chances scatter too, by as much as so many draws do.
    scatter = 1.0 if agent.propensity_samples is None else 1.0 + draws / agent.propensity_samples
    statistic = ((counts[live] - draws * chances[live]) ** 2 / (draws * chances[live])).sum() / scatter
    freedom = live.sum() - len(live)
    assert statistic <= stats.chi2.ppf(1 - 1e-6, freedom) if freedom else statistic == 0
    logged = agent.act(see(spec, 9, mask=mask), propensity=True)
    assert (logged.propensity == chances[np.arange(4), logged.action]).all()
    assert logged.propensity_kind == ("exact" if agent.propensity_method == "exact" else "estimated")


@pytest.mark.propensity_contract
@each_agent
def test_the_floor_is_the_least_chance_of_an_allowed_action(entry: AgentEntry) -> None:
    agent = begun(entry, steps=40, floor=0.07)
    if "floor" not in agent.settings:
        return
    chances = agent.action_probabilities(see(agent.spec, 40))
    assert chances.min() >= 0.07 - 1e-12
    bare = begun(entry, steps=40, floor=0.0).action_probabilities(see(agent.spec, 40))
    assert bare.sum(axis=1) == pytest.approx(1, abs=1e-12)
    assert bare.min() >= 0
    with pytest.raises(ConfigError, match=r"floor: got 0\.4; wanted at most 1/3"):
        make(entry, floor=0.4).begin(batch(), 0)


@pytest.mark.propensity_contract
@each_agent
def test_greedy_play_is_exact_and_breaks_ties_evenly(entry: AgentEntry) -> None:
    agent = begun(entry, batch(400, 1), floor=0.1)
    decision = agent.act(see(agent.spec, 0), explore=False, propensity=True)
    assert decision.propensity_kind == "exact"
    if entry.id.startswith("fixed"):
        assert (decision.propensity == 1).all()
        return
    assert decision.propensity == pytest.approx(1 / 3)
    # Three cells of 400 draws: a fair tie is refused once in 10^6 seeds.
    assert stats.chisquare(np.bincount(decision.action, minlength=3)).pvalue > 1e-6


@pytest.mark.propensity_contract
@each_agent
def test_a_frozen_policy_is_the_agent_that_stopped_learning(entry: AgentEntry) -> None:
    agent = begun(entry, steps=15)
    policy, seen = agent.freeze(), see(agent.spec, 15)
    before = agent.action_probabilities(seen)
    actions = agent.act(seen).action
    play(agent, agent.spec, 30, 15)
    assert (policy.action_probabilities(seen) == before).all()
    assert (policy.act(seen).action == actions).all()
    assert policy.settings == agent.settings
    assert not hasattr(policy, "learn")
    changed = policy.arrays()
    for name in changed:
        changed[name] += 1
    assert (policy.action_probabilities(seen) == before).all()


@each_agent
def test_late_outcomes_in_any_order_teach_the_same(entry: AgentEntry) -> None:
    rng = np.random.default_rng(4)
    prompt, late = begun(entry), begun(entry)
    action = rng.integers(0, 3, (2, 12))
    reward = rng.integers(0, 2, (2, 12)).astype(np.float64)
    half = np.full(24, 0.5)
    for step in range(2):
        prompt.learn(outcome(step, action[step], reward[step], propensity=half[:12]))
    order = rng.permutation(24)
    for part in (order[:5], order[5:]):
        step, rows = part // 12, part % 12
        metrics = late.learn(outcome(step, action[step, rows], reward[step, rows], rows, half[: len(part)]))
        assert metrics["decisions"] == len(part)
    if entry.id.startswith(("exp3s", "logistic")):
        return  # what an outcome does depends on those before it, by the algorithm
    for name, array in prompt.arrays().items():
        if name == "factors":  # of a regression: rounded at every outcome
            assert late.arrays()[name] == pytest.approx(array, rel=1e-12, abs=1e-12)
        else:
            assert (array == late.arrays()[name]).all()


@pytest.mark.masks
@each_agent
def test_an_arm_that_is_added_is_fresh_and_what_was_known_of_the_others_stays(entry: AgentEntry) -> None:
    agent = begun(entry, steps=12, floor=0.02)
    old = agent.arrays()
    agent.add_action("new")
    assert agent.spec.num_actions == 4
    assert agent.spec.action_labels == ("0", "1", "2", "new")
    for name in ("total", "weight", "log_weight"):
        if name in old:
            assert (agent.arrays()[name][:3] == old[name]).all()
            assert (agent.arrays()[name][3] == 0).all()
    chances = agent.action_probabilities(see(agent.spec, 12))
    assert chances.shape == (12, 4)
    assert entry.id.startswith("fixed") or chances[:, 3].min() >= 0
    play_on = agent.act(see(agent.spec, 13, mask=np.tile([True, False, False, True], (12, 1)))).action
    assert set(play_on) <= {0, 3}
    with pytest.raises(ConfigError, match="label: got 'new', which is there already; wanted a new one"):
        agent.add_action("new")


@pytest.mark.one_at_a_time
@each_agent
def test_one_at_a_time_is_the_batch_of_one(entry: AgentEntry) -> None:
    one = one_entity(3)
    single, batched = make(entry), make(entry)
    single.begin(one, 5)
    batched.begin(one, 5)
    for step in range(15):
        chances = single.predict_proba_one()
        assert list(chances.values()) == batched.action_probabilities(see(one, step))[0].tolist()
        action = single.predict_one()
        assert action == batched.act(see(one, step)).action[0]
        single.learn_one(None, action, float(action == 2), chances[action])
        given = np.array([chances[action]])
        batched.learn(outcome(step, np.array([action]), np.array([float(action == 2)]), None, given))
    for name, array in single.arrays().items():
        assert (array == batched.arrays()[name]).all()
    name = type(single).__name__
    with pytest.raises(ConfigError, match=f"learn_one: got a trajectory; {name} wanted learn_one\\(context"):
        single.learn_one([(None, 0, 1.0, None)])
    with pytest.raises(ConfigError, match=f"learn_one: got next_state; {name} wanted"):
        single.learn_one(None, 0, 1.0, next_state=None)


@each_agent
def test_learners_beat_chance_where_it_is_easy(entry: AgentEntry) -> None:
    spec = batch(40, 2)
    taken = play(begun(entry, spec), spec, 150)
    if entry.id.startswith(("random", "fixed")):
        return
    # Chance finds the best arm in 1 of 3; 80 learners × 50 steps make a standard error of 0.0075.
    assert (taken[100:] == 2).mean() > 1 / 3 + 6 * 0.0075


@pytest.mark.bad_input
@each_agent
def test_nothing_is_done_before_begin_and_begin_checks(entry: AgentEntry, tmp_path: Any) -> None:
    agent = make(entry)
    for verb in (
        lambda: agent.act(see(batch(), 0)),
        lambda: agent.action_probabilities(see(batch(), 0)),
        lambda: agent.learn(outcome(0, np.zeros(12, int), np.zeros(12))),
        agent.freeze,
        agent.arrays,
        lambda: agent.save(tmp_path / "agent"),
    ):
        with pytest.raises(NotReadyError, match=r"wanted begin\(spec, seed\) first"):
            verb()
    for seed in (-1, 2**64, 0.5, True):
        with pytest.raises(ConfigError, match="seed: got"):
            agent.begin(batch(), seed)  # type: ignore[arg-type] # a wrong seed is the point


@pytest.mark.bad_input
@each_agent
def test_rewards_without_bounds_are_refused_by_who_needs_them(entry: AgentEntry) -> None:
    spec, agent = replace(batch(), reward_high=np.array(np.inf)), make(entry)
    reason = agent.supports(spec)
    if entry.id.startswith(
        ("random", "fixed", "gaussian", "gamma", "lin", "epsilon_greedy_linear", "squarecb", "bagging")
    ):
        assert reason is None
        return
    assert reason is not None
    assert reason.startswith("reward bounds: got [0, inf]; wanted finite ones")
    with pytest.raises(ConfigError, match="reward bounds"):
        agent.begin(spec, 0)


@pytest.mark.bad_input
@each_agent
def test_wrong_arrays_are_refused_by_name_and_teach_nothing(entry: AgentEntry) -> None:
    agent = begun(entry, steps=2)
    before = agent.arrays()
    action, reward = np.zeros(12, np.int64), np.zeros(12)
    late = np.full(12, 0.0)
    late[7] = np.nan
    bad = [
        ("action", outcome(0, action.astype(np.float64), reward)),
        ("action", outcome(0, action[:11], reward)),
        ("action", outcome(0, np.full(12, 3), reward)),
        ("action", outcome(0, np.full(12, -1), reward)),
        ("reward", outcome(0, action, late)),
        ("reward", outcome(0, action, reward.astype(np.float32))),
        ("rows", outcome(0, action[:1], reward[:1], np.array([12]))),
        ("rows", outcome(0, action[:1], reward[:1], np.array([-1]))),
        ("rows", outcome(0, action[:1], reward[:1], np.array([0.0]))),
    ]
    for name, wrong in bad:
        with pytest.raises(ShapeError, match=f"^{name}: got .*; wanted"):
            agent.learn(wrong)
    for name, array in agent.arrays().items():
        assert (array == before[name]).all()
    masks = [np.ones((12, 2), bool), np.ones((12, 3)), np.zeros((12, 3), bool)]
    for mask in masks:
        with pytest.raises(ShapeError, match=r"^mask: got .*; wanted"):
            agent.act(see(agent.spec, 0, mask=mask))
    with pytest.raises(ShapeError, match=r"^rows: got 12 to 12; wanted 0 to 11"):
        agent.act(see(agent.spec, 0, np.array([12])))
    seen = see(agent.spec, 0)
    for wrong in (np.zeros((11, 1), np.float32), np.zeros((13, 1), np.float32)):
        with pytest.raises(ShapeError, match=rf"^values: got {len(wrong)} rows; wanted 12"):
            agent.act(replace(seen, values=wrong))
    for step in (-1, 2**32, 0.5, True):
        with pytest.raises(ShapeError, match=r"^step: got .*; wanted a whole number in \[0, 2\*\*32\)"):
            agent.act(replace(seen, step=step))
