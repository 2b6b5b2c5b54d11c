"""The command `doctor`: what is wrong, and the remedy."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tasks.lake.check import repair as repair_lake
from tasks.running.places import home_folder, sources_folder
from tasks.running.runs import record_run
from tidemill.diagnosis import diagnose
from tidemill.options import Home, Json, Sources, lake_of
from tidemill.serve_command import PORT
from tidemill.terminal import say, say_json, visible


def doctor(
    home: Home = None,
    sources: Sources = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where `serve` would answer.")] = PORT,
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="First mend what can be mended without running anything again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what is wrong here, and the remedy.

    Looks at Python, libraries, home, sources, Prefect and every file of the lake; exit 1 where anything is wrong.
    """
    done: list[str] = []
    if repair:
        lake = lake_of(home)
        with record_run(lake, "repair"):
            done = repair_lake(lake)
    findings = diagnose(Path(home_folder(home)).resolve(), Path(sources_folder(sources)).resolve(), port)
    if as_json:
        say_json(
            {"repaired": done, "findings": [asdict(finding) | {"is_well": finding.is_well} for finding in findings]}
        )
    else:
        for sentence in done:
            say(f"repaired   {visible(sentence)}")
        for finding in findings:
            say(f"{'well ' if finding.is_well else 'WRONG'}  {finding.area:9}  {visible(finding.what)}")
            if finding.remedy is not None:
                say(f"{'':7}{'':9}  → {visible(finding.remedy)}")
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)
