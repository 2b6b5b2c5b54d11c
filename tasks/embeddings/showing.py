"""What the UI shows of word vectors: how the losses fell, and what the champions know of the word tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tasks.embeddings.scoring import word_test_results
from tasks.lake.layout import Lake
from tasks.lake.steps import StepRecord
from tasks.learning.model_store import CARD, MODEL_FILES
from tasks.learning.showing import show_champions, show_scores
from tasks.running.artifacts import show_table

MOST_NAMED = 30  # unknown words of a test shown in the UI; the card names all


def show(
    lake: Lake,
    train_vectors: Sequence[StepRecord],
    judge_vectors: Sequence[StepRecord],
    score_vectors: Sequence[StepRecord],
) -> None:
    """Show the verdicts and the scores, the loss of every epoch, and what every champion knows of every word test."""
    show_champions(lake, "embeddings", judge_vectors)
    show_scores(lake, "embeddings", score_vectors)
    words = "Mean loss by language and epoch, as the model's card says"
    show_table("embedding-losses", loss_curves(lake, train_vectors), words)
    words = "Published word vectors on the word tests; questions with an unknown word are left out"
    show_table("word-tests-embeddings", test_rows(lake, score_vectors), words)


def loss_curves(lake: Lake, trained: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """For each language that has a model the loss of every epoch, and how fast it was learned."""
    rows = []
    for ref in (ref for record in trained for ref in record.files_of(MODEL_FILES) if ref.path.endswith(CARD)):
        card = json.loads(lake.locate(ref.path).read_bytes())
        of_model = {"language": card["lang"], "tokens/s": card["notes"]["tokens_per_second"]}
        losses = enumerate(card["notes"]["losses"], 1)
        rows += [{**of_model, "epoch": epoch, "loss": round(loss, 4)} for epoch, loss in losses]
    return rows


def test_rows(lake: Lake, scored: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """For each champion and word test what was measured, and which words it does not know."""
    return [
        {
            "language": row["lang"],
            "test": row["test"],
            "section": row.get("section"),
            "metric": row["metric"],
            "value": row["value"],
            "questions": row["n_questions"],
            "known": row["n_known"],
            "unknown words": _named(row["unknown_words"]),
        }
        for row in word_test_results(lake, scored)
    ]


def _named(words: Sequence[str]) -> str:
    more = f" and {len(words) - MOST_NAMED} more" if len(words) > MOST_NAMED else ""
    return ", ".join(words[:MOST_NAMED]) + more
