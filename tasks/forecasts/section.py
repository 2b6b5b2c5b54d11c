"""The report's section on forecasts: the model, how it learned, what it gains over baselines, what it predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from expectations.contracts.mobility import CATEGORIES
from tasks.lake.statements import Row
from tasks.report.sections import Figure, Reader, Section, curve_figure, line_figure, process_facts
from tasks.transforms.charts.curve_chart import Curve
from tasks.transforms.charts.line_chart import Series

SHOWN_CATEGORIES = ("workplaces", "retail_and_recreation", "transit_stations", "residential")
SHOWN_HORIZONS = (1, 7, 14, 21, 28)
MOST_SERIES = 6  # our choice: three rows of charts
UNIT = "percent of the baseline"
BASELINES = ("seasonal_naive", "last_value", "mean_of_week")
SMOOTHING = "mae_pct_beside_exponential_smoothing"  # measured on a few series, because it takes so long
SKILL, COVERAGE = "skill", "coverage of the 80 % interval"
QUALITY: Mapping[str, str] = {
    SKILL: "skill",
    "RMSE": "rmse_pct",
    "MASE": "mase",
    "pinball loss": "pinball_loss_pct",
    COVERAGE: "coverage_80_pct_interval",
    "its width": "width_80_pct_interval",
}
SKILL_TITLE = "Skill over the seasonal naive forecast, by days ahead; only above 0 forecasts are published"
GRADIENT_TITLE = "How far back a loss reaches: gradient of the last state by the states of earlier days"

Scores = Mapping[tuple[str, str], Row]


def section(reader: Reader) -> Row:
    """`models`, one for each published forecaster; `series`, charts of what it predicts of the report's countries."""
    models = reader.champions("lstm_forecast")
    chosen = {"countries": list(reader.countries), "categories": list(SHOWN_CATEGORIES), "most": MOST_SERIES}
    return {
        "models": [_model(reader, model) for model in models],
        "series": [_series(reader, row) for row in reader.rows("series", chosen)] if models else [],
    }


def _model(reader: Reader, model: Row) -> Row:
    notes, scores = reader.notes(model), reader.scores(model)
    n_days = sum(split == "backtest" and metric.startswith("skill_horizon_") for metric, split in scores)
    shown = [ahead for ahead in SHOWN_HORIZONS if ahead <= n_days]
    skill, coverage = (_by_category(scores, QUALITY[name], n_days) for name in (SKILL, COVERAGE))
    losses, gradients = Curve("training", notes.get("losses", [])), _gradient_curves(notes.get("gradient_by_lag", {}))
    return {
        "facts": _facts(model, notes),
        "charts": [
            curve_figure(SKILL_TITLE, "1 less ratio of mean absolute errors", "days ahead", skill),
            curve_figure(
                "Share of days inside the 80 % interval, by days ahead", "share of days", "days ahead", coverage
            ),
            curve_figure("Loss", "loss", "epoch, all trainings in order", [losses]),
            curve_figure(GRADIENT_TITLE, "log10 of the gradient's norm", "days back, 1 = the last day", gradients),
        ],
        "errors": [_error_row(scores, ahead) for ahead in shown],
        "quality": [_quality_row(scores, ahead) for ahead in shown],
    }


def _gradient_curves(by_lag: Mapping[str, Sequence[float]]) -> list[Curve]:
    """Logarithms of the norms, so that a gradient that shrinks or grows by powers is a straight line; none of zero."""
    norms = {name: np.array(by_lag.get(key, []), np.float64) for name, key in (("outputs", "h"), ("cells", "c"))}
    return [
        Curve(name, np.log10(norm, out=np.full(norm.shape, np.nan), where=norm > 0).tolist())
        for name, norm in norms.items()
    ]


def _by_category(scores: Scores, metric: str, n_days: int) -> list[Curve]:
    """A score of each category at 1, 2, … days ahead; NaN where it was not measured."""

    def at(ahead: int, category: str) -> float:
        score = scores.get((_at(metric, ahead), f"backtest_{category}"))
        return float("nan") if score is None else float(score["value"])

    return [
        Curve(category.split("_")[0], [at(ahead, category) for ahead in range(1, n_days + 1)])
        for category in CATEGORIES
    ]


def _error_row(scores: Scores, ahead: int) -> Row:
    """Mean absolute errors at `ahead` days, mean over the categories: ours beside each baseline's on the same days."""
    nothing = {"value": None, "baseline_value": None}
    found = {name: scores.get((_at(f"mae_pct_beside_{name}", ahead), "backtest"), nothing) for name in BASELINES}
    few = scores.get((_at(SMOOTHING, ahead), "backtest"), nothing)
    return {
        "days ahead": ahead,
        "ours": found["seasonal_naive"]["value"],
        **{name: score["baseline_value"] for name, score in found.items()},
        "ours, a few series": few["value"],
        "exponential smoothing, these series": few["baseline_value"],
    }


def _quality_row(scores: Scores, ahead: int) -> Row:
    """Scores at `ahead` days, all categories."""
    nothing = {"value": None, "baseline_value": None}
    found = {name: scores.get((_at(metric, ahead), "backtest"), nothing) for name, metric in QUALITY.items()}
    values = {name: score["value"] for name, score in found.items()}
    return {"days ahead": ahead, **values, "RMSE of seasonal naive": found["RMSE"]["baseline_value"]}


def _at(metric: str, ahead: int) -> str:
    return f"{metric}_horizon_{ahead:02d}_days"


def _facts(model: Row, notes: Row) -> list[tuple[str, str]]:
    """What the card tells, in words; a card that cannot be read tells less."""
    tested = notes.get("tested_on")
    calibrated = notes.get("calibrated_on") or tested
    data = f"snapshot {model['snapshot_id']}, data {model['data_sha256'][:12]}, up to {notes.get('trained_up_to', '?')}"
    facts = [("model", model["model_id"]), ("learned from", data)]
    if "n_regions" in notes:
        facts.append(("regions, region-days", f"{notes['n_regions']:,}, {notes['n_days']:,}"))
    if tested:
        days = f"{len(tested)} past days, {tested[0]} to {tested[-1]}, by weights that knew no later day"
        facts.append(("tested from", days))
    if calibrated:
        facts.append(("intervals calibrated on", f"every past day from {calibrated[0]} on"))
    return [*facts, *process_facts(notes)]


def _series(reader: Reader, series: Row) -> Figure:
    """The last weeks of a series and what is forecast of it."""
    days = reader.rows("curves", {name: series[name] for name in ("region_id", "category", "origin_on")})
    named = {
        "observed": "change_pct",
        "median": "change_pct_p50",
        "10 % quantile": "change_pct_p10",
        "90 % quantile": "change_pct_p90",
    }
    lines = [
        Series(name, [day["day"] for day in days], np.array([day[column] for day in days], dtype=np.float64))
        for name, column in named.items()
    ]
    title = f"{series['country']}, {series['category'].replace('_', ' ')}, from {series['origin_on']}"
    return line_figure(title, UNIT, lines)


SECTION = Section(anchor="forecasts", heading="Forecasts", place=40, values=section)
