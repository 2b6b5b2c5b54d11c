"""A chain of tags of second order, smoothed, and the most likely sequence of tags under it.

Legend
    S                 number of states; S itself is before the first and after the last word of a sentence
    a, b, c           three states in a row
    P(c | a, b)       (count(a, b, c) + TRIGRAM * kinds(a, b) * P(c | b)) / (count(a, b) + TRIGRAM * kinds(a, b)),
                      kinds = number of different states that followed; P(c | b) likewise with BIGRAM over the shares
                      of c (Witten and Bell 1991, method C, weighed)
    log_bigram[b, c]  log P(c | b), shape (S + 1, S + 1), float32
    log_left[a, b]    log of what P(c | a, b) leaves to P(c | b), shape (S + 1, S + 1), float32
    keys, values      triples that were seen, by open addressing: (a * (S + 1) + b) * (S + 1) + c, -1 = free; their log
                      P(c | a, b)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.kernels.kernel_cache import kernel, kernel_part

# Measured on four fifths of UD English EWT's training part against the last: 1 and 1 lose 0.2 points.
TRIGRAM, BIGRAM, UNIGRAM = 4.0, 2.0, 0.1
PATH_BEAM = 8.0  # a path e^8 times less likely than the best one so far is left
HASH = 0x9E3779B97F4A7C15  # 2**64 / golden ratio (Knuth, The Art of Computer Programming 3, 6.4)


@dataclass(frozen=True)
class TagChain:
    """The arrays of the legend."""

    log_bigram: np.ndarray
    log_left: np.ndarray
    keys: np.ndarray
    values: np.ndarray

    def log_probability(self, a: int, b: int, c: int) -> float:
        """Log P(c | a, b)."""
        return float(_log_probability(self.log_bigram, self.log_left, self.keys, self.values, a, b, c))


def learn_chain(sequences: Sequence[np.ndarray], n_states: int) -> TagChain:
    """The chain of sequences of states, each int64."""
    size = n_states + 1
    framed = [np.concatenate([[n_states, n_states], sequence, [n_states]]) for sequence in sequences]
    triples = np.concatenate([(row[:-2] * size + row[1:-1]) * size + row[2:] for row in framed])
    seen, counts = np.unique(triples, return_counts=True)
    pair, c = np.divmod(seen, size)
    b = pair % size
    bigrams = np.zeros((size, size))
    np.add.at(bigrams, (b, c), counts)
    shares = bigrams.sum(axis=0) + UNIGRAM
    shares /= shares.sum()
    held = BIGRAM * np.maximum((bigrams > 0).sum(axis=1), 1)[:, None]
    after_b = (bigrams + held * shares) / (bigrams.sum(axis=1, keepdims=True) + held)
    of_pair = np.bincount(pair, weights=counts, minlength=size * size)
    kept = TRIGRAM * np.bincount(pair, minlength=size * size)
    left = np.where(of_pair > 0, kept / np.where(of_pair > 0, of_pair + kept, 1.0), 1.0)
    values = (counts + kept[pair] * after_b[b, c]) / (of_pair[pair] + kept[pair])
    keys = np.full(1 << int(2 * len(seen)).bit_length(), -1, np.int64)
    table = np.zeros(len(keys), np.float32)
    _fill(keys, table, seen, np.log(values).astype(np.float32))
    return TagChain(
        np.log(after_b).astype(np.float32), np.log(left).reshape(size, size).astype(np.float32), keys, table
    )


def best_states(  # noqa: PLR0917  # the chain, the tokens, and their candidates
    chain: TagChain,
    types: np.ndarray,
    lengths: np.ndarray,
    candidate_starts: np.ndarray,
    candidates: np.ndarray,
    scores: np.ndarray,
) -> np.ndarray:
    """The most likely state of each token, int32 (T,), sentence by sentence (Viterbi over pairs of states).

    `types` (T,) numbers the token's kind; the kind's states are `candidates[candidate_starts[kind] :
    candidate_starts[kind + 1]]`, one at least, and `scores` log P(state | word) - log P(state). `lengths` of sentences,
    positive, add up to T.
    """
    states = np.empty(len(types), np.int32)
    scored, ends = (candidate_starts, candidates, scores), np.concatenate([[0], np.cumsum(lengths)])
    _decode(chain.log_bigram, chain.log_left, chain.keys, chain.values, types, ends, *scored, states)
    return states


@kernel_part
def _slot(keys: Any, key: Any) -> Any:
    """Where `key` is, or the free place where it would be."""
    mask = len(keys) - 1
    at = np.int64((np.uint64(key) * np.uint64(HASH)) >> np.uint64(32)) & mask
    while keys[at] != -1 and keys[at] != key:  # a set instead would be made at each step
        at = (at + 1) & mask
    return at


@kernel_part
def _log_probability(  # noqa: PLR0917  # kernels know no keyword-only arguments
    log_bigram: Any, log_left: Any, keys: Any, values: Any, a: Any, b: Any, c: Any
) -> Any:
    size = len(log_bigram)
    key = (a * size + b) * size + c
    at = _slot(keys, key)
    return values[at] if keys[at] == key else log_left[a, b] + log_bigram[b, c]


@kernel()
def _fill(keys: Any, table: Any, seen: Any, values: Any) -> None:
    for n in range(len(seen)):
        at = _slot(keys, seen[n])
        keys[at] = seen[n]
        table[at] = values[n]


@kernel()
def _decode(  # noqa: C901, PLR0912, PLR0917  # one recursion there, one back
    log_bigram: Any,
    log_left: Any,
    keys: Any,
    values: Any,
    types: Any,
    sentences: Any,
    starts: Any,
    candidates: Any,
    scores: Any,
    states: Any,
) -> None:
    """Fill `states` (T,). score[p, c]: the best of all paths that end in candidate p of one word and c of the next."""
    outside = len(log_bigram) - 1
    widest = 1
    for kind in range(len(starts) - 1):
        widest = max(widest, starts[kind + 1] - starts[kind])
    longest = 0
    for sentence in range(len(sentences) - 1):
        longest = max(longest, sentences[sentence + 1] - sentences[sentence])
    frame = np.array([outside])
    came_from = np.empty((longest, widest, widest), np.int16)
    score, next_score = np.empty((widest, widest)), np.empty((widest, widest))
    for sentence in range(len(sentences) - 1):
        begin, end = sentences[sentence], sentences[sentence + 1]
        two_back, one_back = frame, frame
        score[0, 0] = 0.0
        for t in range(begin, end):
            here = candidates[starts[types[t]] : starts[types[t] + 1]]
            least = -np.inf
            for p in range(len(one_back)):
                for q in range(len(two_back)):
                    least = max(least, score[q, p] - PATH_BEAM)
            for p in range(len(one_back)):
                next_score[p, : len(here)] = -np.inf
                for q in range(len(two_back)):
                    if score[q, p] >= least:
                        for c in range(len(here)):
                            value = score[q, p] + _log_probability(
                                log_bigram, log_left, keys, values, two_back[q], one_back[p], here[c]
                            )
                            if value > next_score[p, c]:
                                next_score[p, c] = value
                                came_from[t - begin, p, c] = q
                for c in range(len(here)):
                    next_score[p, c] += scores[starts[types[t]] + c]
            score, next_score = next_score, score
            two_back, one_back = one_back, here
        best_p, best_c, best_score = 0, 0, -np.inf
        for p in range(len(two_back)):
            for c in range(len(one_back)):
                value = score[p, c] + _log_probability(
                    log_bigram, log_left, keys, values, two_back[p], one_back[c], outside
                )
                if value > best_score:
                    best_p, best_c, best_score = p, c, value
        for t in range(end - 1, begin - 1, -1):
            states[t] = candidates[starts[types[t]] + best_c]
            best_p, best_c = came_from[t - begin, best_p, best_c], best_p
