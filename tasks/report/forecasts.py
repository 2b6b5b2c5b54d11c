"""The report's section on forecasts: the model, how it learned, what it gained over its baselines at which horizon, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
from markupsafe import Markup

from expectations.contracts.mobility import CATEGORIES
from tasks.lake.layout import Lake
from tasks.lake.sql import sql_of
from tasks.lake.steps import read_json
from tasks.transforms.charts.curve_chart import Curve, curve_chart
from tasks.transforms.charts.line_chart import Series, line_chart

SHOWN_CATEGORIES = ("workplaces", "retail_and_recreation", "transit_stations", "residential")
SHOWN_HORIZONS = (1, 7, 14, 21, 28)
METRICS = ("skill", "coverage_80_pct_interval")  # drawn by days ahead
MOST_SERIES = 6  # our choice: three rows of charts
MEGABYTE = 1e6
UNIT = "percent of the baseline"

Row = dict[str, Any]


def section(lake: Lake, warehouse: duckdb.DuckDBPyConnection, countries: Sequence[str]) -> Row:
    """What `report_lstm.html.j2` shows: `models`, one for each published forecaster, and `series`, charts of what it says of `countries`."""
    models = [
        _model(lake, model, _rows(warehouse, "scores_of_model", {"model_id": model["model_id"]}))
        for model in _rows(warehouse, "forecast_models")
    ]
    chosen: Row = {"countries": list(countries), "categories": list(SHOWN_CATEGORIES), "most": MOST_SERIES}
    return {
        "models": models,
        "series": [_chart(warehouse, row) for row in _rows(warehouse, "forecast_series", chosen)] if models else [],
    }


def _model(lake: Lake, model: Row, scores: Sequence[Row]) -> Row:
    card = read_json(lake.locate(model["path"]) / "card.json") or {}
    notes: Row = card.get("notes", {})
    by_key = {(score["metric"], score["split"]): score for score in scores}
    n_days = len([1 for metric, split in by_key if split == "backtest" and metric.startswith("skill_horizon_")])
    shown = [ahead for ahead in SHOWN_HORIZONS if ahead <= n_days]
    skill, coverage = ([_by_horizon(by_key, metric, category, n_days) for category in CATEGORIES] for metric in METRICS)
    names = [category.split("_")[0] for category in CATEGORIES]
    charts = [
        ("Skill over the seasonal naive forecast, by days ahead; below 0 nothing is published", curve_chart(
            "Skill over the seasonal naive forecast", "1 less ratio of mean absolute errors", "days ahead",
            [Curve(name, values) for name, values in zip(names, skill, strict=True)],
        )),
        ("Share of days inside the 80 % interval, by days ahead", curve_chart(
            "Coverage of the 80 % interval", "share of days", "days ahead",
            [Curve(name, values) for name, values in zip(names, coverage, strict=True)],
        )),
        ("Loss", curve_chart("Loss of the forecaster", "loss", "epoch, all trainings in order", [Curve("training", notes.get("losses", []))])),
        ("How far back a loss reaches: gradient of the last state by the states of earlier days", curve_chart(
            "Gradient by days back", "log10 of the gradient's norm", "days back, 1 = the last day", _gradient_curves(notes.get("gradient_by_lag", {})),
        )),
    ]  # fmt: skip
    # The charts escape every name themselves, so their text is safe to set as markup.
    return {
        "facts": _facts(model, notes),
        "charts": [{"title": title, "svg": Markup(svg)} for title, svg in charts],  # noqa: S704
        "errors": [_error_row(by_key, ahead) for ahead in shown],
        "quality": [_quality_row(by_key, ahead) for ahead in shown],
    }


def _gradient_curves(by_lag: Mapping[str, Sequence[float]]) -> list[Curve]:
    """Logarithms of the norms, so that a gradient that shrinks or grows by powers is a straight line; where nothing flows there is none."""
    names = {"h": "outputs", "c": "cells"}
    curves = [(name, np.array(by_lag.get(key, []), np.float64)) for key, name in names.items()]
    return [
        Curve(name, np.log10(norms, out=np.full(norms.shape, np.nan), where=norms > 0).tolist())
        for name, norms in curves
    ]


def _by_horizon(by_key: Mapping[tuple[str, str], Row], metric: str, category: str, n_days: int) -> list[float]:
    """A score of a category at 1, 2, … days ahead; NaN where it was not measured."""
    found = (
        by_key.get((f"{metric}_horizon_{ahead:02d}_days", f"backtest_{category}")) for ahead in range(1, n_days + 1)
    )
    return [float(score["value"]) if score is not None else float("nan") for score in found]


def _error_row(by_key: Mapping[tuple[str, str], Row], ahead: int) -> Row:
    """Mean absolute errors at `ahead` days, mean over the categories: ours beside each baseline's on the same days."""

    def of(metric: str, part: str = "value") -> float | None:
        score = by_key.get((f"{metric}_horizon_{ahead:02d}_days", "backtest"))
        return score[part] if score is not None else None

    errors: Row = {"days ahead": ahead, "ours": of("mae_pct_beside_seasonal_naive")}
    for name in ("seasonal_naive", "last_value", "mean_of_week"):
        errors[name] = of(f"mae_pct_beside_{name}", "baseline_value")
    few = "mae_pct_beside_exponential_smoothing"
    return errors | {"ours, a few series": of(few), "exponential smoothing, these series": of(few, "baseline_value")}


