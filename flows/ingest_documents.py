"""The flow `ingest_documents`: declared sources to documents."""

from __future__ import annotations

from prefect import flow

from tasks.documents.copies import document_works, duplicate_works
from tasks.documents.parsing import DocumentSettings
from tasks.documents.stage import (
    SUBJECT,
    all_parse_works,
    fetch_all,
    parse_documents,
    show_documents,
    write_documents,
    write_duplicates,
    write_vintages,
    write_word_tests,
)
from tasks.documents.word_tests import word_test_works
from tasks.intake.sources import load_sources
from tasks.intake.vintages import vintage_works
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, leave_stage
from tasks.running.engine import do_all
from tasks.running.places import home_folder, sources_folder
from tasks.running.runs import record_run

DEFAULTS = DocumentSettings()


@flow(name="ingest_documents")
def ingest_documents(
    home: str | None = None, sources: str | None = None, engine: str = "local", settings: DocumentSettings = DEFAULTS
) -> StageRecord:
    """Fetch the declared sources, parse what is new, set copies aside, and leave `documents` with all that goes with them."""
    lake = Lake.open(home_folder(home))
    with record_run(lake, "ingest_documents"):
        fetched = fetch_all(lake, load_sources(sources_folder(sources)))
        noted = do_all(lake, vintage_works(lake, fetched, SUBJECT), write_vintages)
        parsed = do_all(lake, all_parse_works(fetched, settings), parse_documents)
        found = do_all(lake, duplicate_works(parsed), write_duplicates)
        written = do_all(lake, document_works(lake, parsed, found[0]), write_documents)
        tests = do_all(lake, word_test_works(fetched), write_word_tests)
        show_documents(fetched, [*parsed, *tests], written)
        return leave_stage(lake, "documents", [*noted, *parsed, *found, *written, *tests])
