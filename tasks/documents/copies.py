"""Copies among the parsed documents: found over all of them, set aside file by file, so that a file without news is not
touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from expectations.contracts.documents import DOCUMENTS
from tasks.documents.parsing import PARSED
from tasks.lake.decisions import write_decisions
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.transforms.text.exact_duplicates import RULE, find_exact_duplicates

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


def duplicate_batches(parse_documents: Sequence[StepRecord]) -> list[Batch]:
    """The one search for copies among all parsed documents."""
    files = tuple(ref for record in parse_documents for ref in record.files_of(PARSED))
    return [Batch("all documents", tuple(sorted(ref.sha256 for ref in files)), files)]


def document_batches(
    lake: Lake, parse_documents: Sequence[StepRecord], write_duplicates: Sequence[StepRecord]
) -> list[Batch]:
    """A batch for each file with copies in it, to leave them out; files without any are documents already, left by the
    search.
    """
    (found,) = write_duplicates
    copies = read_table(lake, found.files_of(COPIES))
    by_file: dict[str, list[str]] = {}
    for sha256, doc_id in zip(copies["sha256"].to_pylist(), copies["doc_id"].to_pylist(), strict=True):
        by_file.setdefault(sha256, []).append(doc_id)
    return [
        Batch(f"{record.subject}, part {number}", (ref.sha256, *ids), FileWithCopies(ref, ids))
        for record in parse_documents
        for number, ref in enumerate(record.files_of(PARSED), 1)
        if (ids := tuple(sorted(by_file.get(ref.sha256, ()))))
    ]


def write_duplicates(lake: Lake, files: tuple[FileRef, ...]) -> StepOutput:
    """Find the copies among all documents: `duplicates`, a line of the ledger for each, and the files that hold none as
    documents.

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
    of_copy = {"subject_kind": "document", "outcome": "set_aside", "rule": RULE, "score": 1.0, "threshold": 1.0}
    written = (
        write_table(lake, "duplicates", duplicates),
        write_table(lake, COPIES, pa.concat_tables(by_file)),
        *write_decisions(lake, ({**of_copy, "subject": doc_id} for doc_id in duplicates["doc_id"].to_pylist())),
    )
    return StepOutput((*written, *clean), duplicates.num_rows, duplicates.num_rows)


def write_documents(lake: Lake, part: FileWithCopies) -> StepOutput:
    """Leave the documents of one file that are no copies."""
    parsed = read_table(lake, part.file)
    is_copy = pc.is_in(parsed["doc_id"], value_set=pa.array(part.copies, pa.string()))
    documents = parsed.filter(pc.invert(is_copy))
    n_copies = parsed.num_rows - documents.num_rows
    written = write_table(lake, "documents", documents)
    return StepOutput((written,), parsed.num_rows, documents.num_rows, {RULE: n_copies})
