"""Steps: what was done, from which bytes, by which code, under which settings; the same again is skipped.

A step's fingerprint is the digest of its name, its code version, its settings and the digests of all that it reads. The record of a
step done lies at `steps/<step>/<fingerprint>.json`; a step whose record stands and whose files are all there is not done again.
Batches that feed a step are cut by content (`cut_by_content`), so that one new item changes one batch, whatever came before.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from tasks.lake.files import FileRef, canonical_json, is_whole, write_json
from tasks.lake.layout import Lake

FIRST_PARTY = ("tasks", "models", "expectations")
Item = TypeVar("Item")


class RowsLostError(Exception):
    """A step whose rows in are not its rows out plus its rows set aside: a defect of the step, never of the data."""


@dataclass(frozen=True)
class Step:
    """A kind of work: its name, the modules that decide its result, and its settings (values that JSON has a form for).

    `modules` are dotted names of pure modules; all first-party modules that they import count too, and the versions of the
    libraries that those name. The shell around them does not count: it decides nothing about values.
    """

    name: str
    modules: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code_version(self) -> str:
        """First 12 hex digits of the digest of the deciding code."""
        return code_version(self.modules)


@dataclass(frozen=True)
class Work:
    """One piece of work for a step. `inputs` are the digests of all that it reads, in order; `payload` is what its body needs (small,
    picklable: paths and references, not rows); `subject` names it for people, and stays the same from run to run.
    """

    step: Step
    subject: str
    inputs: tuple[str, ...]
    payload: Any = None

    @property
    def fingerprint(self) -> str:
        """SHA-256, hex, over step, code version, settings and inputs."""
        return hashlib.sha256(
            canonical_json([self.step.name, self.step.code_version, dict(self.step.settings), self.inputs])
        ).hexdigest()


@dataclass(frozen=True)
class StepOutput:
    """What a body leaves: files (of any tables and artefacts), and its rows: in, out, set aside by reason."""

    files: tuple[FileRef, ...]
    n_rows_in: int
    n_rows_out: int
    set_aside: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class StepRecord:
    """A piece of work done: what it was made of, what it left, how long it took."""

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
    was_standing: bool = False  # True where this run found it done; never so on disk

    def files_of(self, table: str) -> tuple[FileRef, ...]:
        """The files that it left of one table."""
        return tuple(ref for ref in self.files if ref.table == table)


@dataclass(frozen=True)
class PlannedWork:
    """A line of the plan: work that is due, and why; `subject` names the work, or all of a step that hangs on work before it."""

    stage: str
    step: str
    subject: str
    reason: str


def do(lake: Lake, work: Work, body: Callable[[Lake, Any], StepOutput]) -> StepRecord:
    """The record of `work`: the one that stands, or a new one after `body(lake, work.payload)`.

    RowsLostError where the body's rows do not add up. Whatever the body raises goes through, and no record is left.
    """
    standing = find_record(lake, work)
    if standing is not None:
        return standing
    began = time.perf_counter()
    output = body(lake, work.payload)
    n_set_aside = sum(output.set_aside.values())
    if output.n_rows_in != output.n_rows_out + n_set_aside or min((output.n_rows_out, *output.set_aside.values())) < 0:
        raise RowsLostError(
            f"{work.step.name} of {work.subject}: {output.n_rows_in} rows in, {output.n_rows_out} out, {n_set_aside} set aside"
        )
    record = StepRecord(
        work.step.name, work.subject, work.fingerprint, work.step.code_version, _settings_sha256(work.step), work.inputs,
        output.files, output.n_rows_in, output.n_rows_out, dict(output.set_aside), round(time.perf_counter() - began, 3),
    )  # fmt: skip
    write_json(record_path(lake, work.step.name, work.fingerprint), asdict(record))
    write_json(latest_path(lake, work.step.name, work.subject), {"fingerprint": work.fingerprint})
    return record


def find_record(lake: Lake, work: Work) -> StepRecord | None:
    """The standing record of this very work, if every file that it left is still there in full; else None.

    A record that is found is marked as used now, so that a vacuum at this moment leaves it and its files alone.
    """
    record = _standing_record(lake, work)
    if record is not None:
        with suppress(OSError):  # a home that may only be read can still be asked
            os.utime(record_path(lake, work.step.name, work.fingerprint))
    return record


def _standing_record(lake: Lake, work: Work) -> StepRecord | None:
    record = read_record(record_path(lake, work.step.name, work.fingerprint))
    if record is None or not all(is_whole(lake, ref) for ref in record.files):
        return None
    return replace(record, was_standing=True)


def why_due(lake: Lake, work: Work) -> str | None:
    """Why `work` must be done, in a few words; None where it stands."""
    if _standing_record(lake, work) is not None:
        return None
    latest = read_json(latest_path(lake, work.step.name, work.subject))
    before = read_record(record_path(lake, work.step.name, str(latest.get("fingerprint")))) if latest else None
    if before is None:
        return "new"
    if before.fingerprint == work.fingerprint:
        return "its files are gone"
    if before.code_version != work.step.code_version:
        return "the code changed"
    if before.settings_sha256 != _settings_sha256(work.step):
        return "the settings changed"
    n_new, n_gone = len(set(work.inputs) - set(before.inputs)), len(set(before.inputs) - set(work.inputs))
    return f"of {len(work.inputs)} inputs {n_new} new, {n_gone} gone"


def find_records(lake: Lake, works: Iterable[Work]) -> list[StepRecord]:
    """The standing records of those of `works` that have one, in their order."""
    return [record for work in works if (record := find_record(lake, work)) is not None]


def plan_due(lake: Lake, stage: str, works: Iterable[Work]) -> list[PlannedWork]:
    """A line for each of `works` that must be done, with the reason."""
    reasons = ((work, why_due(lake, work)) for work in works)
    return [PlannedWork(stage, work.step.name, work.subject, reason) for work, reason in reasons if reason is not None]


def plan_hanging(stage: str, on: str, *steps: str) -> list[PlannedWork]:
    """A line for each of `steps`, whose works cannot be known before the step `on` is done."""
    return [PlannedWork(stage, step, "all", f"hangs on {on}") for step in steps]


def cut_by_content(items: Iterable[Item], key: Callable[[Item], str], *, average: int, most: int) -> list[list[Item]]:
    """Items in order of `key`, cut into batches of `average` on average and `most` at most, each cut decided by one key's digest.

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


