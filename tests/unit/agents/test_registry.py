"""Ids, entry points and withdrawn agents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from onetake.agents import (
    UCB1,
    AbstractAgent,
    EpsilonGreedy,
    Thompson,
    find,
    make,
    register,
    registered,
    registry,
    withdraw,
)
from onetake.build import build
from onetake.errors import ConfigError, UnknownIdError

pytestmark = pytest.mark.registry

MINE = """
from dataclasses import dataclass
from onetake.agents import AbstractAgent, Thompson

@dataclass(eq=False)
class Mine(Thompson):
    extra: float = 1.0

class Stray:
    pass
"""


@pytest.fixture(autouse=True)
def _entries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
    return


def test_a_name_without_version_means_the_newest_that_is_not_withdrawn() -> None:
    for version in (0, 2, 10):
        register(f"shop/eager-v{version}", "onetake.agents:EpsilonGreedy", {"epsilon": 0.1 * (version + 1) / 11})
    assert find("shop/eager").id == "shop/eager-v10"
    withdraw("shop/eager-v10", "shop/eager-v2")
    assert find("shop/eager").id == "shop/eager-v2"
    assert "shop/eager-v10" not in [entry.id for entry in registered()]


def test_a_withdrawn_id_refuses_and_names_its_successor() -> None:
    register("shop/old-v0", "onetake.agents:UCB1")
    withdraw("shop/old-v0", "thompson-v0")
    for id in ("shop/old-v0", "shop/old"):
        with pytest.raises(UnknownIdError, match="agent id 'shop/old-v0' was withdrawn; use thompson-v0"):
            make(id)
    with pytest.raises(UnknownIdError, match="got 'shop/none-v0'"):
        withdraw("shop/none-v0")
    with pytest.raises(UnknownIdError, match="got 'nobody-v3'"):
        withdraw("thompson-v0", "nobody-v3")
    assert make("thompson-v0").settings == Thompson().settings


@pytest.mark.bad_input
def test_an_unknown_id_names_the_nearest() -> None:
    with pytest.raises(UnknownIdError, match=r"^agent id: got 'tompson-v0'; nearest: thompson-v0"):
        make("tompson-v0")
    with pytest.raises(LookupError, match="ucb1-v0"):
        make("ucb-v7")


def test_settings_stay_with_the_id_and_can_be_overruled() -> None:
    register("shop/bold-v0", "onetake.agents.bandits.epsilon_greedy:EpsilonGreedy", {"epsilon": 0.4, "floor": 0.01})
    assert repr(make("shop/bold-v0")) == "EpsilonGreedy(epsilon=0.4, floor=0.01, pooling='none')"
    assert make("shop/bold", epsilon=0.2).settings == {"epsilon": 0.2, "floor": 0.01, "pooling": "none"}
    assert make(find("shop/bold")).settings["epsilon"] == 0.4


@pytest.mark.bad_input
def test_an_id_has_one_form_and_one_meaning() -> None:
    for wrong in ("eager", "eager-v", "eager-v01", "a/b/c-v0", "-v0", "eager-v0 "):
        with pytest.raises(ConfigError, match="wanted \\[namespace/\\]name-vN"):
            register(wrong, "onetake.agents:UCB1")
    assert register("ucb1-v0", find("ucb1-v0").entry_point) is find("ucb1-v0")
    with pytest.raises(ConfigError, match="wanted a new version number"):
        register("ucb1-v0", "onetake.agents:Thompson")


def test_agents_are_found_by_module_and_by_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    agent = make(f"{file}:Mine", extra=2.0)
    assert isinstance(agent, AbstractAgent)
    assert repr(agent) == "Mine(prior_successes=1.0, prior_failures=1.0, floor=0.0, pooling='none', extra=2.0)"
    assert type(make(f"{file}:Mine")) is type(agent)
    assert type(make("onetake.agents.bandits.ucb1:UCB1")) is UCB1
    register("shop/mine-v0", f"{file}:Mine", {"extra": 3.0})
    assert make("shop/mine").settings["extra"] == 3.0


@pytest.mark.bad_input
def test_entry_points_that_are_no_agents_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    (tmp_path / "broken.py").write_text("raise RuntimeError('inside')")
    wrong = {
        f"{file}:Stray": (ConfigError, "wanted a subclass of AbstractAgent"),
        f"{file}:Nine": (UnknownIdError, "has no 'Nine'; nearest: Mine"),
        f"{tmp_path}/absent.py:Mine": (ConfigError, "wanted one that exists"),
        "onetake.absent:Mine": (ConfigError, "wanted one that can be imported"),
        "os:system": (ConfigError, "wanted a subclass of AbstractAgent"),
        "onetake.agents:": (ConfigError, "wanted package.module:Class"),
        "onetake.agents:AbstractAgent": (ConfigError, "abstract"),
    }
    for entry_point, (error, text) in wrong.items():
        with pytest.raises(error, match=text):
            make(entry_point)
    for _ in range(2):  # a file that failed is not remembered
        with pytest.raises(ConfigError, match=r"broken\.py:1 \(RuntimeError: inside\)"):
            make(f"{tmp_path}/broken.py:Mine")


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("id", "settings", "text"),
    [
        ("epsilon_greedy-v0", {"epsilon": 1.3}, r"epsilon: got 1\.3; wanted a number in \[0, 1\]"),
        ("epsilon_greedy-v0", {"epsilon": float("nan")}, r"epsilon: got nan; wanted a number in \[0, 1\]"),
        ("epsilon_greedy-v0", {"epsilon": "much"}, r"epsilon: got 'much'; wanted a number in \[0, 1\]"),
        ("epsilon_greedy-v0", {"epsilon": True}, r"epsilon: got True; wanted a number"),
        ("epsilon_greedy-v0", {"pooling": "half"}, r"pooling: got 'half'; wanted one of none, full"),
        (
            "epsilon_greedy-v0",
            {"espilon": 0.1},
            r"espilon: got a setting that EpsilonGreedy has not; wanted one",
        ),
        ("ucb1-v0", {"exploration": -1}, r"exploration: got -1; wanted a number in \[0, inf\)"),
        ("ucb1-v0", {"exploration": float("inf")}, r"exploration: got inf; wanted a number"),
        ("thompson-v0", {"prior_failures": 0}, r"prior_failures: got 0; wanted a number in \(0, inf\)"),
        ("thompson-v0", {"prior_successes": -2.0}, r"prior_successes: got -2\.0; wanted"),
        ("thompson-v0", {"floor": 2}, r"floor: got 2; wanted a number in \[0, 1\]"),
        ("fixed-v0", {"action": -1}, r"action: got -1; wanted a whole number from 0 on"),
        ("fixed-v0", {"action": 1.5}, r"action: got 1\.5; wanted a whole number from 0 on"),
        ("onetake.agents:Fixed", {}, r"missing 1 required positional argument: 'action'"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(id: str, settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        make(id, **settings)


def test_every_agent_of_the_configuration_builds(root: Path) -> None:
    entries = yaml.safe_load((root / "conf/base/parameters/agents.yml").read_text())["agents"]
    built = {name: build(f"agents.{name}", entry, make) for name, entry in entries.items()}
    assert {"random", "epsilon_greedy", "ucb1", "thompson"} <= set(built)
    assert isinstance(built["epsilon_greedy"], EpsilonGreedy)
