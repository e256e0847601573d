"""One take of very many: `python -m bench.million ENTITIES STEPS` prints seconds and peak memory as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time

from onetake.agents import make
from onetake.envs import EnvironmentEntry, Suite
from onetake.evaluation import EvaluationSettings, run_cell


def main(entities: int, steps: int) -> None:
    start = time.perf_counter()
    config = {"size": 10_000, "p": [0.5, 0.5], "q": [0.02, 0.03], "horizon": steps}
    entry = EnvironmentEntry("million", "cohort", config, None, entities, 1, steps)
    suite = Suite("million", "test", 1, (entry,), None, None)
    cell = run_cell(make("thompson-v0"), suite, EvaluationSettings(seed=1), name="thompson")
    taken = time.perf_counter() - start
    row = cell.summary.row(0, named=True)
    # ru_maxrss is in KiB, on macOS in bytes.
    unit = 2**30 if sys.platform == "darwin" else 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(json.dumps({"seconds": taken, "peak_gib": peak, "regret": row["regret"], "score": row["score"]}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
