"""Labelled rows in any usual dialect: told by trying, every row accounted for."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.transforms.records.labelled_rows import Dialect, parse_labelled, tell_dialect
from tasks.transforms.records.parsed_records import Note, ParseLimits, RejectedRecord

NAMED = {"text": "text", "label": "label"}
PLACED = {"label": 0, "text": 1}


def parse(content: str, columns=NAMED, name: str = "rows.csv", limits: ParseLimits | None = None) -> list:
    return list(parse_labelled(io.BytesIO(content.encode()), name, columns, limits or ParseLimits()))


def pairs(records: list) -> list:
    return [
        (one.place, one.rule) if isinstance(one, RejectedRecord) else (one.place, one.label, one.text)
        for one in records
    ]


def test_a_header_names_the_columns():
    assert pairs(parse("id,label,text\n1,ham,hello\n2,spam,buy now\n")) == [
        ("line=2", "ham", "hello"),
        ("line=3", "spam", "buy now"),
    ]


def test_positions_mean_that_there_is_no_header():
    assert pairs(parse("ham\thello\nspam\tbuy\n", PLACED, "a.tsv")) == [
        ("line=1", "ham", "hello"),
        ("line=2", "spam", "buy"),
    ]


def test_tabs_part_fields_and_quotes_mean_nothing_there():
    content = 'ham\t"So it said\nham\tit\'s "fine"\n'
    assert pairs(parse(content, PLACED, "a.tsv")) == [
        ("line=1", "ham", '"So it said'),
        ("line=2", "ham", 'it\'s "fine"'),
    ]


def test_quoted_tabs_are_seen_by_their_number_of_fields():
    content = 'ham\t"one\ttwo"\nham\t"three\tfour"\nham\t"five"\n'
    assert pairs(parse(content, PLACED, "a.tsv"))[0] == ("line=1", "ham", "one\ttwo")


def test_single_quotes_are_told_from_double_ones():
    content = "Web;'Ein \"Rechner\"; und mehr'\nWeb;\"Premium\"-Tarif ohne Ende\nKultur;'Er sagte ''Nein''; und ging'\n"
    assert pairs(parse(content, PLACED)) == [
        ("line=1", "Web", 'Ein "Rechner"; und mehr'),
        ("line=2", "Web", '"Premium"-Tarif ohne Ende'),
        ("line=3", "Kultur", "Er sagte 'Nein'; und ging"),
    ]


def test_a_quoted_field_may_hold_line_ends_and_blank_lines():
    records = parse('label,text\nham,"one\n\ntwo"\nspam,three\n')
    assert pairs(records) == [("line=2", "ham", "one\n\ntwo"), ("line=5", "spam", "three")]


def test_a_missing_column_is_told_with_those_there_are():
    (rejected,) = parse("id,class,text\n1,ham,hello\n")
    assert rejected.rule == "column_missing"
    assert "no column `label` among id, class, text: correct `columns`" in rejected.message


def test_further_columns_do_no_harm():
    assert pairs(parse("label,extra,text\nham,1,hello\n")) == [("line=2", "ham", "hello")]


def test_ragged_rows_are_rejected_with_their_line():
    records = parse("label,text\nham,hello\nham,one,two\nspam\nham,last\n")
    assert pairs(records) == [
        ("line=2", "ham", "hello"),
        ("line=3", "fields_too_few_or_many"),
        ("line=4", "fields_too_few_or_many"),
        ("line=5", "ham", "last"),
    ]
    assert records[1].row == {"line": 3, "text": "ham,one,two"}


def test_unbalanced_quotes_cost_their_own_row_only():
    records = parse('label,text\nham,"a" b\nham,"one, two"\nham,"three, four"\n')
    assert pairs(records) == [
        ("line=2", "quotes_unbalanced"),
        ("line=3", "ham", "one, two"),
        ("line=4", "ham", "three, four"),
    ]
    assert records[0].row == {"line": 2, "text": 'ham,"a" b'}


def test_a_row_without_label_is_kept_and_noted():
    (document,) = parse("label,text\n,hello\n")
    assert (document.label, document.notes) == (None, (Note("label_missing"),))


def test_lines_that_are_too_long_are_rejected_beside_the_rows():
    records = parse("label,text\nham,a\nham," + "x" * 100 + "\nham,b\n", limits=ParseLimits(most_line_bytes=50))
    assert sorted(pairs(records)) == [("line=2", "ham", "a"), ("line=3", "line_too_long"), ("line=4", "ham", "b")]


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_nothing_in_nothing_out(content):
    assert [one.rule for one in parse(content)] == (["empty_file"] if not content else ["column_missing"])


def test_a_tie_goes_to_the_double_quote():
    assert tell_dialect(["label,text", "a,b"], "x.csv", NAMED) == (Dialect(",", '"'), 2)


FIELD = st.text(
    st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12
)


@given(st.lists(st.tuples(st.sampled_from(["ham", "spam"]), FIELD), min_size=1, max_size=8))
@settings(max_examples=60)
def test_what_a_csv_writer_writes_is_read_back(rows):
    content = "label,text\n" + "".join(f'{label},"{text.replace(chr(34), chr(34) * 2)}"\n' for label, text in rows)
    assert [(one.label, one.text) for one in parse(content)] == rows
