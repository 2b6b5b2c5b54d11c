"""What is wrong with this installation and this home, each with its remedy."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.intake.sources import load_sources
from tasks.intake.troubles import find_troubles, in_lines
from tasks.lake.check import check
from tasks.lake.layout import Lake, LakeError
from tasks.transforms.records.source_format import Source, SourceError
from tidemill.children import answers, is_free
from tidemill.prefect_home import PrefectHome

ROOT = Path(__file__).resolve().parents[1]
LOCK_FILE = ROOT / "requirements.lock"
PYTHON = (3, 11)
FREE_BYTES_WANTED = (
    2 * 10**9
)  # our choice: a run on a million mobility rows and ten million words leaves some hundred megabytes
REINSTALL = f"install what {LOCK_FILE.name} says: `pip install -r {LOCK_FILE.name}`, or `make run`"
TRAPS = {
    "fastapi": "with 0.160 or later every Prefect flow fails",
    "sqlalchemy": "with 2.1 the server looks well and never starts a scheduled run",
    "duckdb": "files of 2.0 cannot be read by 1.5, and its Python functions differ",
}
"""What is known to happen with other versions, measured before the lock was made."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what was found, and, where that is not well, what to do about it."""

    area: str
    what: str
    remedy: str | None = None

    @property
    def is_well(self) -> bool:
        """Whether nothing has to be done."""
        return self.remedy is None


def diagnose(home: Path, sources: Path, port: int) -> list[Finding]:
    """All findings, well or not, in the order in which to mend them; nothing is changed."""
    return [
        *_look_at_python(),
        *_look_at_libraries(),
        *_look_at_home(home),
        *_look_at_sources(sources, home),
        *_look_at_prefect(home, port),
        *_look_at_lake(home),
    ]


def _look_at_python() -> Iterator[Finding]:
    told = ".".join(str(part) for part in sys.version_info[:3])
    remedy = None if sys.version_info[:2] == PYTHON else "use Python 3.11, with which everything was run together"
    yield Finding("python", told, remedy)


def _look_at_libraries() -> Iterator[Finding]:
    try:
        lines = LOCK_FILE.read_text().splitlines()
    except OSError:
        yield Finding("libraries", f"no {LOCK_FILE} to compare them with", "run from a checkout of the project")
        return
    pins = [
        match.groups() for line in lines if (match := re.fullmatch(r"([A-Za-z0-9._-]+)==(\S+?)(?:\s.*)?", line.strip()))
    ]
    n_right = 0
    for name, wanted in pins:
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding("libraries", f"{name} {wanted} is missing", REINSTALL)
            continue
        if installed.partition("+")[0] == wanted.partition("+")[0]:  # torch calls its build for processors 2.13.0+cpu
            n_right += 1
        else:
            trap = f" ({TRAPS[name.lower()]})" if name.lower() in TRAPS else ""
            yield Finding("libraries", f"{name} is {installed}, not {wanted}{trap}", REINSTALL)
    yield Finding("libraries", f"{n_right} of {len(pins)} as locked")


def _look_at_home(home: Path) -> Iterator[Finding]:
    folder = next(path for path in (home, *home.parents) if path.exists())
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding("home", f"{folder} cannot be written", "give a writable folder with --home or TIDEMILL_HOME")
        return
    free = shutil.disk_usage(folder).free
    remedy = (
        None
        if free >= FREE_BYTES_WANTED
        else f"free some, or give another --home: runs want {FREE_BYTES_WANTED / 1e9:.0f} GB to spare"
    )
    yield Finding("home", f"{home}: {free / 1e9:.1f} GB free", remedy)


def _look_at_sources(sources: Path, home: Path) -> Iterator[Finding]:
    declared: list[Source] = []
    try:
        declared = load_sources(sources)
        yield Finding("sources", f"{len(declared)} in {sources}")
    except SourceError as error:
        for line in str(error).splitlines():
            yield Finding("sources", line, "mend the declaration")
    lake = Lake(home)
    if lake.snapshots.is_dir():
        try:
            troubles = find_troubles(lake, declared)
        except LakeError:  # told with the lake
            return
        for line in in_lines(troubles):
            yield Finding("sources", line, "mend it upstream and run again, or see `tidemill sources --help`")


def _look_at_prefect(home: Path, port: int) -> Iterator[Finding]:
    given = os.environ.get("PREFECT_API_URL")
    served = PrefectHome.of(home).served_url()
    if given:
        remedy = (
            None
            if answers(f"{given.rstrip('/')}/health")
            else "start that server, or unset PREFECT_API_URL to run without one"
        )
        yield Finding("prefect", f"PREFECT_API_URL is {given}", remedy)
    elif served:
        yield Finding("prefect", f"this home is served at {served.removesuffix('/api')}")
    elif is_free(port):
        yield Finding("prefect", f"not served; the port {port} is free")
    else:
        yield Finding(
            "prefect", f"the port {port} is taken by another program", "give another to `tidemill serve` with --port"
        )


def _look_at_lake(home: Path) -> Iterator[Finding]:
    lake = Lake(home)
    if not lake.snapshots.is_dir():
        yield Finding("lake", "none yet: the first run makes it")
        return
    try:
        problems = check(lake)
    except (LakeError, OSError) as error:
        yield Finding("lake", str(error), "run `tidemill doctor --repair`, then `tidemill run`")
        return
    for problem in problems:
        yield Finding("lake", f"{problem.place} {problem.what}", problem.remedy)
    if not problems:
        yield Finding("lake", "whole")
