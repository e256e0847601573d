"""What was found becomes what a person reads.

The scorecards, costs and calibration records of all suites are put together; four charts are drawn from them and from
the off-policy estimates; the manifest lists what they rest on; the report holds everything in one page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kedro.pipeline import Node, Pipeline

from onetake.build import nearest
from onetake.conf_loader import conf_of_run
from onetake.errors import UnknownIdError
from onetake.matrix import read_matrix
from onetake.pipelines.reporting import nodes

# Calibration records by the suite or log that they are of.
FITS = {"thornton": "thornton_fit", "open_bandit": "open_bandit_fit"}

# What decides the numbers of the report.
SETTINGS = (
    *("agents", "calibration", "caseload", "catalogue", "departures", "estimators", "evaluation", "ingestion"),
    *("off_policy", "population", "sequential_estimators", "suites"),
)


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Return the nodes that the module describes, in that order.

    Raises:
        UnknownIdError: rivals of, or among, suites that conf does not describe.
    """
    suites = list(read_matrix().cells)
    _check_rivals(conf_of_run()["parameters"])
    found = {"standings": "standings", "fits": "calibration_records", "estimates": "off_policy_estimates"}
    settings = "params:reporting"
    drawn = {
        "leaderboard": "leaderboard_figure",
        "regret": "regret_figure",
        "calibration": "calibration_figure",
        "off_policy": "off_policy_figure",
    }
    # Where conf has no markets, the report has no part about them.
    trained = bool(conf_of_run()["parameters"].get("multi_agent"))
    found |= {"markets": "market_results"} if trained else {}
    rests_on = {name: f"params:{name}" for name in (*SETTINGS, *(("multi_agent",) if trained else ()))}
    parts: list[tuple[Any, ...]] = [
        (nodes.collect_standings, {"settings": settings} | {s: f"scorecard_{s}" for s in suites}, "standings"),
        (nodes.collect_fits, FITS, "calibration_records"),
        (nodes.collect_costs, [f"costs_{suite}" for suite in suites], "costs"),
        (nodes.draw_leaderboard, "standings", drawn["leaderboard"]),
        (nodes.draw_regret, ["standings", settings], drawn["regret"]),
        (nodes.draw_calibration, "calibration_records", drawn["calibration"]),
        (nodes.draw_off_policy, "off_policy_estimates", drawn["off_policy"]),
        (nodes.list_manifest, found | rests_on, "report_manifest"),
        (
            nodes.write_report,
            found | drawn | {"costs": "costs", "manifest": "report_manifest", "settings": settings},
            "report",
        ),
    ]
    return Pipeline([Node(func, *ends, name=func.__name__) for func, *ends in parts], tags="reporting")


def _check_rivals(parameters: Mapping[str, Any]) -> None:
    """A suite that is described but not played is left out; one that nobody describes is a slip of the pen."""
    described = parameters.get("suites") or {}
    rivals = (parameters.get("reporting") or {}).get("rivals")
    if not isinstance(rivals, Mapping):
        return
    for suite, others in rivals.items():
        for name in (suite, *(others if isinstance(others, list) else ())):
            if name not in described:
                near = nearest(str(name), described)
                raise UnknownIdError(
                    f"reporting.rivals: got suite {name!r}, which conf does not describe; nearest: {near}"
                )