def _quality_row(by_key: Mapping[tuple[str, str], Row], ahead: int) -> Row:
    """Scores at `ahead` days, all categories."""
    names = {
        "skill": "skill", "RMSE": "rmse_pct", "MASE": "mase", "pinball loss": "pinball_loss_pct",
        "coverage of the 80 % interval": "coverage_80_pct_interval", "its width": "width_80_pct_interval",
    }  # fmt: skip
    found = {name: by_key.get((f"{metric}_horizon_{ahead:02d}_days", "backtest")) for name, metric in names.items()}
    naive = found["RMSE"]["baseline_value"] if found["RMSE"] is not None else None
    scores = {name: score["value"] if score is not None else None for name, score in found.items()}
    return {"days ahead": ahead, **scores, "RMSE of seasonal naive": naive}


def _facts(model: Row, notes: Row) -> list[tuple[str, str]]:
    """What the card says, in words; a card that cannot be read says less."""
    tested, calibrated = notes.get("tested_on") or [], notes.get("calibrated_on") or []
    facts: list[tuple[str, Any]] = [
        ("model", model["model_id"]),
        (
            "learned from",
            f"snapshot {model['snapshot_id']}, data {model['data_sha256'][:12]}, up to {notes.get('trained_up_to', '?')}",
        ),
        ("regions, region-days", f"{notes['n_regions']:,}, {notes['n_days']:,}" if "n_regions" in notes else None),
        (
            "tested from",
            f"{len(tested)} past days, {tested[0]} to {tested[-1]}, by weights that knew no later day"
            if tested
            else None,
        ),
        (
            "intervals calibrated on",
            f"every past day from {(calibrated or tested)[0]} on" if calibrated or tested else None,
        ),
        ("time", f"{notes['seconds']:,.1f} s" if "seconds" in notes else None),
        (
            "peak memory",
            f"{notes['peak_memory_bytes'] / MEGABYTE:,.0f} MB, of the process"
            if "peak_memory_bytes" in notes
            else None,
        ),
    ]
    return [(name, str(value)) for name, value in facts if value is not None]


def _chart(warehouse: duckdb.DuckDBPyConnection, series: Row) -> Row:
    """The last weeks of a series and what is forecast of it."""
    days = _rows(warehouse, "forecast_curves", {name: series[name] for name in ("region_id", "category", "origin_on")})
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
    return {"title": title, "svg": Markup(line_chart(title, UNIT, lines))}  # noqa: S704  # escapes every name itself


def _rows(warehouse: duckdb.DuckDBPyConnection, query: str, parameters: Row | None = None) -> list[Row]:
    result = warehouse.execute(sql_of(f"report/{query}"), parameters)
    columns = [column[0] for column in result.description or []]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
