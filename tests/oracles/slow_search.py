"""Search and similarity, word by word in dictionaries: what the warehouse's macros must come out to."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

K1, B = 1.2, 0.75


def bm25(documents: Mapping[str, Sequence[str]], wanted: set[str]) -> dict[str, float]:
    """Score of each document that holds one of the stems `wanted`; documents are lists of stems, of one language."""
    mean_length = sum(map(len, documents.values())) / len(documents)
    scores: dict[str, float] = {}
    for stem in wanted:
        n_holding = sum(stem in stems for stems in documents.values())
        idf = math.log(1 + (len(documents) - n_holding + 0.5) / (n_holding + 0.5))
        for doc_id, stems in documents.items():
            if stem in stems:
                count = stems.count(stem)
                share = count * (K1 + 1) / (count + K1 * (1 - B + B * len(stems) / mean_length))
                scores[doc_id] = scores.get(doc_id, 0.0) + idf * share
    return scores


def cosine(left: Mapping[str, float], right: Mapping[str, float]) -> float:
    """Cosine of two sparse vectors."""
    product = sum(weight * right.get(term, 0.0) for term, weight in left.items())
    return product / math.sqrt(sum(w * w for w in left.values()) * sum(w * w for w in right.values()))


def tfidf(documents: Mapping[str, Sequence[str]]) -> dict[str, dict[str, float]]:
    """Weights of length 1 by document and stem."""
    weights: dict[str, dict[str, float]] = {}
    for doc_id, stems in documents.items():
        holding = {stem: sum(stem in other for other in documents.values()) for stem in stems}
        raw = {
            stem: n * (math.log((1 + len(documents)) / (1 + holding[stem])) + 1) for stem, n in Counter(stems).items()
        }
        length = math.sqrt(sum(weight * weight for weight in raw.values()))
        weights[doc_id] = {stem: weight / length for stem, weight in raw.items()}
    return weights
