"""The report's section on hidden Markov models: regimes of mobility, and taggers of parts of speech."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import safetensors
import safetensors.numpy
from markupsafe import Markup

from tasks.lake.layout import Lake
from tasks.lake.sql import sql_of
from tasks.lake.steps import read_json
from tasks.taggers.applying import CARD, WEIGHTS
from tasks.transforms.charts.curve_chart import Curve, curve_chart
from tasks.transforms.charts.state_chart import Strip, state_chart

AGREEMENT = "rank_correlation_with_containment_health_index"
MOST_AGREEMENTS = 12  # countries named; the table of scores has all

Row = dict[str, Any]


def section(lake: Lake, warehouse: duckdb.DuckDBPyConnection, countries: Mapping[str, str]) -> Row:
    """What `report_hmm.html.j2` shows: `regimes`, one for each published model, with the days of `countries` (name by code), and `taggers`."""
    shown = {"countries": list(countries)}
    days = _rows(warehouse, "regime_days", shown)
    spent, changes = _rows(warehouse, "regimes", shown), _rows(warehouse, "regime_changes", shown)
    tagged = {row["lang"]: row for row in _rows(warehouse, "tagged_tokens")}
    return {
        "regimes": [
            _regimes(lake, model, _scores(warehouse, model), _strips(days, countries))
            | {"spent": spent, "changes": changes}
            for model in _rows(warehouse, "hidden_models", {"kind": "hmm_regimes"})
        ],
        "taggers": [
            _tagger(lake, model, _scores(warehouse, model), tagged.get(model["lang"], {}))
            for model in _rows(warehouse, "hidden_models", {"kind": "hmm_tagger"})
        ],
    }


def confusion_rows(by_tag: Sequence[Sequence[Any]], confusions: Sequence[Sequence[Any]]) -> list[Row]:
    """A row for each tag that is there: `tag`, `n` tokens, `precision`, `recall`, and `cells`, one for each of those tags in order: tokens of
    the row's tag that were tagged as the cell's, and their share of the row; `n_others` were given a tag that none has.

    `by_tag` has tag, precision, recall, tokens; `confusions` true tag, tag said, tokens.
    """
    tags = [tag for tag, _, _, n in by_tag if n]
    counts = {(true, said): n for true, said, n in confusions}
    rows = []
    for tag, precision, recall, n in by_tag:
        if n:
            said = [round(recall * n) if other == tag else counts.get((tag, other), 0) for other in tags]
            cells = [
                {"n": count, "share": count / n, "is_right": other == tag}
                for other, count in zip(tags, said, strict=True)
            ]
            rows.append(
                {
                    "tag": tag,
                    "n": n,
                    "precision": precision,
                    "recall": recall,
                    "cells": cells,
                    "n_others": n - sum(said),
                }
            )
    return rows


def _regimes(lake: Lake, model: Row, scores: Mapping[tuple[str, str], Row], strips: Sequence[Strip]) -> Row:
    notes, tensors = _kept(lake, model)
    highest = max((int(strip.states.max()) for strip in strips), default=-1)
    names = notes.get("states") or [f"state {state}" for state in range(highest + 1)]
    levels = notes.get("level_pct", [])
    moves = [
        {
            "from": name,
            "level, percent from the baseline": level,
            **{f"to {to}": share for to, share in zip(names, shares, strict=True)},
        }
        for name, level, shares in zip(names, levels, tensors.get("transmat", np.zeros((0, 0))).tolist(), strict=False)
    ]
    n_days = notes.get("n_days", 1)  # curves are told a region-day, or their numbers would not fit beside the axis
    criteria = [value / n_days if value is not None else float("nan") for value in notes.get("bic", {}).values()]
    likelihoods = [value / n_days for value in notes.get("log_likelihoods", [])]
    pooled = scores.get((AGREEMENT, "pooled"), {}).get("value")
    agreements = [
        {"region": split, "rank correlation": row["value"]}
        for (metric, split), row in scores.items()
        if metric == AGREEMENT
    ]
    charts = [
        ("State of each day", state_chart("Regimes of mobility", names, strips)),
        ("Log-likelihood by iteration", curve_chart(
            "Log-likelihood", "log-likelihood a region-day, columns standardised", "iteration", [Curve("EM", likelihoods)],
        )),
        ("Criterion by number of states: the lowest is taken", curve_chart(
            "Bayesian information criterion", "BIC a region-day", "number of states", [Curve("BIC", criteria)],
        )),
    ]  # fmt: skip
    facts = [
        ("model", model["model_id"]), ("trained on snapshot", model["snapshot_id"]), ("regions", notes.get("n_regions")),
        ("region-days", notes.get("n_days")), ("EM converged", notes.get("converged")),
        ("log-likelihood a day", _beside(scores.get(("log_likelihood_per_day", "all_days")), "one state")),
        ("mean duration, days", scores.get(("mean_duration_days", "all_days"), {}).get("value")),
        ("share of days with a clear state", scores.get(("share_of_clear_days", "all_days"), {}).get("value")),
        ("rank correlation with the containment and health index, all national days", pooled),
        ("seconds", notes.get("seconds")),
    ]  # fmt: skip
    # The charts escape every name themselves, so their text is safe to set as markup.
    return {
        "facts": facts,
        "charts": [{"title": title, "svg": Markup(svg)} for title, svg in charts],  # noqa: S704
        "moves": moves,
        "agreements": agreements[:MOST_AGREEMENTS],
    }


def _tagger(lake: Lake, model: Row, scores: Mapping[tuple[str, str], Row], tagged: Row) -> Row:
    notes, _ = _kept(lake, model)
    facts = [
        ("model", model["model_id"]), ("trained on snapshot", model["snapshot_id"]), ("sentences learned from", notes.get("n_sentences")),
        ("sentences held out", notes.get("n_sentences_held_out")), ("tokens held out", notes.get("n_tokens_held_out")),
        ("parts of speech right", _beside(scores.get(("upos_accuracy", "held_out")), "most frequent tag of each word")),
        ("of known words", scores.get(("upos_accuracy", "held_out_known_words"), {}).get("value")),
        ("of unknown words", scores.get(("upos_accuracy", "held_out_unknown_words"), {}).get("value")),
        ("the treebank's own tags right", scores.get(("xpos_accuracy", "held_out"), {}).get("value")),
        ("lemmas right", _beside(scores.get(("lemma_accuracy", "held_out")), "dictionary alone")),
        ("tokens of this language tagged", f"{tagged['n_tagged']:,} of {tagged['n_tokens']:,}" if tagged else None),
        ("seconds", notes.get("seconds")),
    ]  # fmt: skip
    return {
        "lang": model["lang"],
        "facts": facts,
        "confusions": confusion_rows(notes.get("by_tag", []), notes.get("confusions", [])),
    }


def _beside(score: Row | None, baseline: str) -> str | None:
    """A score and what it is compared with, in words; None where there is none."""
    if score is None:
        return None
    beside = "" if score["baseline_value"] is None else f" ({baseline}: {score['baseline_value']:.3f})"
    return f"{score['value']:.3f}{beside}"


def _strips(days: Sequence[Row], countries: Mapping[str, str]) -> list[Strip]:
    return [
        Strip(name, [row["observed_on"] for row in of_country], np.array([row["state"] for row in of_country]))
        for code, name in countries.items()
        if (of_country := [row for row in days if row["region_id"] == code])
    ]


def _kept(lake: Lake, model: Row) -> tuple[Row, dict[str, np.ndarray]]:
    """The notes of a published model's card, and its arrays; empty where they cannot be read: the report shows what there is."""
    folder = lake.locate(model["path"])
    card = read_json(folder / CARD) or {}
    try:
        tensors = safetensors.numpy.load_file(folder / WEIGHTS)
    except (OSError, safetensors.SafetensorError):
        tensors = {}
    return card.get("notes", {}), tensors


def _scores(warehouse: duckdb.DuckDBPyConnection, model: Row) -> dict[tuple[str, str], Row]:
    rows = _rows(warehouse, "scores_of_model", {"model_id": model["model_id"]})
    return {(row["metric"], row["split"]): row for row in rows}


def _rows(warehouse: duckdb.DuckDBPyConnection, query: str, parameters: Row | None = None) -> list[Row]:
    """The rows of `sql/report/<query>.sql`, each by column name."""
    result = warehouse.execute(sql_of(f"report/{query}"), parameters)
    columns = [column[0] for column in result.description or []]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
