"""What the UI shows of labels: classifiers of a source side by side, their training, what is taken for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.steps import StepRecord
from tasks.learning.model_store import read_model
from tasks.learning.showing import show_champions, show_scores
from tasks.running.artifacts import artifact_key, show_table

N_CONFUSIONS = 30  # our choice: what a screen shows


def show(lake: Lake, fit_classifiers: Sequence[StepRecord], judge_classifier: Sequence[StepRecord]) -> None:
    """Show the verdicts and the scores, and for each source its classifiers, the course of the LSTM's training, and
    what its best classifier takes for what.
    """
    show_champions(lake, "labels", judge_classifier)
    show_scores(lake, "labels", judge_classifier)
    for record in fit_classifiers:
        rows = [row for ref in record.files_of("models") for row in read_table(lake, ref).to_pylist()]
        cards = [read_model(lake, row["model_id"])[1] for row in rows]
        key = f"labels-{artifact_key(record.subject)}"
        contest = [_contest_row(row, card) for row, card in zip(rows, cards, strict=True)]
        show_table(key, contest, f"Classifiers of {record.subject}, held-out documents")
        for row, card in zip(rows, cards, strict=True):
            notes = card["notes"]
            if "history" in notes:
                words = f"Training of the LSTM on {record.subject}: losses and gradient norms"
                show_table(f"{key}-epochs", curve_rows(notes), words)
            if row["is_champion"]:
                words = f"What the champion takes for what, {record.subject}, held-out documents"
                show_table(f"{key}-confusions", confusion_rows(notes), words)


def curve_rows(notes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each epoch of the LSTM whose card has these `notes`."""
    return [
        {
            "epoch": epoch["epoch"] + 1,
            "loss": round(epoch["loss"], 4),
            "loss on validation": round(epoch["validation"], 4),
            "learning rate": epoch["learning_rate"],
            "gradient norm": round(epoch["gradient_norm"], 4),
            "updates clipped": round(epoch["clipped_share"], 3),
            "kept": epoch["epoch"] == notes["history"]["best_epoch"],
        }
        for epoch in notes["history"]["epochs"]
    ]


def confusion_rows(notes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The most frequent pairs of true and predicted label on held-out documents, those that differ first; of a card's
    `notes`.
    """
    pairs = [
        {"true": true, "predicted": predicted, "documents": n}
        for true, row in zip(notes["labels"], notes["confusion"], strict=True)
        for predicted, n in zip(notes["labels"], row, strict=True)
        if n
    ]
    return sorted(pairs, key=lambda pair: (pair["true"] == pair["predicted"], -pair["documents"]))[:N_CONFUSIONS]


def _contest_row(row: Mapping[str, Any], card: Mapping[str, Any]) -> dict[str, Any]:
    notes = card["notes"]
    of_test = {score["metric"]: round(score["value"], 4) for score in card["scores"] if score["split"] == "test"}
    return {
        "kind": row["kind"],
        "champion": row["is_champion"],
        **of_test,
        "k, C or epoch": notes.get("k", notes.get("c", notes.get("history", {}).get("best_epoch"))),
        "seconds": notes["seconds"],
        "peak memory, MB": notes["peak_memory_bytes"] // 2**20,
    }
