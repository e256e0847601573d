"""A report taken apart again, so that what was derived anew can be held against it, byte for byte."""

from __future__ import annotations

import hashlib
import html.parser
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from onetake.errors import SchemaError

FIGURE = re.compile(r'<script type="application/json" id="figure-([^"]*)">(.*?)</script>', re.DOTALL)
SECTION = re.compile(r'<section id="([^"]*)">(.*?)</section>', re.DOTALL)
VOLATILE = ("costs", "manifest")
"""Sections that are not compared as text: what the run took, and the manifest, which is compared row by row."""

Row = tuple[str, str, str]


@dataclass(frozen=True)
class Page:
    """The parts of a report.

    Attributes:
        figures: JSON of each chart as it stands in the page, by name.
        sections: HTML of each section, by anchor.
        frame: everything else: head, navigation, scripts.
        manifest: kind, name and value of each row.
    """

    figures: Mapping[str, str]
    sections: Mapping[str, str]
    frame: str
    manifest: tuple[Row, ...]


def read_page(path: Path) -> Page:
    """Take a report apart.

    Raises:
        SchemaError: a file that is missing, or no report of ours with a manifest.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SchemaError(f"{path}: got no such file; wanted a report") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path}: got {error}; wanted a report") from None
    page = parse_page(text)
    if not page.manifest:
        raise SchemaError(f"{path}: got a page without a manifest; wanted a report")
    return page


def parse_page(text: str) -> Page:
    """Return the parts of the text of a report.

    >>> page = parse_page('<section id="a">1</section><script type="application/json" id="figure-f">{}</script>')
    >>> dict(page.figures), dict(page.sections)
    ({'f': '{}'}, {'a': '1'})
    """
    figures = dict(FIGURE.findall(text))
    sections = dict(SECTION.findall(text))
    frame = SECTION.sub(r'<section id="\1"/>', FIGURE.sub(r'<figure id="\1"/>', text))
    return Page(figures, sections, frame, tuple(_rows(sections.get("manifest", ""))))


def manifest_mismatch(page: Page, derived: Page, known: Sequence[Mapping[str, str]]) -> str | None:
    """Return the first row of a manifest that no longer matches, or None.

    Args:
        page: the report.
        derived: the same, derived now.
        known: the manifest as the run left it. What stands for the source may be that of the run: then the bytes of
            what is derived with today's source must show whether the change mattered.
    """
    then = {(kind, name): value for kind, name, value in page.manifest}
    now = {(kind, name): value for kind, name, value in derived.manifest}
    of_run = {(row["kind"], row["name"]): row["value"] for row in known}
    for key in [*then, *(key for key in now if key not in then)]:
        got, wanted = then.get(key), now.get(key)
        same = got == wanted or (key == ("code", "source of the package") and got == of_run.get(key))
        if not same:
            return f"{' '.join(key)}: got {got}; wanted {wanted}, which this project has now"
    return None


def differences(page: Page, derived: Page) -> Iterator[tuple[str, bool]]:
    """Yield each figure, each section and the frame of a report, and whether the derived one has the same bytes."""
    for name in sorted({*page.figures, *derived.figures}):
        yield f"figure {name}", page.figures.get(name) == derived.figures.get(name)
    for anchor in sorted({*page.sections, *derived.sections} - set(VOLATILE)):
        yield f"section {anchor}", page.sections.get(anchor) == derived.sections.get(anchor)
    yield "frame of the page", page.frame == derived.frame


def fingerprint(text: str) -> str:
    """Return 16 hexadecimal characters that stand for a text.

    >>> fingerprint("one take")
    'f5f739111aa18b97'
    """
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


class _Cells(html.parser.HTMLParser):
    """Texts of the cells of a table, row after row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        self._inside = tag == "td"
        if self._inside:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += data


def _rows(section: str) -> Iterator[Row]:
    cells = _Cells()
    cells.feed(section)
    for row in cells.rows:
        if len(row) == 3:
            yield row[0], row[1], row[2]
