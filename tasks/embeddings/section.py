"""The report's section on word vectors: for each language its model, how it learned, its scores, and words alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tasks.embeddings.scoring import RESULTS
from tasks.embeddings.settings import GLOVE, WORD2VEC
from tasks.embeddings.word_map import WORD_MAP
from tasks.lake.files import read_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.publishing import read_manifest
from tasks.lake.statements import Row
from tasks.report.sections import Figure, Reader, Section, curve_figure, figure, process_facts
from tasks.transforms.charts.curve_chart import Curve
from tasks.transforms.charts.word_map_chart import word_map_chart

MOST_NAMED = 12  # unknown words of a test; the card of the model names all
MAP_TITLE = (
    "Frequent words of {lang}, words used alike near each other (t-SNE). Sizes of gaps and clusters mean nothing; a dot"
    " without a name tells it when pointed at."
)


def section(reader: Reader) -> Row:
    """`languages`, one for each published model of word vectors, by language."""
    working = _working(reader.lake)
    return {"languages": [_language(reader, model, working) for model in reader.champions(WORD2VEC, GLOVE)]}


def _language(reader: Reader, model: Row, working: Mapping[str, Sequence[Row]]) -> Row:
    notes, lang, model_id = reader.notes(model), model["lang"], model["model_id"]
    losses = [Curve("training", notes.get("losses", []))]
    words, results = ([row for row in working[name] if row["model_id"] == model_id] for name in (WORD_MAP, RESULTS))
    return {
        "lang": lang,
        "facts": _facts(model, notes),
        "losses": curve_figure(f"Loss, {lang}", notes.get("loss_is", "loss"), "epoch", losses),
        "map": _map(lang, words) if words else None,
        "scores": [score for score in reader.scores(model).values() if score["metric"].startswith("loss")],
        "tests": [_test(row) for row in results if row.get("section") is None],
        "neighbours": reader.rows("neighbours", {"model_id": model_id}),
    }


def _map(lang: str, words: Sequence[Row]) -> Figure:
    places = np.array([(row["x"], row["y"]) for row in words], np.float64)
    drawn = word_map_chart(f"Map of frequent words, {lang}", [row["term"] for row in words], places)
    return figure(MAP_TITLE.format(lang=lang), drawn)


def _facts(model: Row, notes: Row) -> list[tuple[str, str]]:
    """What the card tells, in words; a card that cannot be read tells less."""
    settings = json.loads(model["settings"])
    inner = settings.get(model["kind"], {})
    data = f"snapshot {model['snapshot_id']}, data {model['data_sha256'][:12]}"
    sizes = (str(inner.get(name, "?")) for name in ("vector_size", "window", "min_count"))
    facts = [
        ("model", model["model_id"]),
        ("learned from", f"{settings.get('column', 'norm')} of {data}"),
        ("kind", _kind(model["kind"], inner)),
        ("dimensions, window, least count", ", ".join(sizes)),
    ]
    if "n_words" in notes:
        facts.append(("words", f"{notes['n_words']:,} of {notes['n_tokens']:,} tokens"))
    facts += [("epochs, seed", f"{notes.get('epochs', '?')}, {model['seed']}"), *process_facts(notes)]
    if notes.get("started_from"):
        facts.append(("started from", notes["started_from"]["model_id"]))
    return facts


def _kind(kind: str, settings: Mapping[str, Any]) -> str:
    if kind != WORD2VEC:
        return "GloVe"
    how = "hierarchical softmax" if settings.get("hs") else f"{settings.get('negative', '?')} negatives"
    return f"word2vec, {'skip-gram' if settings.get('sg') else 'CBOW'}, {how}"


def _test(row: Row) -> Row:
    unknown = row["unknown_words"]
    more = f" and {len(unknown) - MOST_NAMED:,} more" if len(unknown) > MOST_NAMED else ""
    return {
        "test": row["test"],
        "metric": row["metric"].replace("_", " "),
        "value": row["value"],
        "questions": row["n_questions"],
        "known": row["n_known"],
        "unknown words": ", ".join(unknown[:MOST_NAMED]) + more,
    }


def _working(lake: Lake) -> dict[str, list[Row]]:
    """The rows of the working tables of the published stage that are shown; none where they are gone."""
    manifest = read_manifest(lake)
    stage = manifest.stages.get("embeddings") if manifest is not None else None
    found: dict[str, list[Row]] = {WORD_MAP: [], RESULTS: []}
    for ref in stage.working if stage is not None else ():
        if ref.table in found:
            try:
                found[ref.table] += read_table(lake, ref).to_pylist()
            except LakeError:
                continue
    return found


SECTION = Section(anchor="words", heading="Words", place=50, values=section)
