"""Everything that a snapshot knows about one document: where it came from, every decision, what was made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.lake.layout import Lake
from tasks.lake.manifests import present_id
from tasks.lake.statements import Row, rows_of
from tasks.questions.queries import QueryError, open_snapshot

SECTIONS = ("document", "vintages", "duplicates", "decisions", "quarantine", "tokens", "terms", "labels", "models")
"""In the order in which they are told; each is a query of `tasks/questions/sql`, but for those of QUERIES."""
QUERIES: Mapping[str, tuple[str, ...]] = {"labels": ("labels", "predictions")}


@dataclass(frozen=True)
class Explanation:
    """What is known of a document: for each of SECTIONS its rows, none where nothing is known."""

    doc_id: str
    snapshot_id: str
    sections: Mapping[str, list[Row]]


def explain_document(lake: Lake, name: str, as_of: str | None = None) -> Explanation:
    """What the snapshot (`as_of`, else the present one) knows of the document called `name`: its `doc_id`, its `uri`,
    or the end of that.

    QueryError where no document is called so, or several are.
    """
    with open_snapshot(lake, as_of) as warehouse:
        found = rows_of(warehouse, "questions/find", {"name": name})
        exact = [row for row in found if name in (row["doc_id"], row["uri"])] or found
        if not exact:
            raise QueryError(f"no document is called {name!r}: give a doc_id or a uri, as `tidemill search` shows them")
        if len({row["doc_id"] for row in exact}) > 1:
            candidates = ", ".join(f"{row['doc_id']} ({row['uri']})" for row in exact)
            raise QueryError(f"several documents are called {name!r}: give the doc_id of one of {candidates}")
        doc_id = exact[0]["doc_id"]
        sections = {
            section: [
                row
                for query in QUERIES.get(section, (section,))
                for row in rows_of(warehouse, f"questions/{query}", {"doc_id": doc_id})
            ]
            for section in SECTIONS
        }
        return Explanation(doc_id, as_of or present_id(lake) or "", sections)
