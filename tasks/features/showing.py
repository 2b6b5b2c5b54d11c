"""What the UI shows of the features: documents, tokens, forms and terms by language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.steps import StepRecord
from tasks.running.artifacts import show_table
from tasks.transforms.text.term_counts import merge_counts


def show(lake: Lake, write_tokens: Sequence[StepRecord], write_vocabulary: Sequence[StepRecord]) -> None:
    """Show a row a language."""
    rows = count_by_language(lake, [*write_tokens, *write_vocabulary])
    show_table("text-by-language", rows, "Documents, tokens, distinct forms and terms of each language")


def count_by_language(lake: Lake, records: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """For each language its documents, tokens, distinct forms and terms, as the steps' `records` left them; most tokens
    first.
    """
    files = {
        name: [ref for record in records for ref in record.files_of(name)]
        for name in ("language_counts", "vocabulary", "terms")
    }
    if not files["vocabulary"]:
        return []
    documents = merge_counts((read_table(lake, ref) for ref in files["language_counts"]), ("lang",))
    forms = read_table(lake, files["vocabulary"], ["lang", "n_occurrences"]).group_by("lang")
    of_forms = {row["lang"]: row for row in forms.aggregate([("n_occurrences", "sum"), ([], "count_all")]).to_pylist()}
    terms = read_table(lake, files["terms"], ["lang"]).group_by("lang").aggregate([([], "count_all")]).to_pylist()
    n_terms = {row["lang"]: row["count_all"] for row in terms}
    rows = []
    for row in documents.to_pylist():
        of_language = of_forms.get(row["lang"], {})
        rows.append(
            {
                "language": row["lang"],
                "documents": row["n_documents"],
                "tokens": of_language.get("n_occurrences_sum", 0),
                "distinct forms": of_language.get("count_all", 0),
                "terms": n_terms.get(row["lang"], 0),
            }
        )
    return sorted(rows, key=lambda row: (-row["tokens"], row["language"]))
