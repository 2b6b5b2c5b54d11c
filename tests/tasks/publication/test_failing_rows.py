"""Every row that breaks an expectation, whole, whatever became of it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expectations.contracts.tables import TABLES
from tasks.lake.files import FileRef, digest_file, write_json
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord
from tasks.publication.failing_rows import UnknownRuleError, find_failing_rows

DOC_IDS = [f"{number:016x}" for number in range(5)]
TERMS = TABLES["tfidf"]


def left(lake: Lake, *rows: dict[str, Any]) -> None:
    """The rows, as the stage `features` left them, whatever they break."""
    schema = pa.schema([(column.name, column.type) for column in TERMS.columns])
    path = lake.tables / "tfidf" / "written.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
    sha256 = digest_file(path)
    path = path.rename(path.with_name(f"{sha256}.parquet"))
    ref = FileRef("tfidf", path.relative_to(lake.home).as_posix(), len(rows), path.stat().st_size, sha256)
    record = StageRecord("features", {"tfidf": (ref,)}, (), 1, 0)
    write_json(lake.stages / "features.json", asdict(record))


def weight(number: int, **changed: Any) -> dict[str, Any]:
    return {"doc_id": DOC_IDS[number], "term": "straß", "n_occurrences": 1, "weight": 1.0, **changed}


def failing(lake: Lake, rule: str, column: str | None = None, folder: Path | None = None) -> list[str]:
    found = find_failing_rows(lake, "tfidf", rule, column, [folder] if folder else [])
    return sorted(dict(zip(found.columns, row, strict=True))["doc_id"][-1] for row in found.rows)


def test_rows_are_told_by_the_rule_of_the_quarantine(lake):
    left(lake, weight(0), weight(1, n_occurrences=0), weight(2, n_occurrences=-1, weight=float("nan")))
    assert failing(lake, "n_occurrences_below_1") == ["1", "2"]
    assert failing(lake, "weight_not_finite") == ["2"]
    assert failing(lake, "doc_id_not_in_documents") == ["0", "1", "2"]
    found = find_failing_rows(lake, "tfidf", "n_occurrences_below_1", None, [])
    assert next(found.rows) == (DOC_IDS[1], "straß", 0, 1.0)


@pytest.mark.slow
def test_rows_are_told_by_the_expectation_critical_ones_too(lake):
    left(lake, weight(0), weight(1), weight(1), weight(2, n_occurrences=0))
    assert failing(lake, "expect_compound_columns_to_be_unique") == ["1", "1"]
    assert failing(lake, "expect_column_values_to_be_between", "n_occurrences") == ["2"]


@pytest.mark.slow
def test_a_users_rules_are_told_groups_and_columns_as_far_as_they_can(lake, tmp_path):
    (tmp_path / "own.yaml").write_text(
        "table: tfidf\nexpectations:\n"
        "- {sql: 'SELECT doc_id, term FROM {batch} WHERE weight > 2', rule: heavy, severity: info}\n"
        "- {sql: 'SELECT doc_id, count(*) AS n FROM {batch} GROUP BY ALL HAVING n > 1', rule: long, severity: info}\n"
        "- {type: expect_column_mean_to_be_between, kwargs: {column: weight, max_value: 0}, severity: info}\n"
    )
    left(lake, weight(0, weight=3.0), weight(1), weight(1, term="b"))
    assert failing(lake, "heavy", folder=tmp_path) == ["0"]
    found = find_failing_rows(lake, "tfidf", "long", None, [tmp_path])
    assert (found.columns, list(found.rows)) == (("doc_id", "n"), [(DOC_IDS[1], 2)])
    with pytest.raises(UnknownRuleError, match="expect_column_mean_to_be_between speaks of the column or the table"):
        failing(lake, "expect_column_mean_to_be_between", folder=tmp_path)


@pytest.mark.parametrize(
    ("table", "rule", "problem"),
    [
        ("tfid", "x", "no table is called 'tfid': give one of .*, tfidf, "),
        ("ops.runs", "x", "no table is called 'ops.runs'"),
        ("tfidf", "x", "tfidf has no rule 'x': there are doc_id_malformed"),
        ("tfidf", "expect_column_values_to_not_be_null", "has 4 rules called .*: give --column, one of doc_id, term"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(lake, table, rule, problem):
    with pytest.raises(UnknownRuleError, match=problem):
        find_failing_rows(lake, table, rule, None, [])
