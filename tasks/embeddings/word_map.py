"""A map of a language's frequent words, for the report: made once a model, because laying it out takes a second."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from models.embeddings.word_map import map_words
from tasks.embeddings.scoring import PublishedVectors, WordVectors, champions_of, vectors_of
from tasks.lake.files import canonical_json, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.transforms.text.stop_words import stop_words
from tasks.transforms.text.word_columns import word_in_column

WORD_MAP = "word_map"
"""The working table of places on the map: the most frequent words that are no stop words."""
WORD_MAP_SCHEMA = pa.schema(
    [("model_id", pa.string()), ("lang", pa.string()), ("term", pa.string()), ("x", pa.float64()), ("y", pa.float64())]
)
MOST_WORDS = 150  # our choice: so many can be read on a page
WORD = re.compile(r"[^\W\d_]{3,}")  # three letters at least: numbers and abbreviations crowd a map


def map_batches(lake: Lake, judge_vectors: Sequence[StepRecord]) -> list[Batch]:
    """One map for each champion that the judgements left."""
    batches = []
    for champion in champions_of(lake, judge_vectors):
        digest = hashlib.sha256(canonical_json([champion.model_id, champion.column])).hexdigest()
        batches.append(Batch(champion.lang, (digest, *(ref.sha256 for ref in champion.files)), champion))
    return batches


def write_map(lake: Lake, published: PublishedVectors) -> StepOutput:
    """Leave the map of a champion, its words in order of frequency. Rows are words."""
    known = vectors_of(lake, published.files, published.model_id, published.lang, published.column)
    chosen = np.array(_frequent(known), np.int64)
    places = map_words(known.vectors[chosen])
    rows = pa.table(
        {
            "model_id": pa.repeat(published.model_id, chosen.size),
            "lang": pa.repeat(published.lang, chosen.size),
            "term": pa.array([known.words[row] for row in chosen], pa.string()),
            "x": places[:, 0],
            "y": places[:, 1],
        },
        schema=WORD_MAP_SCHEMA,
    )
    return StepOutput((write_table(lake, WORD_MAP, rows, schema=WORD_MAP_SCHEMA),), chosen.size, chosen.size)


def _frequent(known: WordVectors) -> list[int]:
    """Rows of the most frequent words of letters that are no stop words and no forms of them."""
    stop = stop_words(known.lang)
    left_out = {word_in_column(word, known.lang, known.column) for word in stop} | stop
    rows = (row for row, word in enumerate(known.words) if WORD.fullmatch(word) and word.lower() not in left_out)
    return [row for row, _ in zip(rows, range(MOST_WORDS), strict=False)]
