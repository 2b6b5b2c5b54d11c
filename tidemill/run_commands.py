"""The commands that work: `run`, and `plan`, which says what `run` would do."""

from __future__ import annotations

import re
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tasks.intake.sources import load_sources
from tasks.intake.troubles import Trouble, find_troubles, in_lines
from tasks.lake.layout import Lake
from tasks.lake.manifests import Manifest, read_manifest
from tasks.running.chains import DueTask
from tasks.running.places import home_folder, sources_folder
from tasks.running.runs import Run, record_run
from tasks.transforms.records.source_format import Source
from tidemill.interrupts import stop_on
from tidemill.options import Home, Json, MisuseError, Sources
from tidemill.prefect_home import PrefectHome, PrefectSession, rotate
from tidemill.terminal import divert, say, say_json, say_rows, visible

ENGINE = re.compile(r"local|threads|dask://[^/\s:]+:\d+")
PARTLY_DONE = 3  # exit status: published, and a source lives on an old vintage or on none
MOST_CHARACTERS = 2_000  # of a run's message
LINES_IN_FULL = 8  # our choice: more batches than that of one step and reason are told in one line
QUERIES = (
    "SELECT source, lang, count(*) AS n_documents, sum(n_words) AS n_words FROM documents GROUP BY ALL ORDER BY ALL",
    "SELECT * FROM search('weather', 5)",
    (
        "SELECT country_code, min(transit_stations) AS lowest_change_pct, max(stringency_index) AS highest_stringency"
        " FROM mobility_policy GROUP BY ALL ORDER BY lowest_change_pct"
    ),
)


