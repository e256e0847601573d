"""Who reads and who writes what, as a Mermaid picture."""

from __future__ import annotations

from collections.abc import Mapping

from onetake.assembly.core import Assembly
from onetake.assembly.parcel import keys_of, name_of


def mermaid(assembly: Assembly) -> str:
    """Return a Mermaid flow chart: boxes are participants in their order, rounds are keys of the parcel.

    Participants that have not declared their keys stand apart, marked. Where a function decides who plays, those of the
    last launch are shown.

    >>> from onetake.assembly import Assembly, declared, every
    >>> wind = declared(lambda parcel: None, reads=["obs"], writes=["gust"], name="wind")
    >>> print(mermaid(Assembly([every(2, wind)])))
    flowchart LR
      p0["wind<br/>every 2"]
      k0(["obs"]) --> p0
      p0 --> k1(["gust"])
    """
    lines = ["flowchart LR"]
    ids: dict[str, str] = {}
    edges: list[str] = []
    for number, participant in enumerate(assembly.met):
        words = getattr(participant, "words", "")
        keys = keys_of(participant)
        label = "<br/>".join(
            filter(None, [_escaped(name_of(participant)), _escaped(words), "" if keys else "<i>keys not declared</i>"])
        )
        lines.append(f'  p{number}["{label}"]')
        if keys is not None:
            edges += [f"{_round(ids, key)} --> p{number}" for key in _places(keys.reads)]
            edges += [f"p{number} --> {_round(ids, key)}" for key in _places(keys.writes)]
    return "\n".join([*lines, *(f"  {edge}" for edge in edges)])


def _places(named: Mapping[str, str]) -> list[str]:
    return list(named.values())


def _round(ids: dict[str, str], key: str) -> str:
    known = key in ids
    place = ids.setdefault(key, f"k{len(ids)}")
    return place if known else f'{place}(["{_escaped(key)}"])'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
