import hashlib
import os
import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.contracts.documents import LABELS
from expectations.contracts.mobility import MOBILITY_POLICY
from tasks.lake import files
from tasks.lake.files import (
    FileRef,
    canonical_json,
    is_whole,
    read_table,
    relative_path,
    settle,
    temporary_file,
    write_bytes,
    write_table,
)
from tasks.lake.layout import Lake, LakeError


def labels(rows: Sequence[tuple[str, str]]) -> pa.Table:
    return pa.Table.from_pylist(
        [{"doc_id": doc_id, "label": label} for doc_id, label in rows], schema=LABELS.arrow_schema()
    )


def test_a_table_is_named_by_its_content_and_told_in_full(lake: Lake) -> None:
    ref = write_table(lake, "labels", labels([("b", "2"), ("a", "1")]))
    path = lake.locate(ref.path)
    content = path.read_bytes()
    assert ref == FileRef(
        "labels", f"tables/labels/{ref.sha256}.parquet", 2, len(content), hashlib.sha256(content).hexdigest()
    )
    assert relative_path(lake, path) == ref.path
    assert pq.read_schema(path).equals(LABELS.arrow_schema(), check_metadata=True)
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_published_table_is_sorted_by_key_cast_and_put_in_order_of_columns(lake: Lake) -> None:
    rows = pa.table(
        {
            "observed_on": [date(2020, 5, 2), date(2020, 5, 1), date(2020, 5, 3)],
            "country_code": pa.array(["NA", "NA", "DE"]).dictionary_encode(),
            **{column.name: pa.array([1, 2, None], pa.int32()) for column in MOBILITY_POLICY.columns[2:]},
            "extra": [1, 2, 3],
        }
    )
    read = read_table(lake, write_table(lake, "mobility_policy", rows))
    assert read.schema.equals(MOBILITY_POLICY.arrow_schema())
    assert read["observed_on"].to_pylist() == [date(2020, 5, 3), date(2020, 5, 1), date(2020, 5, 2)]
    assert read["parks"].to_pylist() == [None, 2.0, 1.0]


def test_a_missing_column_is_an_error(lake: Lake) -> None:
    with pytest.raises(KeyError, match="label"):
        write_table(lake, "labels", pa.table({"doc_id": ["a"]}))


def test_a_null_where_the_contract_has_none_is_an_error(lake: Lake) -> None:
    with pytest.raises(ValueError, match="label"):
        write_table(lake, "labels", pa.table({"doc_id": ["a"], "label": pa.array([None], pa.string())}))


@settings(max_examples=25, deadline=None)
@given(keys=st.lists(st.text("abcdef", min_size=1, max_size=4), unique=True, max_size=12), seed=st.integers(0, 9))
def test_equal_rows_in_any_order_and_any_batches_give_equal_bytes(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str], seed: int
) -> None:
    lake = Lake.open(tmp_path_factory.mktemp("lake"))
    rows = [(key, f"label of {key}") for key in keys]
    shuffled = random.Random(seed).sample(rows, len(rows))
    in_pieces = pa.concat_tables([labels([]), *(labels([row]) for row in shuffled)])
    assert write_table(lake, "labels", labels(rows)) == write_table(lake, "labels", in_pieces)
    assert read_table(lake, write_table(lake, "labels", in_pieces)).to_pylist() == labels(sorted(rows)).to_pylist()


