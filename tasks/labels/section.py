"""The report's section on labels: for each labelled source its classifiers side by side, what the best takes for what,
and examples.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.lake.statements import Row
from tasks.report.sections import Figure, Reader, Section, curve_figure
from tasks.transforms.charts.curve_chart import Curve

MOST_IN_A_MATRIX = (
    12  # our choice: more columns do not fit a printed page; then the most frequent confusions are listed
)
MOST_CONFUSIONS = 20
MOST_CHARS = 300  # of a document's text, as the query has it
NAMES: Mapping[str, str] = {
    "label_majority": "majority",
    "label_neighbours": "nearest neighbours, TF-IDF",
    "label_logistic": "logistic regression, TF-IDF",
    "label_lstm": "bidirectional LSTM",
}


def section(reader: Reader) -> Row:
    """`sources`, one for each labelled source that taught classifiers, by name."""
    by_source = itertools.groupby(reader.rows("models"), key=lambda row: row["source"])
    return {"sources": [_source(reader, list(models)) for _, models in by_source]}


def _source(reader: Reader, models: Sequence[Row]) -> Row:
    champion = models[0]
    notes = {row["kind"]: reader.notes(row) for row in models}
    of_champion = notes[champion["kind"]]
    examples = of_champion.get("examples", {})
    doc_ids = sorted({row[0] for rows in examples.values() for row in rows})
    texts = {row["doc_id"]: row["beginning"] for row in reader.rows("texts", {"doc_ids": doc_ids})}
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
        "predicted": reader.rows("counts", {"model_id": champion["model_id"]}),
    }


def _facts(champion: Row, notes: Row) -> list[tuple[str, str]]:
    """What the champion's card tells of the data, in words; a card that cannot be read tells less."""
    name = NAMES.get(champion["kind"], champion["kind"])
    n_of_part, n_words = notes.get("n_documents", {}), notes.get("n_words")
    documents = [f"{n_of_part[part]:,} {part}" for part in ("training", "validation", "test") if n_of_part]
    set_aside = [f"{n:,} {rule.replace('_', ' ')}" for rule, n in notes.get("set_aside", {}).items()]
    facts = [
        ("champion", f"{name}, {champion['model_id']}, trained on snapshot {champion['snapshot_id']}"),
        ("language", champion["lang"]),
        ("documents", ", ".join(documents)),
        ("words known", "" if n_words is None else f"{n_words:,}"),
        ("set aside", ", ".join(set_aside)),
        ("labels left out", ", ".join(f"{label} ({n:,})" for label, n in notes.get("rare_labels", {}).items())),
    ]
    return [(name, value) for name, value in facts if value]


def _contestant(row: Row, notes: Row) -> Row:
    chosen = {"label_neighbours": f"k = {notes.get('k')}", "label_logistic": f"C = {notes.get('c')}"}
    if row["kind"] == "label_lstm" and "history" in notes:
        chosen["label_lstm"] = f"epoch {notes['history']['best_epoch'] + 1} of {len(notes['history']['epochs'])}"
        if notes.get("stopped_at"):
            epoch, batch = notes["stopped_at"]
            chosen["label_lstm"] += f", stopped: the loss was no number in epoch {epoch + 1}, batch {batch + 1}"
    return {
        "classifier": f"{NAMES.get(row['kind'], row['kind'])}{' (champion)' if row['is_champion'] else ''}",
        **{name.replace("_", " "): _with_interval(row, name) for name in ("accuracy", "macro_f1", "log_loss")},
        "chosen": chosen.get(row["kind"], ""),
        "seconds": notes.get("seconds"),
    }


def _with_interval(row: Row, metric: str) -> str:
    value, low, high = (row[name] for name in (metric, f"{metric}_low", f"{metric}_high"))
    return "–" if value is None else f"{value:.3f} ({low:.3f}–{high:.3f})"


def _confusions(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> list[Row]:
    pairs = [
        {"true": true, "predicted": predicted, "documents": n}
        for true, row in zip(labels, confusion, strict=True)
        for predicted, n in zip(labels, row, strict=True)
        if n and true != predicted
    ]
    return sorted(pairs, key=lambda pair: -int(str(pair["documents"])))[:MOST_CONFUSIONS]


def _example(row: Sequence[Any], texts: Mapping[str, str]) -> Row:
    doc_id, true, predicted, probability = row
    beginning = texts.get(doc_id, "no longer published")
    if len(beginning) == MOST_CHARS:
        beginning += "…"
    of_model = {"label": true, "predicted": predicted, "probability": probability}
    return {"document": doc_id, **of_model, "beginning": beginning}


def _charts(notes: Row, source: str) -> list[Figure]:
    """Losses of the LSTM by epoch, and norms of its gradients by layer."""
    epochs = notes.get("history", {}).get("epochs", [])
    if not epochs:
        return []
    losses = [
        Curve("training", [epoch["loss"] for epoch in epochs]),
        Curve("validation", [epoch["validation"] for epoch in epochs]),
    ]
    gradients = [epoch["gradient_norms"] for epoch in epochs]  # by name, whose first part is the layer

    def norms(layer: str) -> list[float]:
        return [math.hypot(*(norm for name, norm in one.items() if name.split(".")[0] == layer)) for one in gradients]

    of_layers = [Curve(layer, norms(layer)) for layer in sorted({name.split(".")[0] for name in gradients[0]})]
    return [
        curve_figure(f"Loss of the LSTM, {source}", "nats a document", "epoch", losses),
        curve_figure(f"Gradients of the LSTM before clipping, by layer, {source}", "norm", "epoch", of_layers),
    ]


SECTION = Section(anchor="labels", heading="Labels", place=60, values=section)
