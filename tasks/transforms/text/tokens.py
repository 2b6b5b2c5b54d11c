"""Tokens of texts in any script: one pass over UTF-8, in linear time.

A token is a word: letters, marks and digits that run together, and single joiners where both sides allow it (don't,
Daten-Team, 3,14, U.S., AT&T, 9/11, name@host.org, snake_case); a web address from its scheme or `www.` on. Han and
Hiragana are cut by character, Katakana by run (UAX #29); Thai, Lao, Khmer and Myanmar, which put no spaces, by cluster:
a consonant with the vowels and marks around it. Each pictograph is a token. Other signs are none, unless the
document would be left without tokens: then each run of one sign is one. A word is cut after 255 characters, as Lucene
cuts it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.transforms.text.characters import character_classes
from tasks.transforms.text.token_scan import cut


@dataclass(frozen=True)
class Tokens:
    """Tokens of several texts, in order: index of the text, first byte and byte behind the last in `utf8`, signs
    (`token_scan`).

    All of shape (n_tokens,), int32.
    """

    utf8: np.ndarray
    text: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    signs: np.ndarray

    @property
    def n_tokens(self) -> int:
        """Number of tokens."""
        return int(self.start.size)


def cut_tokens(texts: pa.Array) -> Tokens:
    """Tokens of each text of an Arrow string array without NULL.

    A text has at least one token, unless all of it is white space (the zero-width space counts as such).
    ValueError for 2 GiB or more at once.
    """
    large = texts.cast(pa.large_string())
    offsets = np.frombuffer(large.buffers()[1], np.int64)[large.offset : large.offset + len(large) + 1]
    utf8 = np.frombuffer(large.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    utf8.flags.writeable = False  # or the passes are compiled twice: some of Arrow's buffers may be written to
    if utf8.size > np.iinfo(np.int32).max:
        raise ValueError(f"{utf8.size} bytes of text at once: cut them into slices of less than 2 GiB")
    return Tokens(utf8, *cut(utf8, offsets - offsets[0], character_classes()))


def token_spans(text: str) -> list[tuple[int, int]]:
    """First byte and byte behind the last of each token of `text` in UTF-8, in order."""
    tokens = cut_tokens(pa.array([text], pa.large_string()))
    return list(zip(tokens.start.tolist(), tokens.stop.tolist(), strict=True))


def count_words(text: str) -> int:
    """Number of tokens of `text`: the rows that it will have in `tokens`."""
    return len(token_spans(text))
