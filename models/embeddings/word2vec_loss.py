"""How well a word2vec model predicts text that it has not seen, and how well one would that knew only how frequent
words are.

    p_w   share of word w among the words kept by thinning out
    q_w   probability with which w is drawn as a negative
    K     negatives
    b     the only score that a model without context can give: for word w, or for a node of the tree

Mean loss a pair, in nats, as in training. With negatives a pair costs -ln s(b_w) - sum over its negatives of ln
s(-b_v), whose mean is least at b_w = ln(p_w / (K q_w)) (Levy and Goldberg 2014, equation 7, with the pair's information
at 0). In a tree a node of which the words below its + side have the share p+ and the others p- costs least at b = ln(p+
/ p-), and the mean is the entropy of p.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.embeddings.huffman import huffman_paths
from models.embeddings.word2vec import (
    Word2Vec,
    Word2VecSettings,
    kept_shares,
    make_corpus,
    make_plan,
    padded_to_lanes,
    prepare_training,
    word_numbers,
)
from models.embeddings.word2vec_epochs import run_epoch


def held_out_loss(model: Word2Vec, token_ids: np.ndarray, sentence_starts: np.ndarray) -> float:
    """The model's mean loss a pair on other text, encoded as its own was; NaN where no two of its words stand in one
    window.

    Which occurrences are kept, how far windows reach and which negatives are drawn, is the same at every call.
    """
    return _loss(model, model.vectors, model.output_vectors, model.settings, (token_ids, sentence_starts))


def unigram_loss(model: Word2Vec, token_ids: np.ndarray, sentence_starts: np.ndarray) -> float:
    """The same text's mean loss a pair under scores that only know the frequencies that the model was trained on."""
    settings = model.settings
    frequency = model.counts * kept_shares(model.counts, settings.sample)
    if settings.hs:
        paths = huffman_paths(model.counts)
        of_word = np.repeat(frequency, np.diff(paths.path_starts))
        yes, no = (
            np.bincount(paths.path_nodes, of_word * (paths.path_signs == sign), model.counts.size - 1)
            for sign in (1, -1)
        )
        scores = np.log(yes / no)
    else:
        drawn = model.counts.astype(np.float64) ** settings.ns_exponent
        scores = np.log(frequency / frequency.sum()) - np.log(settings.negative * drawn / drawn.sum())
    # Input vectors (1, 0, ...) and output vectors (b, 0, ...), whose product is b whatever the context.
    ones = np.ones((model.counts.size, 1), np.float32)
    return _loss(
        model,
        ones,
        scores[:, None].astype(np.float32),
        replace(settings, vector_size=1, cbow_mean=1),
        (token_ids, sentence_starts),
    )


def untrained_loss(model: Word2Vec) -> float:
    """Mean loss a pair where every score is 0, as at first: ln 2 for the word and each negative, or for each turn."""
    if not model.settings.hs:
        return float((1 + model.settings.negative) * np.log(2))
    frequency = model.counts * kept_shares(model.counts, model.settings.sample)
    return float(np.average(np.diff(huffman_paths(model.counts).path_starts), weights=frequency) * np.log(2))


def _loss(
    model: Word2Vec,
    inputs: np.ndarray,
    outputs: np.ndarray,
    settings: Word2VecSettings,
    text: tuple[np.ndarray, np.ndarray],
) -> float:
    token_ids, sentence_starts = text
    n_types = 1 + max(int(model.token_ids.max()), int(np.max(token_ids, initial=0)))
    corpus = make_corpus(
        token_ids, sentence_starts, word_numbers(model.token_ids, n_types), kept_shares(model.counts, settings.sample)
    )
    still = replace(settings, alpha=0.0, min_alpha=0.0)  # with steps of length 0 nothing is learned
    training = prepare_training(corpus, model.counts, (padded_to_lanes(inputs), padded_to_lanes(outputs)), still, n_v=1)
    return run_epoch(training, make_plan(still, settings.epochs, corpus.token_ids.size)).loss_a_pair
