"""How good predicted labels are, with 95 % intervals: of accuracy by Wilson (1927), others by bootstrap (Efron 1979).

Legend: n documents, K labels; `truth` (n,) and `predicted` (n,) are labels from 0, `probabilities` (n, K). A confusion
is (K, K): rows the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Z = 1.959963984540054  # the 97.5 % quantile of the normal distribution
N_RESAMPLES = 1_000  # our choice: the interval's ends then vary by a twentieth of its width
RESAMPLED_AT_ONCE = 2**22  # numbers: bounds memory


@dataclass(frozen=True)
class Interval:
    """A score and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassificationScores:
    """Scores over n documents: share of right labels, mean F1 of the labels, mean -ln of the right's probability."""

    accuracy: Interval
    macro_f1: Interval
    log_loss: Interval
    confusion: np.ndarray

    @property
    def n(self) -> int:
        """Documents scored."""
        return int(self.confusion.sum())


def score_labels(truth: np.ndarray, probabilities: np.ndarray, seed: int = 0) -> ClassificationScores:
    """Scores of `probabilities`, of which the highest predicts the label. ValueError where there is no document."""
    if not len(truth):
        raise ValueError("there is no document to score on")
    n_labels = probabilities.shape[1]
    table = confusion(truth, probabilities.argmax(axis=1), n_labels)
    draws = np.random.default_rng(seed)
    # The confusion of documents drawn with replacement is a multinomial draw of its cells.
    drawn = draws.multinomial(len(truth), table.ravel() / table.sum(), N_RESAMPLES).reshape(-1, n_labels, n_labels)
    f1 = np.array([macro_f1(one) for one in drawn])
    losses = -np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-12))
    return ClassificationScores(
        wilson_interval(int(np.trace(table)), len(truth)),
        Interval(macro_f1(table), *_middle(f1)),
        Interval(float(losses.mean()), *_middle(_resampled_means(losses, draws))),
        table,
    )


def confusion(truth: np.ndarray, predicted: np.ndarray, n_labels: int) -> np.ndarray:
    """How many documents of each label (rows) are predicted to be of each (columns), (K, K) int64."""
    return np.bincount(truth * n_labels + predicted, minlength=n_labels * n_labels).reshape(n_labels, n_labels)


def macro_f1(table: np.ndarray) -> float:
    """The mean over labels that occur, in truth or as predicted, of F1 = 2·right / (true + predicted)."""
    occurrences = table.sum(axis=0) + table.sum(axis=1)
    occurs = occurrences > 0
    return float(np.mean(2 * np.diagonal(table)[occurs] / occurrences[occurs]))


def wilson_interval(n_right: int, n: int) -> Interval:
    """The share n_right / n with Wilson's score interval, which stays within 0 and 1 and is no point at either."""
    share = n_right / n
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # At 0 and at 1 the near end is the share itself, less what rounding makes of it.
    return Interval(share, min(max(float(middle - half), 0.0), share), max(min(float(middle + half), 1.0), share))


def _resampled_means(values: np.ndarray, draws: np.random.Generator) -> np.ndarray:
    """Means of `values` (n,) over N_RESAMPLES draws of n of them with replacement."""
    at_once = max(RESAMPLED_AT_ONCE // len(values), 1)
    means = [
        values[draws.integers(len(values), size=(min(at_once, N_RESAMPLES - begin), len(values)))].mean(axis=1)
        for begin in range(0, N_RESAMPLES, at_once)
    ]
    return np.concatenate(means)


def _middle(values: np.ndarray) -> tuple[float, float]:
    """The bounds of the middle 95 %."""
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
