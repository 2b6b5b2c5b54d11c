import numpy as np
import pytest

from models.taggers.lemmas import TaggedLemmas, as_tensors, from_tensors, learn_lemmas

TOKENS = [
    ("leaves", "NOUN", "leaf"),
    ("leaves", "VERB", "leave"),
    ("Leaves", "NOUN", "leaf"),
    ("saw", "NOUN", "saw"),
    ("saw", "VERB", "see"),
    ("saw", "VERB", "see"),
    ("saw", "VERB", "saw"),
    ("The", "DET", "the"),
    ("nothing", "NOUN", None),
    ("b", "X", "c"),
    ("b", "X", "a"),
]


@pytest.mark.parametrize(
    ("form", "tag", "lemma"),
    [
        ("leaves", "NOUN", "leaf"),
        ("leaves", "VERB", "leave"),
        ("LEAVES", "VERB", "leave"),
        ("saw", "VERB", "see"),
        ("saw", "NOUN", "saw"),
        ("the", "DET", "the"),
        ("THE", "DET", "the"),
        ("saw", "ADJ", None),
        ("nothing", "NOUN", None),
        ("b", "X", "a"),
    ],
)
def test_a_form_has_the_lemma_that_its_tag_says(form: str, tag: str, lemma: str | None) -> None:
    assert learn_lemmas(TOKENS).find(form, tag) == lemma


def test_lemmas_come_back_from_their_arrays() -> None:
    lemmas = learn_lemmas([*TOKENS, ("Größe", "NOUN", "Größe")])
    assert from_tensors(as_tensors(lemmas)) == lemmas
    assert from_tensors(as_tensors(learn_lemmas([]))) == TaggedLemmas((), (), ())
    assert from_tensors({}) == TaggedLemmas((), (), ())


def test_arrays_that_do_not_fit_are_refused() -> None:
    tensors = as_tensors(learn_lemmas(TOKENS)) | {"lemmas": np.frombuffer(b"leaf", np.uint8)}
    with pytest.raises(ValueError, match="do not fit"):
        from_tensors(tensors)
