from dataclasses import replace

import numpy as np
import pytest
from support.topic_corpus import SMALL, corpus

from models.embeddings.huffman import huffman_paths
from models.embeddings.word2vec import kept_shares, train_word2vec
from models.embeddings.word2vec_loss import held_out_loss, unigram_loss, untrained_loss

pytestmark = pytest.mark.slow  # numba compiles the kernel in some seconds


@pytest.mark.parametrize(("sg", "hs"), [(1, 0), (0, 0), (1, 1), (0, 1)])
def test_context_predicts_unseen_text_better_than_frequency_alone(sg, hs):
    settings = replace(SMALL, sg=sg, hs=hs, epochs=10, vector_size=20)
    model = train_word2vec(*corpus(3000), settings)
    token_ids, starts, _ = corpus(400, seed=99)
    before = model.vectors.tobytes()
    loss, unigram = held_out_loss(model, token_ids, starts), unigram_loss(model, token_ids, starts)
    assert loss < 0.97 * unigram < unigram < untrained_loss(model)
    assert model.vectors.tobytes() == before
    assert held_out_loss(model, token_ids, starts) == loss


def test_unigram_loss_is_that_of_the_best_constant_scores_with_negatives():
    model = train_word2vec(*corpus(3000), SMALL)
    token_ids, starts, _ = corpus(3000)
    p = model.counts * kept_shares(model.counts, SMALL.sample)
    p = p / p.sum()
    q = model.counts**SMALL.ns_exponent / (model.counts**SMALL.ns_exponent).sum()
    b = np.log(p / (SMALL.negative * q))
    expected = (p * np.log1p(np.exp(-b))).sum() + SMALL.negative * (q * np.log1p(np.exp(b))).sum()
    # Words differ in how many neighbours they have, and negatives are never the word itself.
    assert unigram_loss(model, token_ids, starts) == pytest.approx(expected, rel=0.03)


def test_unigram_loss_in_a_tree_is_the_entropy():
    model = train_word2vec(*corpus(3000), replace(SMALL, hs=1, sample=0.0))
    token_ids, starts, _ = corpus(3000)
    p = model.counts / model.counts.sum()
    assert unigram_loss(model, token_ids, starts) == pytest.approx(-(p * np.log(p)).sum(), rel=0.03)
    assert untrained_loss(model) == pytest.approx(
        (p * np.diff(huffman_paths(model.counts).path_starts)).sum() * np.log(2)
    )


def test_text_of_unknown_words_has_no_loss():
    model = train_word2vec(*corpus(), SMALL)
    assert np.isnan(held_out_loss(model, np.array([42, 42, 42]), np.array([0])))
