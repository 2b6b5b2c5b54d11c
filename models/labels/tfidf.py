"""Three classifiers that a network must beat: the majority, k nearest neighbours and logistic regression, the last two
on TF-IDF.

Legend: n documents, K labels, V numbers of words (`WordList.n_ids`). The weight of a word that a document holds c times
is (1 + ln c) · idf, idf = ln((1 + n) / (1 + n with the word)) + 1 over the training part alone, and each document's
weights have length 1 (Salton and Buckley 1988). Unknown words have no weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from models.labels.settings import LogisticSettings, NeighbourSettings
from models.labels.words import N_SPECIAL, Labelled, Texts

LEAST = 1e-12  # our choice: an error that was made with certainty costs 28 nats
NEVER = -1e3  # a score next to which any other's share of the probability is all of it
QUERIES_AT_ONCE = 256  # documents whose similarities to all others are held at once: 256 x 20,000 are 20 MB


@dataclass(frozen=True)
class Majority:
    """Says of every document what the training part is made of. `shares` (K,)."""

    shares: np.ndarray

    def probabilities(self, texts: Texts) -> np.ndarray:
        """(n, K) float64."""
        return np.tile(self.shares, (len(texts), 1))


@dataclass(frozen=True)
class Tfidf:
    """The weights of words: `idf` (V,) float64; 0 for numbers that are no word."""

    idf: np.ndarray

    def rows(self, texts: Texts) -> sparse.csr_array:
        """(n, V) float32, each row of length 1, or 0 where the document holds no known word."""
        counts = _counts(texts, len(self.idf))
        counts.data = (1.0 + np.log(counts.data)) * self.idf[counts.indices]
        counts.eliminate_zeros()
        lengths = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
        counts.data /= np.repeat(np.where(lengths > 0, lengths, 1.0), np.diff(counts.indptr))
        return counts.astype(np.float32)


@dataclass(frozen=True)
class Neighbours:
    """The `k` most similar documents of the training part vote, each with its similarity, and the `shares` (K,) of the
    labels there with the weight of one document. `rows` (n_training, V); `labels` (n_training,).
    """

    tfidf: Tfidf
    rows: sparse.csr_array
    labels: np.ndarray
    shares: np.ndarray
    k: int

    def probabilities(self, texts: Texts) -> np.ndarray:
        """(n, K) float64."""
        nearest, similarity = _nearest(self.tfidf.rows(texts), self.rows, self.k)
        return _votes(self.labels[nearest], similarity, self.shares)


@dataclass(frozen=True)
class Logistic:
    """Multinomial logistic regression: `weights` (K, V), `bias` (K,), float64; `c` the inverse of the penalty."""

    tfidf: Tfidf
    weights: np.ndarray
    bias: np.ndarray
    c: float

    def probabilities(self, texts: Texts) -> np.ndarray:
        """(n, K) float64."""
        return softmax(self.tfidf.rows(texts) @ self.weights.T + self.bias)


def fit_majority(training: Labelled) -> Majority:
    """The shares of the labels."""
    return Majority(np.bincount(training.labels, minlength=training.n_labels) / len(training))


def fit_tfidf(texts: Texts, n_ids: int) -> Tfidf:
    """Weights fitted on `texts`, the training part."""
    n_documents = np.bincount(_counts(texts, n_ids).indices, minlength=n_ids)
    idf = np.log((1 + len(texts)) / (1 + n_documents)) + 1.0
    idf[:N_SPECIAL] = 0.0
    return Tfidf(idf)


def fit_neighbours(tfidf: Tfidf, training: Labelled, settings: NeighbourSettings, seed: int) -> Neighbours:
    """Neighbours with the k of highest accuracy, then lowest log loss, when each document is judged by the others."""
    labels = training.labels
    rows = tfidf.rows(training.texts)
    shares = fit_majority(training).shares
    queries = np.sort(np.random.default_rng(seed).permutation(len(labels))[: settings.most_queries])
    ks = [k for k in settings.ks if k < len(labels)] or [1]
    nearest, similarity = _nearest(rows[queries], rows, min(max(ks) + 1, len(labels)))
    nearest, similarity = _without_itself(nearest, similarity, queries)
    scored = []
    for k in ks:
        predicted = _votes(labels[nearest[:, :k]], similarity[:, :k], shares)
        truth = predicted[np.arange(len(queries)), labels[queries]]
        scored.append(
            (
                float(np.mean(predicted.argmax(axis=1) == labels[queries])),
                float(np.mean(np.log(np.maximum(truth, LEAST)))),
                -k,
            )
        )
    return Neighbours(tfidf, rows, labels, shares, -max(scored)[2])


def fit_logistic(tfidf: Tfidf, training: Labelled, settings: LogisticSettings, seed: int) -> Logistic:
    """Logistic regression (scikit-learn, L-BFGS) with the C of the highest accuracy by cross-validation, then of the
    lowest log loss.

    With a label of fewer documents than folds there are fewer folds, and with a label of one document none: then C is 1
    or the nearest to it that there is. A label without any document has the least probability that there is.
    """
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415  # its import costs a second
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  # comes with scikit-learn

    rows = tfidf.rows(training.texts).astype(np.float64)
    present, labels = np.unique(training.labels, return_inverse=True)
    n_folds = min(settings.n_folds, int(np.bincount(labels).min()))
    with threadpool_limits(1):  # sums in another order give other last bits
        c = min(settings.cs, key=lambda c: abs(np.log(c)))
        if n_folds > 1 and len(settings.cs) > 1:
            folds = list(StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(rows, labels))
            scored = []
            for candidate in settings.cs:
                hits, logs = 0, 0.0
                for learned, held_out in folds:
                    weights, bias = _solve(rows[learned], labels[learned], candidate, settings.most_iterations)
                    predicted = softmax(rows[held_out] @ weights.T + bias)
                    hits += int(np.sum(predicted.argmax(axis=1) == labels[held_out]))
                    logs += float(np.sum(np.log(predicted[np.arange(len(held_out)), labels[held_out]])))
                scored.append((hits, logs, -candidate))
            c = -max(scored)[2]
        solved = _solve(rows, labels, c, settings.most_iterations)
    weights, bias = np.zeros((training.n_labels, rows.shape[1])), np.full(training.n_labels, NEVER)
    weights[present], bias[present] = solved
    return Logistic(tfidf, weights, bias, c)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities (n, K) of scores (n, K), safe for large ones, none below LEAST: every logarithm is finite."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    predicted = np.maximum(powers / powers.sum(axis=1, keepdims=True), LEAST)
    return predicted / predicted.sum(axis=1, keepdims=True)


def _solve(rows: sparse.csr_array, labels: np.ndarray, c: float, most_iterations: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (K, V) and bias (K,); of two labels scikit-learn fits one row, the second's."""
    import warnings  # noqa: PLC0415

    if labels.max() == 0:
        return np.zeros((1, rows.shape[1])), np.zeros(1)
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    with warnings.catch_warnings():
        # What L-BFGS has after `most_iterations` classifies as well; the penalty and the scores tell, not the last
        # digit.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(C=c, max_iter=most_iterations).fit(rows, labels)
    weights, bias = fitted.coef_, fitted.intercept_
    if len(weights) == 1:
        return np.concatenate([np.zeros_like(weights), weights]), np.concatenate([np.zeros(1), bias])
    return weights, bias


