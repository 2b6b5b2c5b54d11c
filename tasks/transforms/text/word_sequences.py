"""Tokens as the sequences of words that embeddings are learned from: language by language, sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SEQUENCE_SCHEMA = pa.schema(
    [pa.field("word", pa.string(), nullable=False), pa.field("is_first", pa.bool_(), nullable=False)]
)
"""A word, and whether it is the first of its sentence."""


def split_by_language(tokens: pa.Table, languages: pa.Table) -> tuple[dict[str, pa.Table], int]:
    """For each language its rows of SEQUENCE_SCHEMA, in the order of `tokens`; and the number of tokens of documents
    without one.

    `tokens` has doc_id, sentence, word, in reading order; `languages` has doc_id, lang, a row a document.
    Rows in = rows of all languages + that number.
    """
    documents = tokens["doc_id"].combine_chunks().dictionary_encode()
    numbers, sentence = documents.indices.to_numpy(), tokens["sentence"].to_numpy()
    is_first = np.ones(tokens.num_rows, np.bool_)
    is_first[1:] = (numbers[1:] != numbers[:-1]) | (sentence[1:] != sentence[:-1])
    lang_of = (
        languages["lang"].combine_chunks().take(pc.index_in(documents.dictionary, languages["doc_id"].combine_chunks()))
    )
    langs = lang_of.dictionary_encode()
    code_of = pc.fill_null(langs.indices, -1).to_numpy(zero_copy_only=False)
    code = code_of[numbers] if len(code_of) else np.empty(0, np.int32)
    sequences = pa.table([tokens["word"], pa.array(is_first)], schema=SEQUENCE_SCHEMA)
    by_lang = {
        lang: sequences.filter(pa.array(code == place)) for place, lang in enumerate(langs.dictionary.to_pylist())
    }
    return by_lang, int(np.count_nonzero(code < 0))


def count_words(batches: Iterable[pa.ChunkedArray]) -> pa.Table:
    """Every distinct word and how often it occurs (`word`, `n`), by rising code points, whatever the batches (of text,
    or of text encoded as a dictionary, which is faster). Memory: one batch and the distinct words.
    """
    counted = pa.table({"word": pa.array([], pa.string()), "n": pa.array([], pa.int64())})
    for words in batches:
        for encoded in words.dictionary_encode().chunks:
            n = np.bincount(encoded.indices.to_numpy(), minlength=len(encoded.dictionary))
            of_chunk = pa.table({"word": encoded.dictionary, "n": n}).filter(pa.array(n > 0))
            both = pa.concat_tables([counted, of_chunk])
            counted = both.group_by("word", use_threads=False).aggregate([("n", "sum")]).rename_columns(["word", "n"])
    return counted.sort_by("word")


def encode_words(words: pa.ChunkedArray, vocabulary: pa.Array) -> np.ndarray:
    """Each word's place in the vocabulary, (n,) int32. ValueError for a word that is not in it."""
    ids = np.empty(len(words), np.int32)
    first = 0
    for encoded in words.dictionary_encode().chunks:
        place_of = pc.fill_null(pc.index_in(encoded.dictionary, vocabulary), -1).to_numpy(zero_copy_only=False)
        ids[first : first + len(encoded)] = place_of[encoded.indices.to_numpy()]
        first += len(encoded)
    if ids.size and ids.min() < 0:
        raise ValueError(f"{np.count_nonzero(ids < 0)} words are not in the vocabulary")
    return ids


def held_out_tokens(
    is_first: np.ndarray, share: float, draws: np.random.Generator, *, is_out_before: bool
) -> np.ndarray:
    """True for the tokens of sentences held out, each with probability `share`; (n,) bool. `draws` goes on by one
    number a sentence.

    Tokens before the first start belong to the sentence of the batch before, which was held out or not
    (`is_out_before`).
    """
    of_sentence = np.append([is_out_before], draws.random(np.count_nonzero(is_first)) < share)
    return of_sentence[np.cumsum(is_first)]
