"""A tagger of parts of speech: a hidden Markov model of second order over tags, with strong models of words.

Legend
    tag       (UPOS, XPOS) of a token, XPOS "" where the treebank gives none: together they tell more about their
              neighbours than UPOS alone
    state     a tag, or a tag with one of the most frequent words that have several (`n_lexical`): `that` after `so` is
              its own context (lexicalised HMMs: Pla and Molina 2004)
    score     log P(state | word) - log P(state), which is log P(word | state) but for a constant of the word

P(state | word) is counted, and for rare words mixed with the prediction from its form (`models.taggers.words`) as if
seen `n_form` times more; unknown words have the form alone. Sentence by sentence the best path is exact over each
word's candidates (`models.taggers.chain`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from models.taggers.chain import TagChain, best_states, learn_chain
from models.taggers.words import WordExample, WordModel, learn_words

Tag = tuple[str, str]
TaggedSentence = Sequence[tuple[str, str, str]]


class TaggerError(ValueError):
    """A tagger cannot be learned or used; the message says why, in one sentence."""


@dataclass(frozen=True)
class TaggerSettings:
    """How a tagger is learned; the numbers are those of four fifths of UD English EWT's training part against the last
    fifth.

    `rare`: words seen so often at most teach what forms say. `n_form`: as how many sightings the form counts beside
    counts, of words seen less than `n_sure` times. `beam`: candidates e^beam times less likely than a word's best are
    left out, and all after `n_candidates`.
    """

    n_lexical: int = 100
    rare: int = 10
    n_form: float = 1.0
    n_sure: int = 100
    beam: float = 7.0
    n_candidates: int = 8
    seed: int = 1


@dataclass(frozen=True)
class Tagger:
    """A learned tagger. `states` says tag and word ("" = any) of each state; words are sorted; their candidates stand
    twice, for words inside a sentence and first in it, kind = 2 * word + is first.
    """

    states: tuple[tuple[str, str, str], ...]
    words: tuple[str, ...]
    hints: tuple[str, ...]
    starts: np.ndarray
    candidates: np.ndarray
    scores: np.ndarray
    prior: np.ndarray
    form: WordModel
    chain: TagChain
    settings: TaggerSettings

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        return {word: number for number, word in enumerate(self.words)}

    def tag(self, words: Sequence[str], codes: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The state of each token, int32 (T,). `codes` (T,) says which of the distinct `words` a token is; `lengths` of
        sentences.

        TaggerError where lengths are not positive or do not add up.
        """
        if not len(codes):
            return np.empty(0, np.int32)
        if len(lengths) == 0 or lengths.min() < 1 or lengths.sum() != len(codes):
            raise TaggerError(
                f"lengths of sentences must be positive and add up to {len(codes)} tokens,"
                f" they add up to {int(lengths.sum())}"
            )
        is_first = np.zeros(len(codes), np.int64)
        is_first[np.cumsum(lengths) - lengths] = 1
        numbers = np.array([self._numbers.get(word, -1) for word in words], np.int64)
        kinds = numbers[codes] * 2 + is_first
        unknown, places = np.unique((codes * 2 + is_first)[numbers[codes] < 0], return_inverse=True)
        kinds[numbers[codes] < 0] = 2 * len(self.words) + places
        if not len(unknown):
            return best_states(self.chain, kinds, lengths, self.starts, self.candidates, self.scores)
        found = self._of_forms([(words[code // 2], bool(code % 2)) for code in unknown])
        starts = np.concatenate([self.starts, self.starts[-1] + found[0][1:]])
        both = (np.concatenate([own, new]) for own, new in zip((self.candidates, self.scores), found[1:], strict=True))
        return best_states(self.chain, kinds, lengths, starts, *both)

    def _of_forms(self, words: Sequence[tuple[str, bool]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Starts, candidates and scores of words that are not known."""
        spellings = [(word, is_first, _hint(word, self._numbers, self.hints)) for word, is_first in words]
        return _candidates(self.form.probabilities(spellings), self.prior, self.settings)


def learn_tagger(sentences: Sequence[TaggedSentence], settings: TaggerSettings | None = None) -> Tagger:
    """The tagger of sentences of (word, UPOS, XPOS). TaggerError where there is none."""
    settings = settings or TaggerSettings()
    sentences = [sentence for sentence in sentences if len(sentence)]
    if not sentences:
        raise TaggerError("there is no tagged sentence to learn from")
    lexical = _lexical_words(sentences, settings.n_lexical)
    tags: list[Tag] = sorted({(upos, xpos) for sentence in sentences for _, upos, xpos in sentence})
    special = {
        (upos, xpos, word.lower()) for sentence in sentences for word, upos, xpos in sentence if word.lower() in lexical
    }
    states = [*((upos, xpos, "") for upos, xpos in tags), *sorted(special)]
    number = {state: n for n, state in enumerate(states)}
    sequences = [
        np.array([number[upos, xpos, word.lower() if word.lower() in lexical else ""] for word, upos, xpos in sentence])
        for sentence in sentences
    ]
    prior = np.bincount(np.concatenate(sequences), minlength=len(states)) / sum(map(len, sequences))
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    by_place: dict[tuple[str, bool], Counter[int]] = defaultdict(Counter)
    for sentence, sequence in zip(sentences, sequences, strict=True):
        for place, ((word, upos, xpos), state) in enumerate(zip(sentence, sequence.tolist(), strict=True)):
            counts[word][state] += 1
            by_place[word, place == 0][number[upos, xpos, ""]] += 1
    words = sorted(counts)
    numbers = {word: n for n, word in enumerate(words)}
    hints = tuple(states[min(counts[word], key=lambda state: (-counts[word][state], state))][0] for word in words)
    examples = [
        WordExample(word, is_first, _hint(word, numbers, hints), dict(seen))
        for (word, is_first), seen in sorted(by_place.items())
        if counts[word].total() <= settings.rare
    ]
    form = learn_words(examples, len(tags), settings.seed)
    known = _known_candidates(words, counts, hints, form, prior, settings)
    chain = learn_chain(sequences, len(states))
    return Tagger(tuple(states), tuple(words), hints, *known, prior, form, chain, settings)


def _lexical_words(sentences: Sequence[TaggedSentence], n_lexical: int) -> set[str]:
    """The most frequent words, in lower case, of those with more than one UPOS among the `n_lexical` most frequent."""
    seen: Counter[str] = Counter()
    of_word: dict[str, set[str]] = defaultdict(set)
    for sentence in sentences:
        for word, upos, _ in sentence:
            seen[word.lower()] += 1
            of_word[word.lower()].add(upos)
    frequent = sorted(seen, key=lambda word: (-seen[word], word))[:n_lexical]
    return {word for word in frequent if len(of_word[word]) > 1}


def _hint(word: str, numbers: Mapping[str, int], hints: Sequence[str]) -> str:
    """The most frequent UPOS of the word in its other spelling, `run` for `Run` and `Run` for `run`; "-" if unknown."""
    lower = word.lower()
    other = lower if lower != word else word.capitalize()
    if other == word or other not in numbers:
        return "-"
    return hints[numbers[other]] if lower != word else "^" + hints[numbers[other]]


def _known_candidates(  # noqa: PLR0917  # all that is known of words
    words: Sequence[str],
    counts: Mapping[str, Counter[int]],
    hints: Sequence[str],
    form: WordModel,
    prior: np.ndarray,
    settings: TaggerSettings,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts, candidates and scores of the known words, inside and first in a sentence."""
    numbers = {word: n for n, word in enumerate(words)}
    kinds = [(word, is_first, _hint(word, numbers, hints)) for word in words for is_first in (False, True)]
    is_rare = np.array([counts[word].total() < settings.n_sure for word, _, _ in kinds])
    seen = np.zeros((len(kinds), len(prior)), np.float32)
    for kind, (word, _, _) in enumerate(kinds):
        for state, n in counts[word].items():
            seen[kind, state] = n
    by_form = form.probabilities([kind for kind, rare in zip(kinds, is_rare, strict=True) if rare])
    seen[is_rare, : by_form.shape[1]] += settings.n_form * by_form
    return _candidates(seen / seen.sum(axis=1, keepdims=True), prior, settings)


def _candidates(
    probabilities: np.ndarray, prior: np.ndarray, settings: TaggerSettings
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts (n + 1,), states and scores of what is likely in each row of P(state | word), columns the first states."""
    # A tag that only lexical states have.
    probabilities = np.where(prior[: probabilities.shape[1]] > 0, probabilities, 0.0)
    nth = min(settings.n_candidates, probabilities.shape[1])
    bound = np.partition(probabilities, -nth, axis=1)[:, -nth]
    bound = np.maximum(bound, probabilities.max(axis=1) * np.exp(-settings.beam))
    row, state = np.nonzero((probabilities >= bound[:, None]) & (probabilities > 0))
    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(probabilities)))])
    scores = np.log(probabilities[row, state]) - np.log(prior[state])
    return starts.astype(np.int64), state.astype(np.int64), scores.astype(np.float64)
