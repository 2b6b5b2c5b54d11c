import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tasks.transforms.text.annotation import annotate_texts
from tasks.transforms.text.lexicon import Lexicon, TextSettings


class Reader:
    """A tagger that notes the sentences it is given, and tags each word with the first of its letters that is one."""

    tags = ("X", "T", "D")

    def __init__(self) -> None:
        self.sentences: list[list[str]] = []

    def tag(self, words, codes, lengths):
        ends = np.cumsum(lengths)
        tokens = [words[code] for code in codes]
        self.sentences += [tokens[start:end] for start, end in zip(ends - lengths, ends, strict=True)]
        return np.array([self.tags.index(word[0].upper()) if word[0].upper() in self.tags else 0 for word in tokens])

    def find_lemma(self, surface, tag):
        return f"{surface.lower()}-{tag.lower()}" if tag != "X" else None


def read(texts: list[str], langs: list[str]) -> tuple[Reader, list[str | None], list[str]]:
    reader = Reader()
    lexicon = Lexicon(TextSettings(), {"en": reader})
    annotation = annotate_texts(pa.array(texts, pa.string()), langs, lexicon)
    rows = lexicon.readings().take(pa.array(annotation.reading))
    return reader, rows["pos"].to_pylist(), rows["lemma"].to_pylist()


def test_signs_stand_in_their_place_and_sentence():
    reader, _, _ = read(['He said: "The tide turns." "Does it?" she asked... (No)'], ["en"])
    assert reader.sentences == [
        ["He", "said", ":", '"', "The", "tide", "turns", ".", '"'],
        ['"', "Does", "it", "?", '"', "she", "asked", "..."],
        ["(", "No", ")"],
    ]


def test_signs_at_the_ends_of_texts_stay_in_their_own():
    reader, _, _ = read(["(One)...", '"Two" !!!!!', " ", "Three"], ["en"] * 4)
    assert reader.sentences == [["(", "One", ")", "..."], ['"', "Two", '"', "!!!"], ["Three"]]


def test_clitics_are_tagged_apart_and_the_token_has_the_tag_of_the_first_word():
    reader, pos, lemmas = read(["I don't know"], ["en"])
    assert reader.sentences == [["I", "do", "n't", "know"]]
    assert pos == ["X", "D", "X"]
    assert lemmas == ["I", "don't-d", "know"]


def test_languages_without_a_tagger_have_no_tags_and_the_dictionary_s_lemmas():
    reader, pos, lemmas = read(["Die Tore", "The tide", "Das Tor."], ["de", "en", "de"])
    assert reader.sentences == [["The", "tide"]]
    assert pos == [None, None, "T", "T", None, None]
    assert lemmas == ["der", "Tor", "the-t", "tide-t", "der", "Tor"]


@given(st.lists(st.tuples(st.text(" a.b'\n\"é…", max_size=12), st.sampled_from(["en", "de"])), max_size=5))
def test_a_text_is_read_the_same_whatever_stands_around_it(rows):
    together, *_ = read([text for text, _ in rows], [lang for _, lang in rows])
    alone = [sentence for text, lang in rows for sentence in read([text], [lang])[0].sentences]
    assert together.sentences == alone
    spoken = "".join("".join(sentence) for sentence in together.sentences)
    letters = "".join(text for text, lang in rows if lang == "en")
    assert [letter for letter in spoken if letter.isalpha()] == [letter for letter in letters if letter.isalpha()]
