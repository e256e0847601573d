"""LinUCB in a peer's own venv: reads a number of decisions from each line, takes them, answers with a line.

Needs nothing of onetake. Arguments: which peer, contexts at once (1 for one at a time), features, arms.
"""

import sys

import numpy as np


def mabwiser(rows, features, arms):
    from mabwiser.mab import MAB, LearningPolicy

    rng = np.random.default_rng(0)
    x = rng.normal(size=(max(rows, 2000), features))
    model = MAB(list(range(arms)), LearningPolicy.LinUCB(alpha=1.0))
    model.fit(rng.integers(0, arms, len(x)), rng.random(len(x)), x)

    def go(count):
        if rows > 1:
            model.predict(x)
            return
        for i in range(count):
            model.predict(x[i % 2000 : i % 2000 + 1])

    return go


if __name__ == "__main__":
    run = {"mabwiser": mabwiser}[sys.argv[1]](*map(int, sys.argv[2:]))
    for line in sys.stdin:
        run(int(line))
        print("taken", flush=True)
