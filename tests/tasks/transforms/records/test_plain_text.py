"""Text files and lines: every line that holds something is one record, whatever its bytes."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.transforms.records.parsed_records import Note, ParsedDocument, ParseLimits, RejectedRecord
from tasks.transforms.records.plain_text import parse_text_file, parse_text_lines

LIMITS = ParseLimits(most_line_bytes=50, most_document_bytes=500)


def lines_of(content: bytes) -> list:
    return list(parse_text_lines(io.BytesIO(content), LIMITS))


def test_a_file_is_one_document():
    document = parse_text_file(io.BytesIO("Grüße\r\naus Köln\n".encode()), LIMITS)
    assert document == ParsedDocument("", "Grüße\r\naus Köln\n", 19, "plain_text")


def test_a_file_over_the_limit_an_empty_and_a_binary_one_are_rejected():
    assert parse_text_file(io.BytesIO(b"x" * 501), LIMITS).rule == "file_too_large"
    assert parse_text_file(io.BytesIO(b""), LIMITS).rule == "empty_file"
    assert parse_text_file(io.BytesIO(b"\x7fELF\0\0"), LIMITS).rule == "binary_content"


def test_lines_are_documents_with_their_number_and_blank_ones_are_none():
    documents = lines_of(b"one\r\n\n \t\nfour")
    assert [(one.place, one.text, one.n_bytes) for one in documents] == [("line=1", "one", 5), ("line=4", "four", 4)]


def test_a_line_that_is_too_long_is_rejected_alone():
    first, second, third = lines_of(b"one\n" + b"x" * 200 + b"\nthree\n")
    assert (first.text, third.text, third.place) == ("one", "three", "line=3")
    assert second == RejectedRecord(
        "line=2", "line_too_long", "line 2 is longer than 50 bytes: break it up", 201, {"line": 2}
    )


def test_a_last_line_that_is_too_long_ends_the_file():
    assert [one.rule for one in lines_of(b"x" * 200)] == ["line_too_long"]


def test_a_line_in_another_encoding_is_decoded_by_itself():
    utf8, latin = lines_of("Köln\n".encode() + "Zürich\n".encode("cp1252"))
    assert (utf8.text, utf8.notes) == ("Köln", ())
    assert (latin.text, latin.notes) == ("Zürich", (Note("decoded_as_windows-1252"),))


@pytest.mark.parametrize("codec", ["utf-16", "utf-8-sig", "utf-32"])
def test_a_byte_order_mark_says_the_encoding(codec):
    documents = lines_of("erste\nzweite ä\n".encode(codec))
    assert [(one.place, one.text) for one in documents] == [("line=1", "erste"), ("line=2", "zweite ä")]


def test_a_long_line_in_utf16_is_rejected_alone():
    documents = lines_of(("a\n" + "x" * 300 + "\nb\n").encode("utf-16"))
    assert [getattr(one, "text", None) or one.rule for one in documents] == ["a", "line_too_long", "b"]


@pytest.mark.parametrize(("content", "rule"), [(b"", "empty_file"), (b"\x89PNG\r\n\x1a\n\0", "binary_content")])
def test_an_empty_and_a_binary_file_are_one_rejected_record(content, rule):
    assert [one.rule for one in lines_of(content)] == [rule]


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs", "Cc"]), max_size=10), max_size=20
    )
)
@settings(max_examples=60)
def test_every_line_comes_back_in_order(lines):
    content = "\n".join(lines).encode()
    if content:
        assert [one.text for one in lines_of(content)] == [line for line in lines if line.strip()]
