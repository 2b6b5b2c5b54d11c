"""Word2vec in plain loops, float64, one number of the stream after another: what the kernels must come to, shard by
shard.

Written from the papers' equations and from decision 0009 alone; shares no code with models/ but the tables that it is
given.
"""

import heapq
import math
from collections import defaultdict

import numpy as np

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(state):
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB & MASK
    return state ^ (state >> 31)


def key_of(*names):
    key = 0
    for name in names:
        key = mix((key + name + GOLDEN) & MASK)
    return key


def bits_at(key, counter):
    return mix((key + counter * GOLDEN) & MASK)


def draw(key, counter, own, other):
    bits = bits_at(key, counter)
    column = (bits >> 32) * len(own) >> 32
    return column if (bits & 0xFFFFFF) / 2**24 < own[column] else int(other[column])


def softplus(x):
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def logistic(x):
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def huffman_code_lengths(counts):
    """Length of each word's code, by a heap of (count, words below)."""
    lengths = [0] * len(counts)
    heap = [(int(count), i, [i]) for i, count in enumerate(counts)]
    heapq.heapify(heap)
    while len(heap) > 1:
        a, b = heapq.heappop(heap), heapq.heappop(heap)
        for word in a[2] + b[2]:
            lengths[word] += 1
        heapq.heappush(heap, (a[0] + b[0], len(counts) + len(heap) + a[1] + b[1], a[2] + b[2]))
    return lengths


def window_loss(inputs, outputs, around, at, signs, *, is_cbow, is_mean=True):
    """Loss of one window in float64: `around` are input rows, `at` output rows with their y."""
    rows = [inputs[i] for i in around]
    if is_cbow:
        rows = [sum(rows) / (len(rows) if is_mean else 1)]
    return sum(softplus(-y * float(np.dot(outputs[k], h))) for h in rows for k, y in zip(at, signs, strict=True))


def train(corpus, tables, inputs, settings, *, n_v, shards):
    """(inputs, outputs, losses a pair) after all epochs. `corpus` is (word or -1 of each token, sentence of each
    token); `shards` are ranges of tokens; `tables` are an alias table, or None, and a list of (node, sign) lists, or
    None; `settings` as in models.embeddings.word2vec.
    """
    dimensions = inputs.shape[1]
    inputs = inputs.astype(np.float64)
    outputs = np.zeros((len(inputs) - (tables[1] is not None), dimensions))
    losses = []
    for epoch in range(settings.epochs):
        loss, n_pairs = 0.0, 0
        for first in range(0, len(shards), n_v):
            copies = []
            for tokens in shards[first : first + n_v]:
                private = Private(inputs, outputs)
                shard_loss, shard_pairs = train_shard(corpus, tokens, tables, private, (settings, epoch))
                loss, n_pairs = loss + shard_loss, n_pairs + shard_pairs
                copies.append(private)
            merge([c.inputs for c in copies], [c.input_pull for c in copies], inputs)
            merge([c.outputs for c in copies], [c.output_pull for c in copies], outputs)
        losses.append(loss / n_pairs)
    return inputs, outputs, losses


class Private:
    """Copies of the rows that a shard touches."""

    def __init__(self, inputs, outputs):
        self.shared = inputs, outputs
        self.inputs, self.outputs = {}, {}
        self.input_pull, self.output_pull = defaultdict(float), defaultdict(float)

    def input(self, row):
        return self.inputs.setdefault(row, self.shared[0][row].copy())

    def output(self, row):
        return self.outputs.setdefault(row, self.shared[1][row].copy())


def merge(copies, pulls, shared):
    for row in sorted({row for copy in copies for row in copy}):
        touched = [v for v in range(len(copies)) if row in copies[v]]
        before = shared[row].copy()
        change = sum(copies[v][row] - before for v in touched)
        x = [0.25 * pulls[v][row] for v in touched]
        near = sum(1 - math.exp(-one) for one in x)
        share = (1 - math.exp(-sum(x))) / near if len(touched) > 1 and near > 0 else 1.0
        shared[row] = before + share * change


def choose_negatives(middles, pool, count, n_words):
    """Each middle word itself with 1 and `count` others with -1, in turn from the pool, skipping the middle word."""
    chosen = []
    turn = 0
    for middle in middles:
        negatives = []
        while len(negatives) < count:
            if set(pool) == {middle}:
                negatives.append((middle + 1) % n_words)
            elif pool[turn] != middle:
                negatives.append(pool[turn])
            turn = (turn + 1) % len(pool)
        chosen.append([(middle, 1), *((word, -1) for word in negatives)])
    return chosen


def train_shard(corpus, tokens, tables, private, when):
    """Loss and pairs of one shard trained on private copies; `when` are the settings and the epoch."""
    words, sentences, keep = corpus
    table, paths = tables
    settings, epoch = when
    keep_key, window_key, pool_key = (key_of(settings.seed, purpose, epoch) for purpose in range(3))
    kept = [i for i in tokens if words[i] >= 0 and (bits_at(keep_key, i) >> 40) / 2**24 < keep[words[i]]]
    middles = [words[i] for i in kept]
    if paths is None:
        pool = [draw(pool_key, i, *table) for i in kept]
        scored_against = choose_negatives(middles, pool, settings.negative, len(keep))
    else:
        scored_against = [paths[word] for word in middles]
    loss, n_pairs = 0.0, 0
    for j, i in enumerate(kept):
        reach = settings.window
        if settings.shrink_windows:
            reach = 1 + ((bits_at(window_key, i) >> 32) * settings.window >> 32)
        around = [
            words[kept[o]]
            for o in range(max(0, j - reach), min(len(kept), j + reach + 1))
            if o != j and sentences[kept[o]] == sentences[i]
        ]
        if not around:
            continue
        scored = scored_against[j]
        done = (epoch * len(words) + i) / (settings.epochs * len(words))
        alpha = settings.alpha + (settings.min_alpha - settings.alpha) * done
        share = 1 / len(around) if settings.cbow_mean else 1.0
        back = share if settings.cbow_exact else 1 / len(around) / share
        hidden = [private.input(row).copy() for row in around]
        if settings.sg == 0:
            hidden = [share * sum(hidden)]
        before = [private.output(row).copy() for row, _ in scored]
        for k, (row, y) in enumerate(scored):
            for h in hidden:
                z = y * float(before[k] @ h)
                loss += softplus(-z)
                private.outputs[row] += alpha * y * logistic(-z) * h
                private.output_pull[row] += alpha
        for a, h in enumerate(hidden):
            change = sum(alpha * y * logistic(-y * float(before[k] @ h)) * before[k] for k, (_, y) in enumerate(scored))
            for row in around if settings.sg == 0 else [around[a]]:
                private.inputs[row] += (back if settings.sg == 0 else 1.0) * change
                private.input_pull[row] += alpha * len(scored) * (back if settings.sg == 0 else 1.0)
        n_pairs += len(hidden)
    return loss, n_pairs
