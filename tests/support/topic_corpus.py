"""A small corpus with something to learn in it, and settings for it."""

import numpy as np

from models.embeddings.word2vec import Word2VecSettings

SMALL = Word2VecSettings(vector_size=5, window=3, min_count=3, negative=3, sample=0.02, epochs=2, seed=7, alpha=0.1)


def corpus(n_sentences=260, n_types=40, seed=3):
    """Sentences of 1 to 20 tokens in which neighbours go together: (token_ids, sentence_starts, counts)."""
    draws = np.random.default_rng(seed)
    sentences = []
    for _ in range(n_sentences):
        topic = draws.integers(4)
        own = draws.zipf(1.6, size=draws.integers(1, 21))
        sentences.append(np.where(draws.random(own.size) < 0.7, topic * 10 + own % 10, own % n_types))
    token_ids = np.concatenate(sentences).astype(np.int32)
    starts = np.cumsum([0, *map(len, sentences[:-1])]).astype(np.int64)
    return token_ids, starts, np.bincount(token_ids, minlength=n_types + 3).astype(np.int64)
