"""Documents whose texts are equal to the byte: one of them is kept, the others are copies of it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from expectations.contracts.documents import DUPLICATES

METHOD = "exact"
RULE = "exact_copy"


def find_exact_duplicates(documents: pa.Table) -> pa.Table:
    """Rows of `duplicates`, by `doc_id`: every document that is a copy, with the one kept of its text.

    `documents` has `doc_id`, `source` and `content_sha256`, in any order, which plays no part. Kept is the document of
    the first source by name, and among those the one with the smallest `doc_id`: so what is kept changes only when one
    comes before it.
    """
    counted = documents.group_by("content_sha256").aggregate([([], "count_all")])
    repeated = counted.filter(pc.greater(counted["count_all"], 1))["content_sha256"]
    candidates = documents.filter(pc.is_in(documents["content_sha256"], value_set=repeated))
    candidates = candidates.sort_by([("content_sha256", "ascending"), ("source", "ascending"), ("doc_id", "ascending")])
    kept = candidates.group_by("content_sha256", use_threads=False).aggregate([("doc_id", "first")])
    place = pc.index_in(candidates["content_sha256"], value_set=kept["content_sha256"])
    with_kept = candidates.append_column("kept_doc_id", kept["doc_id_first"].take(place))
    copies = with_kept.filter(pc.not_equal(with_kept["doc_id"], with_kept["kept_doc_id"]))
    rows = pa.table(
        {
            "doc_id": copies["doc_id"],
            "kept_doc_id": copies["kept_doc_id"],
            "similarity": pa.repeat(pa.scalar(1.0), copies.num_rows),
            "method": pa.repeat(pa.scalar(METHOD), copies.num_rows),
        }
    )
    return rows.cast(DUPLICATES.arrow_schema()).sort_by("doc_id")
