"""Copies set aside over all files; a file without copies is not written again."""

from datetime import UTC, datetime

import pyarrow.compute as pc
import pytest
from support.chains import step_of

from expectations.contracts.tables import TABLES
from tasks.documents.copies import COPIES, document_batches, duplicate_batches
from tasks.documents.parsing import PARSED
from tasks.documents.stage import CHAIN
from tasks.lake.files import read_table, write_table
from tasks.lake.steps import StepRecord, do, find_record
from tasks.transforms.records.document_rows import DocumentRows, Origin
from tasks.transforms.records.parsed_records import ParsedDocument

SEARCH, LEAVE_OUT = step_of(CHAIN, "write_duplicates"), step_of(CHAIN, "write_documents")


def parsed(lake, source: str, *texts: str) -> StepRecord:
    """The record of a parsed batch with a document for each text."""
    rows = DocumentRows("parse_documents", "f" * 12)
    for number, text in enumerate(texts):
        rows.add(
            Origin(source, "text", "en", "a.txt", "0" * 12, datetime(2020, 5, 17, tzinfo=UTC)),
            ParsedDocument(f"line={number}", text, 1, "x"),
        )
    ref = write_table(lake, "documents", rows.take().tables["documents"])
    ref = type(ref)(**{**vars(ref), "table": PARSED})
    return StepRecord(
        "parse_documents", f"{source}: a.txt", source, "f" * 12, "0", (), (ref,), len(texts), len(texts), {}, 0.0
    )


def settle(lake, *records: StepRecord):
    """All steps after parsing: the search, the files written anew, and the documents at the end."""
    (search,) = duplicate_batches(records)
    found = do(lake, SEARCH.task(search))
    written = [do(lake, LEAVE_OUT.task(batch)) for batch in document_batches(lake, records, [found])]
    files = [ref for record in (found, *written) for ref in record.files_of("documents")]
    return found, written, read_table(lake, files).to_pylist() if files else []


def test_copies_leave_documents_and_stand_in_duplicates(lake):
    a, b = parsed(lake, "a", "one", "two"), parsed(lake, "b", "two", "three", "three")
    found, written, documents = settle(lake, a, b)
    assert sorted((row["source"], row["text"]) for row in documents) == [("a", "one"), ("a", "two"), ("b", "three")]
    duplicates = read_table(lake, found.files_of("duplicates")).to_pylist()
    assert {row["method"] for row in duplicates} == {"exact"} == set(TABLES["duplicates"].column("method").one_of)
    kept = {row["doc_id"]: row["text"] for row in documents}
    assert sorted(kept[row["kept_doc_id"]] for row in duplicates) == ["three", "two"]
    assert a.n_rows_out + b.n_rows_out == len(documents) + len(duplicates)
    assert [record.set_aside for record in written] == [{"exact_copy": 2}]


def test_a_file_without_copies_is_the_file_of_documents(lake):
    a, b = parsed(lake, "a", "one"), parsed(lake, "b", "one", "two")
    found, written, _ = settle(lake, a, b)
    assert [ref.path for ref in found.files_of("documents")] == [a.files[0].path]
    assert len(written) == 1


def test_a_file_whose_copies_did_not_change_is_not_written_again(lake):
    a, b = parsed(lake, "a", "one"), parsed(lake, "b", "one", "two")
    settle(lake, a, b)
    c = parsed(lake, "c", "new", "two")
    (search,) = duplicate_batches((a, b, c))
    assert find_record(lake, SEARCH.task(search)) is None
    batches = document_batches(lake, (a, b, c), [do(lake, SEARCH.task(search))])
    assert [(batch.subject, find_record(lake, LEAVE_OUT.task(batch)) is not None) for batch in batches] == [
        ("b: a.txt, part 1", True),
        ("c: a.txt, part 1", False),
    ]


def test_every_copy_has_its_line_in_the_ledger(lake):
    found, _, _ = settle(lake, parsed(lake, "a", "one"), parsed(lake, "b", "one"))
    (line,) = read_table(lake, found.files_of("ops.ledger")).to_pylist()
    (duplicate,) = read_table(lake, found.files_of("duplicates")).to_pylist()
    assert (line["subject"], line["outcome"], line["rule"]) == (duplicate["doc_id"], "set_aside", "exact_copy")


def test_a_file_of_copies_alone_leaves_no_documents(lake):
    _, (record,), documents = settle(lake, parsed(lake, "a", "one", "two"), parsed(lake, "b", "two", "one"))
    assert (record.n_rows_out, {row["source"] for row in documents}) == (0, {"a"})


@pytest.mark.parametrize("n_files", [0, 1])
def test_no_copies_no_rows(lake, n_files):
    found, written, documents = settle(lake, *[parsed(lake, "a", "one", "two")] * n_files)
    assert (found.n_rows_in, written, len(documents)) == (0, [], 2 * n_files)
    assert pc.sum(read_table(lake, found.files_of(COPIES))["doc_id"].is_valid()).as_py() in (None, 0)
