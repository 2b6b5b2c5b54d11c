"""The flow `ingest_mobility`: declared mobility reports and policy files to `mobility`, `policy` and both joined."""

from __future__ import annotations

from prefect import flow

from tasks.lake.stages import StageRecord
from tasks.running.stage_runs import run_stage


@flow(name="ingest_mobility")
def ingest_mobility(home: str | None = None, sources: str | None = None, engine: str = "local") -> StageRecord:
    """Fetch the declared sources, parse what is new, let the latest vintages win, and leave `mobility`, `policy` and
    `mobility_policy`.
    """
    return run_stage("mobility", home, sources=sources)
