"""Which sources give documents."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.document_parsing import PARSER_MODULES
from tasks.transforms.source_format import Source

SUBJECT = "all sources of documents"


def document_sources(sources: Sequence[Source]) -> list[Source]:
    """Those sources whose records are documents."""
    return [source for source in sources if source.kind in PARSER_MODULES]
