"""Weights of terms in documents, as scikit-learn's TfidfVectorizer has them with smooth_idf and norm l2.

N          documents of a language, those without terms too
n_t        documents of that language that hold the term t
idf_t      ln((1 + N) / (1 + n_t)) + 1, nats (Salton and Buckley 1988, smoothed as if one more document held every term)
f_td       occurrences of t in the document d
w_td       f_td idf_t / sqrt(sum over s of (f_sd idf_s)^2)
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ROWS_AT_ONCE = 2**20  # of `tfidf` in one batch, about: some 50 MB


def inverse_document_frequency(n_documents: np.ndarray, n_of_language: np.ndarray) -> np.ndarray:
    """idf_t for n_t = `n_documents` and N = `n_of_language`, of equal shapes; float64, at least 1."""
    return np.log((1.0 + n_of_language) / (1.0 + n_documents)) + 1.0


def weigh_terms(offsets: np.ndarray, counts: np.ndarray, idf: np.ndarray) -> np.ndarray:
    """w_td for each entry: document i has the entries `offsets[i]` to `offsets[i + 1]`, with f_td in `counts` and idf_t
    in `idf`.

    Shape (n_entries,), float64, 0 to 1; the squares of a document's weights sum to 1.
    """
    raw = counts * idf
    n_entries = np.diff(offsets)
    starts = offsets[:-1][n_entries > 0]
    lengths = np.sqrt(np.add.reduceat(raw * raw, starts)) if starts.size else np.zeros(0)
    # Rounding can leave 1 + 2e-16 for the only term of a document.
    return np.minimum(raw / np.repeat(lengths, n_entries[n_entries > 0]), 1.0)


def term_idf(terms: pa.Table, language_counts: pa.Table) -> pa.Table:
    """`terms` (`lang, term, n_occurrences, n_documents`) with the column `idf`; `language_counts` has N by language."""
    n_of_language = language_counts["n_documents"].take(
        pc.index_in(terms["lang"], language_counts["lang"].combine_chunks())
    )
    idf = inverse_document_frequency(terms["n_documents"].to_numpy(), n_of_language.to_numpy())
    return terms.append_column("idf", pa.array(idf, pa.float64()))


def part_idf(part_terms: pa.Table, terms: pa.Table) -> np.ndarray:
    """Idf of each of a part's terms, in the part's order, from `terms` (`lang, term, idf`), which has them all."""
    idf = np.empty(part_terms.num_rows)
    for lang in pc.unique(part_terms["lang"]).to_pylist():
        is_of_part = pc.equal(part_terms["lang"], lang)
        of_lang = terms.filter(pc.equal(terms["lang"], lang))
        places = pc.index_in(part_terms["term"].filter(is_of_part), of_lang["term"].combine_chunks())
        idf[is_of_part.to_numpy()] = of_lang["idf"].take(places).to_numpy()
    return idf


def tfidf_rows(part_terms: pa.Table, term_counts: pa.Table, idf: np.ndarray) -> Iterator[pa.RecordBatch]:
    """Rows of `tfidf`, in order of document and term, in batches of whole documents.

    `term_counts` and `part_terms` are those of one part (`transforms.term_counts`), the former in order of document;
    `idf` is that of each of its terms. Documents without a term have no row.
    """
    names = part_terms["term"].combine_chunks()
    doc_ids, terms, counts = (term_counts[name].combine_chunks() for name in ("doc_id", "terms", "n_occurrences"))
    offsets = terms.offsets.to_numpy()
    first = 0
    while first < len(doc_ids):
        behind = max(int(np.searchsorted(offsets, offsets[first] + ROWS_AT_ONCE, side="right")) - 1, first + 1)
        entries = slice(offsets[first], offsets[behind])
        numbers, occurrences = terms.values.to_numpy()[entries], counts.values.to_numpy()[entries]
        own = offsets[first : behind + 1] - offsets[first]
        weights = weigh_terms(own, occurrences, idf[numbers])
        documents = np.repeat(np.arange(first, behind), np.diff(own))
        yield pa.record_batch(
            {
                "doc_id": doc_ids.take(pa.array(documents)),
                "term": names.take(pa.array(numbers)),
                "n_occurrences": pa.array(occurrences.astype(np.int64)),
                "weight": pa.array(weights),
            }
        )
        first = behind
