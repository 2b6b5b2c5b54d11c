"""The report's section on labels: for each labelled source its classifiers side by side, what the best takes for what, and examples."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from typing import Any

import duckdb
from markupsafe import Markup

from tasks.lake.layout import Lake, LakeError
from tasks.lake.sql import sql_of
from tasks.transforms.charts.curve_chart import Curve, curve_chart

MOST_IN_A_MATRIX = (
    12  # our choice: more columns do not fit a printed page; then the most frequent confusions are listed
)
MOST_CONFUSIONS = 20
MOST_CHARS = 300  # of a document's text, as the query has it
KINDS = {
    "label_majority": "majority", "label_neighbours": "nearest neighbours, TF-IDF", "label_logistic": "logistic regression, TF-IDF",
    "label_lstm": "bidirectional LSTM",
}  # fmt: skip

Row = dict[str, Any]


def section(lake: Lake, warehouse: duckdb.DuckDBPyConnection) -> Row:
    """What `report_classification.html.j2` shows: `sources`, one for each labelled source that taught classifiers, by name."""
    models = _rows(warehouse, "label_models")
    by_source = [list(rows) for _, rows in itertools.groupby(models, key=lambda row: row["source"])]
    return {"sources": [_source(lake, warehouse, rows) for rows in by_source]}


def _source(lake: Lake, warehouse: duckdb.DuckDBPyConnection, models: Sequence[Row]) -> Row:
    champion = models[0]
    notes = {row["kind"]: _notes(lake, row) for row in models}
    of_champion = notes[champion["kind"]]
    examples = of_champion.get("examples", {})
    doc_ids = sorted({row[0] for rows in examples.values() for row in rows})
    texts = {row["doc_id"]: row for row in (_rows(warehouse, "label_texts", {"doc_ids": doc_ids}) if doc_ids else [])}
    labels, confusion = of_champion.get("labels", []), of_champion.get("confusion", [])
    is_matrix = 0 < len(labels) <= MOST_IN_A_MATRIX
    return {
        "name": champion["source"],
        "facts": _facts(champion, of_champion),
        "contest": [_contestant(row, notes[row["kind"]]) for row in models],
        "matrix": {"labels": labels, "rows": list(zip(labels, confusion, strict=True))} if is_matrix else None,
        "confusions": [] if is_matrix else _confusions(labels, confusion),
        "charts": _charts(notes.get("label_lstm", {}), champion["source"]),
        "right": [_example(row, texts) for row in examples.get("right", [])],
        "wrong": [_example(row, texts) for row in examples.get("wrong", [])],
        "predicted": _rows(warehouse, "label_counts", {"model_id": champion["model_id"]}),
    }


def _notes(lake: Lake, row: Row) -> Row:
    """The notes of a model's card; none where the card cannot be read."""
    try:
        return dict(json.loads((lake.locate(row["path"]) / "card.json").read_bytes())["notes"])
    except (OSError, ValueError, KeyError, LakeError):
        return {}


def _facts(champion: Row, notes: Row) -> list[tuple[str, str]]:
    """What the champion's card says of the data, in words; a card that cannot be read says less."""
    parts = (
        {part: notes["n_documents"][part] for part in ("training", "validation", "test")}
        if "n_documents" in notes
        else {}
    )
    facts = [
        (
            "champion",
            f"{KINDS.get(champion['kind'], champion['kind'])}, {champion['model_id']}, trained on snapshot {champion['snapshot_id']}",
        ),
        ("language", champion["lang"]),
        ("documents", ", ".join(f"{n:,} {part}" for part, n in parts.items())),
        ("words known", f"{notes['n_words']:,}" if "n_words" in notes else ""),
        ("set aside", ", ".join(f"{n:,} {rule.replace('_', ' ')}" for rule, n in notes.get("set_aside", {}).items())),
        ("labels left out", ", ".join(f"{label} ({n:,})" for label, n in notes.get("rare_labels", {}).items())),
    ]
    return [(name, value) for name, value in facts if value]


def _contestant(row: Row, notes: Row) -> Row:
    chosen = {"label_neighbours": f"k = {notes.get('k')}", "label_logistic": f"C = {notes.get('c')}"}.get(
        row["kind"], ""
    )
    if row["kind"] == "label_lstm" and "history" in notes:
        chosen = f"epoch {notes['history']['best_epoch'] + 1} of {len(notes['history']['epochs'])}"
        if notes.get("stopped_at"):
            epoch, batch = notes["stopped_at"]
            chosen += f", stopped: the loss was no number in epoch {epoch + 1}, batch {batch + 1}"
    return {
        "classifier": f"{KINDS.get(row['kind'], row['kind'])}{' (champion)' if row['is_champion'] else ''}",
        **{name.replace("_", " "): _with_interval(row, name) for name in ("accuracy", "macro_f1", "log_loss")},
        "chosen": chosen, "seconds": notes.get("seconds"),
    }  # fmt: skip


def _with_interval(row: Row, metric: str) -> str:
    value, low, high = (row[name] for name in (metric, f"{metric}_low", f"{metric}_high"))
    return "–" if value is None else f"{value:.3f} ({low:.3f}–{high:.3f})"


def _confusions(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> list[Row]:
    pairs = [
        {"true": true, "predicted": said, "documents": n}
        for true, row in zip(labels, confusion, strict=True)
        for said, n in zip(labels, row, strict=True)
        if n and true != said
    ]
    return sorted(pairs, key=lambda pair: -int(str(pair["documents"])))[:MOST_CONFUSIONS]


def _example(row: Sequence[Any], texts: dict[str, Row]) -> Row:
    doc_id, true, said, probability = row
    found = texts.get(doc_id)
    beginning = (
        "no longer published"
        if found is None
        else found["beginning"] + ("…" if len(found["beginning"]) == MOST_CHARS else "")
    )
    return {"document": doc_id, "label": true, "predicted": said, "probability": probability, "beginning": beginning}


def _charts(notes: Row, source: str) -> list[Row]:
    """Losses of the LSTM by epoch, and norms of its gradients by layer."""
    epochs = notes.get("history", {}).get("epochs", [])
    if not epochs:
        return []
    losses = [
        Curve("training", [epoch["loss"] for epoch in epochs]),
        Curve("validation", [epoch["validation"] for epoch in epochs]),
    ]
    layers = sorted({name.split(".")[0] for name in epochs[0]["gradient_norms"]})
    norms = [
        Curve(
            layer,
            [
                math.hypot(*(norm for name, norm in epoch["gradient_norms"].items() if name.split(".")[0] == layer))
                for epoch in epochs
            ],
        )
        for layer in layers
    ]
    drawn = [
        ("Loss of the LSTM", curve_chart(f"Loss of the LSTM on {source}", "nats a document", "epoch", losses)),
        (
            "Gradients of the LSTM before clipping, by layer",
            curve_chart(f"Gradient norms on {source}", "norm", "epoch", norms),
        ),
    ]
    # Both charts escape every name themselves, so their text is safe to set as markup.
    return [{"title": title, "svg": Markup(svg)} for title, svg in drawn]  # noqa: S704


def _rows(warehouse: duckdb.DuckDBPyConnection, query: str, parameters: Row | None = None) -> list[Row]:
    result = warehouse.execute(sql_of(f"report/{query}"), parameters)
    columns = [column[0] for column in result.description or []]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
