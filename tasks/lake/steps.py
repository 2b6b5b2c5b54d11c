"""Steps: what was done, on which batch, by which code, under which settings; the same again is reused.

A task is a batch of a step. Its fingerprint is the digest of the step's name, its code version, its settings and the
digests of all that it reads. The record of a task done lies at `steps/<step>/<fingerprint>.json`; a task whose record
and whose files are all there, in the form that the contracts of their tables ask for, is not done again. Batches are
cut by content (`cut_by_content`), so that one new item changes one batch, whatever came before.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

from expectations.contracts.tables import TABLES
from tasks.lake.files import FileRef, canonical_json, is_whole, write_json
from tasks.lake.fingerprints import code_version
from tasks.lake.layout import Lake

Item = TypeVar("Item")
HOUR_S, DAY_S = 3600.0, 24 * 3600.0


class RowsLostError(Exception):
    """A task whose rows in are not its rows out plus its rows set aside: a defect of the step, never of the data."""


@dataclass(frozen=True)
class StepOutput:
    """What a body leaves: files (of any tables and artefacts), and its rows: in, out, set aside by reason."""

    files: tuple[FileRef, ...]
    n_rows_in: int
    n_rows_out: int
    set_aside: Mapping[str, int] = field(default_factory=dict)


Body = Callable[[Lake, Any], StepOutput]


@dataclass(frozen=True)
class Batch:
    """What a step treats at once. `subject` names it for people and stays the same from run to run; `inputs` are the
    digests of all that it reads, in order; `payload` is what the body needs (small, picklable: paths and references,
    not rows); `settings` those that decide the result, values that JSON has a form for; `calls` functions of the
    payload that the body calls, which its own text cannot name.
    """

    subject: str
    inputs: tuple[str, ...]
    payload: Any = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    calls: tuple[FunctionType, ...] = ()


@dataclass(frozen=True)
class Step:
    """A kind of work, declared once: from this follow its tasks, the plan, and who waits for whom.

    `batches` cuts what there is to do into batches. Its parameters name what it reads (`tasks.running.chains` gives
    them; `reads` says for a parameter of another name which input it takes). `leaves` are the published tables whose
    rows it makes, `hands_over` tables whose files are for later steps alone. No task takes longer than `timeout_s`: our
    choice, against what hangs.
    """

    name: str
    body: Body
    batches: Callable[..., Sequence[Batch]]
    leaves: tuple[str, ...] = ()
    hands_over: tuple[str, ...] = ()
    reads: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = HOUR_S

    @property
    def inputs(self) -> Mapping[str, str]:
        """Parameter of `batches` without a value of its own -> the input that it takes."""
        given = inspect.signature(self.batches).parameters.values()
        wanted = [one.name for one in given if one.default is inspect.Parameter.empty]
        return {name: self.reads.get(name, name) for name in wanted}

    def task(self, batch: Batch) -> Task:
        """The task that does `batch`. FingerprintError where its code cannot be seen."""
        return Task(self.name, self.body, batch, code_version(self.body, *batch.calls))


@dataclass(frozen=True)
class Task:
    """A batch of a step, ready to be done by any process: what is called on what, and by which version of the code."""

    step: str
    body: Body
    batch: Batch
    code_version: str

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256, hex, over step, code version, settings and inputs."""
        decides = [self.step, self.code_version, dict(self.batch.settings), self.batch.inputs]
        return hashlib.sha256(canonical_json(decides)).hexdigest()


@dataclass(frozen=True)
class StepRecord:
    """A task done: what it was made of, what it left, how long it took."""

    step: str
    subject: str
    fingerprint: str
    code_version: str
    settings_sha256: str
    inputs: tuple[str, ...]
    files: tuple[FileRef, ...]
    n_rows_in: int
    n_rows_out: int
    set_aside: Mapping[str, int]
    seconds: float
    forms: Mapping[str, str] = field(
        default_factory=dict
    )  # of each published table that it left, the form of its files
    is_reused: bool = False  # True where this run found it done; never so on disk

    def files_of(self, table: str) -> tuple[FileRef, ...]:
        """The files that it left of one table."""
        return tuple(ref for ref in self.files if ref.table == table)


_current: ContextVar[Task] = ContextVar("task")


def current_task() -> Task:
    """The task that is being done here and now. LookupError outside of `do`."""
    return _current.get()


