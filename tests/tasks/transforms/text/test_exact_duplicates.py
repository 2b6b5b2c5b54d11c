"""Copies: one document of each text is kept, always the same one."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.slow_duplicates import copies

from tasks.transforms.text.exact_duplicates import find_exact_duplicates


def found(rows: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    columns = [pa.array([row[place] for row in rows], pa.string()) for place in range(3)]
    duplicates = find_exact_duplicates(pa.table(columns, names=["doc_id", "source", "content_sha256"]))
    assert set(duplicates["similarity"].to_pylist()) <= {1.0}
    assert set(duplicates["method"].to_pylist()) <= {"exact"}
    return list(zip(duplicates["doc_id"].to_pylist(), duplicates["kept_doc_id"].to_pylist(), strict=True))


def test_the_first_source_by_name_keeps_its_document():
    assert found([("1", "b", "x"), ("3", "a", "x"), ("2", "a", "x"), ("4", "a", "y")]) == [("1", "2"), ("3", "2")]


def test_no_documents_and_no_copies_give_no_rows():
    assert found([]) == []
    assert found([("1", "a", "x"), ("2", "a", "y")]) == []


ROWS = st.lists(
    st.tuples(st.integers(0, 50).map(str), st.sampled_from("abc"), st.sampled_from("xyz")),
    max_size=12,
    unique_by=lambda row: row[0],
)


@given(ROWS, st.randoms())
@settings(max_examples=60)
def test_copies_are_those_of_the_slow_search_in_any_order(rows, random):
    shuffled = random.sample(rows, len(rows))
    assert found(shuffled) == copies(rows)
