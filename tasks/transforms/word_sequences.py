"""Tokens as the sequences of words that embeddings are learned from: one language after another, sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SEQUENCE_SCHEMA = pa.schema([pa.field("word", pa.string(), nullable=False), pa.field("is_first", pa.bool_(), nullable=False)])
"""A word, and whether it is the first of its sentence."""


def split_by_language(tokens: pa.Table, languages: pa.Table) -> tuple[dict[str, pa.Table], int]:
    """For each language its rows of SEQUENCE_SCHEMA, in the order of `tokens`; and the number of tokens of documents without one.

    `tokens` has doc_id, sentence, word, in reading order; `languages` has doc_id, lang, a row a document.
    Rows in = rows of all languages + that number.
    """
    documents = tokens["doc_id"].combine_chunks().dictionary_encode()
    numbers, sentence = documents.indices.to_numpy(), tokens["sentence"].to_numpy()
    is_first = np.ones(tokens.num_rows, np.bool_)
    is_first[1:] = (numbers[1:] != numbers[:-1]) | (sentence[1:] != sentence[:-1])
    lang_of = languages["lang"].combine_chunks().take(pc.index_in(documents.dictionary, languages["doc_id"].combine_chunks()))
    langs = lang_of.dictionary_encode()
    code_of = pc.fill_null(langs.indices, -1).to_numpy(zero_copy_only=False)
    code = code_of[numbers] if len(code_of) else np.empty(0, np.int32)
    sequences = pa.table([tokens["word"], pa.array(is_first)], schema=SEQUENCE_SCHEMA)
    by_lang = {lang: sequences.filter(pa.array(code == place)) for place, lang in enumerate(langs.dictionary.to_pylist())}
    return by_lang, int(np.count_nonzero(code < 0))


def count_words(batches: Iterable[pa.ChunkedArray]) -> pa.Table:
    """Every distinct word and how often it occurs (`word`, `n`), by rising code points, whatever the batches. Memory: one batch and
    the distinct words.
    """
    empty = pa.table({"word": pa.array([], pa.string()), "n": pa.array([], pa.int64())})
    counted = empty
    for words in batches:
        of_batch = pa.table({"word": words}).group_by("word", use_threads=False).aggregate([([], "count_all")])
        both = pa.concat_tables([counted, of_batch.rename_columns(["word", "n"]).select(["word", "n"])])
        counted = both.group_by("word", use_threads=False).aggregate([("n", "sum")]).rename_columns(["word", "n"])
    return counted.sort_by("word")


def encode_words(words: pa.ChunkedArray, vocabulary: pa.Array) -> np.ndarray:
    """Each word's place in the vocabulary, (n,) int32. ValueError for a word that is not in it."""
    places = pc.index_in(words, vocabulary)
    if places.null_count:
        raise ValueError(f"{places.null_count} words are not in the vocabulary")
    return places.to_numpy()


def held_out_tokens(is_first: np.ndarray, share: float, draws: np.random.Generator, *, is_out_before: bool) -> np.ndarray:
    """True for the tokens of sentences held out, each with probability `share`; (n,) bool. `draws` goes on by one number a sentence.

    Tokens before the first start belong to the sentence of the batch before, which was held out or not (`is_out_before`).
    """
    of_sentence = np.append([is_out_before], draws.random(np.count_nonzero(is_first)) < share)
    return of_sentence[np.cumsum(is_first)]
