"""The flow `publish`: what the stages left becomes the next snapshot."""

from __future__ import annotations

from prefect import flow

from tasks.lake.layout import Lake
from tasks.publication.publishing import publish_snapshot, validate_tables, write_report
from tasks.running.places import home_folder, sources_folder
from tasks.running.runs import record_run


@flow(name="publish")
def publish(home: str | None = None, sources: str | None = None) -> str:
    """Validate what changed since the last snapshot, publish it, and report on it; returns the snapshot in force.

    Suites beside the sources count too. Where a critical expectation fails nothing is published, and the previous
    snapshot stays in force.
    """
    lake = Lake.open(home_folder(home))
    declared = str(sources_folder(sources))
    with record_run(lake, "publish") as run:
        validated = validate_tables(str(lake.home), run.run_id, declared)
        snapshot_id = publish_snapshot(str(lake.home), validated, run.run_id, declared)
        write_report(str(lake.home))
        return snapshot_id
