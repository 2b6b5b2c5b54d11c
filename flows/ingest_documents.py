"""The flow `ingest_documents`: declared sources to documents."""

from __future__ import annotations

from prefect import flow

from tasks.documents.parsing import DocumentSettings
from tasks.lake.stages import StageRecord
from tasks.running.stage_runs import run_stage

DEFAULTS = DocumentSettings()


@flow(name="ingest_documents")
def ingest_documents(
    home: str | None = None, sources: str | None = None, engine: str = "local", settings: DocumentSettings = DEFAULTS
) -> StageRecord:
    """Fetch the declared sources, parse what is new, set copies aside, and leave `documents` with all that goes with
    them.
    """
    return run_stage("documents", home, sources=sources, settings={"documents": settings})
