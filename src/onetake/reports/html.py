"""A document as one HTML file that opens offline: nothing in it is fetched, and no text in it is run."""

from __future__ import annotations

import json

from onetake.errors import ConfigError
from onetake.reports.document import Chart, Document
from onetake.reports.page import PAGE, SCRIPT, STYLE

# Inside a script element only these can end it or open a comment; U+2028 and U+2029 end lines in older JavaScript.
ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def script_json(text: str) -> str:
    r"""Return JSON ``text`` so that it can stand inside a script element: it parses to the same value.

    Raises:
        ConfigError: where ``text`` is not JSON.

    >>> script_json('{"name": "</script>"}')
    '{"name": "\\u003c/script\\u003e"}'
    """
    try:
        json.loads(text)
    except json.JSONDecodeError as problem:
        raise ConfigError(f"figure: got text that is not JSON ({problem}); wanted a Plotly figure as JSON") from None
    for character, escape in ESCAPES.items():
        text = text.replace(character, escape)
    return text


def render(document: Document) -> str:
    """Return the whole report as the text of one HTML file.

    Every text of the document is escaped; charts cross as JSON beside one copy of plotly.js, whatever their number.
    Equal documents give equal bytes.

    Raises:
        ConfigError: where a chart is not JSON, or two charts or sections bear one name.

    >>> from onetake.reports.document import Note, Section
    >>> page = render(Document("Rehearsal", "one <take>", (Section("all", "All", (Note("1 < 2"),)),)))
    >>> "one &lt;take&gt;" in page, "1 &lt; 2" in page
    (True, True)
    """
    import jinja2
    from markupsafe import Markup

    charts = [block for section in document.sections for block in section.blocks if isinstance(block, Chart)]
    _refuse_twice("chart", [chart.name for chart in charts])
    _refuse_twice("section", [section.anchor for section in document.sections])
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    figures = {chart.name: Markup(script_json(chart.figure)) for chart in charts}
    return environment.from_string(PAGE).render(
        document=document,
        figures=figures,
        style=Markup(STYLE),
        script=Markup(SCRIPT),
        plotly=Markup(_plotly_js()) if charts else "",
    )


def _refuse_twice(what: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{what} names: got {', '.join(twice)} more than once; wanted each name once")


def _plotly_js() -> str:
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    # The library is one minified file without this sequence; were it ever there, the browser would end the element.
    return script.replace("</script", "<\\/script")
