"""Treebanks: documents, their text, their tagged words; a broken line costs its own sentence only."""

import io

import pytest

from tasks.transforms.records.conllu import SENTENCES_OF_BLOCK, parse_conllu
from tasks.transforms.records.parsed_records import Note, ParsedDocument, ParseLimits, RejectedRecord, TaggedToken


def word(number: str, form: str, lemma: str = "_", upos: str = "X", xpos: str = "_", *, misc: str = "_") -> str:
    return "\t".join((number, form, lemma, upos, xpos, "_", "0", "root", "_", misc))


def parse(*lines: str) -> list:
    return list(parse_conllu(io.BytesIO("\n".join(lines).encode()), ParseLimits()))


HELLO = (
    "# text = Hello world.",
    word("1", "Hello", "hello", "INTJ", "UH"),
    word("2", "world", "world", "NOUN", "NN", misc="SpaceAfter=No"),
    word("3", ".", ".", "PUNCT"),
    "",
)


def test_a_document_has_its_text_and_its_words():
    (document,) = parse("# newdoc id = a1", "# sent_id = 1", *HELLO)
    assert (document.place, document.text) == ("newdoc=a1", "Hello world.")
    assert document.tagged == (
        TaggedToken(0, "Hello", "hello", "INTJ", "UH"),
        TaggedToken(0, "world", "world", "NOUN", "NN"),
        TaggedToken(0, ".", ".", "PUNCT", None),
    )


def test_sentences_are_joined_and_paragraphs_parted():
    (document,) = parse(*HELLO, *HELLO, "# newpar", *HELLO)
    assert document.text == "Hello world. Hello world.\nHello world."
    assert [token.sentence for token in document.tagged] == [0] * 3 + [1] * 3 + [2] * 3


def test_text_that_is_not_given_is_made_of_the_forms():
    (document,) = parse(
        word("1-2", "zum", misc="_"),
        word("1", "zu", "zu", "ADP"),
        word("2", "dem", "der", "DET"),
        word("3", "Tor", "Tor", "NOUN", misc="SpaceAfter=No"),
        word("3.1", "gehen", "gehen", "VERB"),
        word("4", "!", "!", "PUNCT"),
        "",
    )
    assert document.text == "zum Tor!"
    assert [token.token for token in document.tagged] == ["zu", "dem", "Tor", "!"]


def test_documents_without_id_are_numbered_and_repeated_ids_told_apart():
    documents = parse("# newdoc", *HELLO, "# newdoc id = a", *HELLO, "# newdoc id = a", *HELLO)
    assert [document.place for document in documents] == ["newdoc=1", "newdoc=a", "newdoc=a~2"]


def test_a_file_without_documents_is_cut_into_blocks():
    documents = parse(*HELLO * (SENTENCES_OF_BLOCK + 1))
    assert [(one.place, len(one.tagged)) for one in documents] == [("block=1", 3 * SENTENCES_OF_BLOCK), ("block=2", 3)]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1\tHello", "has 2 columns, not 10"),
        (word("x", "Hello"), "has the id 'x'"),
        (word("5", "Hello"), "has the id 5 after 0 words"),
        (word("1", "", upos="X"), "has no form"),
        (word("1", "Hello", upos="noun"), "has the part of speech 'noun'"),
    ],
)
def test_a_broken_line_sets_its_sentence_aside_and_names_the_line(line, problem):
    records = parse("# newdoc id = a", *HELLO, "# text = Hello", line, "", *HELLO)
    (rejected,) = [one for one in records if isinstance(one, RejectedRecord)]
    (document,) = [one for one in records if isinstance(one, ParsedDocument)]
    assert rejected.message == f"line 8 {problem}: correct the sentence that begins at line 7"
    assert (rejected.rule, rejected.place, rejected.row["text"]) == ("sentence_no_conllu", "line=7", line)
    assert document.text == "Hello world. Hello world."
    assert {token.sentence for token in document.tagged} == {0, 1}


def test_words_without_part_of_speech_give_text_but_no_tags():
    (document,) = parse(word("1", "Hello", upos="_"), "", *HELLO)
    assert document.text == "Hello Hello world."
    assert {token.sentence for token in document.tagged} == {1}
    assert document.notes == (Note("words_without_part_of_speech"),)


def test_an_underscore_can_be_a_word_of_its_own():
    (document,) = parse(word("1", "_", "_", "PUNCT"), "")
    assert document.tagged == (TaggedToken(0, "_", "_", "PUNCT", None),)


def test_comments_alone_are_no_sentence():
    assert [one.place for one in parse("# newdoc id = a", "", *HELLO, "# the end", "")] == ["newdoc=a"]


def test_an_empty_file_is_one_rejected_record():
    assert [one.rule for one in parse()] == ["empty_file"]
