"""Word vectors in the files that other programs read: word2vec's text and binary format, and NumPy's.

    text     a line `n_words vector_size`, then a line a word: the word, a space, its numbers with spaces between, each
             the shortest decimal that reads back as the same float32
    binary   the same first line, then for each word its UTF-8, a space, its numbers as little-endian float32, and a
             line feed: as word2vec.c writes it
    npz      arrays `words` (unicode) and `vectors` (float32), which `numpy.load` reads without pickle

All of them are read by gensim (`KeyedVectors.load_word2vec_format`, `add_vectors`). None has a sign for a space within
a word, and in NumPy's all words take as much room as the longest; so words that a file cannot hold are left out of it,
and returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

WORDS_AT_ONCE = 1 << 14  # written at a time: some 20 MB of text
LONGEST_IN_NPZ = 200  # characters; NumPy keeps four bytes for each of the longest word's, in every word: our choice


def write_text(stream: BinaryIO, words: Sequence[str], vectors: np.ndarray) -> tuple[str, ...]:
    """Write word2vec's text format; the words left out, see `fits_a_line`. `vectors` are (n_words, D)."""
    rows, left_out = _rows_that_fit(words, vectors, fits_a_line)
    stream.write(f"{rows.size} {vectors.shape[1]}\n".encode())
    for names, numbers in _blocks(words, vectors, rows):
        digits = pa.array(numbers.reshape(-1)).cast(pa.string())
        offsets = np.arange(0, numbers.size + 1, numbers.shape[1], dtype=np.int32)
        lines = pc.binary_join(pa.ListArray.from_arrays(offsets, digits), " ")
        stream.write("".join(f"{name} {line}\n" for name, line in zip(names, lines.to_pylist(), strict=True)).encode())
    return left_out


def write_binary(stream: BinaryIO, words: Sequence[str], vectors: np.ndarray) -> tuple[str, ...]:
    """Write word2vec's binary format; the words left out, see `fits_a_line`. `vectors` are (n_words, D)."""
    rows, left_out = _rows_that_fit(words, vectors, fits_a_line)
    stream.write(f"{rows.size} {vectors.shape[1]}\n".encode())
    for names, numbers in _blocks(words, vectors, rows):
        entries = (f"{name} ".encode() + row.tobytes() + b"\n" for name, row in zip(names, numbers, strict=True))
        stream.writelines(entries)
    return left_out


def write_npz(stream: BinaryIO, words: Sequence[str], vectors: np.ndarray) -> tuple[str, ...]:
    """Write NumPy's format; the words left out, see `fits_an_array`. `vectors` are (n_words, D)."""
    rows, left_out = _rows_that_fit(words, vectors, fits_an_array)
    names = np.array([words[row] for row in rows.tolist()], np.str_)
    np.savez(stream, words=names, vectors=np.asarray(vectors, np.float32)[rows])
    return left_out


WRITERS: Mapping[str, Callable[[BinaryIO, Sequence[str], np.ndarray], tuple[str, ...]]] = {
    "text": write_text,
    "binary": write_binary,
    "npz": write_npz,
}


def fits_a_line(word: str) -> bool:
    """Whether the formats with a space after a word can hold it: not empty, no white space, and valid Unicode."""
    return word.split() == [word] and _is_unicode(word)


def fits_an_array(word: str) -> bool:
    """Whether NumPy's format can hold it: not too long, valid Unicode, and no NUL at its end, which it would cut."""
    return len(word) <= LONGEST_IN_NPZ and not word.endswith("\0") and _is_unicode(word)


def _is_unicode(word: str) -> bool:
    """False for half of a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in word)


def _rows_that_fit(
    words: Sequence[str], vectors: np.ndarray, fits: Callable[[str], bool]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The rows to write, and the words left out. ValueError where there is not one vector a word."""
    if vectors.ndim != 2 or len(words) != len(vectors):
        raise ValueError(f"{len(words)} words do not fit vectors of shape {vectors.shape}")
    is_fit = np.array([fits(word) for word in words], bool)
    return np.flatnonzero(is_fit), tuple(words[row] for row in np.flatnonzero(~is_fit).tolist())


def _blocks(words: Sequence[str], vectors: np.ndarray, rows: np.ndarray) -> Iterator[tuple[list[str], np.ndarray]]:
    for first in range(0, rows.size, WORDS_AT_ONCE):
        block = rows[first : first + WORDS_AT_ONCE]
        yield [words[row] for row in block.tolist()], np.ascontiguousarray(vectors[block], "<f4")
