"""How well a tagger does: shares of tokens tagged right, known and unknown words apart, by tag, and its confusions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.taggers.tagger import TaggedSentence, Tagger

USUAL_TAG = "NOUN"  # of words unknown to the most-frequent-tag baseline: both treebanks' most frequent open class


@dataclass(frozen=True)
class TaggerScores:
    """Shares of tokens tagged right. `known` and `unknown`: by whether the word stood in training; None where there is
    no such token.

    `by_tag`: for each UPOS its precision and recall (None: never predicted, never there) and how often it is there.
    `confusions`: how often the UPOS of the first was tagged as the second, most often first.
    """

    upos: float
    known: float | None
    unknown: float | None
    xpos: float | None
    most_frequent_tag: float
    n_tokens: int
    by_tag: dict[str, tuple[float | None, float | None, int]]
    confusions: list[tuple[str, str, int]]


def tag_sentences(tagger: Tagger, sentences: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """(UPOS, XPOS) of every word, sentence after sentence."""
    numbers: dict[str, int] = {}
    codes = np.array([numbers.setdefault(word, len(numbers)) for sentence in sentences for word in sentence], np.int64)
    lengths = np.array([len(sentence) for sentence in sentences if len(sentence)], np.int64)
    return [tagger.states[state][:2] for state in tagger.tag(list(numbers), codes, lengths).tolist()]


def score_tagger(
    tagger: Tagger, training: Sequence[TaggedSentence], held_out: Sequence[TaggedSentence]
) -> TaggerScores:
    """The scores of `tagger`, learned from `training`, on `held_out`, which has one token at least."""
    predicted = tag_sentences(tagger, [[word for word, _, _ in sentence] for sentence in held_out])
    true = [token for sentence in held_out for token in sentence]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for sentence in training:
        for word, upos, _ in sentence:
            counts[word][upos] += 1
    usual = {word: min(seen, key=lambda tag: (-seen[tag], tag)) for word, seen in counts.items()}
    is_right = np.array([upos == wanted for (upos, _), (_, wanted, _) in zip(predicted, true, strict=True)])
    is_known = np.array([word in usual for word, _, _ in true])
    xpos = [found == wanted for (_, found), (_, _, wanted) in zip(predicted, true, strict=True) if wanted]
    pairs = Counter((wanted, upos) for (upos, _), (_, wanted, _) in zip(predicted, true, strict=True))
    n_predicted, n_true = Counter(upos for upos, _ in predicted), Counter(wanted for _, wanted, _ in true)
    by_tag = {
        tag: (_share(pairs[tag, tag], n_predicted[tag]), _share(pairs[tag, tag], n_true[tag]), n_true[tag])
        for tag in sorted({*n_predicted, *n_true})
    }
    wrong = sorted(
        ((wanted, upos, n) for (wanted, upos), n in pairs.items() if wanted != upos), key=lambda row: (-row[2], row)
    )
    shares = float(is_right.mean()), _mean(is_right[is_known]), _mean(is_right[~is_known]), _mean(np.array(xpos))
    baseline = float(np.mean([usual.get(word, USUAL_TAG) == wanted for word, wanted, _ in true]))
    return TaggerScores(*shares, baseline, len(true), by_tag, wrong)


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
