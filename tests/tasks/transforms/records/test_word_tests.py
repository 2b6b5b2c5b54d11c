"""Tests of word vectors: every line is a question, passed over by a stated rule, or rejected with its number."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.transforms.records.parsed_records import ParseLimits, RejectedRecord
from tasks.transforms.records.word_tests import Question, parse_analogies, parse_word_pairs

LIMITS = ParseLimits(most_line_bytes=200)


def pairs_of(text: str) -> list:
    return list(parse_word_pairs(io.BytesIO(text.encode()), LIMITS))


def analogies_of(text: str) -> list:
    return list(parse_analogies(io.BytesIO(text.encode()), LIMITS))


@pytest.mark.parametrize(
    "line",
    [
        "Tür\tTor\t6.5",
        "Tür;Tor;6.5",
        "Tür:Tor:6.5:n:n",
        "Tür, Tor, 6.5",
        "Tür Tor 6.5",
        "Tür\tTor\t6.5\t\r",
        "Tür\t\tTor\t6.5",
    ],
)
def test_a_pair_is_read_whatever_parts_its_columns(line):
    assert pairs_of(line + "\n") == [Question(1, None, ("Tür", "Tor"), 6.5)]


def test_words_of_two_parts_stand_between_tabs():
    assert pairs_of("hot dog\tfood\t5\n") == [Question(1, None, ("hot dog", "food"), 5.0)]


def test_words_are_in_normal_form():
    assert pairs_of("Tu\u0308r\tTor\t1\n")[0].words == ("T\u00fcr", "Tor")


def test_header_comments_and_blank_lines_are_passed_over():
    assert pairs_of("# ours\n\nWord1\tWord2\tScore\nsea\ttide\t7\n") == [Question(4, None, ("sea", "tide"), 7.0)]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("sea tide", "line_no_word_pair"),
        ("sea\t \t3", "line_no_word_pair"),
        ("sea tide high", "rating_no_number"),
        ("sea tide nan", "rating_no_number"),
        ("sea tide inf", "rating_no_number"),
        ("sea\ttide\t3,5", "rating_no_number"),
    ],
)
def test_a_line_that_is_no_pair_is_rejected_by_its_number(line, rule):
    good, bad = pairs_of(f"boat ferry 8\n{line}\n")
    assert good.words == ("boat", "ferry")
    assert (bad.place, bad.rule, bad.row) == ("line=2", rule, {"line": line})
    assert bad.message.startswith("line 2 ")


def test_the_first_line_is_a_header_only_if_it_has_three_columns():
    assert [record.rule for record in pairs_of("sea tide\n")] == ["line_no_word_pair"]


def test_sections_are_those_of_the_last_line_with_a_colon():
    assert analogies_of("day days tram trams\n: nouns: SI/PL\nDay days Tram trams\n:\na b c d\n") == [
        Question(1, None, ("day", "days", "tram", "trams"), None),
        Question(3, "nouns: SI/PL", ("Day", "days", "Tram", "trams"), None),
        Question(5, None, ("a", "b", "c", "d"), None),
    ]


def test_a_line_of_three_or_five_words_is_rejected_by_its_number():
    records = analogies_of(": x\na b c\na b c d e\n")
    assert [(record.place, record.rule) for record in records] == [
        ("line=2", "line_no_analogy"),
        ("line=3", "line_no_analogy"),
    ]
    assert records[0].message == "line 2 has 3 words: write four, or `: name` for a section"


@pytest.mark.parametrize("parse", [pairs_of, analogies_of])
@pytest.mark.parametrize(
    ("text", "rule"), [("", "empty_file"), ("# nothing\n", "no_question"), ("\0\0\0", "binary_content")]
)
def test_a_file_without_a_question_is_rejected_whole(parse, text, rule):
    (record,) = parse(text)
    assert (record.place, record.rule) == ("", rule)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=30), max_size=12))
def test_any_lines_are_questions_or_rejected_and_none_is_lost(lines):
    text = "\n".join([*lines, "sea tide 1"])
    records = pairs_of(text)
    passed_over = [line for line in lines if not line.strip() or line.startswith("#")]
    n_headers = len(lines) + 1 - len(passed_over) - len(records)
    assert n_headers in {0, 1}
    assert all(isinstance(record, (Question, RejectedRecord)) for record in records)
