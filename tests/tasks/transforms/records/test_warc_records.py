"""Web archives: every record becomes a document, is skipped by its type, or is rejected by what is wrong with it."""

import gzip
import io

import pytest

from tasks.transforms.records.html_text import Page
from tasks.transforms.records.parsed_records import Note, ParsedDocument, ParseLimits, RejectedRecord
from tasks.transforms.records.warc_records import parse_warc

LIMITS = ParseLimits(most_document_bytes=10_000)


def record(kind: str, block: bytes, **headers: str) -> bytes:
    fields = {
        "WARC-Type": kind,
        "WARC-Record-ID": "<urn:uuid:0>",
        "WARC-Date": "2020-05-17T00:00:00Z",
        "WARC-Target-URI": "http://a.example/",
        **headers,
    }
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"WARC/1.0\r\n{lines}Content-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"


def response(payload: bytes, head: str = "Content-Type: text/html", status: str = "200 OK", **headers: str) -> bytes:
    http = f"HTTP/1.1 {status}\r\n{head}\r\n\r\n".encode() + payload
    return record("response", http, Content_Type="application/http; msgtype=response", **headers)


def read_page(raw: bytes, content_type: str | None) -> Page:
    """Stands in for the process that reads pages: its answer shows what it was asked."""
    if raw == b"bad":
        return Page(rule="no_main_text", message="no main text was found")
    return Page(text=f"{raw.decode('latin-1')}|{content_type}", title="T", published_on="2020-05-17")


def parse(content: bytes) -> list:
    return list(parse_warc(io.BytesIO(content), read_page, LIMITS))


def test_a_page_is_a_document_with_its_address():
    (document,) = parse(response(b"<p>hi"))
    assert (document.place, document.text, document.title) == ("record=1&uri=http://a.example/", "<p>hi|text/html", "T")


def test_chunked_and_compressed_pages_are_unpacked():
    chunked = response(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "Content-Type: text/html\r\nTransfer-Encoding: chunked")
    packed = response(gzip.compress(b"packed"), "Content-Type: text/html\r\nContent-Encoding: gzip")
    assert [one.text for one in parse(chunked + packed)] == ["abcde|text/html", "packed|text/html"]


def test_resources_and_conversions_are_documents_too():
    documents = parse(
        record("resource", b"<p>r", Content_Type="text/html")
        + record("conversion", "Grüße".encode(), Content_Type="text/plain")
    )
    assert [one.text for one in documents] == ["<p>r|text/html", "Grüße"]
    assert documents[1].extractor == "warc_text"


def test_plain_text_is_decoded_as_the_server_says():
    (document,) = parse(response("Стратегия".encode("cp1251"), "Content-Type: text/plain; charset=windows-1251"))
    assert (document.text, document.notes) == ("Стратегия", (Note("decoded_as_cp1251"),))


def test_what_the_crawler_cut_off_is_noted():
    (document,) = parse(response(b"<p>hi", WARC_Truncated="length"))
    assert document.notes == (Note("truncated_by_crawler_length"),)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (record("warcinfo", b"x: y"), "record_of_type_warcinfo"),
        (record("request", b"GET / HTTP/1.1\r\n\r\n"), "record_of_type_request"),
        (record("strange", b""), "record_of_type_unknown"),
        (response(b"gone", status="404 Not Found"), "http_status_not_200"),
        (response(b"GIF8", "Content-Type: image/gif"), "content_type_no_text"),
        (response(b"x", "X: y"), "content_type_no_text"),
    ],
)
def test_what_never_was_a_document_is_skipped_by_its_kind(content, rule):
    (rejected,) = parse(content)
    assert (rejected.rule, rejected.outcome) == (rule, "skipped")


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (response(b"bad"), "no_main_text"),
        (response(b"x" * 10_001), "record_too_large"),
        (
            response(gzip.compress(b"x" * 10_001), "Content-Type: text/html\r\nContent-Encoding: gzip"),
            "record_too_large",
        ),
        (record("response", b"no http at all"), "http_response_damaged"),
        (response(b"\x89PNG\r\n\x1a\n\0", "Content-Type: text/plain"), "binary_content"),
    ],
)
def test_what_is_wrong_with_a_record_is_told_and_the_next_one_read(content, rule):
    rejected, good = parse(content + response(b"next"))
    assert (rejected.rule, rejected.outcome, good.text) == (rule, "set_aside", "next|text/html")


def test_a_file_that_ends_within_a_record_rejects_it():
    whole = response(b"<p>first") + response(b"<p>second")
    first, second = parse(whole[:-20])
    assert (first.text, second.rule) == ("<p>first|text/html", "record_truncated")


def test_a_broken_head_ends_the_file_as_one_record():
    first, rest = parse(response(b"<p>first") + b"no head\r\n\r\n" + response(b"<p>lost"))
    assert isinstance(first, ParsedDocument)
    assert (rest.rule, rest.place) == ("warc_record_damaged", "record=2")


@pytest.mark.parametrize(("content", "rule"), [(b"", "empty_file"), (b"some text\r\n\r\n", "file_no_warc")])
def test_what_is_no_archive_is_one_rejected_record(content, rule):
    assert [one.rule for one in parse(content)] == [rule]


def test_a_fault_of_the_stream_goes_through_after_the_records_before_it():
    class Cut(io.BytesIO):
        def read1(self, n_bytes: int = -1) -> bytes:
            content = super().read1(min(n_bytes, 64))
            if not content:
                raise EOFError
            return content

    records = parse_warc(Cut(response(b"<p>first") + response(b"<p>second")[:100]), read_page, LIMITS)
    assert next(records).text == "<p>first|text/html"
    with pytest.raises(EOFError):
        list(records)


def test_every_record_of_a_mixed_archive_is_accounted_for():
    parts = [
        record("warcinfo", b""),
        response(b"a"),
        response(b"bad"),
        response(b"c", status="301 Moved"),
        record("metadata", b""),
    ]
    records = parse(b"".join(parts))
    assert [one.place.split("&")[0] for one in records] == [f"record={number}" for number in range(1, 6)]
    assert sum(isinstance(one, RejectedRecord) for one in records) == 4
