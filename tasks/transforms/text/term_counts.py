"""Counts of words and terms over a part of the documents, gathered slice by slice, and the merging of the counts of
several parts.

Working tables of a part (a file of documents):

* `form_counts`: `lang, norm, stem, is_stop, n_occurrences, n_documents`; a word a row, in order of language and norm.
* `lemma_counts`: `lang, norm, lemma, n_occurrences`; a lemma of a word a row (of haus: Haus, hausen; of leaves: leaf,
leave), in order of the first three. * `part_terms`: `lang, term, n_occurrences, n_documents`; in order of language and
term. A row's place is the term's number in this part. * `term_counts`: `doc_id, lang, terms, n_occurrences`; a document
a row, the last two lists: term numbers, ascending, and how often each. * `language_counts`: `lang, n_documents`,
documents without any term counted too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from tasks.transforms.text.annotation import Annotation
from tasks.transforms.text.lexicon import NO_TERM, Lexicon

F = TypeVar("F", bound=Callable[..., object])
_COUNTS = ("n_occurrences", "n_documents")

# Without reference counts for arrays, as in `token_scan`.
_compiled: Callable[[F], F] = njit(cache=True, nogil=True, _nrt=False)  # type: ignore[call-overload, unused-ignore]


class PartCounts:
    """Counts of the words and terms of `lexicon` over the texts added so far."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._n_tokens = [np.zeros(0, np.int64)]
        self._reading_totals = np.zeros(0, np.int64)
        self._word_totals = np.zeros((0, 2), np.int64)
        self._pairs = [np.zeros((0, 3), np.int32)]  # text, term, occurrences

    def add(self, annotation: Annotation, n_texts: int) -> None:
        """Count `annotation`, of `n_texts` texts that come after those added before; its words stand in the lexicon."""
        forms, words = self._lexicon.forms(), self._lexicon.words()
        reading_totals = np.bincount(annotation.reading, minlength=self._lexicon.readings().num_rows)
        reading_totals[: self._reading_totals.size] += self._reading_totals
        self._reading_totals = reading_totals
        word = forms["word"].to_numpy()[annotation.form]
        totals = _totals(count_pairs(annotation.tokens.text, word, words.num_rows), words.num_rows)
        totals[: len(self._word_totals)] += self._word_totals
        self._word_totals = totals
        term = words["term"].to_numpy()[word]
        is_indexed = term != NO_TERM
        terms = count_pairs(annotation.tokens.text[is_indexed], term[is_indexed], self._lexicon.terms().num_rows)
        terms[:, 0] += sum(of_slice.size for of_slice in self._n_tokens)
        self._pairs.append(terms)
        self._n_tokens.append(np.bincount(annotation.tokens.text, minlength=n_texts))

    def n_tokens(self) -> np.ndarray:
        """Tokens of each text added; shape (n_texts,), int64."""
        return np.concatenate(self._n_tokens)

    def form_counts(self) -> pa.Table:
        """`form_counts` of all texts added."""
        rows = _with_counts(self._lexicon.words().drop_columns("term"), self._word_totals)
        return rows.sort_by([("lang", "ascending"), ("norm", "ascending")])

    def lemma_counts(self) -> pa.Table:
        """`lemma_counts` of all texts added."""
        readings, words = self._lexicon.readings(), self._lexicon.words().select(["lang", "norm"])
        rows = words.take(self._lexicon.forms()["word"].take(readings["form"]))
        rows = rows.append_column("lemma", readings["lemma"]).append_column(
            "n_occurrences", pa.array(self._reading_totals)
        )
        # A form that was only seen with tags has its untagged reading too.
        rows = rows.filter(pc.greater(rows["n_occurrences"], 0))
        return merge_counts([rows.slice(0, 0), rows], ("lang", "norm", "lemma"))

    def term_tables(self, doc_ids: pa.Array, langs: pa.Array) -> tuple[pa.Table, pa.Table]:
        """`part_terms` and `term_counts` of all texts added; `doc_ids` and `langs` have one value for each."""
        pairs = np.concatenate(self._pairs)
        terms = self._lexicon.terms()
        terms = _with_counts(terms, _totals(pairs, terms.num_rows))
        order = pc.sort_indices(terms, [("lang", "ascending"), ("term", "ascending")]).to_numpy()
        rank = np.empty(order.size, np.int32)
        rank[order] = np.arange(order.size, dtype=np.int32)
        pairs[:, 1] = rank[pairs[:, 1]]
        pairs = pairs[np.argsort(pairs[:, 0].astype(np.int64) << np.int64(32) | pairs[:, 1], kind="stable")]
        offsets = pa.array(np.searchsorted(pairs[:, 0], np.arange(len(doc_ids) + 1)).astype(np.int32))
        columns = [
            pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(pairs[:, column]))) for column in (1, 2)
        ]
        return terms.take(pa.array(order)), pa.table(
            [doc_ids, langs, *columns], ["doc_id", "lang", "terms", "n_occurrences"]
        )


