"""Measure all rows, or those whose name begins with `--only`; print a table and write build/bench.json."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import control, families, fleets, oligopoly, replay, scale, simulation
from bench.harness import Measurement, Size, table, write

Rows = Callable[[Size], Iterator[Measurement]]
ROWS: dict[str, Rows] = {
    "cohort": simulation.cohort,
    "cohort_shared": simulation.cohort_shared,
    "bernoulli": simulation.bernoulli,
    "truman": simulation.truman,
    "pricing": simulation.pricing,
    "cartpole": control.cartpole,
    "thompson": fleets.thompson,
    "ucb": fleets.ucb,
    "linucb": fleets.linucb,
    "family_cohort": families.cohort,
    "family_bandit": families.bandit,
    "family_intervention": families.intervention,
    "family_pricing": families.pricing,
    "family_cartpole": control.family_cartpole,
    "family_pendulum": control.family_pendulum,
    "family_reach": control.family_reach,
    "family_perishable": families.perishable,
    "family_tabular": families.tabular,
    "uniform": replay.uniform,
    "prioritized": replay.prioritized,
    "hindsight": replay.hindsight,
    "add": replay.add,
    "calvano": oligopoly.calvano,
    "million": scale.million,
    "warm": scale.warm,
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", help="rows whose name begins so")
    parser.add_argument("--tiny", action="store_true", help="tiny sizes: shows that the harness works")
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args(arguments)
    tiny = options.tiny or os.environ.get("TINY", "") not in ("", "0")
    chosen = {name: rows for name, rows in ROWS.items() if name.startswith(options.only)}
    if not chosen:
        parser.error(f"--only: got {options.only!r}; wanted the beginning of one of {', '.join(ROWS)}")
    lines: list[Measurement] = []
    for name, rows in chosen.items():
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        lines.extend(rows(Size(tiny)))
        # Written after every row: a run that is stopped keeps what it measured.
        write(lines, options.output)
    print(table(lines))
    print(f"written to {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
