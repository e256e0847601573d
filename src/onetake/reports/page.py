"""The page that a report is laid into: its look, its few lines of script, and its frame as a Jinja template.

It stands in Python, not in a file beside it, so that the cache of nodes sees when it changes.
"""

from __future__ import annotations

STYLE = """\
:root {
  --ink: #18202f; --soft: #5b6575; --line: #e1e5eb; --wash: #f5f7fa; --accent: #0b6e75; --warn: #8a5200; --warn-
  wash: #fff6e5; --good-wash: #eaf6f1; --bad: #a3242b;
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 4.6rem; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; color: var(--ink); background: #fff; font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto,
  "Helvetica Neue", Arial, sans-serif;
}
header, main, footer { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; padding-bottom: .75rem; }
h1 { font-size: clamp(1.7rem, 4vw, 2.4rem); line-height: 1.15; letter-spacing: -.02em; margin: 0 0 .5rem; }
h2 { font-size: 1.4rem; letter-spacing: -.01em; margin: 0 0 .75rem; padding-top: 2.25rem; }
p { max-width: 46rem; margin: 0 0 1rem; }
.summary { color: var(--soft); font-size: 1.08rem; }
nav {
  position: sticky; top: 0; z-index: 5; background: rgba(255, 255, 255, .96); border-bottom: 1px solid
  var(--line);
}
nav div {
  max-width: 72rem; margin: 0 auto; padding: .6rem 1.25rem; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem;
  white-space: nowrap;
}
nav a { color: var(--soft); text-decoration: none; font-size: .93rem; }
nav a:hover, nav a:focus-visible { color: var(--accent); text-decoration: underline; text-underline-offset: .3em; }
.facts {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .75rem; margin: 0 0 1.25rem;
}
.fact {
  border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; background: var(--wash); overflow-
  wrap: anywhere;
}
.fact span { display: block; color: var(--soft); font-size: .85rem; }
.fact b { display: block; font-size: 1.25rem; line-height: 1.3; font-weight: 650; }
.note {
  border-left: 3px solid var(--line); padding: .55rem .9rem; background: var(--wash); border-radius: 0 .4rem
  .4rem 0; overflow-wrap: anywhere;
}
.note.warning { border-color: #e0a030; background: var(--warn-wash); color: var(--warn); }
.note.good { border-color: #3b9c79; background: var(--good-wash); }
figure { margin: 0 0 1.5rem; }
figcaption, caption { color: var(--soft); font-size: .9rem; text-align: left; max-width: 46rem; }
caption { padding: 0 0 .5rem; caption-side: top; }
.wide { overflow-x: auto; margin: 0 0 1.75rem; }
table {
  border-collapse: separate; border-spacing: 0; width: 100%; font-size: .92rem; font-variant-numeric: tabular-
  nums;
}
th, td { padding: .42rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td { max-width: 34rem; }
td:not(.number) { min-width: 6.5rem; }
th { border-bottom: 2px solid #c9d0d9; padding: 0; vertical-align: bottom; font-weight: 600; }
th button {
  font: inherit; color: var(--soft); background: none; border: 0; box-sizing: border-box; width: 100%; margin:
  0; padding: .42rem .7rem; cursor: pointer; text-align: inherit; line-height: 1.25;
}
th button:hover, th button:focus-visible { color: var(--accent); }
th[aria-sort="ascending"] button::after { content: " ▴"; }
th[aria-sort="descending"] button::after { content: " ▾"; }
.number { text-align: right; }
td.number { white-space: nowrap; }
tbody tr:hover { background: var(--wash); }
td.mark { color: var(--warn); min-width: 12rem; }
td.refused { color: var(--bad); text-align: right; white-space: nowrap; }
footer {
  color: var(--soft); font-size: .88rem; border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 1rem;
  padding-bottom: 2.5rem;
}
@media (max-width: 40rem) {
  body { font-size: 15px; }
  th button, td { padding-left: .45rem; padding-right: .45rem; }
  h2 { padding-top: 1.75rem; }
  nav div { flex-wrap: nowrap; overflow-x: auto; scrollbar-width: none; }
}
@media print {
  nav { display: none; }
  .wide { overflow: visible; }
  figure, table { break-inside: avoid; }
}
"""

