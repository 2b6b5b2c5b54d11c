"""Runs: one at a time in a home, each told in `ops.runs` however it ended.

The lock is the kernel's (`flock` on `run.lock`), so that it is free again the moment its process is gone. Who holds it
stands inside it; what still stands there when the next run gets the lock was killed, and is told as failed.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TextIO

import pyarrow as pa

from expectations.contracts.ops import RUNS
from tasks.lake.events import append_event
from tasks.lake.layout import Lake, LakeError
from tasks.lake.publishing import read_manifest

Status = Literal["completed", "partial", "unchanged", "failed", "refused"]
FIRST_PARTY = ("tasks", "models", "expectations", "flows", "tidemill")


class RunRefusedError(Exception):
    """A run that may not go on, through no defect of its own: the message says why and what to do."""


class RunHeldError(RunRefusedError):
    """Another run holds the home."""


@dataclass
class Run:
    """A run under way: who it is, and what will be told of it at its end."""

    run_id: str
    flow: str
    started_at: datetime
    status: Status = "completed"
    message: str | None = None
    n_steps_run: int = 0
    n_steps_skipped: int = 0


_current: ContextVar[Run | None] = ContextVar("run", default=None)


@contextmanager
def record_run(lake: Lake, flow: str) -> Iterator[Run]:
    """The run under way; at its end a row of `ops.runs`, also where it failed or was refused.

    The first to enter takes the home for itself (RunHeldError where another process has it); runs inside it, of the
    flows that it calls, are parts of the same run. Whatever goes wrong inside is told and goes through.
    """
    outer = _current.get()
    if outer is not None:
        yield outer
        return
    run = Run(new_run_id(), flow, datetime.now(UTC))
    token = _current.set(run)
    try:
        with _hold(lake, run):
            yield run
    except BaseException as error:
        run.status = "refused" if isinstance(error, RunRefusedError) else "failed"
        run.message = one_sentence(error)
        with suppress(LakeError):  # a full disk: what went wrong first is what the user must hear
            _tell(lake, run)
        raise
    else:
        _tell(lake, run)
    finally:
        _current.reset(token)


def count_steps(n_run: int, n_skipped: int) -> None:
    """Add to the steps of the run under way; nothing outside one."""
    run = _current.get()
    if run is not None:
        run.n_steps_run += n_run
        run.n_steps_skipped += n_skipped


def new_run_id() -> str:
    """A name for a run: the time to the millisecond, UTC, and six random hex digits; names sort as times do."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z-{secrets.token_hex(3)}"


def is_our_own(error: BaseException) -> bool:
    """Whether `error` needs no further word: this project raised it in words for its users, or somebody stopped the
    run.
    """
    return not isinstance(error, Exception) or type(error).__module__.split(".")[0] in FIRST_PARTY


def one_sentence(error: BaseException) -> str:
    """What to tell a user of `error`: our own errors are sentences already; of any other its kind and its first
    line.
    """
    text = str(error).strip()
    if not isinstance(error, Exception) or (not is_our_own(error) and _came_of_an_interrupt(error)):
        return "stopped by hand: what is done stays done, run again to go on"
    if is_our_own(error) and text:
        sentence = text
    elif isinstance(error, OSError) and error.strerror:
        remedy = "free space, mend its permissions, or give another --home"
        sentence = f"cannot use {error.filename or 'a file'} ({error.strerror}): {remedy}"
    else:
        sentence = f"unexpected {type(error).__name__}" + (f": {text.splitlines()[0]}" if text else "")
    return sentence.encode(
        "utf-8", "backslashreplace"
    ).decode()  # names of files may be no UTF-8, Parquet and terminals are


def _came_of_an_interrupt(error: BaseException) -> bool:
    """Whether `error` was raised while an interrupt, or what Prefect makes of a signal, was on its way up."""
    before = error.__cause__ or error.__context__
    return before is not None and (not isinstance(before, Exception) or _came_of_an_interrupt(before))


@contextmanager
def _hold(lake: Lake, run: Run) -> Iterator[None]:
    path = lake.home / "run.lock"
    try:
        opened = path.open("a+")
    except OSError as error:
        raise LakeError(
            f"cannot write {path} ({error.strerror}): give a writable folder with --home or TIDEMILL_HOME"
        ) from error
    with opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunHeldError(_held_by(path)) from None
        _tell_killed(lake, path)
        _rewrite(
            opened,
            {"run_id": run.run_id, "flow": run.flow, "pid": os.getpid(), "started_at": run.started_at.isoformat()},
        )
        try:
            yield
        finally:
            opened.truncate(0)


def _rewrite(opened: TextIO, holder: dict[str, Any]) -> None:
    opened.truncate(0)
    opened.write(json.dumps(holder))
    opened.flush()


def _holder(path: Path) -> dict[str, Any] | None:
    """Who stands in the lock; None where nobody does, or who does is not whole."""
    try:
        holder = json.loads(path.read_text())
        datetime.fromisoformat(holder["started_at"])
        return {key: holder[key] for key in ("run_id", "flow", "pid", "started_at")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _held_by(path: Path) -> str:
    holder = _holder(path)
    who = (
        f"process {holder['pid']} ({holder['flow']}, since {holder['started_at'][:19]} UTC)"
        if holder
        else "another process"
    )
    return f"{who} is running on the home {path.parent}: wait for its end, or stop it"


def _tell_killed(lake: Lake, path: Path) -> None:
    holder = _holder(path)
    if holder is not None:
        killed = Run(holder["run_id"], holder["flow"], datetime.fromisoformat(holder["started_at"]), "failed")
        killed.message = f"process {holder['pid']} was killed: what it had done stays done"
        _tell(lake, killed)


def _tell(lake: Lake, run: Run) -> None:
    manifest = read_manifest(lake)
    row = {
        "run_id": run.run_id,
        "flow": run.flow,
        "started_at": run.started_at,
        "finished_at": datetime.now(UTC),
        "status": run.status,
        "snapshot_id": manifest.snapshot_id if manifest is not None else None,
        "n_steps_run": run.n_steps_run,
        "n_steps_skipped": run.n_steps_skipped,
        "message": run.message,
    }
    append_event(lake, "ops.runs", run.run_id, pa.Table.from_pylist([row], schema=RUNS.arrow_schema()))
