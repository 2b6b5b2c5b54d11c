"""Documents as numbers of words: what every text classifier reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.labels.settings import WordListSettings

PADDING, UNKNOWN = 0, 1
N_SPECIAL = 2  # numbers that are no word of the list


@dataclass(frozen=True)
class Texts:
    """n documents: `ids` (n_tokens,) int32, one document after another; `starts` (n + 1,) int64, where each begins."""

    ids: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Words of each document, (n,)."""
        return np.diff(self.starts)

    def take(self, rows: np.ndarray) -> Texts:
        """The documents `rows`, in that order. A mask of (n,) will do, too."""
        rows = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        lengths = self.lengths[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(self.starts[rows] - starts[:-1], lengths) + np.arange(starts[-1])
        return Texts(self.ids[places], starts)

    def cut(self, n_head: int, n_tail: int) -> Texts:
        """Each document's first `n_head` and last `n_tail` words; shorter ones are whole."""
        lengths = self.lengths
        place = np.arange(len(self.ids)) - np.repeat(self.starts[:-1], lengths)
        is_kept = (place < n_head) | (place >= np.repeat(lengths, lengths) - n_tail)
        return Texts(self.ids[is_kept], np.concatenate([[0], np.cumsum(np.minimum(lengths, n_head + n_tail))]))


@dataclass(frozen=True)
class Labelled:
    """n documents, their `labels` (n,) int64 from 0, and how many labels there are: some may be of no document here."""

    texts: Texts
    labels: np.ndarray
    n_labels: int

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> Labelled:
        """The documents `rows` (numbers, or a mask of (n,)), in that order."""
        return Labelled(self.texts.take(rows), self.labels[rows], self.n_labels)


@dataclass(frozen=True)
class WordList:
    """The words that a classifier knows, by falling frequency. A word's number is its place + N_SPECIAL."""

    words: tuple[str, ...]

    @property
    def n_ids(self) -> int:
        """How many numbers there are, the special ones among them."""
        return len(self.words) + N_SPECIAL

    def encode(self, dictionary: Sequence[str], codes: np.ndarray, starts: np.ndarray) -> Texts:
        """Documents whose words are `dictionary[codes]`, cut at `starts`. A word that is not in the list is UNKNOWN."""
        number_of = {word: number for number, word in enumerate(self.words, N_SPECIAL)}
        numbers = np.array([number_of.get(word, UNKNOWN) for word in dictionary], np.int32)
        return Texts(numbers[codes] if len(codes) else np.empty(0, np.int32), np.asarray(starts, np.int64))


def fit_words(dictionary: Sequence[str], counts: np.ndarray, settings: WordListSettings) -> WordList:
    """The list of the words of `dictionary` that occur `counts` times in the training part. Ties by code points."""
    frequent = [
        (-int(counts[place]), dictionary[place])
        for place in np.flatnonzero(counts >= max(settings.min_count, 1)).tolist()
    ]
    return WordList(tuple(word for _, word in sorted(frequent)[: settings.most_words]))