SCRIPT = """\
"use strict";
for (const place of document.querySelectorAll(".chart")) {
  const figure = JSON.parse(document.getElementById("figure-" + place.dataset.figure).textContent);
  const narrow = window.innerWidth < 640;
  const layout = Object.assign({}, figure.layout, { autosize: true, height: place.clientHeight });
  if (narrow) layout.margin = Object.assign({}, layout.margin, { l: 12, r: 8 });
  const bar = narrow ? false : "hover";
  Plotly.newPlot(place, figure.data, layout, { responsive: true, displaylogo: false, displayModeBar: bar });
}
function sortBy(table, index, down) {
  const body = table.tBodies[0];
  const key = (row) => row.cells[index].dataset.order ?? null;
  const compare = (one, two) => {
    if (one === null || two === null) return (one === null) - (two === null);
    const difference = Number(one) - Number(two);
    const order = Number.isNaN(difference) ? one.localeCompare(two) : difference;
    return down ? -order : order;
  };
  body.append(...[...body.rows].sort((one, two) => compare(key(one), key(two))));
}
for (const head of document.querySelectorAll("th")) {
  head.querySelector("button").addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    sortBy(head.closest("table"), head.cellIndex, down);
  });
}
"""

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">
<title>{{ document.title }}</title>
<style>
{{ style }}</style>
</head>
<body>
<header>
<h1>{{ document.title }}</h1>
<p class="summary">{{ document.summary }}</p>
</header>
<nav aria-label="Parts of the report"><div>
{% for section in document.sections %}
<a href="#{{ section.anchor }}">{{ section.short or section.title }}</a>
{% endfor %}
</div></nav>
<main>
{% for section in document.sections %}
<section id="{{ section.anchor }}">
<h2>{{ section.title }}</h2>
{% for block in section.blocks %}
{% if block.block == "note" %}
<p{% if block.tone != "plain" %} class="note {{ block.tone }}"{% endif %}>{{ block.text }}</p>
{% elif block.block == "facts" %}
<div class="facts">
{% for fact in block.facts %}
<div class="fact"><span>{{ fact.label }}</span><b>{{ fact.value }}</b>
{% if fact.words %}<span>{{ fact.words }}</span>{% endif %}
</div>
{% endfor %}
</div>
{% elif block.block == "chart" %}
<figure>
<div class="chart" data-figure="{{ block.name }}" style="height: {{ block.height }}px" role="img"
 aria-label="{{ block.caption }}"></div>
<figcaption>{{ block.caption }}</figcaption>
</figure>
{% else %}
<div class="wide"><table>
<caption>{{ block.caption }}</caption>
<thead><tr>
{% for column in block.columns %}
<th scope="col"{{ " class=number" if column.numeric }}
{%- if column.meaning %} title="{{ column.meaning }}"{% endif %}><button type="button">{{ column.name }}</button></th>
{% endfor %}
</tr></thead>
<tbody>
{% for row in block.rows %}
<tr>
{% for cell in row %}
<td class="{{ cell.kind }}"
{%- if cell.order is not none %} data-order="{{ cell.order }}"{% endif %}
{%- if cell.hint %} title="{{ cell.hint }}"{% endif %}>{{ cell.text }}</td>
{% endfor %}
</tr>
{% endfor %}
</tbody>
</table></div>
{% endif %}
{% endfor %}
</section>
{% endfor %}
</main>
<footer>Made by onetake. This file holds all it shows; nothing is fetched when it is opened.</footer>
{% if plotly %}
<script>{{ plotly }}</script>
{% endif %}
{% for name, figure in figures.items() %}
<script type="application/json" id="figure-{{ name }}">{{ figure }}</script>
{% endfor %}
<script>
{{ script }}</script>
</body>
</html>
"""
