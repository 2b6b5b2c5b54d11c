"""The commands on sources: `sources list`, `sources retire`."""

from __future__ import annotations

from typing import Annotated

import typer

from tasks.intake.sources import SourcesError, load_sources
from tasks.intake.troubles import find_places, find_troubles
from tasks.lake.vintage_log import WHOLE, VintageLog, known_sources
from tasks.running.places import sources_folder
from tidemill.options import Home, Json, MisuseError, Sources, lake_of
from tidemill.terminal import say, say_json, say_rows, visible

sources = typer.Typer(help="Declared sources, and which of their vintages are in force.", no_args_is_help=True)
COLUMNS = ("source", "uri", "vintage", "fetched_at", "last_on", "verdict", "trouble", "trouble_since", "n_vintages")


@sources.command("list")
def list_sources(home: Home = None, folder: Sources = None, *, as_json: Json = False) -> None:
    """List the places of all sources, and what is in force there.

    Then, one a line, those that live on an old vintage, and since when.
    """
    lake = lake_of(home)
    rows, troubles = find_places(lake), find_troubles(lake, load_sources(sources_folder(folder)))
    if as_json:
        say_json({"places": rows, "troubles": [vars(one) for one in troubles]})
        return
    say_rows(COLUMNS, [[row[name] for name in COLUMNS] for row in rows])
    for trouble in troubles:
        say(visible(str(trouble)))


@sources.command("retire")
def retire(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A source that is declared no more.")],
    home: Home = None,
    folder: Sources = None,
    place: Annotated[
        str | None, typer.Option(help="Give up one place of the source alone, as `sources list` tells it.")
    ] = None,
) -> None:
    """Give up a source on purpose: the next run publishes without it.

    A declaration or a file that merely vanishes is taken for an accident, and what was in force stays.
    """
    lake = lake_of(home)
    if name not in known_sources(lake):
        raise MisuseError(f"no source called {name} was ever taken in here: `tidemill sources list` shows which were")
    log = VintageLog.read(lake, name)
    if place is not None:
        if place not in log.latest:
            raise MisuseError(f"{name} never had a place {place}: `tidemill sources list` shows which it has")
        log.retire(place)
        say(f"{name}: {place} is given up; the next run publishes without it, unless it is there again")
        return
    if name in _declared(folder):
        raise MisuseError(f"{name} is still declared in {sources_folder(folder)}: take its declaration away first")
    log.retire(WHOLE)
    say(f"{name} is given up; the next run publishes without it, old snapshots keep it")


def _declared(folder: str | None) -> set[str]:
    """The names of all sources that are declared now; none where the last declaration has gone."""
    try:
        return {source.name for source in load_sources(sources_folder(folder))}
    except SourcesError:
        if any(sources_folder(folder).glob("*.y*ml")):
            raise
        return set()
