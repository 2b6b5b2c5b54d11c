"""Questions to the published word vectors: words near a sum of words, close spellings, vectors as files for other
programs.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.compute as pc

from models.embeddings.nearest_words import nearest_rows, unit_rows
from models.embeddings.word_vector_files import WRITERS
from tasks.lake.layout import Lake
from tasks.lake.statements import rows_of, sql_of
from tasks.questions.queries import QueryError, VectorFormat, open_snapshot
from tasks.transforms.text.word_columns import WordColumn, word_in_column

WRITER_OF: dict[VectorFormat, str] = {"text": "text", "binary": "binary", "numpy": "npz"}
DECIMALS = 6  # what 32-bit numbers hold, as in the macro similar_words


class UnknownWordError(QueryError):
    """A word that no model in question knows; the message names words that are spelt nearly like it."""


@dataclass(frozen=True)
class PublishedWords:
    """The words of a language's model in use, the most frequent first, and their vectors, (n, D) float32."""

    model_id: str
    lang: str
    column: WordColumn
    terms: tuple[str, ...]
    n_occurrences: np.ndarray
    vectors: np.ndarray

    def find(self, word: str) -> int | None:
        """The row of a word: as it was typed, if the model knows it so, else in the form of the column that the model
        was learned from.
        """
        form = word_in_column(word, self.lang, self.column)
        return self._rows.get(word, self._rows.get(form, self._lower_rows.get(form)))

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {term: row for row, term in enumerate(self.terms)}

    @cached_property
    def _lower_rows(self) -> dict[str, int]:
        """The row of each word in lower case; the most frequent where several are the same."""
        return {term.lower(): row for row, term in reversed(list(enumerate(self.terms)))}


@dataclass(frozen=True)
class SimilarWord:
    """A word near the question, and the cosine of its vector to it."""

    lang: str
    model_id: str
    term: str
    similarity: float
    n_occurrences: int


@dataclass(frozen=True)
class Exported:
    """What was written: by which model, how many words, and which could not be written in that format."""

    model_id: str
    n_words: int
    left_out: tuple[str, ...]


def languages_of_vectors(lake: Lake, as_of: str | None = None) -> list[str]:
    """The languages that have published word vectors."""
    with open_snapshot(lake, as_of) as warehouse:
        return _languages(warehouse)


def close_spellings(lake: Lake, word: str, lang: str | None = None, as_of: str | None = None) -> list[str]:
    """Three words at most that are spelt nearly like `word`, in the published vectors of a language or of all."""
    with open_snapshot(lake, as_of) as warehouse:
        found = rows_of(warehouse, "questions/close_spellings", {"word": word, "lang": lang})
    return [row["term"] for row in found]


def read_vectors(lake: Lake, lang: str, as_of: str | None = None) -> PublishedWords:
    """A language's published word vectors. QueryError where it has none."""
    with open_snapshot(lake, as_of) as warehouse:
        languages = _languages(warehouse)
        if lang not in languages:
            known = ", ".join(languages) or "none"
            raise QueryError(
                f"no word vectors of the language {lang!r} are published: give one of those that have some ({known})"
            )
        rows = warehouse.execute(sql_of("questions/vectors"), {"lang": lang}).to_arrow_table()
    rows = rows.filter(pc.equal(rows["model_id"], rows["model_id"][0]))
    vectors = rows["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    column = json.loads(rows["settings"][0].as_py()).get("column", "norm")
    return PublishedWords(
        model_id=rows["model_id"][0].as_py(),
        lang=lang,
        column=column,
        terms=tuple(rows["term"].to_pylist()),
        n_occurrences=rows["n_occurrences"].to_numpy(),
        vectors=np.asarray(vectors, np.float32).reshape(rows.num_rows, -1),
    )


def similar_to_sum(
    lake: Lake,
    plus: Sequence[str],
    minus: Sequence[str],
    most: int,
    *,
    lang: str | None = None,
    as_of: str | None = None,
) -> list[SimilarWord]:
    """The words whose vectors are nearest to the sum of the directions of `plus` less those of `minus` (3CosAdd),
    nearest first.

    In one language, or in each whose model knows all of the words; the words themselves are no answer. UnknownWordError
    where none does, QueryError where there are no vectors of the language, or the words cancel each other out.
    """
    found: list[SimilarWord] = []
    unknown: list[list[str]] = []  # for each language
    for code in [lang] if lang else languages_of_vectors(lake, as_of):
        known = read_vectors(lake, code, as_of)
        rows = {word: known.find(word) for word in (*plus, *minus)}
        unknown.append([word for word, row in rows.items() if row is None])
        if not unknown[-1]:
            found += _near_sum(known, [rows[word] or 0 for word in plus], [rows[word] or 0 for word in minus], most)
    if all(unknown):
        nearest = min(unknown, key=len, default=list(plus))
        raise UnknownWordError(unknown_word(lake, nearest[0], lang, as_of))
    return found


def unknown_word(lake: Lake, word: str, lang: str | None = None, as_of: str | None = None) -> str:
    """The sentence that says that no model knows `word`, with words that are spelt nearly like it."""
    close = close_spellings(lake, word, lang, as_of)
    hint = f"did you mean {' or '.join(close)}?" if close else "too rare, or no embeddings are published"
    return f"no model{f' of {lang}' if lang else ''} knows the word {word!r}: {hint}"


def export_vectors(lake: Lake, lang: str, form: VectorFormat, path: Path, as_of: str | None = None) -> Exported:
    """Write a language's published vectors to `path`, in one step, the most frequent word first; gensim reads all three
    formats.

    text and binary are word2vec's; numpy is an .npz file with `words` and `vectors`. QueryError where the language has
    none, OSError where the file cannot be written.
    """
    known = read_vectors(lake, lang, as_of)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            left_out = WRITERS[WRITER_OF[form]](stream, known.terms, known.vectors)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)  # mkstemp makes 0600
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return Exported(known.model_id, len(known.terms) - len(left_out), left_out)


def _languages(warehouse: duckdb.DuckDBPyConnection) -> list[str]:
    return [row["lang"] for row in rows_of(warehouse, "questions/languages")]


def _near_sum(known: PublishedWords, plus: Sequence[int], minus: Sequence[int], most: int) -> list[SimilarWord]:
    units = unit_rows(known.vectors)
    target = units[list(plus)].sum(axis=0, dtype=np.float64) - units[list(minus)].sum(axis=0, dtype=np.float64)
    length = float(np.linalg.norm(target))
    if length < np.finfo(np.float32).eps * (len(plus) + len(minus)):
        raise QueryError("the words cancel each other out: leave some out")
    zeros = np.flatnonzero(~units.any(axis=1)).tolist()  # near to nothing
    asked = np.array([sorted({*plus, *minus, *zeros})], np.int64)
    rows, products = nearest_rows(units, (target / length)[None, :], most + asked.size, asked)
    return [
        SimilarWord(
            known.lang, known.model_id, known.terms[row], round(float(product), DECIMALS), int(known.n_occurrences[row])
        )
        for row, product in zip(rows[0].tolist(), products[0].tolist(), strict=True)
        if np.isfinite(product)
    ][:most]
