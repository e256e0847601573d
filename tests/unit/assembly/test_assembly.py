"""The Assembly: turns, ends, failures, rates, joining and leaving, keys, traces."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onetake.assembly import (
    Assembly,
    Done,
    Parcel,
    StepTracker,
    Trace,
    after,
    declared,
    every,
    keys,
    mermaid,
    on,
    weekdays,
)
from onetake.errors import CheckpointError, ConfigError, KeyScopeError, ParticipantError, StoppedEarly


def counter(name: str) -> Any:
    def participant(parcel: Parcel) -> None:
        parcel[name] = parcel.get(name, 0) + 1

    return participant


def rounds(n: int) -> StepTracker:
    return StepTracker(n, show=False)


@pytest.mark.assembly
def test_a_list_goes_round_until_done_and_the_parcel_comes_back() -> None:
    parcel = Assembly([counter("a"), None, counter("b"), rounds(4), counter("c")]).launch(start=7)
    assert parcel == {"start": 7, "a": 4, "b": 4, "c": 3}


@pytest.mark.assembly
def test_a_function_decides_who_plays_and_is_gone_through_once() -> None:
    def order() -> Iterator[Any]:
        for i in range(20):
            yield counter("one")
            yield counter("two") if i % 2 == 0 else None

    assembly = Assembly(order)
    assert assembly.launch() == assembly.launch() == {"one": 20, "two": 10}


@pytest.mark.assembly
def test_a_failing_participant_is_named_with_turn_and_parcel() -> None:
    def wind(parcel: Parcel) -> None:
        raise ValueError("gust\nof wind")

    with pytest.raises(
        ParticipantError, match=r"participant 'wind', turn 1: ValueError: gust.*parcel \{obs: float32 \(4,\), x: 1\}"
    ) as caught:
        Assembly([counter("x"), wind]).launch(obs=np.zeros(4, np.float32))
    assert isinstance(caught.value.__cause__, ValueError)
    assert "\n" not in str(caught.value)


@pytest.mark.assembly
def test_a_launch_that_is_never_done_is_stopped_and_the_next_one_named() -> None:
    def forever() -> Iterator[Any]:
        while True:
            yield None

    with pytest.raises(StoppedEarly, match="more than 50 turns, next participant 'participant'"):
        Assembly([counter("a")], max_turns=50).launch()
    with pytest.raises(StoppedEarly, match="next nobody"):
        Assembly(forever, max_turns=50).launch()


@pytest.mark.assembly
@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Assembly([3]), "participant: got 3"),
        (lambda: Assembly(7), "participants: got 7"),
        (lambda: Assembly([], max_turns=0), "max_turns: got 0"),
        (lambda: Assembly([print], strict=True), "'print': got no declared keys"),
        (lambda: Assembly([]).leave("nobody"), "'nobody', who does not go round"),
        (lambda: every(0, print), "n: got 0"),
        (lambda: after(-1, print), "n: got -1"),
        (lambda: on(3, print), "calendar: got 3"),
        (lambda: weekdays("sunday"), "got 'sunday'"),
        (lambda: StepTracker(0), "total: got 0"),
        (lambda: declared(print, reads="obs"), "reads: got the text 'obs'"),
        (lambda: declared(print, writes={"a": "x", "b": "x"}), "two names for one key"),
    ],
)
def test_bad_input_is_refused_in_one_line(make: Any, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.rates
def test_rates_count_own_turns_and_start_afresh_at_each_launch() -> None:
    assembly = Assembly(
        [every(1, counter("1")), every(2, counter("2")), every(3, counter("3")), after(15, counter("late")), rounds(20)]
    )
    for _ in range(2):
        assert assembly.launch() == {"1": 20, "2": 10, "3": 7, "late": 5}
    turns = dict(zip(assembly.costs()["participant"], assembly.costs()["turns"], strict=True))
    assert turns == {"participant": 80, "steps": 20}
    assert assembly.costs()["seconds"].min() > 0


@pytest.mark.rates
def test_calendars_are_sets_of_turns_or_functions_of_an_entry() -> None:
    monday = datetime.date(2026, 6, 1)

    def day(parcel: Parcel) -> None:
        parcel["date"] = monday + datetime.timedelta(days=parcel.get("days", 0))
        parcel["days"] = parcel.get("days", 0) + 1

    crew = [day, on(weekdays("mon", "sat"), counter("open"), key="date"), on({0, 13}, counter("ends")), rounds(14)]
    parcel = Assembly(crew).launch()
    assert (parcel["open"], parcel["ends"]) == (4, 2)


@pytest.mark.join_leave
def test_participants_leave_at_once_and_join_from_the_next_round() -> None:
    late = counter("late")
    gone = counter("gone")

    def director(parcel: Parcel) -> None:
        if parcel["first"] == 2:
            assembly.leave(gone)
        if parcel["first"] == 3:
            assembly.join(late, after=director)

    assembly = Assembly([counter("first"), director, gone, rounds(5)])
    assert assembly.launch() == {"first": 5, "gone": 1, "late": 2}
    assert late in assembly.participants


@pytest.mark.join_leave
def test_a_generator_takes_its_turns_and_leaves_when_it_returns() -> None:
    def prey() -> Iterator[Any]:
        for step in range(3):
            parcel: Any = yield
            parcel["prey"] = step

    assembly = Assembly([prey(), counter("world"), rounds(6)])
    assert assembly.launch() == {"prey": 2, "world": 6}
    assert len(assembly.participants) == 2


@pytest.mark.join_leave
def test_an_assembly_that_everybody_has_left_ends() -> None:
    def hermit(parcel: Parcel) -> None:
        assembly.leave(hermit)

    assembly = Assembly([None, hermit])
    assert assembly.launch(x=1) == {"x": 1}


@pytest.mark.key_scope
def test_a_participant_sees_its_declared_keys_only() -> None:
    seen: list[Any] = []

    @keys(reads=["obs", "absent"], writes=["action"])
    def agent(parcel: Parcel) -> None:
        seen.append((dict(parcel), "secret" in parcel, len(parcel), parcel.get("absent", "none")))
        parcel["action"] = 1

    parcel = Assembly(lambda: [agent]).launch(obs=3, secret=9)
    assert seen == [({"obs": 3}, False, 1, "none")]
    assert parcel == {"obs": 3, "secret": 9, "action": 1}


@pytest.mark.key_scope
@pytest.mark.parametrize(
    ("act", "text"),
    [
        (lambda p: p["secret"], "participant 'spy': reads got 'secret'"),
        (lambda p: p.get("secret"), "participant 'spy': reads got 'secret'"),
        (lambda p: p.update(secret=1), "participant 'spy': writes got 'secret'"),
        (lambda p: p.pop("obs"), "participant 'spy': writes got 'obs'"),
    ],
)
def test_undeclared_keys_are_refused_by_name(act: Any, text: str) -> None:
    assembly = Assembly([declared(act, reads=["obs"], writes=["action"], name="spy")])
    with pytest.raises(KeyScopeError) as caught:
        assembly.launch(obs=1, secret=2)
    assert text in str(caught.value)


@pytest.mark.key_scope
def test_arrays_that_are_only_read_cannot_be_written_into() -> None:
    def sly(parcel: Parcel) -> None:
        parcel["obs"][0] = 9

    with pytest.raises(ParticipantError, match=r"participant 'sly'.*read-only"):
        Assembly([declared(sly, reads=["obs"])]).launch(obs=np.zeros(2))
    both = declared(sly, reads=["obs"], writes=["obs"])
    assert Assembly(lambda: [both]).launch(obs=np.zeros(2))["obs"][0] == 9


@pytest.mark.key_scope
def test_own_names_let_one_policy_serve_two_seats() -> None:
    def follow(parcel: Parcel) -> None:
        parcel["action"] = parcel["obs"] + 1

    seats = [declared(follow, reads={"obs": f"{s}.obs"}, writes={"action": f"{s}.action"}) for s in "ab"]
    parcel = Assembly(lambda: seats).launch(**{"a.obs": 1, "b.obs": 5})
    assert (parcel["a.action"], parcel["b.action"]) == (2, 6)


def noisy(seed: int) -> Assembly:
    def draw(parcel: Parcel) -> None:
        rng = np.random.default_rng([seed, parcel["t"]])
        parcel["x"] = rng.normal(size=3)
        parcel["notes"] = {"t": parcel["t"], "pair": (1.5, None, True, b"\0")}

    def tick(parcel: Parcel) -> None:
        parcel["t"] += 1
        parcel.pop("notes")

    def inside(parcel: Parcel) -> None:
        parcel["x"][0] = np.float64(np.nan)

    return Assembly([draw, inside, tick, rounds(5)])


@pytest.mark.assembly_replay
def test_a_trace_replays_byte_equally_from_its_file(tmp_path: Path) -> None:
    live: list[tuple[str, bytes, int]] = []
    trace = Trace()

    def watch(parcel: Parcel) -> None:
        live.append(("watch", parcel["x"].tobytes(), parcel["t"]))

    assembly = noisy(1)
    assembly.join(watch)
    # The one that is Done stands before the watcher, which so sees four rounds.
    final = assembly.launch(trace=trace, t=0)
    trace.write(tmp_path / "launch.jsonl")
    again = Trace.read(tmp_path / "launch.jsonl")
    replayed = list(again.replay())
    assert [(n, p["x"].tobytes(), p["t"]) for n, p in replayed if n == "watch"] == live
    assert replayed[-1][1].keys() == final.keys()
    assert replayed[-1][1]["x"].tobytes() == final["x"].tobytes()
    assert again.difference(trace) is None


@pytest.mark.assembly_replay
def test_an_equal_launch_has_an_equal_trace_and_another_is_told_apart_by_turn() -> None:
    one, same, other = Trace(), Trace(), Trace()
    noisy(1).launch(trace=one, t=0)
    noisy(1).launch(trace=same, t=0)
    noisy(2).launch(trace=other, t=0)
    assert one.difference(same) is None
    assert one.difference(other) == "turn 0 ('draw'): x differ"
    other.begin({"t": 1})
    assert one.difference(other) == "the launches began with different parcels"


@pytest.mark.assembly_replay
def test_a_tampered_trace_and_values_without_words_are_refused(tmp_path: Path) -> None:
    trace = Trace()
    noisy(1).launch(trace=trace, t=0)
    place = tmp_path / "launch.jsonl"
    trace.write(place)
    place.write_text(place.read_text().replace('\\"int\\": \\"1\\"', '\\"int\\": \\"2\\"', 1))
    with pytest.raises(CheckpointError, match=r"another parcel at turn \d+ \('\w+'\)"):
        list(Trace.read(place).replay())
    place.write_text("{")
    with pytest.raises(CheckpointError, match="got no trace"):
        Trace.read(place)
    with pytest.raises(ConfigError, match="got 'env', a object"):
        Assembly([counter("a")]).launch(trace=Trace(), env=object())
    assert Assembly([rounds(1)]).launch(trace=Trace(ignore=["env"]), env=1) == {"env": 1}


@pytest.mark.assembly
def test_the_picture_shows_rates_keys_and_who_declares_nothing() -> None:
    agent = declared(print, reads=["obs"], writes=["action"], name='a "quoted" agent')
    text = mermaid(Assembly([every(7, agent), counter("x")]))
    assert text.splitlines() == [
        "flowchart LR",
        '  p0["a &quot;quoted&quot; agent<br/>every 7"]',
        '  p1["participant<br/><i>keys not declared</i>"]',
        '  k0(["obs"]) --> p0',
        '  p0 --> k1(["action"])',
    ]


@pytest.mark.assembly
def test_done_is_no_failure_and_what_was_set_before_it_stays() -> None:
    def last(parcel: Parcel) -> None:
        parcel["x"] = 1
        raise Done

    assert Assembly([last]).launch() == {"x": 1}
