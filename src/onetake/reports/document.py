"""What a report is made of: sections of notes, facts, tables and charts. All text is plain; `html` escapes it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

CellKind = Literal["text", "number", "mark", "refused"]
Tone = Literal["plain", "good", "warning"]


@dataclass(frozen=True)
class Cell:
    """One cell of a table: what is shown, what it sorts by, and how it looks.

    Attributes:
        text: what is shown.
        order: what the column sorts by; None sorts last whichever way.
        kind: ``mark`` is a word of caution, ``refused`` a value that must not be used.
        hint: longer words shown on hovering.
    """

    text: str
    order: float | str | None = None
    kind: CellKind = "text"
    hint: str = ""


@dataclass(frozen=True)
class Column:
    """Head of a column: its name, what it means, and whether numbers stand in it."""

    name: str
    meaning: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """A table that sorts by a click on a head. Every row has one cell a column."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    block: Literal["table"] = field(default="table", init=False)


@dataclass(frozen=True)
class Chart:
    """An interactive chart: Plotly JSON as it is stored in the figure's own dataset, and the words under it."""

    name: str
    figure: str
    caption: str
    height: int = 420
    block: Literal["chart"] = field(default="chart", init=False)


@dataclass(frozen=True)
class Note:
    """A paragraph, set apart where it warns."""

    text: str
    tone: Tone = "plain"
    block: Literal["note"] = field(default="note", init=False)


@dataclass(frozen=True)
class Fact:
    """One figure that a reader must not miss: a label, a value and the words under it."""

    label: str
    value: str
    words: str = ""


@dataclass(frozen=True)
class Facts:
    """Facts side by side."""

    facts: tuple[Fact, ...]
    block: Literal["facts"] = field(default="facts", init=False)


Block = Table | Chart | Note | Facts


@dataclass(frozen=True)
class Section:
    """A part of the report with an anchor of its own, and a short name for it where the title is long."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]
    short: str = ""


@dataclass(frozen=True)
class Document:
    """The whole report."""

    title: str
    summary: str
    sections: tuple[Section, ...]


def number(value: float | None, digits: int = 4) -> str:
    """Return ``value`` in ``digits`` significant figures with thousands set apart; a dash where there is none.

    >>> number(1234567.0), number(0.0042349), number(-12.5), number(None)
    ('1,234,567', '0.004235', '−12.5', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    whole = len(str(int(size))) if size >= 1 else 0
    if whole >= digits:
        text = f"{size:,.0f}"
    elif size == 0 or size >= 1e-6:
        leading = 0 if size == 0 or size >= 1 else -math.floor(math.log10(size)) - 1
        text = f"{size:,.{max(digits - whole + leading, 0)}f}"
        text = text.rstrip("0").rstrip(".")
    else:
        text = f"{size:.{digits - 1}e}"
    return f"−{text}" if value < 0 and any(character in "123456789" for character in text) else text


def score(value: float | None) -> str:
    """Return a score: four decimals, so that a column of them lines up; a dash where there is none.

    >>> score(0.98591), score(-1.0), score(-0.00001)
    ('0.9859', '−1.0000', '0.0000')
    """
    if value is None or math.isnan(value):
        return "–"
    text = f"{abs(value):.4f}"
    return f"−{text}" if value < 0 and float(text) else text


def score_cell(value: float | None, low: float | None = None, high: float | None = None) -> Cell:
    """Return a cell that shows a score with its interval and sorts by the score."""
    if value is None or math.isnan(value):
        return Cell(score(value), kind="number")
    span = "" if low is None or high is None else f" [{score(low)}, {score(high)}]"
    return Cell(score(value) + span, order=value, kind="number")


def p_value(value: float) -> str:
    """Return a p-value in two figures; the smallest are all alike.

    >>> p_value(0.6667), p_value(0.000003)
    ('0.67', '< 0.001')
    """
    return number(value, 2) if value >= 0.001 else "< 0.001"


def number_cell(value: float | None, digits: int = 4, hint: str = "") -> Cell:
    """Return a cell that shows ``value`` and sorts by it."""
    missing = value is None or math.isnan(value)
    return Cell(number(value, digits), order=None if missing else value, kind="number", hint=hint)


def interval_cell(value: float | None, low: float | None, high: float | None, digits: int = 4) -> Cell:
    """Return a cell that shows a value with its interval and sorts by the value.

    >>> interval_cell(1.5, 1.0, 2.0).text
    '1.5 [1, 2]'
    """
    cell = number_cell(value, digits)
    if cell.order is None or low is None or high is None:
        return cell
    return Cell(f"{cell.text} [{number(low, digits)}, {number(high, digits)}]", order=cell.order, kind="number")


def share_cell(share: float | None) -> Cell:
    """Return a cell that shows a share in percent; a dash where there is none."""
    return Cell("–", kind="number") if share is None else Cell(f"{share:.1%}", order=share, kind="number")
