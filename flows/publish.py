"""The flow `publish`: what the stages left becomes the next snapshot."""

from __future__ import annotations

from prefect import flow

from tasks.lake.layout import Lake
from tasks.publication.publishing import publish_snapshot, validate_tables, write_report
from tasks.running.places import home_folder
from tasks.running.runs import record_run


@flow(name="publish")
def publish(home: str | None = None) -> str:
    """Validate what changed since the last snapshot, publish it, and report on it; returns the snapshot in force.

    Where a critical expectation fails nothing is published, and the previous snapshot stays in force.
    """
    lake = Lake.open(home_folder(home))
    with record_run(lake, "publish") as run:
        validated = validate_tables(str(lake.home), run.run_id)
        snapshot_id = publish_snapshot(str(lake.home), validated, run.run_id)
        write_report(str(lake.home))
        return snapshot_id
