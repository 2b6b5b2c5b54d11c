import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.slow_tfidf import slow_tfidf

from tasks.transforms.text import term_weights
from tasks.transforms.text.annotation import annotate_texts
from tasks.transforms.text.lexicon import Lexicon, TextSettings
from tasks.transforms.text.term_counts import PartCounts, language_counts
from tasks.transforms.text.term_weights import inverse_document_frequency, part_idf, term_idf, tfidf_rows, weigh_terms

NO_STOP_WORDS = TextSettings({"und": "none"})
# Forms of no language: their stems are themselves.
DOCUMENTS = st.lists(
    st.lists(st.sampled_from(["boat", "net", "tide", "mill", "家", "3,14"]), max_size=12), min_size=1, max_size=8
)


def weights_of(texts: list[str]) -> dict[tuple[str, str], float]:
    counts = PartCounts(lexicon := Lexicon(NO_STOP_WORDS))
    counts.add(annotate_texts(pa.array(texts, pa.string()), ["und"] * len(texts), lexicon), len(texts))
    langs = pa.array(["und"] * len(texts), pa.string())
    part_terms, term_counts = counts.term_tables(pa.array([f"{place:03d}" for place in range(len(texts))]), langs)
    terms = term_idf(part_terms, language_counts(langs))
    rows = [
        row for batch in tfidf_rows(part_terms, term_counts, part_idf(part_terms, terms)) for row in batch.to_pylist()
    ]
    assert [(row["doc_id"], row["term"]) for row in rows] == sorted((row["doc_id"], row["term"]) for row in rows)
    return {(row["doc_id"], row["term"]): row["weight"] for row in rows}


def test_idf_by_hand():
    """The logarithms of 4 / 2 and 4 / 4, and one."""
    assert inverse_document_frequency(np.array([1, 3]), np.array([3, 3])).tolist() == pytest.approx(
        [1.6931471805599454, 1.0], rel=1e-15
    )


def test_weights_of_a_document_have_length_one():
    weights = weigh_terms(np.array([0, 2, 2, 3]), np.array([3, 2, 7]), np.array([1.0, 2.0, 1.3]))
    assert weights.tolist() == pytest.approx([0.6, 0.8, 1.0], rel=1e-15)
    assert weigh_terms(np.array([0, 0]), np.zeros(0), np.zeros(0)).tolist() == []


@settings(max_examples=100, deadline=None)  # the first call compiles
@given(DOCUMENTS)
def test_weights_equal_those_of_dictionaries(documents):
    weights = weights_of([" ".join(words) for words in documents])
    expected = slow_tfidf({f"{place:03d}": words for place, words in enumerate(documents)})
    assert weights == pytest.approx(expected, abs=1e-12)
    assert all(0.0 < weight <= 1.0 for weight in weights.values())


def test_weights_equal_scikit_learns(shared):
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  # a second to import

    texts = (shared / "seeds" / "002_2050e93cdb074568.txt").read_text(encoding="utf-8").split("\n\n")
    texts = [text for text in texts if text.strip()]
    counts = PartCounts(lexicon := Lexicon(NO_STOP_WORDS))
    annotation = annotate_texts(pa.array(texts), ["und"] * len(texts), lexicon)
    counts.add(annotation, len(texts))
    surfaces = lexicon.forms()["surface"].to_pylist()
    words: list[list[str]] = [[] for _ in texts]
    for text, form in zip(annotation.tokens.text.tolist(), annotation.form.tolist(), strict=True):
        words[text].append(surfaces[form])
    norms = lexicon.words()["norm"].to_pylist()
    norm_of = {
        surface: norms[word] for surface, word in zip(surfaces, lexicon.forms()["word"].to_pylist(), strict=True)
    }
    vectorizer = TfidfVectorizer(
        analyzer=lambda place: [norm_of[word] for word in words[place]], smooth_idf=True, norm="l2"
    )
    theirs = vectorizer.fit_transform(range(len(texts))).tocoo()
    names = vectorizer.get_feature_names_out()
    expected = {
        (f"{row:03d}", str(names[column])): value
        for row, column, value in zip(*theirs.coords, theirs.data, strict=True)
    }
    ours = weights_of(texts)
    assert len(expected) > 5_000
    assert ours.keys() == expected.keys()
    assert max(abs(ours[key] - expected[key]) for key in ours) < 1e-12


def test_batches_hold_whole_documents(monkeypatch):
    texts = ["boat net", "", "tide", "boat tide mill", ""]
    expected = weights_of(texts)
    monkeypatch.setattr(term_weights, "ROWS_AT_ONCE", 2)
    assert weights_of(texts) == expected
