"""The flow `refresh`: everything, in order."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.publish import publish
from tasks.lake.layout import Lake
from tasks.running.engine import keep_engine
from tasks.running.places import home_folder
from tasks.running.runs import record_run
from tasks.running.stages import PUBLISH, all_chains, all_stages, flow_of, refresh_order, takes_sources

StageName = Annotated[str, Field(json_schema_extra={"enum": list(all_stages())})]
"""A stage, of which the UI's form shows all that there are."""


@flow(name="refresh")
def refresh(
    home: str | None = None, sources: str | None = None, engine: str = "local", only: StageName | None = None
) -> str:
    """Take in what is new, publish it, learn from what is published, publish that; returns the snapshot in force.

    The order follows from what each stage reads. What is unchanged is skipped. With `only`, that stage alone, and the
    publish.
    """
    with record_run(Lake.open(home_folder(home)), "refresh"), keep_engine():
        snapshot_id = ""
        for stage in [only, PUBLISH] if only else refresh_order(all_chains()):
            if stage == PUBLISH:
                snapshot_id = publish(home, sources)
            else:
                name = flow_of(stage)
                of_stage = getattr(import_module(f"flows.{name}"), name)
                of_stage(home=home, engine=engine, **({"sources": sources} if takes_sources(stage) else {}))
        return snapshot_id
