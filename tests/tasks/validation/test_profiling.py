"""What a file holds, and the contract and the suite that it proposes."""

import gzip
import json
import lzma
import zipfile
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.suite_format import parse_suite
from tasks.validation.profiling import ColumnProfile, Profile, ProfileError, profile_file
from tasks.validation.proposals import proposed_contract, proposed_suite, table_name_of

REGIONS = ("DE", "NO", "007", "1e3", "2020-01-01", "~", "a: b", "Åland")
ROWS = [
    {"region": region, "day": date(2020, 3, 1 + n), "n": n, "share": None if n % 2 else n / 4}
    for region in REGIONS
    for n in range(20)
]
CSV = "region,day,n,share\n" + "".join(
    f'"{row["region"]}",{row["day"]},{row["n"]},{"" if row["share"] is None else row["share"]}\n' for row in ROWS
)


def written(folder: Path, name: str) -> Path:
    path = folder / name
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif ".jsonl" in name:
        path.write_text("".join(json.dumps({**row, "day": str(row["day"])}) + "\n" for row in ROWS))
    elif name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inside.csv", CSV)
    else:
        content = (CSV.replace(",", "\t") if ".tsv" in name else CSV).encode()
        packed = {".gz": gzip.compress, ".xz": lzma.compress}.get(path.suffix)
        path.write_bytes(packed(content) if packed else content)
    return path


@pytest.mark.parametrize(
    "name", ["a.csv", "a.csv.gz", "a.tsv", "a.tsv.xz", "a.parquet", "a.jsonl", "a.jsonl.gz", "a.zip"]
)
def test_a_file_is_told_whatever_its_form(tmp_path, name):
    profile = profile_file(written(tmp_path, name))
    columns = {column.name: column for column in profile.columns}
    assert (profile.n_rows, list(columns)) == (160, ["region", "day", "n", "share"])
    assert columns["region"].values == tuple(sorted(REGIONS))
    assert (columns["share"].n_null, columns["n"].n_null) == (80, 0)
    assert (columns["n"].minimum, columns["n"].maximum) == (0, 19)
    assert (columns["day"].minimum, columns["day"].maximum) == (date(2020, 3, 1), date(2020, 3, 20))
    assert profile.keys == (("region", "day"), ("region", "n"))
    assert profile.days == {"day": (20, 20)}


def test_the_suite_is_one_that_our_reader_takes(tmp_path):
    profile = profile_file(written(tmp_path, "a.csv"))
    suite = parse_suite(proposed_suite(profile, "regions"), "own.yaml")
    assert suite.table == "regions"
    kwargs = {check.name: check.kwargs for check in suite.checks if check.columns == ("region",)}
    assert kwargs["expect_column_values_to_be_in_set"]["value_set"] == sorted(REGIONS)
    assert {"distribution", "coverage", "freshness"} < {check.expectation for check in suite.checks}
    assert {check.severity for check in suite.checks} == {"info"}
    (given,) = [one for one in suite.checks if "mostly" in one.kwargs]
    assert given.kwargs == {"column": "share", "mostly": 0.5}


def test_the_contract_has_types_key_and_sets(tmp_path):
    contract = proposed_contract(profile_file(written(tmp_path, "a.csv")), "regions")
    assert contract.key == ("region", "day")
    assert [column.type for column in contract.columns] == [pa.string(), pa.date32(), pa.int64(), pa.float64()]
    assert [column.is_nullable for column in contract.columns] == [False, False, False, True]
    assert contract.column("region").one_of == tuple(sorted(REGIONS))
    assert "20 of 20 days" in contract.column("day").meaning


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.text(max_size=6), min_size=1, max_size=5, unique=True), st.text(max_size=8))
def test_any_values_and_names_come_back_as_they_were(values, name):
    texts = [value.replace("\r", "") for value in values]
    column = ColumnProfile(f"c{name}", "VARCHAR", 0, len(texts), min(texts), max(texts), (), tuple(texts))
    suite = parse_suite(proposed_suite(Profile(name, 200, (column,), (), {}), "t"), "own.yaml")
    (of_set,) = [check for check in suite.checks if check.expectation == "expect_column_values_to_be_in_set"]
    assert of_set.kwargs == {"column": f"c{name}", "value_set": texts}


def test_a_file_with_a_header_alone_proposes_little(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n")
    profile = profile_file(tmp_path / "a.csv")
    assert (profile.n_rows, profile.keys) == (0, ())
    assert proposed_contract(profile, "t").key == ()
    assert len(parse_suite(proposed_suite(profile, "t"), "own.yaml").checks) == 1


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", b"", "is empty"),
        ("a.txt", b"x", "is of no known format"),
        ("a.parquet", b"PAR1 no parquet", "cannot be read"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00no", "fetch it again|cannot be read|damaged"),
        ("a.zip", b"PK no zip", "a.zip"),
        ("a.jsonl", b"{]\n", "cannot be read"),
        ("a.csv", b"a,b\n1,2\n" + b"\xff\xfe\xfa,3\n" * 3, "cannot be read"),
    ],
)
def test_what_is_no_such_file_is_refused_in_a_sentence(tmp_path, name, content, problem):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ProfileError, match=problem) as caught:
        profile_file(tmp_path / name)
    assert "\n" not in str(caught.value)
    with pytest.raises(ProfileError, match="cannot be read"):
        profile_file(tmp_path / "missing.csv")


def test_a_bomb_is_stopped(tmp_path):
    (tmp_path / "a.csv.xz").write_bytes(lzma.compress(b"a\n" + b"1\n" * (200 << 20)))
    with pytest.raises(ProfileError, match="unpack"):
        profile_file(tmp_path / "a.csv.xz")


def test_an_archive_of_several_wants_one_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x.csv", "a\n1\n")
        archive.writestr("y.csv", "b\n1\n2\n")
    with pytest.raises(ProfileError, match=r"holds x\.csv, y\.csv: give one with --member"):
        profile_file(tmp_path / "a.zip")
    assert profile_file(tmp_path / "a.zip", "y.csv").n_rows == 2


def test_a_name_of_a_table_is_made_of_a_files():
    assert [table_name_of(name) for name in ("2020_IT Report.v2.csv.gz", "ä.csv", "A-b.csv")] == [
        "2020_it_report", "rows", "a_b",
    ]  # fmt: skip
