"""A tagger as arrays by name and notes that JSON has a form for, and back. Nothing is pickled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from models.taggers.chain import TagChain
from models.taggers.tagger import Tagger, TaggerError, TaggerSettings
from models.taggers.words import WordModel

SEPARATOR = "\n"  # no word of a treebank holds one


def as_tensors(tagger: Tagger) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays (words as UTF-8 bytes), and states and settings."""
    tensors = {
        "words": _bytes_of(tagger.words),
        "hints": _bytes_of(tagger.hints),
        "starts": tagger.starts,
        "candidates": tagger.candidates,
        "scores": tagger.scores,
        "prior": tagger.prior,
        "form_rows": tagger.form.rows,
        "form_weights": tagger.form.weights,
        "log_bigram": tagger.chain.log_bigram,
        "log_left": tagger.chain.log_left,
        "trigram_keys": tagger.chain.keys,
        "trigram_values": tagger.chain.values,
    }
    return tensors, {"states": [list(state) for state in tagger.states], "tagger_settings": asdict(tagger.settings)}


def from_tensors(tensors: Mapping[str, np.ndarray], notes: Mapping[str, Any]) -> Tagger:
    """The tagger that `as_tensors` took apart. TaggerError where the arrays or notes are others'."""
    try:
        states = tuple((str(upos), str(xpos), str(word)) for upos, xpos, word in notes["states"])
        form = WordModel(tensors["form_rows"], tensors["form_weights"])
        chain = TagChain(tensors["log_bigram"], tensors["log_left"], tensors["trigram_keys"], tensors["trigram_values"])
        words, hints = _words_of(tensors["words"]), _words_of(tensors["hints"])
        is_whole = (
            len(words) == len(hints)
            and len(tensors["starts"]) == 2 * len(words) + 1
            and len(states) == len(tensors["prior"])
        )
        if not is_whole or chain.log_bigram.shape != (len(states) + 1, len(states) + 1):
            raise TaggerError("the arrays of this tagger do not fit each other: train it again")
        settings = TaggerSettings(**notes["tagger_settings"])
        own = (tensors["starts"], tensors["candidates"], tensors["scores"], tensors["prior"])
        return Tagger(states, words, hints, *own, form, chain, settings)
    except (KeyError, TypeError, UnicodeDecodeError) as error:
        raise TaggerError(f"this is no tagger, or its arrays are others' ({error}): train it again") from error


def _bytes_of(words: Sequence[str]) -> np.ndarray:
    return np.frombuffer(SEPARATOR.join(words).encode(), np.uint8)


def _words_of(letters: np.ndarray) -> tuple[str, ...]:
    return tuple(letters.tobytes().decode().split(SEPARATOR))
