"""A map of words: places in the plane where words with similar vectors lie near each other.

Directions of the vectors, reduced to their principal components, laid out by t-SNE (van der Maaten and Hinton 2008; the
Barnes-Hut form of 2014) from the first two components. Near means similar; sizes of gaps and of clusters mean nothing.
"""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from models.embeddings.nearest_words import unit_rows

N_COMPONENTS = 30  # van der Maaten and Hinton 2008, section 4.2
PERPLEXITY = 30.0  # theirs, 5 to 50; at most a third of the words
FEWEST_WORDS = 10  # with fewer, the first two components say as much
N_STEPS = 500  # for 300 words the divergence falls by less than 0.01 from there to 1,000: our choice
SEED = 1


def map_words(vectors: np.ndarray) -> np.ndarray:
    """Coordinates of each row of `vectors`, (n, D): (n, 2) float64, within -1 to 1.

    The same vectors give the same bytes on one kind of processor. Rows with numbers that are not finite get NaN, and do
    not count. Equal rows may lie apart by a hair. Time: n log n; 300 words take half a second.
    """
    places = np.full((len(vectors), 2), np.nan)
    is_finite = np.isfinite(vectors).all(axis=1)
    from sklearn.manifold import TSNE  # noqa: PLC0415  # a second that only a map pays; the limit binds what is loaded

    with threadpool_limits(1):  # sums over several threads would differ in the last bits
        components = _principal_components(unit_rows(vectors[is_finite]).astype(np.float64))
        start = components[:, :2]
        widest = np.abs(start).max(initial=0)
        if widest < np.finfo(np.float32).eps:  # all directions are the same
            places[is_finite] = 0
        elif len(start) < FEWEST_WORDS:
            places[is_finite] = start / widest
        else:
            # scikit-learn's own scale for a start from components
            start = (1e-4 * start / start[:, 0].std()).astype(np.float32)
            layout = TSNE(
                perplexity=min(PERPLEXITY, (len(start) - 1) / 3), init=start, max_iter=N_STEPS, random_state=SEED
            )
            laid_out = layout.fit_transform(components).astype(np.float64)
            laid_out -= laid_out.mean(axis=0)
            places[is_finite] = laid_out / np.abs(laid_out).max()
    return places


def _principal_components(rows: np.ndarray) -> np.ndarray:
    """The rows as N_COMPONENTS principal components or fewer, two at least; the largest number of each is positive."""
    if not rows.size:
        return np.zeros((len(rows), 2))
    u, sizes, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    components = (u * sizes)[:, :N_COMPONENTS]
    largest = components[np.abs(components).argmax(axis=0), np.arange(components.shape[1])]
    components = components * np.where(largest < 0, -1, 1)
    return np.pad(components, ((0, 0), (0, max(0, 2 - components.shape[1]))))
