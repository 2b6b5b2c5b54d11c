"""Copies among the parsed documents: found over all of them, set aside file by file, so that a file without news is not touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from expectations.contracts.documents import DOCUMENTS
from expectations.contracts.ops import LEDGER
from tasks.documents.parsing import PARSED
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Step, StepOutput, StepRecord, Work
from tasks.transforms.text.exact_duplicates import RULE, find_exact_duplicates

MODULES = ("tasks.transforms.text.exact_duplicates",)
FINDING, REMOVING = Step("write_duplicates", MODULES), Step("write_documents", MODULES)
COPIES = "copies_by_file"
"""The working table that says which copies stand in which file of parsed documents."""
COPIES_SCHEMA = pa.schema(
    [pa.field("sha256", pa.string(), nullable=False), pa.field("doc_id", pa.string(), nullable=False)]
)
COMPARED = ("doc_id", "source", "content_sha256")


@dataclass(frozen=True)
class FileWithCopies:
    """A file of parsed documents, and which of them are copies."""

    file: FileRef
    copies: tuple[str, ...]


def duplicate_works(parsed: Sequence[StepRecord]) -> list[Work]:
    """The one search for copies among all that `parsed` left."""
    files = tuple(ref for record in parsed for ref in record.files_of(PARSED))
    return [Work(FINDING, "all documents", tuple(sorted(ref.sha256 for ref in files)), files)]


def document_works(lake: Lake, parsed: Sequence[StepRecord], found: StepRecord) -> list[Work]:
    """For each file with copies in it the work of leaving them out; files without any are documents already, left by the search."""
    copies = read_table(lake, found.files_of(COPIES))
    by_file: dict[str, list[str]] = {}
    for sha256, doc_id in zip(copies["sha256"].to_pylist(), copies["doc_id"].to_pylist(), strict=True):
        by_file.setdefault(sha256, []).append(doc_id)
    return [
        Work(REMOVING, f"{record.subject}, part {number}", (ref.sha256, *ids), FileWithCopies(ref, ids))
        for record in parsed
        for number, ref in enumerate(record.files_of(PARSED), 1)
        if (ids := tuple(sorted(by_file.get(ref.sha256, ()))))
    ]


def duplicates_body(lake: Lake, files: tuple[FileRef, ...]) -> StepOutput:
    """Find the copies among all documents: `duplicates`, a line of the ledger for each, and the files that hold none as documents.

    Reads identifiers and digests only. Its rows are the copies.
    """
    compared = read_table(lake, files, COMPARED) if files else DOCUMENTS.empty().select(COMPARED)
    duplicates = find_exact_duplicates(compared)
    is_copy = pc.is_in(compared["doc_id"], value_set=duplicates["doc_id"])
    by_file: list[pa.Table] = [COPIES_SCHEMA.empty_table()]
    clean: list[FileRef] = []
    n_before = 0
    for ref in files:
        ids = compared["doc_id"].slice(n_before, ref.n_rows).filter(is_copy.slice(n_before, ref.n_rows))
        n_before += ref.n_rows
        if len(ids):
            by_file.append(pa.table([pa.repeat(pa.scalar(ref.sha256), len(ids)), ids], schema=COPIES_SCHEMA))
        else:
            clean.append(replace(ref, table="documents"))
    tables = {"duplicates": duplicates, COPIES: pa.concat_tables(by_file), "ops.ledger": _decisions(duplicates)}
    written = tuple(write_table(lake, name, table) for name, table in tables.items())
    return StepOutput((*written, *clean), duplicates.num_rows, duplicates.num_rows)


def documents_body(lake: Lake, work: FileWithCopies) -> StepOutput:
    """Leave the documents of one file that are no copies."""
    parsed = read_table(lake, work.file)
    documents = parsed.filter(pc.invert(pc.is_in(parsed["doc_id"], value_set=pa.array(work.copies, pa.string()))))
    n_copies = parsed.num_rows - documents.num_rows
    return StepOutput(
        (write_table(lake, "documents", documents),), parsed.num_rows, documents.num_rows, {RULE: n_copies}
    )


def _decisions(duplicates: pa.Table) -> pa.Table:
    rows = [
        {
            "subject": doc_id, "subject_kind": "document", "stage": FINDING.name, "outcome": "set_aside", "rule": RULE, "score": 1.0,
            "threshold": 1.0, "code_version": FINDING.code_version,
        }
        for doc_id in duplicates["doc_id"].to_pylist()
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=LEDGER.arrow_schema())
