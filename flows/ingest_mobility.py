"""The flow `ingest_mobility`: declared mobility reports and policy files to `mobility`, `policy` and both joined."""

from __future__ import annotations

from prefect import flow

from tasks.intake.sources import load_sources
from tasks.intake.vintages import vintage_works
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, leave_stage
from tasks.mobility.merging import merge_works as merge_mobility_works
from tasks.mobility.policy import join_works
from tasks.mobility.policy import merge_works as merge_policy_works
from tasks.mobility.stage import (
    SUBJECT,
    fetch_all,
    mobility_works,
    parse_mobility,
    parse_policy,
    policy_works,
    show_mobility,
    write_mobility,
    write_mobility_policy,
    write_policy,
    write_vintages,
)
from tasks.running.engine import do_all
from tasks.running.places import home_folder, sources_folder
from tasks.running.runs import record_run


@flow(name="ingest_mobility")
def ingest_mobility(home: str | None = None, sources: str | None = None, engine: str = "local") -> StageRecord:
    """Fetch the declared sources, parse what is new, let the latest vintages win, and leave `mobility`, `policy` and `mobility_policy`."""
    lake = Lake.open(home_folder(home))
    with record_run(lake, "ingest_mobility"):
        fetched = fetch_all(lake, load_sources(sources_folder(sources)))
        noted = do_all(lake, vintage_works(lake, fetched, SUBJECT), write_vintages)
        reports = do_all(lake, mobility_works(fetched), parse_mobility)
        files = do_all(lake, policy_works(fetched), parse_policy)
        mobility = do_all(lake, merge_mobility_works(lake, reports), write_mobility)
        policy = do_all(lake, merge_policy_works(files), write_policy)
        joined = do_all(lake, join_works(mobility, policy), write_mobility_policy)
        show_mobility(fetched, [*reports, *files], [*mobility, *policy, *joined])
        return leave_stage(lake, "mobility", [*noted, *reports, *files, *mobility, *policy, *joined])