def _counts(texts: Texts, n_ids: int) -> sparse.csr_array:
    """(n, V) float64: how often each document holds each number."""
    documents = np.repeat(np.arange(len(texts)), texts.lengths)
    counts = sparse.coo_array((np.ones(len(texts.ids)), (documents, texts.ids)), shape=(len(texts), n_ids)).tocsr()
    counts.sum_duplicates()
    return counts


def _nearest(queries: sparse.csr_array, rows: sparse.csr_array, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the k most similar `rows` of each of `queries`, nearest first (ties by place), how similar; (n, k)."""
    k = min(k, rows.shape[0])
    nearest = np.empty((queries.shape[0], k), np.int64)
    similarity = np.empty((queries.shape[0], k))
    for begin in range(0, queries.shape[0], QUERIES_AT_ONCE):
        part = slice(begin, begin + QUERIES_AT_ONCE)
        cosine = (
            rows @ queries[part].T.toarray()
        ).T  # sparse times dense: most pairs share a word, so a sparse product is none
        # The least of the k highest values first, then all that reach it: so ties are cut by place, not by chance.
        for row, values in enumerate(cosine, begin):
            least = np.partition(values, len(values) - k)[len(values) - k]
            reaching = np.flatnonzero(values >= least)
            chosen = reaching[np.argsort(-values[reaching], kind="stable")[:k]]
            nearest[row], similarity[row] = chosen, values[chosen]
    return nearest, similarity


def _without_itself(nearest: np.ndarray, similarity: np.ndarray, itself: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The neighbours (n, k) of each document less itself, or less the last where it is not among them: (n, k - 1)."""
    is_self = nearest == itself[:, None]
    is_self[:, -1] |= ~is_self.any(axis=1)
    shape = (len(nearest), nearest.shape[1] - 1)
    return nearest[~is_self].reshape(shape), similarity[~is_self].reshape(shape)


def _votes(labels: np.ndarray, similarity: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Probabilities (n, K) from the labels (n, k) of the neighbours and their similarities."""
    n, n_labels = len(labels), len(shares)
    places = (np.arange(n)[:, None] * n_labels + labels).ravel()
    votes = np.bincount(places, weights=similarity.ravel(), minlength=n * n_labels).reshape(n, n_labels) + shares
    return votes / votes.sum(axis=1, keepdims=True)
