import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.neighbors import NearestNeighbors

from models.labels.settings import LogisticSettings, NeighbourSettings
from models.labels.tfidf import Neighbours, fit_logistic, fit_majority, fit_neighbours, fit_tfidf
from models.labels.words import N_SPECIAL, UNKNOWN, Labelled, Texts

N_IDS = 42


def topic_texts(n=60, n_labels=3, seed=1, n_words=12):
    """Documents whose words come from the label's own tenth of the words, or from anywhere."""
    draws = np.random.default_rng(seed)
    labels = np.arange(n) % n_labels
    own = N_SPECIAL + labels[:, None] * 10 + draws.integers(10, size=(n, n_words))
    anything = draws.integers(N_SPECIAL, N_IDS, size=(n, n_words))
    ids = np.where(draws.random((n, n_words)) < 0.45, own, anything)
    return Labelled(Texts(ids.ravel().astype(np.int32), np.arange(0, n * n_words + 1, n_words)), labels, n_labels)


def test_weights_are_scikit_learns():
    training, other = topic_texts(), topic_texts(seed=2)
    tfidf = fit_tfidf(training.texts, N_IDS)
    theirs = TfidfTransformer(sublinear_tf=True).fit(counts_of(training.texts))
    np.testing.assert_allclose(
        tfidf.rows(other.texts).toarray()[:, N_SPECIAL:], theirs.transform(counts_of(other.texts)).toarray(), atol=1e-6
    )


def counts_of(texts):
    counts = np.zeros((len(texts), N_IDS))
    np.add.at(counts, (np.repeat(np.arange(len(texts)), texts.lengths), texts.ids), 1)
    return counts[:, N_SPECIAL:]


def test_unknown_words_and_documents_without_words_weigh_nothing():
    tfidf = fit_tfidf(topic_texts().texts, N_IDS)
    rows = tfidf.rows(Texts(np.array([UNKNOWN, UNKNOWN, 5], np.int32), np.array([0, 1, 1, 3])))
    assert rows[[0, 1]].nnz == 0
    assert rows[[2]].toarray().ravel()[5] == 1.0


def test_majority_says_the_shares_of_training_of_everything():
    training = topic_texts(n=4, n_labels=3)
    assert fit_majority(training).probabilities(training.texts).tolist() == [[0.5, 0.25, 0.25]] * 4


def test_neighbours_are_scikit_learns_and_vote_by_similarity():
    training, other = topic_texts(), topic_texts(n=9, seed=3)
    model = fit_neighbours(fit_tfidf(training.texts, N_IDS), training, NeighbourSettings(ks=(7,)), seed=1)
    queries = model.tfidf.rows(other.texts)
    distance, places = NearestNeighbors(n_neighbors=7, metric="cosine").fit(model.rows).kneighbors(queries)
    expected = np.tile(model.shares, (9, 1))
    for row in range(9):
        np.add.at(expected[row], training.labels[places[row]], 1 - distance[row])
    np.testing.assert_allclose(
        model.probabilities(other.texts), expected / expected.sum(axis=1, keepdims=True), atol=1e-5
    )


def test_k_is_the_one_that_judges_best_what_it_has_not_seen():
    training = topic_texts(n=90)
    tfidf = fit_tfidf(training.texts, N_IDS)
    ks = (1, 3, 9, 27)
    chosen = fit_neighbours(tfidf, training, NeighbourSettings(ks=ks), seed=1)
    right = {}
    for k in ks:  # leave one out, the slow way: a model of its own for each document
        hits, logs = 0, 0.0
        for row in range(90):
            rest = np.flatnonzero(np.arange(90) != row)
            model = Neighbours(tfidf, chosen.rows[rest], training.labels[rest], chosen.shares, k)
            predicted = model.probabilities(training.texts.take(np.array([row])))[0]
            hits, logs = (
                hits + (predicted.argmax() == training.labels[row]),
                logs + np.log(predicted[training.labels[row]]),
            )
        right[k] = (hits, logs)
    assert chosen.k == max(ks, key=lambda k: right[k])
    assert len(set(right.values())) == 4


def test_logistic_regression_is_scikit_learns_and_learns_topics():
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    training, other = topic_texts(n=90), topic_texts(n=60, seed=9)
    for n_labels in (3, 2):
        mine = Labelled(training.texts, training.labels % n_labels, n_labels)
        model = fit_logistic(fit_tfidf(mine.texts, N_IDS), mine, LogisticSettings(cs=(2.0,)), seed=1)
        theirs = LogisticRegression(C=2.0, max_iter=300).fit(model.tfidf.rows(mine.texts).astype(float), mine.labels)
        predicted = model.probabilities(other.texts)
        np.testing.assert_allclose(predicted, theirs.predict_proba(model.tfidf.rows(other.texts)), atol=1e-6)
    topics = fit_logistic(fit_tfidf(training.texts, N_IDS), training, LogisticSettings(), seed=1)
    assert np.mean(topics.probabilities(other.texts).argmax(axis=1) == other.labels) > 0.8


def test_c_is_chosen_by_cross_validation_and_few_documents_of_a_label_make_fewer_folds():
    draws = np.random.default_rng(0)
    noise = Labelled(topic_texts(n=60).texts, draws.integers(2, size=60), 2)
    tfidf = fit_tfidf(noise.texts, N_IDS)
    # What is not there must not be learned.
    assert fit_logistic(tfidf, noise, LogisticSettings(cs=(1e-3, 1e3)), seed=1).c == 1e-3
    assert fit_logistic(tfidf, topic_texts(), LogisticSettings(cs=(1e-4, 1e1)), seed=1).c == 1e1
    lonely = Labelled(topic_texts(n=7).texts, np.array([0, 0, 0, 0, 0, 0, 1]), 2)
    assert fit_logistic(fit_tfidf(lonely.texts, N_IDS), lonely, LogisticSettings(cs=(0.1, 2.0, 30.0)), seed=1).c == 2.0


def test_a_label_that_no_document_has_is_hardly_ever_predicted():
    training = topic_texts(n_labels=3)
    two = Labelled(training.texts, np.where(training.labels == 1, 2, training.labels), 3)
    one = Labelled(training.texts, np.full(60, 2), 3)
    for given in (two, one):
        tfidf = fit_tfidf(given.texts, N_IDS)
        for model in (
            fit_logistic(tfidf, given, LogisticSettings(), 1),
            fit_neighbours(tfidf, given, NeighbourSettings(), 1),
        ):
            predicted = model.probabilities(given.texts)
            assert predicted[:, 1].max() < 1e-9
            np.testing.assert_allclose(predicted.sum(axis=1), 1.0)
    assert predicted[:, 2].min() > 0.999


@pytest.mark.parametrize(
    "fit",
    [
        lambda tfidf, training: fit_neighbours(tfidf, training, NeighbourSettings(), 1),
        lambda tfidf, training: fit_logistic(tfidf, training, LogisticSettings(), 1),
    ],
)
def test_probabilities_sum_to_one_and_are_never_zero_even_of_nothing(fit):
    training = topic_texts()
    predicted = fit(fit_tfidf(training.texts, N_IDS), training).probabilities(
        Texts(np.array([UNKNOWN], np.int32), np.array([0, 0, 1]))
    )
    np.testing.assert_allclose(predicted.sum(axis=1), 1.0)
    assert predicted.min() > 0
    np.testing.assert_allclose(predicted[0], predicted[1])
