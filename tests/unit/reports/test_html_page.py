"""The page: one file, nothing fetched, nothing run that came from data."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from onetake.errors import ConfigError
from onetake.reports.document import Cell, Chart, Column, Document, Fact, Facts, Note, Section, Table
from onetake.reports.html import render, script_json

pytestmark = pytest.mark.report

HOSTILE = "</script><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>\u2028\"'&"


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and the text of every script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._inside: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        else:
            self.words.append(data)


def hostile_document() -> Document:
    figure = json.dumps({"data": [{"x": [1], "y": [HOSTILE], "type": "bar"}], "layout": {"title": {"text": HOSTILE}}})
    table = Table(HOSTILE, (Column(HOSTILE, HOSTILE),), ((Cell(HOSTILE, order=HOSTILE, hint=HOSTILE),),))
    blocks = (Note(HOSTILE, "warning"), Facts((Fact(HOSTILE, HOSTILE, HOSTILE),)), table)
    return Document(HOSTILE, HOSTILE, (Section("one", HOSTILE, (*blocks, Chart("bars", figure, HOSTILE))),))


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(render(hostile_document()))


def test_hostile_names_make_no_element_and_no_script(page: Page) -> None:
    assert {tag for tag, _ in page.elements} & {"img", "iframe", "object", "embed", "link"} == set()
    # plotly.js, one figure, our own few lines: the hostile name added none.
    assert len(page.scripts) == 3
    assert not any("alert(1)" in script for script in page.scripts if not script.startswith("{"))
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_hostile_names_are_shown_as_they_are(page: Page) -> None:
    assert HOSTILE in "".join(page.words)
    assert any(attributes.get("data-order") == HOSTILE for _, attributes in page.elements)


def test_nothing_is_fetched(page: Page) -> None:
    fetching = ("src", "href", "action", "data", "poster", "srcset", "background")
    links = [value for _, attributes in page.elements for name, value in attributes.items() if name in fetching]
    assert all(value is not None and value.startswith("#") for value in links)
    (policy,) = [a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    style = render(hostile_document()).split("<style>")[1].split("</style>")[0]
    assert not re.search(r"url\(|@import", style)


def test_a_figure_crosses_unchanged(page: Page) -> None:
    (figure,) = [json.loads(script) for script in page.scripts if script.startswith("{")]
    assert figure["data"][0]["y"] == [HOSTILE]


def test_plotly_stands_in_the_page_once_and_only_where_there_is_a_chart() -> None:
    chart = Chart("bars", "{}", "bars")
    many = render(Document("t", "s", (Section("a", "A", (chart, Chart("lines", "{}", "lines"))),)))
    assert many.count("plotly.js v") == 1
    assert "plotly.js v" not in render(Document("t", "s", (Section("a", "A", ()),)))


def test_the_same_document_gives_the_same_bytes() -> None:
    assert render(hostile_document()) == render(hostile_document())


def test_two_charts_of_one_name_are_refused() -> None:
    twice = (Chart("bars", "{}", ""), Chart("bars", "{}", ""))
    with pytest.raises(ConfigError, match="chart names: got bars more than once"):
        render(Document("t", "s", (Section("a", "A", twice),)))


def test_text_that_is_not_json_is_refused() -> None:
    with pytest.raises(ConfigError, match="wanted a Plotly figure as JSON"):
        script_json("</script>")
