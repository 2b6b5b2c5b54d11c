"""The report's section on regimes of mobility: states of days, how likely they follow one another, how they were
fitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import safetensors
import safetensors.numpy

from tasks.lake.statements import Row
from tasks.learning.model_store import WEIGHTS
from tasks.regimes.training import AGREEMENT
from tasks.report.sections import Reader, Section, beside, curve_figure, figure
from tasks.transforms.charts.curve_chart import Curve
from tasks.transforms.charts.state_chart import Strip, state_chart

MOST_AGREEMENTS = 12  # countries named; the table of scores has all


def section(reader: Reader) -> Row:
    """`models`, one for each that is published; `spent` and `changes`, days of the report's countries in the states."""
    shown = {"countries": list(reader.countries)}
    strips = _strips(reader.rows("days", shown), reader.countries)
    return {
        "models": [_model(reader, model, strips) for model in reader.champions("hmm_regimes")],
        "spent": reader.rows("spent", shown),
        "changes": reader.rows("changes", shown),
    }


def _model(reader: Reader, model: Row, strips: Sequence[Strip]) -> Row:
    notes, scores, moves = reader.notes(model), reader.scores(model), _moves(reader, model)
    highest = max((int(strip.states.max()) for strip in strips), default=-1)
    names = notes.get("states") or [f"state {state}" for state in range(highest + 1)]
    n_days = notes.get("n_days", 1)  # curves are told a region-day, or their numbers would not fit beside the axis
    criteria = [value / n_days if value is not None else float("nan") for value in notes.get("bic", {}).values()]
    likelihoods = [value / n_days for value in notes.get("log_likelihoods", [])]
    likelihood = "log-likelihood a region-day, columns standardised"
    criterion = "Criterion by number of states: the lowest is taken"

    def of_all_days(metric: str) -> float | None:
        return scores.get((metric, "all_days"), {}).get("value")

    return {
        "facts": [
            ("model", model["model_id"]),
            ("trained on snapshot", model["snapshot_id"]),
            ("regions", notes.get("n_regions")),
            ("region-days", notes.get("n_days")),
            ("EM converged", notes.get("converged")),
            ("log-likelihood a day", beside(scores.get(("log_likelihood_per_day", "all_days")), "one state")),
            ("mean duration, days", of_all_days("mean_duration_days")),
            ("share of days with a clear state", of_all_days("share_of_clear_days")),
            (
                "rank correlation with the containment and health index, all national days",
                scores.get((AGREEMENT, "pooled"), {}).get("value"),
            ),
            ("seconds", notes.get("seconds")),
        ],
        "charts": [
            figure("State of each day", state_chart("Regimes of mobility", names, strips)),
            curve_figure("Log-likelihood by iteration", likelihood, "iteration", [Curve("EM", likelihoods)]),
            curve_figure(criterion, "BIC a region-day", "number of states", [Curve("BIC", criteria)]),
        ],
        "moves": [
            {
                "from": name,
                "level, percent from the baseline": level,
                **{f"to {to}": share for to, share in zip(names, shares, strict=True)},
            }
            for name, level, shares in zip(names, notes.get("level_pct", []), moves, strict=False)
        ],
        "agreements": [
            {"region": split, "rank correlation": row["value"]}
            for (metric, split), row in scores.items()
            if metric == AGREEMENT
        ][:MOST_AGREEMENTS],
    }


def _moves(reader: Reader, model: Row) -> list[list[float]]:
    """Probability of each state (column) on the day after each (row); no rows where the weights cannot be read."""
    try:
        weights = safetensors.numpy.load_file(reader.lake.locate(model["path"]) / WEIGHTS)
    except (OSError, safetensors.SafetensorError):
        return []
    moves: list[list[float]] = weights["transmat"].tolist()
    return moves


def _strips(days: Sequence[Row], countries: Mapping[str, str]) -> list[Strip]:
    return [
        Strip(name, [row["observed_on"] for row in of_country], np.array([row["state"] for row in of_country]))
        for code, name in countries.items()
        if (of_country := [row for row in days if row["region_id"] == code])
    ]


SECTION = Section(anchor="regimes", heading="Regimes of mobility", place=20, values=section)
