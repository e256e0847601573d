"""Findings of a rehearsal that never was, with the columns that evaluation, calibration and logs give theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from onetake.evaluation.leaderboard import scorecard
from onetake.evaluation.settings import EvaluationSettings
from onetake.evaluation.summary import SUMMARY_SCHEMA, unsupported_rows
from onetake.reports.rehearsal import Findings
from onetake.reports.standings import standings

AGENTS = {"thompson": 0.1, "ucb1": 0.3, "epsilon_greedy": 0.22, "random": 1.0}
HOSTILE = "</script><script>alert(1)</script><b onclick=alert(2)>"
STEPS = 30
# The suites that the default matrix plays.
SUITES = tuple(yaml.safe_load((Path(__file__).parents[3] / "conf/base/matrix.yml").read_text())["matrix"]["suites"])


def made_up_scorecard(suite: str, environments: int, draws: int, agents: dict[str, float]) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(len(suite))
    rows, points = [], []
    for number in range(environments):
        for agent, loss in agents.items():
            for replicate in range(8):
                own = max(loss, 0.01) * float(rng.uniform(0.9, 1.1)) * 300.0
                environment = f"{suite}-{number}"
                labels = {"suite": suite, "environment": environment, "agent": agent, "replicate": replicate}
                parts = {"cost_of_constraints": 0.0, "cost_of_not_knowing": 0.6 * own, "cost_of_exploring": 0.4 * own}
                rows.append(
                    labels
                    | parts
                    | {"draw": replicate * draws // 8, "draws": draws, "entities": 1000, "steps": STEPS}
                    | {"status": "finished", "yardstick_kind": "best action now", "regret": own}
                    | {"value": 1000 - own, "random": 700.0, "yardstick": 1000.0, "score": 1 - own / 300}
                    | {"realised": 1000 - own + float(rng.normal()), "realised_regret": own, "best_fixed_action": 1}
                    | {"best_fixed": 990.0, "regret_to_best_fixed": own - 10, "best_fixed_per_entity": 995.0}
                    | {
                        "regret_to_best_fixed_per_entity": own - 5,
                        "incumbent": 800.0,
                        "incumbent_difference": 200 - own,
                    }
                )
                for step in range(1, STEPS + 1):
                    grown = own * (step / STEPS) ** 0.5
                    costs = {"cost_of_not_knowing": 0.6 * grown, "cost_of_exploring": 0.4 * grown}
                    drawn = {"draw": replicate * draws // 8, "draws": draws}
                    points.append(labels | drawn | {"step": step, "regret": grown, "realised": step * 30.0} | costs)
    summary = pl.concat(
        [
            pl.DataFrame(rows, schema=SUMMARY_SCHEMA),
            unsupported_rows(suite, "pricer", {f"{suite}-0": "needs a price ladder"}),
        ]
    )
    return scorecard(summary, pl.DataFrame(points), EvaluationSettings(resamples=200))


def made_up_fit(name: str, arms: int, refused: tuple[str, ...]) -> dict[str, Any]:
    rates = np.linspace(0.3, 0.8, arms) if not refused else np.full(arms, 0.004)
    parts = [
        {"what": what, "logged": 100.0 + shift, "simulated": 100.0, "low": 90.0, "high": 110.0, "inside": shift < 10}
        for what, shift in [("reward", 1.0), ("successes", -3.0)] + [(f"successes.{k}", k - 3.0) for k in range(arms)]
    ]
    comparisons = [
        {"rival": rival, "rival_log_likelihood": -0.65, "difference": gap, "standard_error": 0.004, "verdict": verdict}
        for rival, gap, verdict in [("one rate", 0.05, "better"), ("arm means", 0.002, "cannot tell")]
    ]
    return {
        "id": f"{name}-0123456789ab",
        "log": name,
        "model": "logit_normal",
        "assignment": "randomised",
        "num_rows": 2825,
        "num_segments": 119,
        "level": 0.95,
        "arms": [
            {"label": f"{k * 50}", "trials": 500, "successes": int(500 * rate), "logged_rate": float(rate) - 0.004}
            | {
                "rate": float(rate),
                "low": float(rate) * 0.9,
                "high": float(rate) * 1.1,
                "scale": 300.0,
                "offset": -50.0 * k,
            }
            for k, rate in enumerate(rates)
        ],
        "holdout": {"log_likelihood": -0.6, "comparisons": comparisons, "folds": 5},
        "replay": {
            "parts": parts,
            "scatter": {
                "what": "scatter",
                "logged": 120.0,
                "simulated": 118.0,
                "low": 90.0,
                "high": 140.0,
                "inside": True,
            },
            "level": 0.99,
            "simulations": 1000,
        },
        "marks": [],
        "flags": ["cells scatter more than the model says"] if not refused else [],
        "refused": list(refused),
        "verdict": "no difference between arms can be seen" if refused else "arms differ",
    }


def made_up_estimates(policies: tuple[str, ...]) -> pl.DataFrame:
    rows = []
    for log in ("thornton", "open_bandit_random"):
        for index, policy in enumerate(policies):
            for estimator in ("IPS", "SNIPS", "DM", "DR"):
                value = 100.0 + 10 * index
                refused = index == 2 and estimator != "DM"
                doubt = "effective sample below 5" if refused else ("heavy weights" if index == 1 else "")
                numbers = dict.fromkeys(("value", "low", "high"))
                numbers |= {} if refused else {"value": value, "low": value - 5, "high": value + 6}
                truth = {"truth": 103.0, "truth_error": 1.5, "truth_source": "the other rows"}
                truth |= {"truth": None, "truth_error": None} if index == 2 else {}
                rows.append(
                    {"log": log, "policy": policy, "estimator": estimator, "standard_error": 2.8}
                    | {"level": 0.95, "decisions": 1400, "flags": doubt, "refused": refused}
                    | numbers
                    | truth
                    | {"effective_sample_size": 600.0, "largest_weight": 4.0, "clipped_share": 0.0, "overlap": 1.0}
                )
    return pl.DataFrame(rows)


def made_up_costs(suite: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"suite": [suite], "environment": [f"{suite}-0"], "agent": ["thompson"], "decisions": [10**9]}
        | {"wall_seconds": [12.5], "decisions_per_second": [8e7], "peak_memory_mib": [812.25]}
    )


def made_up_markets() -> pl.DataFrame:
    row: dict[str, Any] = {"market": "duopoly", "crew": "bandits", "runs": 9, "gain": 0.4, "gain_low": 0.3}
    row |= {"gain_high": 0.5, "episode_gain": 0.35, "price": 1.7, "nash_price": 1.5, "monopoly_price": 1.9}
    row |= dict.fromkeys(("converged", "control_gain", "answered", "punished")) | {"verdict": "not far"}
    return pl.DataFrame([row])


def made_up_findings(agents: dict[str, float], policies: tuple[str, ...]) -> Findings:
    cards = {
        "truman": made_up_scorecard("truman", 3, 1, agents),
        "thornton": made_up_scorecard("thornton", 1, 4, agents),
    }
    fits = {
        "thornton": made_up_fit("thornton", 6, ()),
        "open_bandit": made_up_fit("open_bandit", 80, ("differences: no difference between arms can be seen",)),
    }
    costs = made_up_costs("truman")
    manifest = [{"kind": "seed", "name": "evaluation", "value": "7"}]
    return Findings(standings(cards), fits, made_up_estimates(policies), costs, manifest)


@pytest.fixture(scope="session")
def findings() -> Findings:
    return made_up_findings(AGENTS, ("always 0", "always 50", "thompson"))


@pytest.fixture(scope="session")
def hostile_findings() -> Findings:
    """Findings in which an agent and a policy bear a name that would run in a page that trusted it."""
    return made_up_findings({HOSTILE: 0.1, "random": 1.0}, (HOSTILE,))


@pytest.fixture(scope="session")
def found(findings: Findings) -> dict[str, Any]:
    """What the other pipelines leave for the report, by the names of the catalog."""
    cards = {f"scorecard_{s}": made_up_scorecard(s, 2, 4 if s == "thornton" else 1, AGENTS) for s in SUITES}
    fits = {f"{name}_fit": fit for name, fit in findings.fits.items()}
    costs = {f"costs_{suite}": made_up_costs(suite) for suite in SUITES}
    made = {**cards, **fits, **costs, "off_policy_estimates": findings.estimates}
    return {**made, "market_results": made_up_markets()}
