"""Validation of stages: what is set aside, what stops, what is told, what is not done twice."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from support.validated_stages import DOC_IDS, any_file, change, document, rows_of, stage, told, weight, weights_of_files

from expectations.contracts.documents import DOCUMENTS
from expectations.contracts.mobility import MOBILITY
from expectations.contracts.tables import TABLES
from expectations.contracts.text import TFIDF
from expectations.suite_format import SuiteError
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord
from tasks.publication.validation import KEEPS_VOLUME, CriticalExpectationError, validate_stages
from tasks.running.runs import RunRefusedError

pytestmark = pytest.mark.slow  # Great Expectations takes two to three seconds to import


def test_rows_that_fail_go_to_quarantine_with_their_rule_and_the_rest_goes_on(lake):
    good, bad = document(DOC_IDS[0]), document(DOC_IDS[1], lang_confidence=float("nan"))
    record = stage(lake, "documents", documents=[good, bad, document("no id")])
    result = validate_stages(lake, [record], "run")
    (cleaned,) = result.records
    assert rows_of(lake, cleaned, "documents") == [good]
    assert result.set_aside == {"documents": {"lang_confidence_not_finite": 1, "doc_id_malformed": 1}}
    quarantined = rows_of(lake, cleaned, "ops.quarantine")
    assert {(row["table_name"], row["rule"], row["source"], row["uri"]) for row in quarantined} == {
        ("documents", "lang_confidence_not_finite", "letters", f"letters/{DOC_IDS[1]}.txt"),
        ("documents", "doc_id_malformed", "letters", "letters/no id.txt"),
    }
    raw = next(json.loads(row["raw_row"]) for row in quarantined if row["rule"] == "doc_id_malformed")
    assert (raw["doc_id"], raw["text"], raw["fetched_at"]) == ("no id", "Straße <script>", "2026-01-01 00:00:00+00:00")
    failed = {row["expectation"]: row["n_unexpected"] for row in told(lake) if not row["is_success"]}
    assert failed == {"expect_column_values_to_be_between": 1, "expect_column_values_to_match_regex": 1}


def test_a_row_without_a_place_of_its_own_is_found_by_file_and_row(lake):
    record = stage(lake, "mobility", mobility=[change("DE"), change("DE/Bayern", change_pct=-100.5)])
    (cleaned,) = validate_stages(lake, [record], "run").records
    (row,) = rows_of(lake, cleaned, "ops.quarantine")
    assert (row["source"], row["uri"], row["vintage"]) == (
        "mobility",
        f"{record.tables['mobility'][0].path}#2",
        "0" * 12,
    )
    assert row["rule"] == "change_pct_below_-100.0"


def test_only_files_that_hold_failing_rows_are_written_again(lake):
    good = write_table(lake, "mobility", pa.Table.from_pylist([change("AT")], schema=MOBILITY.arrow_schema()))
    bad = any_file(lake, "mobility", [change("DE"), change("FR", change_pct=float("inf"))])
    (cleaned,) = validate_stages(lake, [StageRecord("mobility", {"mobility": (good, bad)}, (), 0, 0)], "run").records
    assert cleaned.tables["mobility"][0] == good
    assert cleaned.tables["mobility"][1] != bad
    assert sorted(row["region_id"] for row in rows_of(lake, cleaned, "mobility")) == ["AT", "DE"]


def test_what_refers_to_a_row_that_was_set_aside_is_set_aside_too(lake):
    documents = stage(lake, "documents", documents=[document(DOC_IDS[0]), document(DOC_IDS[1], n_chars=0)])
    features = stage(lake, "features", tfidf=[weight(DOC_IDS[0]), weight(DOC_IDS[1]), weight(DOC_IDS[2])])
    result = validate_stages(lake, [features, documents], "run")
    assert result.set_aside == {"documents": {"n_chars_below_1": 1}, "tfidf": {"doc_id_not_in_documents": 2}}
    assert [record.stage for record in result.records] == ["features", "documents"]
    assert rows_of(lake, result.records[0], "tfidf") == [weight(DOC_IDS[0])]
    assert {row["rule"] for row in rows_of(lake, result.records[0], "ops.quarantine")} == {"doc_id_not_in_documents"}


def test_a_stage_published_before_loses_the_rows_whose_document_is_gone(lake):
    documents = stage(lake, "documents", documents=[document(doc_id) for doc_id in DOC_IDS])
    features = stage(lake, "features", tfidf=[weight(doc_id) for doc_id in DOC_IDS])
    publish(lake, validate_stages(lake, [documents, features], "first").records, "first")
    fewer = stage(lake, "documents", documents=[document(doc_id) for doc_id in DOC_IDS[:3]])
    result = validate_stages(lake, [fewer], "second")
    assert [record.stage for record in result.records] == ["documents", "features"]
    assert result.set_aside == {"tfidf": {"doc_id_not_in_documents": 1}}
    manifest = publish(lake, result.records, "second")
    assert [row["doc_id"] for row in read_table(lake, manifest.tables["tfidf"]).to_pylist()] == DOC_IDS[:3]


def test_a_stage_whose_documents_are_all_gone_stops_no_publish_of_what_came_instead(lake):
    terms = [f"term{number}" for number in range(20)]  # more than a handful, which would be set aside anyway
    documents = stage(lake, "documents", documents=[document(DOC_IDS[0])])
    features = stage(lake, "features", tfidf=[weight(DOC_IDS[0], term) for term in terms])
    publish(lake, validate_stages(lake, [documents, features], "first").records, "first")
    result = validate_stages(lake, [stage(lake, "documents", documents=[document(DOC_IDS[1])])], "second")
    assert result.set_aside == {"tfidf": {"doc_id_not_in_documents": 20}}
    with pytest.raises(
        CriticalExpectationError, match="20 of 20 rows"
    ):  # what was left now, and refers to nothing, is a defect
        validate_stages(lake, [features, stage(lake, "documents", documents=[document(DOC_IDS[1])])], "third")


@pytest.mark.parametrize(
    ("record_of", "sentence"),
    [
        (
            lambda lake: stage(lake, "documents", documents=[document(DOC_IDS[0])] * 2),
            (
                "the table documents is not published: expect_column_values_to_be_unique on doc_id fails, 2 of 2 rows; "
                "two rows of one key"
            ),
        ),
        (
            lambda lake: stage(lake, "features", tfidf=[weight(DOC_IDS[0])] * 3),
            "the table tfidf is not published: expect_compound_columns_to_be_unique on doc_id,term fails, 3 of 3 rows",
        ),
        (
            lambda lake: weights_of_files(any_file(lake, "tfidf", [], TFIDF.arrow_schema().remove(3))),
            (
                "the table tfidf is not published: expect_table_columns_to_match_ordered_list fails, 0 rows looked at "
                "(1 more fails"
            ),
        ),
        (
            lambda lake: weights_of_files(
                any_file(lake, "tfidf", [weight(DOC_IDS[0])]),
                any_file(lake, "tfidf", [], TFIDF.arrow_schema().set(2, pa.field("n_occurrences", pa.string()))),
            ),
            "expect_column_values_to_be_of_type on n_occurrences fails",
        ),
    ],
    ids=["key of one column", "key of many", "a column is gone", "one file has another type"],
)
def test_a_critical_failure_stops_and_leaves_everything_as_it_was(lake, record_of, sentence):
    published = publish(lake, [stage(lake, "documents", documents=[document(DOC_IDS[0])])], "before")
    record = record_of(lake)
    before = {
        path: path.stat().st_size for path in lake.tables.rglob("*.parquet") if "validation_outcomes" not in path.parts
    }
    with pytest.raises(CriticalExpectationError) as caught:
        validate_stages(lake, [record], "run")
    assert sentence in str(caught.value)
    assert str(caught.value).endswith("the previous snapshot stays")
    assert isinstance(caught.value, RunRefusedError)
    after = {
        path: path.stat().st_size for path in lake.tables.rglob("*.parquet") if "validation_outcomes" not in path.parts
    }
    assert after == before
    assert publish(lake, [], "after") == published
    assert any(row["severity"] == "critical" and not row["is_success"] for row in told(lake))


def test_a_refused_publish_is_refused_again_and_told_again(lake):
    record = stage(lake, "documents", documents=[document(DOC_IDS[0])] * 2)
    for run_id in ("first", "second"):
        with pytest.raises(CriticalExpectationError):
            validate_stages(lake, [record], run_id)
    assert {row["run_id"] for row in told(lake)} == {"first", "second"}


def test_a_table_of_which_most_rows_fail_is_refused(lake):
    rows = [document(f"{number:016x}", n_chars=0 if number < 11 else 1) for number in range(20)]
    with pytest.raises(
        CriticalExpectationError, match=r"most_of_its_rows fails, 11 of 20 rows; more than half .*n_chars_below_1"
    ):
        validate_stages(lake, [stage(lake, "documents", documents=rows)], "run")
    few = stage(
        lake,
        "documents",
        documents=[document(DOC_IDS[0]), document(DOC_IDS[1], n_chars=0), document(DOC_IDS[2], n_chars=0)],
    )
    assert validate_stages(lake, [few], "run").set_aside == {"documents": {"n_chars_below_1": 2}}


def test_a_table_that_lost_half_of_its_rows_is_told(lake):
    publish(lake, [stage(lake, "documents", documents=[document(doc_id) for doc_id in DOC_IDS])], "before")
    result = validate_stages(lake, [stage(lake, "documents", documents=[document(DOC_IDS[0])])], "run")
    (volume,) = [outcome for outcome in result.outcomes if outcome.expectation == KEEPS_VOLUME]
    assert (volume.is_success, volume.severity, volume.observed) == (False, "warning", '{"before":4,"observed":1}')
    half = validate_stages(
        lake, [stage(lake, "documents", documents=[document(doc_id) for doc_id in DOC_IDS[:2]])], "run"
    )
    assert all(outcome.is_success for outcome in half.outcomes)


def test_what_stands_is_neither_validated_nor_told_again(lake):
    record = stage(lake, "documents", documents=[document(DOC_IDS[0]), document("no id")])
    first = validate_stages(lake, [record], "first")
    n_told = len(told(lake))
    second = validate_stages(lake, [record], "second")
    assert (first.n_fresh, second.n_fresh) == (2, 0)
    assert (second.records, second.outcomes, second.set_aside) == (first.records, first.outcomes, first.set_aside)
    assert len(told(lake)) == n_told


def test_a_second_time_needs_no_great_expectations(lake):
    record = stage(lake, "documents", documents=[document(DOC_IDS[0]), document("no id")])
    validate_stages(lake, [record], "first")
    code = (
        "import sys\nfrom pathlib import Path\nfrom tasks.lake.files import FileRef\n"
        "from tasks.lake.layout import Lake\nfrom tasks.lake.stages import StageRecord\n"
        "from tasks.publication.validation import validate_stages\n"
        f"record = {record!r}\nresult = validate_stages(Lake(Path({str(lake.home)!r})), [record], 'second')\n"
        "assert result.set_aside == {'documents': {'doc_id_malformed': 1}}, result\n"
        "print([name for name in ('great_expectations', 'sqlalchemy', 'prefect') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    assert done.stdout.strip() == "[]"


def test_a_second_publish_of_what_was_cleaned_changes_nothing(lake):
    record = stage(lake, "documents", documents=[document(DOC_IDS[0]), document("no id")])
    first = publish(lake, validate_stages(lake, [record], "first").records, "first")
    assert publish(lake, validate_stages(lake, [record], "second").records, "second") == first


def test_expectations_of_ones_own_set_rows_aside_or_stop(lake, tmp_path):
    suites = tmp_path / "suites"
    suites.mkdir()

    def suite(severity: str) -> None:
        (suites / "titles.yaml").write_text(
            "table: documents\nexpectations:\n- type: expect_column_value_lengths_to_be_between\n"
            f"  kwargs: {{column: title, max_value: 3}}\n  severity: {severity}\n"
            "  rule: title_too_long\n  remedy: shorten it\n"
        )

    record = stage(lake, "documents", documents=[document(DOC_IDS[0], title="kurz"), document(DOC_IDS[1], title="äöü")])
    suite("warning")
    result = validate_stages(lake, [record], "run", folders=[suites])
    assert result.set_aside == {"documents": {"title_too_long": 1}}
    assert [row["doc_id"] for row in rows_of(lake, result.records[0], "documents")] == [DOC_IDS[1]]
    suite("info")
    assert validate_stages(lake, [record], "run", folders=[suites]).set_aside == {}
    suite("critical")
    with pytest.raises(
        CriticalExpectationError, match="value_lengths_to_be_between on title fails, 1 of 2 rows; shorten it"
    ):
        validate_stages(lake, [record], "run", folders=[suites])
    (suites / "titles.yaml").write_text("{}")
    with pytest.raises(SuiteError, match=r"titles\.yaml, line 1: `table` is missing"):
        validate_stages(lake, [record], "run", folders=[suites])


def test_every_table_may_be_empty(lake):
    names = [name for name in TABLES if name not in ("ops.runs", "ops.validations", "ops.snapshots")]
    record = StageRecord(
        "documents", {name: (write_table(lake, name, TABLES[name].empty()),) for name in names}, (), 0, 0
    )
    result = validate_stages(lake, [record], "run")
    assert result.records == (record,)
    assert result.n_fresh == len(names)
    assert all(outcome.is_success for outcome in result.outcomes)


def test_a_home_with_odd_letters_in_its_path_is_validated(tmp_path):
    lake = Lake.open(tmp_path / "it's a [home] with ü; --")
    record = stage(lake, "documents", documents=[document(DOC_IDS[0]), document("no id")])
    assert validate_stages(lake, [record], "run").set_aside == {"documents": {"doc_id_malformed": 1}}


def test_no_spilled_files_are_left(lake):
    validate_stages(lake, [stage(lake, "documents", documents=[document(DOC_IDS[0])])], "run")
    assert [path for path in lake.home.rglob("*") if path.name.endswith(".part")] == []
    assert DOCUMENTS.key == ("doc_id",)


def test_a_damaged_file_is_told_in_a_sentence(lake):
    record = stage(lake, "documents", documents=[document(DOC_IDS[0])])
    ref = record.tables["documents"][0]
    lake.locate(ref.path).write_bytes(b"no parquet")
    with pytest.raises(Exception, match="a file of the table documents cannot be read"):
        validate_stages(lake, [replace(record)], "run")


def without_column(lake: Lake, table: str, rows: Sequence[dict[str, Any]], column: str) -> FileRef:
    """A file of a table as it was written before the contract had that column."""
    schema = pa.schema([(one.name, one.type) for one in TABLES[table].columns if one.name != column])
    return any_file(lake, table, [{name: row[name] for name in schema.names} for row in rows], schema)


def test_files_from_before_a_column_that_may_be_null_are_published_with_it_though_their_stage_waits(lake: Lake) -> None:
    old = without_column(lake, "documents", [document(DOC_IDS[0])], "published_on")
    publish(lake, [StageRecord("documents", {"documents": (old,)}, (), 1, 0)], "before")
    result = validate_stages(lake, [stage(lake, "features", tfidf=[weight(DOC_IDS[0])])], "after")
    documents = next(record for record in result.records if record.stage == "documents")
    assert rows_of(lake, documents, "documents") == [document(DOC_IDS[0])]
    assert result.set_aside == {}
    publish(lake, result.records, "after")
    again = validate_stages(lake, [stage(lake, "features", tfidf=[weight(DOC_IDS[0])])], "again")
    assert [record.stage for record in again.records] == ["features"]


def test_files_from_before_a_column_that_is_never_null_stop_the_publish(lake: Lake) -> None:
    old = without_column(lake, "documents", [document(DOC_IDS[0])], "extractor")
    with pytest.raises(CriticalExpectationError, match="the files were written under another contract"):
        validate_stages(lake, [StageRecord("documents", {"documents": (old,)}, (), 1, 0)], "run")
