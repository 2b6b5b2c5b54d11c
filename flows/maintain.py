"""The flow `maintain`: what piles up is kept in bounds, what is dead is told to be."""

from __future__ import annotations

from prefect import flow

from tasks.lake.layout import Lake
from tasks.running.places import home_folder
from tasks.running.runs import record_run
from tasks.running.upkeep import crash_silent_runs, forget_old_runs, vacuum_lake


@flow(name="maintain")
def maintain(
    home: str | None = None, keep_snapshots: int = 30, keep_runs_days: int = 30, silent_minutes: int = 10
) -> None:
    """Mark flow runs that have been silent for `silent_minutes` as crashed, forget those that ended `keep_runs_days`
    ago, and remove the files that none of the last `keep_snapshots` snapshots needs.
    """
    lake = Lake.open(home_folder(home))
    with record_run(lake, "maintain"):
        crash_silent_runs(silent_minutes)
        forget_old_runs(keep_runs_days)
        vacuum_lake(str(lake.home), keep_snapshots)
