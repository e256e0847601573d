"""From a configuration entry to an object."""

from __future__ import annotations

from pathlib import Path

import pytest

from onetake.agents import Thompson, make
from onetake.build import build, load_class, nearest
from onetake.errors import ConfigError, UnknownIdError


def test_an_entry_becomes_an_object_with_its_settings() -> None:
    agent = build("agents.calm", {"type": "thompson-v0", "floor": 0.1}, make)
    assert isinstance(agent, Thompson)
    assert agent.floor == 0.1


@pytest.mark.bad_params
@pytest.mark.parametrize(
    ("entry", "error", "text"),
    [
        (
            {"type": "thompson-v0", "floor": -1},
            ConfigError,
            r"^agents\.calm\.floor: got -1; wanted a number in",
        ),
        ({"type": "thompson-v0", "flor": 0}, ConfigError, r"^agents\.calm\.flor: got a setting that Thompson has not"),
        ({"type": "thomson-v0"}, UnknownIdError, r"^agents\.calm: agent id: got 'thomson-v0'; nearest: thompson-v0"),
        ({"floor": 0.1}, ConfigError, r"^agents\.calm\.type: got None; wanted a registered id or an entry point"),
        ({"type": 3}, ConfigError, r"^agents\.calm\.type: got 3; wanted"),
        ("thompson-v0", ConfigError, r"^agents\.calm: got 'thompson-v0'; wanted a mapping"),
        (None, ConfigError, r"^agents\.calm: got None; wanted a mapping"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_path(entry: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        build("agents.calm", entry, make)  # type: ignore[arg-type] # a wrong entry is the point


def test_nearest_names_come_first_and_all_names_where_none_is_near() -> None:
    assert nearest("cohrt", ["bandit", "cohort"]) == "cohort"
    assert nearest("zzz", ["b", "a"]) == "a, b"


def test_classes_outside_the_base_are_refused() -> None:
    assert load_class("onetake.errors:ShapeError", ValueError).__name__ == "ShapeError"
    with pytest.raises(ConfigError, match="wanted a subclass of OSError"):
        load_class("onetake.errors:ShapeError", OSError)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("value = 1 / 0\n", r"mine\.py:1 \(ZeroDivisionError: division by zero\)"),
        ("\ndef broken(:\n", r"mine\.py:2 \(SyntaxError: "),
        ("import no_such_package_at_all\n", r"mine\.py:1 \(ModuleNotFoundError: No module named 'no_such_package"),
    ],
)
def test_a_file_that_fails_on_import_is_refused_in_one_line_with_its_place(
    text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ConfigError, match=said) as refusal:
        load_class(f"{tmp_path}/mine.py:Mine", object)
    assert "\n" not in str(refusal.value)
