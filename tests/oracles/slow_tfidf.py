"""TF-IDF in dictionaries: a document is a list of terms, a corpus a dictionary of documents."""

import math
from collections import Counter


def slow_tfidf(documents: dict[str, list[str]]) -> dict[tuple[str, str], float]:
    """Weight of each (document, term), L2-normalised per document."""
    n_holding = Counter(term for terms in documents.values() for term in set(terms))
    idf = {term: math.log((1 + len(documents)) / (1 + n)) + 1 for term, n in n_holding.items()}
    weights = {}
    for name, terms in documents.items():
        raw = {term: n * idf[term] for term, n in Counter(terms).items()}
        length = math.sqrt(sum(value * value for value in raw.values()))
        weights |= {(name, term): value / length for term, value in raw.items()}
    return weights
