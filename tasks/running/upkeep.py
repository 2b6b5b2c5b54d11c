"""The tasks of `maintain`, each telling in the UI what it did."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.lake.layout import Lake
from tasks.lake.vacuum import Vacuumed, vacuum
from tasks.running.artifacts import show_table
from tasks.running.flow_runs import crash_dead_runs, remove_old_runs

RETRY_AFTER_S = [2.0, 8.0, 32.0]  # a server whose database is locked answers a while later


@task(cache_policy=NO_CACHE, retries=3, retry_delay_seconds=RETRY_AFTER_S)
def crash_silent_runs(silent_minutes: int) -> list[str]:
    """Names of the flow runs that were marked as crashed."""
    names = crash_dead_runs(silent_after=timedelta(minutes=silent_minutes))
    show_table(
        "crashed-runs", [{"flow run": name} for name in names], "Flow runs that nobody ran any more, marked as crashed"
    )
    return names


@task(cache_policy=NO_CACHE, retries=3, retry_delay_seconds=RETRY_AFTER_S)
def forget_old_runs(keep_days: int) -> int:
    """How many ended flow runs were removed from Prefect's database."""
    return remove_old_runs(timedelta(days=keep_days))


@task(cache_policy=NO_CACHE)
def vacuum_lake(home: str, keep: int) -> Vacuumed:
    """What was removed from the lake."""
    removed = vacuum(Lake(Path(home)), keep)
    row = {"snapshots": ", ".join(removed.snapshots), "files": removed.n_files, "bytes": removed.n_bytes}
    show_table("vacuum", [row], f"Removed, because none of the last {keep} snapshots needs it")
    return removed
