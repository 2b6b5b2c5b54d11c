"""Options that several commands share, and the errors of using them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tasks.lake.layout import Lake
from tasks.running.places import home_folder

Home = Annotated[
    str | None, typer.Option("--home", metavar="DIR", help="Where the lake is. [TIDEMILL_HOME, else data]")
]
Sources = Annotated[
    str | None,
    typer.Option(
        "--sources", metavar="DIR", help="Folder of source declarations. [TIDEMILL_SOURCES, else data/sources]"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]


class MisuseError(Exception):
    """A command called in a way that it cannot be: the message says how it can."""


def lake_of(home: str | None) -> Lake:
    """The lake that stands at the given home. MisuseError where there is none: reading commands make no folders."""
    folder = Path(home_folder(home)).resolve()
    lake = Lake(folder)
    if not lake.snapshots.is_dir():
        raise MisuseError(
            f"there is no lake at {folder}: "
            "give its folder with --home or TIDEMILL_HOME, or make one with `tidemill run`"
        )
    return lake