@pytest.mark.parametrize("batch_rows", [1, 7, 1000])
def test_a_stream_gives_the_bytes_of_the_whole_table(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    monkeypatch.setattr(files, "ROWS_PER_GROUP", 10)
    rows = pa.table({"n": list(range(35)), "word": [f"w{n % 3}" for n in range(35)]})
    stream = (batch for batch in rows.to_batches(max_chunksize=batch_rows))
    ref = write_table(lake, "working", stream, schema=rows.schema)
    assert ref == write_table(lake, "working", rows)
    parquet = pq.ParquetFile(lake.locate(ref.path))
    assert [parquet.metadata.row_group(group).num_rows for group in range(parquet.num_row_groups)] == [10, 10, 10, 5]
    assert read_table(lake, ref).equals(rows)


def test_a_working_table_keeps_its_order_and_columns(lake: Lake) -> None:
    rows = pa.table({"b": [3, 1, 2], "a": ["x", None, "y"]})
    assert read_table(lake, write_table(lake, "counts", rows)).equals(rows)


@pytest.mark.parametrize(("rows_per_group", "groups"), [(4, [4, 4, 2]), (100, [10])])
def test_a_working_table_is_cut_into_groups_of_the_size_asked_for(
    lake: Lake, rows_per_group: int, groups: list[int]
) -> None:
    rows = pa.table({"n": range(10)})
    ref = write_table(lake, "working", rows, rows_per_group=rows_per_group)
    cut = pq.read_metadata(lake.locate(ref.path))
    assert [cut.row_group(n).num_rows for n in range(cut.num_row_groups)] == groups
    assert read_table(lake, ref).equals(rows)


def test_a_row_group_is_one_page_so_that_readers_find_no_seams_in_it(lake: Lake) -> None:
    n_rows = 131_072
    ref = write_table(lake, "working", pa.table({"n": pa.array([1] * n_rows, pa.int32())}))
    with duckdb.connect() as connection:
        query = "SELECT dictionary_page_offset, data_page_offset, total_compressed_size FROM parquet_metadata(?)"
        ((dictionary, first_page, n_bytes),) = connection.execute(query, [str(lake.locate(ref.path))]).fetchall()
    # A column of one value has its dictionary and then pages of some forty bytes: seven at 20,000 rows, the default.
    assert n_bytes - (first_page - dictionary) < 100


def test_a_stream_of_a_working_table_needs_its_schema(lake: Lake) -> None:
    with pytest.raises(TypeError, match="needs its schema"):
        write_table(lake, "counts", iter([]))


def test_a_stream_without_rows_is_a_file_without_rows(lake: Lake) -> None:
    ref = write_table(lake, "labels", iter([]))
    assert (ref.n_rows, read_table(lake, ref)) == (0, LABELS.empty())


def test_a_stream_that_breaks_off_leaves_nothing_and_its_error_goes_through(lake: Lake) -> None:
    def batches():
        yield from labels([("a", "1")]).to_batches()
        raise FileNotFoundError(2, "No such file", "source.csv")

    with pytest.raises(FileNotFoundError, match=r"source\.csv"):
        write_table(lake, "labels", batches())
    assert list((lake.tables / "labels").iterdir()) == []


def test_files_are_read_one_after_another_and_by_column(lake: Lake) -> None:
    refs = [write_table(lake, "labels", labels([(key, key.upper())])) for key in "ba"]
    assert read_table(lake, refs, ["label"]).to_pydict() == {"label": ["B", "A"]}
    with pytest.raises(ValueError, match="an empty table still has one file"):
        read_table(lake, [])


@pytest.mark.parametrize("content", [b"", b"PAR1 and nothing more PAR1"])
def test_a_file_that_is_gone_or_damaged_is_one_sentence_with_the_remedy(lake: Lake, content: bytes) -> None:
    ref = write_table(lake, "labels", labels([("a", "1")]))
    lake.locate(ref.path).write_bytes(content)
    assert not is_whole(lake, ref)
    with pytest.raises(LakeError, match=r"a file of the table labels cannot be read .*: run `tidemill doctor`"):
        read_table(lake, ref)
    lake.locate(ref.path).unlink()
    assert not is_whole(lake, ref)
    with pytest.raises(LakeError, match="cannot be read"):
        read_table(lake, ref)


def test_a_folder_called_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "label=other")
    assert read_table(lake, write_table(lake, "labels", labels([("a", "1")]))).to_pylist() == [
        {"doc_id": "a", "label": "1"}
    ]


def test_a_temporary_file_is_gone_unless_it_was_settled(tmp_path: Path) -> None:
    with temporary_file(tmp_path / "new") as temporary:
        assert temporary.name.startswith(".")
        temporary.write_text("half")
    assert list((tmp_path / "new").iterdir()) == []
    with temporary_file(tmp_path) as temporary:
        temporary.write_text("whole")
        settle(temporary, tmp_path / "settled")
    assert (tmp_path / "settled").read_text() == "whole"
    assert (tmp_path / "settled").stat().st_mode & 0o777 == 0o644


def test_where_the_disk_refuses_the_sentence_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LakeError, match=r"cannot write in .*: free space or give another --home"):
        write_bytes(tmp_path / "file" / "inside", b"")


def test_bytes_are_replaced_in_one_step(tmp_path: Path) -> None:
    write_bytes(tmp_path / "record", b"first")
    opened = (tmp_path / "record").open("rb")
    write_bytes(tmp_path / "record", b"second")
    with opened:
        assert opened.read() == b"first"  # whoever had it open still reads the whole of what it was
    assert (tmp_path / "record").read_bytes() == b"second"
    assert os.listdir(tmp_path) == ["record"]  # noqa: PTH208  # the names are what is asked


def test_equal_values_give_equal_json_and_what_json_has_no_form_for_is_an_error() -> None:
    assert (
        canonical_json({"b": [1, None], "a": "ü"})
        == canonical_json({"a": "ü", "b": (1, None)})
        == '{"a":"ü","b":[1,null]}'.encode()
    )
    for value in (float("nan"), {1, 2}, b"bytes"):
        with pytest.raises((TypeError, ValueError)):
            canonical_json(value)