def language_counts(langs: pa.Array) -> pa.Table:
    """`language_counts` of documents with these languages, in order of language."""
    counted = pa.table({"lang": langs}).group_by("lang", use_threads=False).aggregate([([], "count_all")])
    return counted.rename_columns(["lang", "n_documents"]).sort_by("lang")


def count_pairs(text: np.ndarray, number: np.ndarray, n_numbers: int) -> np.ndarray:
    """How often each number stands in each text: rows of text, number, occurrences; int32, shape (n_pairs, 3).

    `text` ascends; numbers are below `n_numbers`. Rows are in order of text, within it of first occurrence. Linear
    time.
    """
    pairs = np.empty((text.size, 3), np.int32)
    n_pairs = _count_pairs(text, number, np.full(n_numbers, -1, np.int64), pairs)
    return pairs[:n_pairs].copy()


@_compiled
def _count_pairs(text: np.ndarray, number: np.ndarray, row_of: np.ndarray, pairs: np.ndarray) -> int:
    """`row_of` holds for each number the last row made for it: one before the text's first row is of another text."""
    n_pairs = first_row = 0
    for token in range(text.size):
        if token > 0 and text[token] != text[token - 1]:
            first_row = n_pairs
        row = row_of[number[token]]
        if row < first_row:
            row = row_of[number[token]] = n_pairs
            pairs[row, 0], pairs[row, 1], pairs[row, 2] = text[token], number[token], 0
            n_pairs += 1
        pairs[row, 2] += 1
    return n_pairs


def merge_counts(tables: Iterable[pa.Table], key: Sequence[str]) -> pa.Table:
    """The rows of all `tables`, those of one key made one with their counts summed, in order of the key.

    Columns that are neither key nor count depend on the key alone; that is not checked. Memory: the merged rows and one
    table.
    """
    merged: pa.Table | None = None
    for table in tables:
        merged = table if merged is None else _merge(pa.concat_tables([merged, table]), key)
    if merged is None:
        raise ValueError("no counts to merge: an empty lake still has one table, without rows")
    return merged.sort_by([(name, "ascending") for name in key])


def with_main_lemma(form_counts: pa.Table, lemma_counts: pa.Table) -> pa.Table:
    """`form_counts` with the column `lemma`: the most frequent lemma of each word, of equally frequent ones the first
    by its letters.

    Both of the same words and merged (`merge_counts`).
    """
    order = [("lang", "ascending"), ("norm", "ascending"), ("n_occurrences", "descending"), ("lemma", "ascending")]
    ranked = lemma_counts.sort_by(order)
    main = ranked.group_by(["lang", "norm"], use_threads=False).aggregate([("lemma", "first")]).sort_by(order[:2])
    if not main.select(["lang", "norm"]).equals(form_counts.select(["lang", "norm"])):
        raise ValueError("the lemmas are not those of the same words: the counts come from different parts")
    return form_counts.append_column("lemma", main["lemma_first"])


def _merge(rows: pa.Table, key: Sequence[str]) -> pa.Table:
    counts = [name for name in rows.column_names if name in _COUNTS]
    others = [name for name in rows.column_names if name not in counts and name not in key]
    grouped = rows.group_by(list(key), use_threads=False)
    merged = grouped.aggregate([*((name, "sum") for name in counts), *((name, "first") for name in others)])
    names = {**{f"{name}_sum": name for name in counts}, **{f"{name}_first": name for name in others}}
    return merged.rename_columns([names.get(name, name) for name in merged.column_names]).select(rows.column_names)


def _totals(pairs: np.ndarray, n_numbers: int) -> np.ndarray:
    """Occurrences and texts of each number; shape (n_numbers, 2), int64."""
    occurrences = np.bincount(pairs[:, 1], pairs[:, 2], n_numbers)  # in float64, exact below 2**53
    return np.stack((occurrences.astype(np.int64), np.bincount(pairs[:, 1], minlength=n_numbers)), axis=1)


def _with_counts(rows: pa.Table, totals: np.ndarray) -> pa.Table:
    for place, name in enumerate(_COUNTS):
        rows = rows.append_column(name, pa.array(np.ascontiguousarray(totals[:, place])))
    return rows
