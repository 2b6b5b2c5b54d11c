"""Validation of stages: what is set aside, what stops, what is told, what is not done twice."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expectations.contracts.documents import DOCUMENTS
from expectations.contracts.mobility import MOBILITY
from expectations.contracts.tables import TABLES
from expectations.contracts.text import TFIDF
from expectations.suite_format import SuiteError
from tasks.lake.files import FileRef, digest_file, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord
from tasks.publication.validation import KEEPS_VOLUME, CriticalExpectationError, validate_stages
from tasks.running.runs import RunRefusedError

pytestmark = pytest.mark.slow  # Great Expectations takes two to three seconds to import

DOC_IDS = [f"{number:016x}" for number in range(4)]


def document(doc_id: str, **changed: Any) -> dict[str, Any]:
    row = {
        "doc_id": doc_id,
        "source": "letters",
        "uri": f"letters/{doc_id}.txt",
        "kind": "text",
        "lang": "de",
        "lang_confidence": 1.0,
        "title": None,
        "text": "Straße <script>",
        "n_chars": 6,
        "n_words": 1,
        "content_sha256": "a" * 64,
        "extractor": "plain",
        "extraction_confidence": None,
        "published_on": None,
        "fetched_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return {**row, **changed}


def weight(doc_id: str, term: str = "straß", **changed: Any) -> dict[str, Any]:
    return {"doc_id": doc_id, "term": term, "n_occurrences": 1, "weight": 1.0, **changed}


def change(region_id: str, **changed: Any) -> dict[str, Any]:
    row = dict.fromkeys(MOBILITY.arrow_schema().names)
    row |= {"region_id": region_id, "observed_on": date(2020, 3, 1), "category": "parks", "change_pct": -10.0}
    row |= {"country_code": "DE", "country": "Germany", "vintage": "0" * 12}
    return {**row, **changed}


def any_file(lake: Lake, table: str, rows: Sequence[dict[str, Any]], schema: pa.Schema | None = None) -> FileRef:
    """A file of a table with rows that no contract was asked about."""
    lax = schema or pa.schema([(column.name, column.type) for column in TABLES[table].columns])
    path = lake.tables / table / "written.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=lax), path)
    sha256 = digest_file(path)
    path = path.rename(path.with_name(f"{sha256}.parquet"))
    return FileRef(table, path.relative_to(lake.home).as_posix(), len(rows), path.stat().st_size, sha256)


def stage(lake: Lake, name: str, **tables: Sequence[dict[str, Any]]) -> StageRecord:
    return StageRecord(name, {table: (any_file(lake, table, rows),) for table, rows in tables.items()}, (), 0, 0)


def weights_of_files(*files: FileRef) -> StageRecord:
    return StageRecord("features", {"tfidf": files}, (), 0, 0)


def rows_of(lake: Lake, record: StageRecord, table: str) -> list[dict[str, Any]]:
    return read_table(lake, record.tables[table]).to_pylist()


def told(lake: Lake) -> list[dict[str, Any]]:
    return [row for path in sorted(lake.ops.glob("validations/*/*.parquet")) for row in pq.read_table(path).to_pylist()]


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