def run(
    sources: Sources = None,
    home: Home = None,
    engine: Annotated[str, typer.Option(metavar="local|dask://HOST:PORT", help="Where batches of work run.")] = "local",
    only: Annotated[str | None, typer.Option(metavar="STAGE", help="This stage alone, and the publish.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Do everything that is due, and publish it.

    What the sources have is taken in, cleaned, validated, learnt from and published; what is unchanged is skipped.
    """
    began = time.monotonic()
    if not ENGINE.fullmatch(engine):
        raise MisuseError(f"there is no engine called {engine!r}: give local or dask://HOST:PORT")
    stop_on(signal.SIGTERM)
    lake = Lake.open(home_folder(home))
    prefect = PrefectHome.of(lake.home)
    rotate(prefect.run_log)
    divert(prefect.run_log)
    with record_run(lake, "refresh") as this, PrefectSession(prefect) as session:
        declared = load_sources(sources_folder(sources))
        from tasks.running.engine import make_runner  # noqa: PLC0415  # Prefect reads its settings here, which the session has just made

        make_runner(engine)  # is refused here, before anything else starts, where no scheduler answers
        _check_stage(only)
        if read_manifest(lake) is None:
            session.start()  # something is due for certain: the server starts while the plan is made
        if _plan(lake, declared, only, sources):
            session.start()
            session.wait()
            _refresh(lake, sources, engine, only)
        else:
            this.status = "unchanged"
        troubles = find_troubles(lake, declared)
        if troubles:
            this.message = f"partly done: {'; '.join(in_lines(troubles))}"[:MOST_CHARACTERS]
            if this.status == "completed":
                this.status = "partial"
    _tell_end(lake, this, troubles, time.monotonic() - began, as_json=as_json)
    if troubles:
        raise typer.Exit(PARTLY_DONE)


def plan(
    sources: Sources = None,
    home: Home = None,
    only: Annotated[str | None, typer.Option(metavar="STAGE", help="This stage alone.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Say what a run would do, and why."""
    declared = load_sources(sources_folder(sources))
    _check_stage(only)
    folder = Path(home_folder(home)).resolve()
    with tempfile.TemporaryDirectory(prefix="tidemill-plan-") as nowhere:
        lines = _plan(Lake(folder) if Lake(folder).snapshots.is_dir() else Lake.open(nowhere), declared, only, sources)
    if as_json:
        say_json([line.__dict__ for line in lines])
        return
    if not lines:
        say("nothing changed: a run would do nothing")
    else:
        say_rows(("stage", "step", "what", "why"), _shortened(lines))
    _say_troubles(find_troubles(Lake(folder), declared))


def _plan(lake: Lake, declared: Sequence[Source], only: str | None, sources: str | None) -> list[DueTask]:
    """All that is due."""
    from expectations.suites import suite_folders  # noqa: PLC0415  # PyYAML's resolvers, which --help need not pay for
    from tasks.publication.publishing import unpublished_stages  # noqa: PLC0415  # Prefect, once its settings stand
    from tasks.running.stages import make_plan  # noqa: PLC0415  # with it come the learners, which cost seconds

    return make_plan(lake, declared, unpublished_stages(lake, suite_folders(sources_folder(sources))), only)


def _check_stage(only: str | None) -> None:
    """MisuseError where there is no stage called `only`."""
    if only is not None:
        from tasks.running.stages import all_stages  # noqa: PLC0415  # imports every stage

        if only not in all_stages():
            raise MisuseError(f"there is no stage called {only!r}: give one of {', '.join(all_stages())}")


def _refresh(lake: Lake, sources: str | None, engine: str, only: str | None) -> None:
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings  # noqa: PLC0415  # after the settings stand

    from flows.refresh import refresh  # noqa: PLC0415
    from tasks.running.flow_runs import remember_process  # noqa: PLC0415
    from tidemill.progress import show_progress  # noqa: PLC0415

    # Nobody needs our heartbeats, because the process is known; for their thread every flow would wait a second at its
    # end.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), show_progress():
        flow = refresh.with_options(on_running=[remember_process])
        flow(home=str(lake.home), sources=str(sources_folder(sources).resolve()), engine=engine, only=only)


def _shortened(lines: list[DueTask]) -> list[tuple[str, str, str, str]]:
    alike = Counter((line.stage, line.step, line.reason) for line in lines)
    rows: dict[tuple[str, str, str, str], None] = {}
    for line in lines:
        n = alike[line.stage, line.step, line.reason]
        rows[line.stage, line.step, line.subject if n <= LINES_IN_FULL else f"{n} batches", line.reason] = None
    return list(rows)


def _tell_end(lake: Lake, this: Run, troubles: Sequence[Trouble], seconds: float, *, as_json: bool) -> None:
    manifest = read_manifest(lake)
    report = lake.home / "report" / "index.html"
    if as_json:
        say_json({**_ending(this, manifest, report, seconds), "troubles": [vars(one) for one in troubles]})
        return
    snapshot = manifest.snapshot_id if manifest else "none"
    if this.status == "unchanged":
        say(f"nothing changed: snapshot {snapshot} stays in force ({seconds:.1f} s)")
        _say_troubles(troubles)
        return
    rows = (
        [
            (table, sum(ref.n_rows for ref in refs), sum(ref.n_bytes for ref in refs))
            for table, refs in manifest.tables.items()
        ]
        if manifest
        else []
    )
    say_rows(("table", "rows", "bytes"), rows)
    counted = f"{this.n_steps_run} steps done, {this.n_steps_skipped} unchanged, {seconds:.1f} s"
    say(f"\npublished: snapshot {snapshot}, {counted}")
    say(f"report:    {report}")
    say("try:")
    given = f" --home {lake.home}" if lake.home != Path(home_folder()).resolve() else ""
    for query in QUERIES:
        say(f'  tidemill sql{given} "{query}"')
    _say_troubles(troubles)


def _say_troubles(troubles: Sequence[Trouble]) -> None:
    """What an operator must hear last."""
    if troubles:
        lives = "place lives" if len(troubles) == 1 else "places live"
        say(f"\npartly done: {len(troubles)} {lives} on old data or none")
        for line in in_lines(troubles):
            say(f"  {visible(line)}")


def _ending(this: Run, manifest: Manifest | None, report: Path, seconds: float) -> dict[str, Any]:
    return {
        "run_id": this.run_id,
        "status": this.status,
        "snapshot_id": manifest.snapshot_id if manifest else None,
        "n_steps_run": this.n_steps_run,
        "n_steps_skipped": this.n_steps_skipped,
        "n_rows": {table: sum(ref.n_rows for ref in refs) for table, refs in manifest.tables.items()}
        if manifest
        else {},
        "report": str(report) if report.exists() else None,
        "seconds": round(seconds, 3),
    }
