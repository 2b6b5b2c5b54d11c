"""The report's section on word vectors: for each language its model, how it learned, what it scores, and what it finds alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
from markupsafe import Markup

from tasks.embeddings.scoring import RESULTS
from tasks.embeddings.word_map import WORD_MAP
from tasks.lake.files import read_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.publishing import read_manifest
from tasks.lake.sql import sql_of
from tasks.lake.steps import read_json
from tasks.transforms.charts.curve_chart import Curve, curve_chart
from tasks.transforms.charts.word_map_chart import word_map_chart

MOST_NAMED = 12  # unknown words of a test; the card of the model names all
MEGABYTE = 1e6

Row = dict[str, Any]


def section(lake: Lake, warehouse: duckdb.DuckDBPyConnection) -> Row:
    """What `report_embeddings.html.j2` shows: `languages`, one for each published model of word vectors, by language."""
    working = _working(lake)
    neighbours = _rows(warehouse, "report/neighbours")
    languages = [
        _language(
            lake,
            model,
            _rows(warehouse, "report/scores_of_model", {"model_id": model["model_id"]}),
            working,
            neighbours,
        )
        for model in _rows(warehouse, "report/word_models")
    ]
    return {"languages": languages}


def _language(
    lake: Lake, model: Row, scores: Sequence[Row], working: Mapping[str, list[Row]], neighbours: Sequence[Row]
) -> Row:
    model_id, lang = model["model_id"], model["lang"]
    card = read_json(lake.locate(model["path"]) / "card.json") or {}
    notes: Row = card.get("notes", {})
    losses = notes.get("losses", [])
    chart = curve_chart(f"Loss of {model_id}", notes.get("loss_is", "loss"), "epoch", [Curve("training", losses)])
    words = [row for row in working.get(WORD_MAP, []) if row["model_id"] == model_id]
    places = np.array([(row["x"], row["y"]) for row in words], np.float64).reshape(-1, 2)
    drawn = word_map_chart(f"Map of frequent words, {lang}", [row["term"] for row in words], places)
    # Both charts escape every name themselves, so their text is safe to set as markup.
    return {
        "lang": lang,
        "facts": _facts(model, notes),
        "losses": Markup(chart),  # noqa: S704
        "map": Markup(drawn) if words else None,  # noqa: S704
        "scores": [score for score in scores if score["metric"].startswith("loss")],
        "tests": [
            _test(row) for row in working.get(RESULTS, []) if row["model_id"] == model_id and row.get("section") is None
        ],
        "neighbours": [
            {name: value for name, value in row.items() if name != "lang"} for row in neighbours if row["lang"] == lang
        ],
    }


def _facts(model: Row, notes: Row) -> list[tuple[str, str]]:
    """What the card says, in words; a card that cannot be read says less."""
    settings = json.loads(model["settings"])
    inner = settings.get(model["kind"], {})
    facts: list[tuple[str, Any]] = [
        ("model", model["model_id"]),
        (
            "learned from",
            f"{settings.get('column', 'norm')} of snapshot {model['snapshot_id']}, data {model['data_sha256'][:12]}",
        ),
        ("kind", _kind(model["kind"], inner)),
        (
            "dimensions, window, least count",
            ", ".join(str(inner.get(name, "?")) for name in ("vector_size", "window", "min_count")),
        ),
        ("words", f"{notes['n_words']:,} of {notes['n_tokens']:,} tokens" if "n_words" in notes else None),
        ("epochs, seed", f"{notes.get('epochs', '?')}, {model['seed']}"),
        ("time", f"{notes['seconds']:,.1f} s, {notes['tokens_per_second']:,} tokens/s" if "seconds" in notes else None),
        (
            "peak memory",
            f"{notes['peak_memory_bytes'] / MEGABYTE:,.0f} MB, of the process"
            if "peak_memory_bytes" in notes
            else None,
        ),
        ("started from", (notes.get("started_from") or {}).get("model_id")),
    ]
    return [(name, str(value)) for name, value in facts if value is not None]


def _kind(kind: str, settings: Mapping[str, Any]) -> str:
    if kind != "word2vec":
        return "GloVe"
    how = "hierarchical softmax" if settings.get("hs") else f"{settings.get('negative', '?')} negatives"
    return f"word2vec, {'skip-gram' if settings.get('sg') else 'CBOW'}, {how}"


def _test(row: Row) -> Row:
    unknown = row["unknown_words"]
    named = ", ".join(unknown[:MOST_NAMED]) + (
        f" and {len(unknown) - MOST_NAMED:,} more" if len(unknown) > MOST_NAMED else ""
    )
    return {
        "test": row["test"], "metric": row["metric"].replace("_", " "), "value": row["value"], "questions": row["n_questions"],
        "known": row["n_known"], "unknown words": named,
    }  # fmt: skip


def _working(lake: Lake) -> dict[str, list[Row]]:
    """The rows of the working tables of the published stage that the section shows; none where they are gone."""
    manifest = read_manifest(lake)
    stage = manifest.stages.get("embeddings") if manifest is not None else None
    found: dict[str, list[Row]] = {}
    for ref in stage.working if stage is not None else ():
        if ref.table in {WORD_MAP, RESULTS}:
            try:
                found.setdefault(ref.table, []).extend(read_table(lake, ref).to_pylist())
            except LakeError:
                continue
    return found


def _rows(warehouse: duckdb.DuckDBPyConnection, query: str, parameters: Row | None = None) -> list[Row]:
    result = warehouse.execute(sql_of(query), parameters)
    columns = [column[0] for column in result.description or []]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