def do(lake: Lake, task: Task) -> StepRecord:
    """The record of `task`: the one that is there, or a new one after its body has run.

    RowsLostError where the body's rows do not add up. Whatever the body raises goes through, and no record is left.
    """
    reused = find_record(lake, task)
    if reused is not None:
        return reused
    began, batch = time.perf_counter(), task.batch
    token = _current.set(task)
    try:
        output = task.body(lake, batch.payload)
    finally:
        _current.reset(token)
    n_set_aside = sum(output.set_aside.values())
    if output.n_rows_in != output.n_rows_out + n_set_aside or min((output.n_rows_out, *output.set_aside.values())) < 0:
        counted = f"{output.n_rows_in} rows in, {output.n_rows_out} out, {n_set_aside} set aside"
        raise RowsLostError(f"{task.step} of {batch.subject}: {counted}")
    record = StepRecord(
        step=task.step,
        subject=batch.subject,
        fingerprint=task.fingerprint,
        code_version=task.code_version,
        settings_sha256=_settings_sha256(task),
        inputs=batch.inputs,
        files=output.files,
        n_rows_in=output.n_rows_in,
        n_rows_out=output.n_rows_out,
        set_aside=dict(output.set_aside),
        seconds=round(time.perf_counter() - began, 3),
        forms={table: _form(table) for table in sorted({ref.table for ref in output.files} & TABLES.keys())},
    )
    write_json(record_path(lake, task.step, task.fingerprint), asdict(record))
    write_json(latest_path(lake, task.step, batch.subject), {"fingerprint": task.fingerprint})
    return record


def find_record(lake: Lake, task: Task) -> StepRecord | None:
    """The record of this very task, if every file that it left is still there in full; else None.

    A record that is found is marked as used now, so that a vacuum at this moment leaves it and its files alone.
    """
    record = _whole_record(lake, task)
    if record is not None:
        with suppress(OSError):  # a home that may only be read can still be asked
            os.utime(record_path(lake, task.step, task.fingerprint))
    return record


def why_due(lake: Lake, task: Task) -> str | None:
    """Why `task` must be done, in a few words; None where it is done already."""
    if _whole_record(lake, task) is not None:
        return None
    latest = read_json(latest_path(lake, task.step, task.batch.subject))
    before = read_record(record_path(lake, task.step, str(latest.get("fingerprint")))) if latest else None
    if before is None:
        return "new"
    if before.fingerprint == task.fingerprint:
        other = _tables_of_another_form(before)
        return f"the contract of {', '.join(other)} changed" if other else "its files are gone"
    if before.code_version != task.code_version:
        return "the code changed"
    if before.settings_sha256 != _settings_sha256(task):
        return "the settings changed"
    now, then = set(task.batch.inputs), set(before.inputs)
    return f"of {len(task.batch.inputs)} inputs {len(now - then)} new, {len(then - now)} gone"


def cut_by_content(items: Iterable[Item], key: Callable[[Item], str], *, average: int, most: int) -> list[list[Item]]:
    """Items in order of `key`, cut into batches of `average` on average and `most` at most, each cut decided by one
    key's digest.

    So an item that comes or goes changes the batch where it lies (and cuts it in two or joins two), and no other;
    the order of arrival plays no part. Batches forced by `most` are the exception: there the rest of that run moves.
    """
    batches: list[list[Item]] = []
    current: list[Item] = []
    for item in sorted(items, key=key):
        digest = int.from_bytes(hashlib.sha256(key(item).encode("utf-8", "surrogatepass")).digest()[:8], "big")
        if current and (digest % average == 0 or len(current) >= most):
            batches.append(current)
            current = []
        current.append(item)
    return [*batches, current] if current else batches


def record_path(lake: Lake, step: str, fingerprint: str) -> Path:
    """Where the record of a task done lies."""
    return lake.steps / step / f"{fingerprint}.json"


def latest_path(lake: Lake, step: str, subject: str) -> Path:
    """Where it is written which record is the last of a subject: what `why_due` compares with."""
    digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()
    return lake.steps / step / "latest" / f"{digest}.json"


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object at `path`; None where there is none or it is not whole (it will be made again)."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def read_record(path: Path) -> StepRecord | None:
    """The record at `path`; None where there is none or it is not whole (its task is done again)."""
    value = read_json(path)
    if value is None:
        return None
    try:
        files = tuple(FileRef(**ref) for ref in value.pop("files"))
        reused = value.pop("is_reused", value.pop("was_standing", False))  # its name in older homes
        return StepRecord(files=files, inputs=tuple(value.pop("inputs")), is_reused=reused, **value)
    except (KeyError, TypeError):
        return None


def _whole_record(lake: Lake, task: Task) -> StepRecord | None:
    record = read_record(record_path(lake, task.step, task.fingerprint))
    if record is None or _tables_of_another_form(record) or not all(is_whole(lake, ref) for ref in record.files):
        return None
    return replace(record, is_reused=True)


def _tables_of_another_form(record: StepRecord) -> list[str]:
    """The published tables among a record's files whose contract now asks for files of another form."""
    return [table for table, form in record.forms.items() if table not in TABLES or _form(table) != form]


@functools.cache
def _form(table: str) -> str:
    """Digest of all that a contract says of how a table's files are written: columns, types, comments, order of
    rows.
    """
    contract = TABLES[table]
    return hashlib.sha256(contract.arrow_schema().serialize().to_pybytes() + repr(contract.key).encode()).hexdigest()[
        :12
    ]


def _settings_sha256(task: Task) -> str:
    return hashlib.sha256(canonical_json(dict(task.batch.settings))).hexdigest()
