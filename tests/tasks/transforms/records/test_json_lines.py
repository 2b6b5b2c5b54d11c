"""JSON Lines: a document a line; what is no such line is rejected with its number."""

import io
import json
from datetime import date

import pytest

from tasks.transforms.records.json_lines import parse_json_lines
from tasks.transforms.records.parsed_records import ParsedDocument, ParseLimits, RejectedRecord

COLUMNS = {"text": "body", "title": "head", "label": "class", "published_on": "day"}


def parse(*lines: str) -> list:
    return list(parse_json_lines(io.BytesIO("\n".join(lines).encode()), COLUMNS, ParseLimits()))


def test_named_keys_become_the_document():
    (document,) = parse('{"body": "Grüße", "head": "Titel", "class": 3, "day": "2020-05-17T08:00:00Z", "other": []}')
    assert (document.text, document.title, document.label, document.published_on) == (
        "Grüße",
        "Titel",
        "3",
        date(2020, 5, 17),
    )
    assert document.place == "line=1"


def test_keys_of_another_type_count_as_absent():
    (document,) = parse('{"body": "x", "head": 1, "class": {}, "day": "yesterday"}')
    assert document == ParsedDocument("line=1", "x", 57, "json_lines")


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ('{"body": "x"', "line_no_json"),
        ("[" * 100_000, "line_no_json"),
        ('{"body": ' + "1" * 5_000 + "}", "line_no_json"),
        ('["body"]', "line_no_json_object"),
        ('{"head": "x"}', "text_missing"),
        ('{"body": null}', "text_missing"),
    ],
)
def test_a_broken_line_is_rejected_and_the_rest_goes_on(line, rule):
    rejected, good = parse(line, '{"body": "good"}')
    assert isinstance(rejected, RejectedRecord)
    assert (rejected.rule, rejected.place, good.text, good.place) == (rule, "line=1", "good", "line=2")
    assert len(json.dumps(rejected.row)) < 20_000


def test_blank_lines_are_no_records():
    assert [one.place for one in parse("", '{"body": "x"}', "  ", '{"body": "y"}', "")] == ["line=2", "line=4"]
