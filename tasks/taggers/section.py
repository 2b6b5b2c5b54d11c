"""The report's section on taggers: what of held-out sentences each has right, and what it takes for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.lake.statements import Row
from tasks.report.sections import Reader, Section, beside


def section(reader: Reader) -> Row:
    """`models`, one for each published tagger, by language."""
    tagged = {row["lang"]: row for row in reader.rows("tagged_tokens")}
    return {"models": [_tagger(reader, model, tagged.get(model["lang"])) for model in reader.champions("hmm_tagger")]}


def confusion_rows(by_tag: Sequence[Sequence[Any]], confusions: Sequence[Sequence[Any]]) -> list[Row]:
    """A row for each tag that is there: `tag`, `n` tokens, `precision`, `recall`, and `cells`, one for each of those
    tags in order: tokens of the row's tag that were given the cell's, and their share of the row; `n_others` were given
    a tag that none has.

    `by_tag` has tag, precision, recall, tokens; `confusions` true tag, tag that was given, tokens.
    """
    present = [row for row in by_tag if row[-1]]
    counts = {(true, given): n for true, given, n in confusions}
    rows = []
    for tag, precision, recall, n in present:
        given = [round(recall * n) if other == tag else counts.get((tag, other), 0) for other, *_ in present]
        cells = [
            {"n": count, "share": count / n, "is_right": other == tag}
            for (other, *_), count in zip(present, given, strict=True)
        ]
        n_others = n - sum(given)
        rows.append(
            {"tag": tag, "n": n, "precision": precision, "recall": recall, "cells": cells, "n_others": n_others}
        )
    return rows


def _tagger(reader: Reader, model: Row, tagged: Row | None) -> Row:
    notes, scores = reader.notes(model), reader.scores(model)
    right = scores.get(("upos_accuracy", "held_out"))

    def value(metric: str, split: str = "held_out") -> float | None:
        return scores.get((metric, split), {}).get("value")

    return {
        "lang": model["lang"],
        "facts": [
            ("model", model["model_id"]),
            ("trained on snapshot", model["snapshot_id"]),
            ("sentences learned from", notes.get("n_sentences")),
            ("sentences held out", notes.get("n_sentences_held_out")),
            ("tokens held out", notes.get("n_tokens_held_out")),
            ("parts of speech right", beside(right, "most frequent tag of each word")),
            ("of known words", value("upos_accuracy", "held_out_known_words")),
            ("of unknown words", value("upos_accuracy", "held_out_unknown_words")),
            ("the treebank's own tags right", value("xpos_accuracy")),
            ("lemmas right", beside(scores.get(("lemma_accuracy", "held_out")), "dictionary alone")),
            ("tokens of this language tagged", tagged and f"{tagged['n_tagged']:,} of {tagged['n_tokens']:,}"),
            ("seconds", notes.get("seconds")),
        ],
        "confusions": confusion_rows(notes.get("by_tag", []), notes.get("confusions", [])),
    }


SECTION = Section(anchor="tags", heading="Parts of speech", place=30, values=section)
