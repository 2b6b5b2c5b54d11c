"""Validation by expectations of users' own, by source and against the last snapshot."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.validated_stages import DOC_IDS, any_file, change, document, rows_of, stage, told, weight

from expectations.contracts.tables import TABLES
from expectations.suite_format import SuiteError
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.publication.validation import CriticalExpectationError, validate_stages

pytestmark = pytest.mark.slow  # Great Expectations takes two to three seconds to import


def vintage_of(source: str, vintage: str) -> dict[str, Any]:
    """A row of `ops.vintages`, as far as origins are told."""
    row = dict.fromkeys(column.name for column in TABLES["ops.vintages"].columns)
    return {**row, "source": source, "uri": f"{source}.csv", "vintage": vintage}


def suite_in(folder: Path, *lines: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    (folder / "own.yaml").write_text("\n".join(lines))
    return [folder]


def test_a_row_set_aside_names_its_declared_source_and_file(lake: Lake) -> None:
    record = stage(lake, "mobility", mobility=[change("DE"), change("FR", change_pct=-101.0)])
    vintages = any_file(lake, "ops.vintages", [vintage_of("google", "0" * 12)])
    record = replace(record, tables={**record.tables, "ops.vintages": (vintages,)})
    (cleaned,) = validate_stages(lake, [record], "run").records
    (row,) = [row for row in rows_of(lake, cleaned, "ops.quarantine") if row["table_name"] == "mobility"]
    assert (row["source"], row["uri"], row["vintage"]) == ("google", "google.csv", "0" * 12)


def test_what_shrank_since_the_last_snapshot_is_told_and_may_be_made_to_stop(lake: Lake, tmp_path: Path) -> None:
    regions = [change(f"DE/{number}") for number in range(10)]
    publish(lake, validate_stages(lake, [stage(lake, "mobility", mobility=regions)], "first").records, "first")
    fewer = stage(lake, "mobility", mobility=regions[:8])
    result = validate_stages(lake, [fewer], "second")
    (told_now,) = [one for one in result.outcomes if one.expectation == "coverage"]
    assert (told_now.is_success, told_now.severity, told_now.n_unexpected) == (False, "warning", 1)
    assert json.loads(told_now.observed or "") == {"examples": [{"country_code": "DE", "n_before": 10, "n_now": 8}]}
    assert result.set_aside == {}
    assert validate_stages(lake, [fewer], "third").n_fresh == 0
    folders = suite_in(tmp_path / "own", "table: mobility", "expectations:",
                       "- {coverage: {columns: region_id}, severity: critical, remedy: fetch it again}")  # fmt: skip
    with pytest.raises(CriticalExpectationError, match=r"coverage on region_id fails, 1 of 8 rows; fetch it again"):
        validate_stages(lake, [fewer], "fourth", folders=folders)


def test_a_first_publish_has_nothing_to_be_compared_with(lake: Lake) -> None:
    result = validate_stages(lake, [stage(lake, "mobility", mobility=[change("DE")])], "first")
    assert not {"coverage", "distribution", "freshness"} & {one.expectation for one in result.outcomes}


def test_a_rule_of_a_source_sets_aside_rows_of_that_source_alone(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "letters.yaml").write_text("name: letters\nkind: text\n")
    folders = suite_in(
        tmp_path / "expectations",
        "source: letters", "expectations:",
        "- {sql: 'SELECT doc_id FROM {batch} WHERE n_chars < 10', severity: warning, rule: short}",
        "- {type: expect_column_values_to_be_in_set, kwargs: {column: title, value_set: [a]}, "
        "severity: warning, rule: odd}",
    )  # fmt: skip
    rows = [document(DOC_IDS[0]), document(DOC_IDS[1], source="mails"), document(DOC_IDS[2], n_chars=20, title="b")]
    result = validate_stages(lake, [stage(lake, "documents", documents=rows)], "run", folders=folders)
    assert result.set_aside == {"documents": {"short": 1, "odd": 1}}
    assert [row["doc_id"] for row in rows_of(lake, result.records[0], "documents")] == [DOC_IDS[1]]
    names = [one.expectation for one in result.outcomes if not one.is_success]
    assert names == ["short of letters", "expect_column_values_to_be_in_set of letters"]


def test_a_misspelt_suite_stops_before_anything_is_done(lake: Lake, tmp_path: Path) -> None:
    folders = suite_in(tmp_path / "own", "table: documents", "expectations:",
                       "- {sql: 'SELECT doc_id FROM {batch} ORDER BY titel', severity: info, rule: r}")  # fmt: skip
    with pytest.raises(SuiteError, match=r"own\.yaml, line 3: DuckDB refuses the query .*titel"):
        validate_stages(lake, [stage(lake, "documents", documents=[document(DOC_IDS[0])])], "run", folders=folders)
    assert told(lake) == []


def test_a_query_may_ask_other_tables_and_is_asked_again_when_they_change(lake: Lake, tmp_path: Path) -> None:
    folders = suite_in(tmp_path / "own", "table: documents", "expectations:",
                       "- {reference: {columns: doc_id, table: tfidf, to: doc_id}, severity: info}")  # fmt: skip
    documents = stage(lake, "documents", documents=[document(DOC_IDS[0])])
    first = validate_stages(lake, [documents], "first", folders=folders)
    assert [one.n_unexpected for one in first.outcomes if one.expectation == "reference"] == [1]
    publish(lake, first.records, "first")
    second = validate_stages(lake, [stage(lake, "features", tfidf=[weight(DOC_IDS[0])])], "second", folders=folders)
    again = [one for one in second.outcomes if one.table_name == "documents" and one.expectation == "reference"]
    assert [one.n_unexpected for one in again] == [0]
