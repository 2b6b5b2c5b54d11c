from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.transforms.text.annotation import annotate_texts
from tasks.transforms.text.lexicon import Lexicon, TextSettings
from tasks.transforms.text.term_counts import PartCounts, count_pairs, language_counts, merge_counts, with_main_lemma

SETTINGS = TextSettings({"en": ("the",), "de": ("die",)})
TEXTS = st.lists(
    st.tuples(st.lists(st.sampled_from(["the", "boats", "Boat", "net"]), max_size=6), st.sampled_from(["en", "de"])),
    max_size=6,
)


def counts_of(texts: list[tuple[str, str]], slices: int = 1) -> PartCounts:
    counts = PartCounts(lexicon := Lexicon(SETTINGS))
    for rows in np.array_split(np.arange(len(texts)), slices):
        part = [texts[row] for row in rows]
        annotation = annotate_texts(
            pa.array([text for text, _ in part], pa.string()), [lang for _, lang in part], lexicon
        )
        counts.add(annotation, len(part))
    return counts


def test_pairs_of_text_and_number_are_counted():
    pairs = count_pairs(np.array([0, 0, 0, 2, 2], np.int32), np.array([1, 0, 1, 1, 1], np.int32), 2)
    assert pairs.tolist() == [[0, 1, 2], [0, 0, 1], [2, 1, 2]]


@settings(max_examples=200, deadline=None)  # the first call compiles
@given(st.lists(st.lists(st.integers(0, 4), max_size=5), max_size=5))
def test_counts_of_pairs_are_those_of_a_counter(texts):
    text = np.array([place for place, numbers in enumerate(texts) for _ in numbers], np.int32)
    number = np.array([value for numbers in texts for value in numbers], np.int32)
    expected = Counter(zip(text.tolist(), number.tolist(), strict=True))
    assert {(row[0], row[1]): row[2] for row in count_pairs(text, number, 5).tolist()} == expected


def test_counts_of_a_part():
    counts = counts_of([("the boats the net", "en"), ("Boat. Die Net", "de"), ("the", "en")], slices=2)
    forms = counts.form_counts().select(["lang", "norm", "is_stop", "n_occurrences", "n_documents"]).to_pylist()
    assert [tuple(row.values()) for row in forms] == [
        ("de", "boat", False, 1, 1),
        ("de", "die", True, 1, 1),
        ("de", "net", False, 1, 1),
        ("en", "boats", False, 1, 1),
        ("en", "net", False, 1, 1),
        ("en", "the", True, 3, 2),
    ]
    terms, documents = counts.term_tables(pa.array(["a", "b", "c"]), pa.array(["en", "de", "en"]))
    assert [tuple(row.values()) for row in terms.to_pylist()] == [
        ("de", "boat", 1, 1),
        ("de", "net", 1, 1),
        ("en", "boat", 1, 1),
        ("en", "net", 1, 1),
    ]
    assert [tuple(row.values()) for row in documents.to_pylist()] == [
        ("a", "en", [2, 3], [1, 1]),
        ("b", "de", [0, 1], [1, 1]),
        ("c", "en", [], []),
    ]
    assert counts.n_tokens().tolist() == [4, 3, 1]
    assert language_counts(pa.array(["en", "de", "en"])).to_pylist() == [
        {"lang": "de", "n_documents": 1},
        {"lang": "en", "n_documents": 2},
    ]


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(1, 3), st.randoms())
def test_slices_and_the_order_of_documents_change_no_count_and_counts_add_up(documents, slices, random):
    texts = [(" ".join(words), lang) for words, lang in documents]
    shuffled = random.sample(texts, len(texts))
    one, other = counts_of(texts), counts_of(shuffled, slices)
    assert one.form_counts().equals(other.form_counts())
    ids = pa.array([str(place) for place in range(len(texts))], pa.string())
    langs = pa.array([lang for _, lang in texts], pa.string())
    terms, documents_of_part = one.term_tables(ids, langs)
    assert terms.equals(other.term_tables(ids, pa.array([lang for _, lang in shuffled], pa.string()))[0])
    assert (
        sum(one.form_counts()["n_occurrences"].to_pylist())
        == sum(len(words) for words, _ in documents)
        == one.n_tokens().sum()
    )
    indexed = [row for row in one.form_counts().to_pylist() if not row["is_stop"]]
    n_indexed = sum(row["n_occurrences"] for row in indexed)
    assert sum(terms["n_occurrences"].to_pylist()) == n_indexed
    assert sum(sum(counts) for counts in documents_of_part["n_occurrences"].to_pylist()) == n_indexed


def test_the_main_lemma_of_a_word_is_its_most_frequent_one():
    texts = [("Haus haus Netz", "de"), ("Haus", "de")]
    counts = counts_of(texts, slices=2)
    assert [tuple(row.values()) for row in counts.lemma_counts().to_pylist()] == [
        ("de", "haus", "Haus", 2),
        ("de", "haus", "hausen", 1),
        ("de", "netz", "Netz", 1),
    ]
    assert with_main_lemma(counts.form_counts(), counts.lemma_counts())["lemma"].to_pylist() == ["Haus", "Netz"]
    with pytest.raises(ValueError, match="not those of the same words"):
        with_main_lemma(counts.form_counts().slice(1), counts.lemma_counts())


def test_of_equally_frequent_lemmas_the_first_by_its_letters_is_the_main_one():
    counts = counts_of([("haus Haus", "de")])
    assert with_main_lemma(counts.form_counts(), counts.lemma_counts())["lemma"].to_pylist() == ["Haus"]


def test_merging_parts_gives_the_counts_of_the_whole():
    texts = [("the boats", "en"), ("Boat net", "de"), ("boat boats", "en"), ("net", "en")]
    whole = counts_of(texts)
    parts = [counts_of(texts[:1]), counts_of(texts[1:3]), counts_of(texts[3:])]
    assert merge_counts([part.form_counts() for part in parts], ("lang", "norm")).equals(whole.form_counts())
    terms = [
        part.term_tables(pa.array(["x"] * n), pa.array(["en"] * n))[0] for part, n in zip(parts, (1, 2, 1), strict=True)
    ]
    assert merge_counts(terms, ("lang", "term")).equals(whole.term_tables(pa.array(["x"] * 4), pa.array(["en"] * 4))[0])
    with pytest.raises(ValueError, match="no counts to merge"):
        merge_counts([], ("lang",))
