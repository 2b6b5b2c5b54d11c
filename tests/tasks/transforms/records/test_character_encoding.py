"""Bytes become the text they were, whatever was declared; what had to be guessed is told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.transforms.records.character_encoding import codec_of, declared_in_page, decode_bytes, is_binary

TEXT = "Grüße aus Köln, 20 € – naïve café"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_read_with_and_without_its_mark(codec):
    assert decode_bytes(TEXT.encode(codec)).text == TEXT


def test_utf8_is_believed_before_a_wrong_declaration():
    decoded = decode_bytes(TEXT.encode(), "iso-8859-1")
    assert (decoded.text, decoded.encoding, decoded.n_replaced) == (TEXT, "utf-8", 0)


def test_a_declared_encoding_is_used_where_it_is_no_utf8():
    text = "Стратегия пожарной безопасности"
    assert decode_bytes(text.encode("cp1251"), "windows-1251").text == text
    assert decode_bytes("百度".encode("gbk"), "gb2312").text == "百度"


def test_undeclared_bytes_are_windows_1252_and_never_fail():
    decoded = decode_bytes(TEXT.encode("cp1252"))
    assert (decoded.text, decoded.encoding, decoded.n_replaced) == (TEXT, "windows-1252", 0)
    assert decode_bytes(b"a\x81b\xe9").text == "a\x81bé"


def test_latin_1_means_windows_1252():
    assert decode_bytes(b"\x93quoted\x94", "latin-1").text == "“quoted”"


def test_utf8_with_a_slip_keeps_all_but_the_slip():
    decoded = decode_bytes(("ä" * 20).encode() + b"\xff" + "ö".encode())
    assert (decoded.text, decoded.encoding, decoded.n_replaced) == ("ä" * 20 + "\ufffdö", "utf-8", 1)


def test_replacement_characters_of_the_text_itself_are_not_counted():
    assert decode_bytes("ä\ufffd".encode()).n_replaced == 0
    assert decode_bytes(("ä" * 20 + "\ufffd").encode() + b"\xff").n_replaced == 1


@pytest.mark.parametrize(
    "label", ["unicode_escape", "punycode", "rot13", "zlib", "no such thing", "utf-7", "", None, "\0"]
)
def test_a_label_that_is_no_files_encoding_counts_for_nothing(label):
    assert codec_of(label) is None
    assert decode_bytes(b"caf\xe9", label).text == "café"


@pytest.mark.parametrize(
    ("head", "content_type", "label"),
    [
        (b"<html><head><meta charset=utf-8>", None, "utf-8"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1250">', None, "windows-1250"),
        (b'<?xml version="1.0" encoding="ISO-8859-2"?><html>', None, "ISO-8859-2"),
        (b"<meta charset=utf-8>", 'text/html; charset="koi8-r"', "koi8-r"),
        (b"<html>" + b" " * 5000 + b"<meta charset=utf-8>", "text/html", None),
        (b"<p>charset=utf-8</p>", None, None),
    ],
)
def test_the_declaration_is_found_where_it_counts(head, content_type, label):
    assert declared_in_page(head, content_type) == label


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n....", b"%PDF-1.7\n", b"a\0b", bytes(range(1, 9)) * 100, b"PK\x03\x04word/document.xml"],
)
def test_binary_content_is_seen(content):
    assert is_binary(content)


@pytest.mark.parametrize(
    "content",
    [b"", b"plain\r\n\ttext\x0c", TEXT.encode(), TEXT.encode("cp1252"), TEXT.encode("utf-16"), b"\x1b[1mbold"],
)
def test_text_is_not_taken_for_binary(content):
    assert not is_binary(content)


@given(st.binary(max_size=200), st.sampled_from([None, "utf-8", "latin-1", "shift_jis", "utf-16", "gb18030", "x"]))
@settings(max_examples=150)
def test_any_bytes_become_some_text(raw, label):
    assert isinstance(decode_bytes(raw, label).text, str)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
@settings(max_examples=100)
def test_utf8_comes_back_whatever_is_declared(text):
    if not text.startswith("\ufeff"):
        assert decode_bytes(text.encode(), "latin-1").text == text
