"""The report's section on sources: which live on an old vintage or on none, and what the gate said of each."""

from __future__ import annotations

from tasks.intake.troubles import find_troubles
from tasks.lake.statements import Row
from tasks.report.sections import Reader, Section

MOST_SHOWN = 100  # places in the page: `tidemill sources list` has all


def section(reader: Reader) -> Row:
    """`troubles`: what an operator must look at, the first hundred of `n_troubles`; `sources`: places, vintages and
    verdicts, counted by source.
    """
    found = find_troubles(reader.lake)
    troubles = [
        {
            "source": one.source,
            "place": one.uri,
            "why": one.rule,
            "since": one.since,
            "in force": one.vintage or "nothing",
            "fetched": one.fetched_at,
            "what was found": one.message,
        }
        for one in found[:MOST_SHOWN]
    ]
    return {"troubles": troubles, "n_troubles": len(found), "sources": reader.rows("sources")}


SECTION = Section(anchor="sources", heading="Sources", place=5, values=section)