@functools.cache
def code_version(modules: Sequence[str]) -> str:
    """First 12 hex digits of SHA-256 over the sources of `modules` and all first-party modules that they import, and over the
    versions of the libraries named in them.
    """
    sources: dict[str, bytes] = {}
    libraries: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in sources:
            continue
        path = _module_path(name)
        if path is None:
            raise ValueError(f"no first-party module called {name}")
        sources[name] = path.read_bytes()
        for imported in _imported_names(sources[name]):
            if imported.split(".")[0] not in FIRST_PARTY:
                libraries.add(imported.split(".")[0])
            elif _module_path(imported) is not None:
                waiting.append(imported)
    digest = hashlib.sha256()
    for name in sorted(sources):
        digest.update(name.encode() + b"\0" + sources[name] + b"\0")
    for library in sorted(libraries):
        for distribution in _distributions_of(library):
            digest.update(f"{distribution}=={importlib.metadata.version(distribution)}".encode())
    return digest.hexdigest()[:12]


def _distributions_of(library: str) -> Sequence[str]:
    """The installed distributions that hold a library; none for the standard library's own, or where it is not installed."""
    if library in sys.stdlib_module_names:
        return ()
    try:
        return (importlib.metadata.distribution(library).name,)  # most bear the name of what they hold
    except importlib.metadata.PackageNotFoundError:
        return sorted(_distributions().get(library, ()))


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()  # looks through all that is installed, 0.3 s


def _module_path(name: str) -> Path | None:
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return Path(found.origin) if found is not None and found.origin is not None else None


def _imported_names(source: bytes) -> set[str]:
    """Every dotted name that an import statement could mean: `from a import b` gives `a` and `a.b`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def _settings_sha256(step: Step) -> str:
    return hashlib.sha256(canonical_json(dict(step.settings))).hexdigest()


def settings_of(value: Any) -> dict[str, Any]:
    """A frozen settings dataclass as the mapping that `Step.settings` takes. TypeError for anything else."""
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"settings are a dataclass value, not {type(value).__name__}")
    return asdict(value)


def record_path(lake: Lake, step: str, fingerprint: str) -> Path:
    """Where the record of a step done lies."""
    return lake.steps / step / f"{fingerprint}.json"


def latest_path(lake: Lake, step: str, subject: str) -> Path:
    """Where it is written which record is the last of a subject: what `why_due` compares with."""
    return lake.steps / step / "latest" / f"{hashlib.sha256(subject.encode('utf-8', 'surrogatepass')).hexdigest()}.json"


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object at `path`; None where there is none or it is not whole (it will be made again)."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def read_record(path: Path) -> StepRecord | None:
    """The record at `path`; None where there is none or it is not whole (its step is done again)."""
    value = read_json(path)
    if value is None:
        return None
    try:
        files = tuple(FileRef(**ref) for ref in value.pop("files"))
        return StepRecord(files=files, inputs=tuple(value.pop("inputs")), **value)
    except (KeyError, TypeError):
        return None
