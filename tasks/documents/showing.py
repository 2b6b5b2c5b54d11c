"""What the UI shows of documents: by source, what went in, what came out, and what was set aside by which rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tasks.intake.vintages import FetchedSource
from tasks.lake.steps import StepRecord
from tasks.running.artifacts import counted_rules, show_table


def show(
    sources: Sequence[FetchedSource],
    parse_documents: Sequence[StepRecord],
    write_word_tests: Sequence[StepRecord],
    write_documents: Sequence[StepRecord],
) -> None:
    """Show a row a source."""
    rows = []
    for one in sources:
        begins = f"{one.source.name}: "
        parsed = [record for record in (*parse_documents, *write_word_tests) if record.subject.startswith(begins)]
        written = [record for record in write_documents if record.subject.startswith(begins)]
        set_aside = Counter(fault.rule for fault in one.fetched.set_aside)
        for record in (*parsed, *written):
            set_aside.update(record.set_aside)
        rows.append(
            {
                "source": one.source.name,
                "kind": one.source.kind,
                "raw items": len(one.fetched),
                "records in": sum(record.n_rows_in for record in parsed),
                "rows out": sum(record.n_rows_out for record in parsed) - set_aside["exact_copy"],
                "set aside": counted_rules(set_aside),
            }
        )
    words = "Documents, or questions of word tests, by source: records in = rows out + set aside, by rule"
    show_table("documents", rows, words)
