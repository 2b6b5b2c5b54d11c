import io

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.transforms.records.delimited import (
    BrokenLine,
    Columns,
    RefusedFileError,
    is_footnote,
    read_block,
    read_header_line,
    split_fields,
    whole_lines,
)

COLUMNS = Columns(("name", "n"), {"name": pa.string(), "n": pa.float64()}, {"n": "n"})


def _read(text):
    block = read_block(text if isinstance(text, bytes) else text.encode(), 2, COLUMNS)
    return block.rows.to_pylist(), {line.number: line.rule for line in block.broken}, block.line_numbers.tolist()


def test_clean_lines_are_rows():
    assert _read("a,1\nb,\n") == ([{"name": "a", "n": 1.0}, {"name": "b", "n": None}], {}, [2, 3])


def test_quoted_commas_and_doubled_quotes_are_data():
    assert _read('"a, b",1\n"say ""x""",2\n')[0] == [{"name": "a, b", "n": 1.0}, {"name": 'say "x"', "n": 2.0}]


def test_na_is_a_name():
    assert _read("NA,1\nnull,2\n")[0] == [{"name": "NA", "n": 1.0}, {"name": "null", "n": 2.0}]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b"a", "fewer_fields_than_header"),
        (b"a,1,2", "more_fields_than_header"),
        (b"a,many", "n_not_a_number"),
        (b"a,NO", "n_not_a_number"),
        (b"\xe4,1", "row_not_utf8"),
        (b'"a,1', "quote_unbalanced"),
    ],
)
def test_broken_line_is_named_and_the_rest_goes_on(line, rule):
    rows, broken, numbers = _read(b"b,1\n" + line + b"\r\nc,3\n")
    assert (broken, [row["name"] for row in rows], numbers) == ({3: rule}, ["b", "c"], [2, 4])


@pytest.mark.parametrize("form", [b"+5", b"5.", b" 5 ", b"0.5e1", b"50e-1"])
def test_numbers_are_read_alike_beside_broken_lines_and_without(form):
    for neighbour in (b"", b"broken\n"):
        assert read_block(b"a," + form + b"\n" + neighbour, 2, COLUMNS).rows["n"].to_pylist() == [5.0]


@pytest.mark.parametrize("text", ["0x1p3", "1e", "٣", "1_000", "1,5", "--1"])
def test_what_only_looks_like_a_number_is_set_aside(text):
    rows, broken, _ = _read(f"a,{text}\nb,1\n")
    assert ([row["name"] for row in rows], list(broken)) == (["b"], [2])


def test_blank_lines_are_no_rows_and_shift_no_numbers():
    rows, broken, numbers = _read("a,1\n\r\n \nb,x\nc,3\n")
    assert ([row["name"] for row in rows], broken, numbers) == (["a", "c"], {5: "n_not_a_number"}, [2, 6])


def test_open_quote_swallows_no_line_after_it():
    rows, broken, _ = _read('a,1\n"b,2\nc,3\nd,4\n')
    assert ([row["name"] for row in rows], broken) == (["a", "c", "d"], {3: "quote_unbalanced"})


def test_line_ends_of_every_kind():
    assert [row["name"] for row in _read("a,1\r\nb,2\r\r\nc,3\n")[0]] == ["a", "b", "c"]


LINES = st.lists(
    st.sampled_from(["a,1", "b,", "NA,-3.5", "c,x", "d", "e,1,2", '"f,1', '"g, h",2', "", "ä,1e2"]), max_size=300
)


@settings(max_examples=60, deadline=None)
@given(LINES)
def test_each_line_is_a_row_or_broken_or_blank_whatever_its_neighbours(lines):
    rows, broken, numbers = _read("".join(line + "\n" for line in lines))
    alone = [_read(line + "\n") for line in lines]
    assert rows == [row for one, _, _ in alone for row in one]
    assert broken == {place + 2: one[2] for place, (_, one, _) in enumerate(alone) if one}
    assert len(numbers) + len(broken) == sum(line != "" for line in lines)


def test_text_of_a_row_is_its_own_line():
    block = read_block(b"a,1\nx\nb,2\r\n", 2, COLUMNS)
    assert (block.text(1), block.broken[0].text) == ("b,2", "x")


@pytest.mark.parametrize("block_bytes", [1, 3, 4, 1000])
def test_blocks_join_to_the_file_and_end_with_lines(block_bytes):
    if block_bytes < 3:
        with pytest.raises(RefusedFileError, match="a line has more"):
            list(whole_lines(io.BytesIO(b"abcd\nef"), block_bytes))
        return
    blocks = list(whole_lines(io.BytesIO(b"ab\ncd\n\nef"), block_bytes))
    assert b"".join(blocks) == b"ab\ncd\n\nef\n"
    assert all(block.endswith(b"\n") for block in blocks)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "file_empty"),
        (b"\x89PNG\0\0\n", "file_binary"),
        (b"\xff\xfea\n", "file_not_utf8"),
        (b"x" * 2_000_000, "file_binary"),
    ],
)
def test_file_without_a_readable_header_is_refused(content, rule):
    with pytest.raises(RefusedFileError) as refusal:
        read_header_line(io.BytesIO(content))
    assert refusal.value.rule == rule


def test_header_loses_its_byte_order_mark_and_line_end():
    assert read_header_line(io.BytesIO(b"\xef\xbb\xbfa,b\r\r\n1,2\n")) == "a,b"


def test_unbalanced_quotes_are_no_fields():
    assert split_fields('"a, b",c') == ["a, b", "c"]
    with pytest.raises(ValueError, match="unexpected end"):
        split_fields('"a,b')


@pytest.mark.parametrize("word", [b"NA", b"N/A", b"null"])
def test_words_for_not_available_are_read_as_not_published(word):
    block = read_block(b'NA,1\n"b, c",' + word + b"\r\nc,3\n", 2, COLUMNS)
    assert (block.rows.to_pylist(), block.broken, block.n_blank) == (
        [{"name": "NA", "n": 1.0}, {"name": "b, c", "n": None}, {"name": "c", "n": 3.0}],
        (),
        1,
    )


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("Source: the producer", True),
        ("Baseline: median, of five weeks,,", True),
        ("DE,Germany", False),
        ("Source of 2020-02-15,2020-02-15", False),
        ("a,b,c,d", False),
        ("words,,,,,,,", False),
        ('"open', False),
    ],
)
def test_a_footnote_is_words_and_no_rest_of_a_row(text, is_so):
    columns = Columns(tuple("abcdef"), {})
    assert is_footnote(BrokenLine(9, "fewer_fields_than_header", "", text), columns) is is_so
