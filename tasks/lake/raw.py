"""Raw bytes as fetched: kept by content under `raw/`, with a log of which source had them where since when.

`raw/<first two hex digits>/<sha256>` holds the bytes as they came (compressed ones compressed, archives whole);
`raw/vintages/<source>.jsonl` is the log, a line a vintage, only ever appended to.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from expectations.contracts.ops import VINTAGES
from tasks.lake.files import canonical_json, settle, temporary_file
from tasks.lake.layout import Lake, LakeError
from tasks.lake.unpacking import (
    Allowance,
    BadInputError,
    DamagedError,
    TooLargeError,
    TruncatedError,
    open_member,
    open_members,
    unpack,
)

__all__ = [
    "BadInputError",
    "DamagedError",
    "RawItem",
    "TooLargeError",
    "TruncatedError",
    "Vintage",
    "VintageLog",
    "is_kept",
    "item_of",
    "keep_raw",
    "note_raw",
    "open_raw",
    "raw_path",
    "read_raw",
]

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class RawItem:
    """Raw bytes of a source: all of what was fetched from `uri`, or one member of an archive fetched from there.

    `uri` ends in `#member` for a member. `n_bytes` is the size as it lies there (of a member: unpacked).
    """

    source: str
    uri: str
    raw_sha256: str
    member: str | None
    n_bytes: int
    fetched_at: datetime
    content_type: str | None = None  # as a server said

    @property
    def vintage(self) -> str:
        """First 12 hex digits of the raw bytes' SHA-256."""
        return self.raw_sha256[:12]

    @property
    def key(self) -> str:
        """The bytes and the place in them: equal keys are equal bytes."""
        return f"{self.raw_sha256}#{self.member or ''}"


@dataclass(frozen=True)
class Vintage:
    """A line of the log: these bytes were at `uri` at `fetched_at`, and the headers that a server gave with them."""

    uri: str
    raw_sha256: str
    n_bytes: int
    fetched_at: datetime
    etag: str | None = None
    last_modified: str | None = None
    content_type: str | None = None


@dataclass
class VintageLog:
    """A source's log in memory, appended to on disk as vintages come (unless `is_written` is off). Read it once a
    fetch, not once a file.
    """

    path: Path
    is_written: bool = True
    first: dict[tuple[str, str], Vintage] = field(default_factory=dict)
    latest: dict[str, Vintage] = field(default_factory=dict)

    @classmethod
    def read(cls, lake: Lake, source: str, *, is_written: bool = True) -> VintageLog:
        """The log of `source`; empty where nothing was kept yet. A line that a kill left unfinished is passed over."""
        log = cls(lake.raw / "vintages" / f"{source}.jsonl", is_written)
        try:
            lines = log.path.read_bytes().splitlines()
        except FileNotFoundError:
            lines = []
        for line in lines:
            vintage = _vintage(line)
            if vintage is not None:
                log._note(vintage)
        return log

    @property
    def source(self) -> str:
        """Name of the source."""
        return self.path.stem

    def remember(self, vintage: Vintage) -> Vintage:
        """Note the vintage, unless it is what the log says of its place already; given back with its first
        `fetched_at`.
        """
        known = self.first.get((vintage.uri, vintage.raw_sha256))
        if known is not None:
            vintage = replace(vintage, fetched_at=known.fetched_at)
        if self.is_written and self.latest.get(vintage.uri) != vintage:
            _append_line(self.path, canonical_json({**vars(vintage), "fetched_at": vintage.fetched_at.isoformat()}))
        self._note(vintage)
        return vintage

    def _note(self, vintage: Vintage) -> None:
        self.first.setdefault((vintage.uri, vintage.raw_sha256), vintage)
        self.latest[vintage.uri] = vintage

    def table(self) -> pa.Table:
        """Rows of `ops.vintages`: every vintage ever kept, also those that upstream has since replaced."""
        names = ("uri", "raw_sha256", "n_bytes", "fetched_at")
        rows = [
            {"source": self.source, "vintage": one.raw_sha256[:12], **{name: getattr(one, name) for name in names}}
            for one in self.first.values()
        ]
        return pa.Table.from_pylist(rows, schema=VINTAGES.arrow_schema())


def raw_path(lake: Lake, raw_sha256: str) -> Path:
    """Where bytes of that digest lie or would lie."""
    return lake.raw / raw_sha256[:2] / raw_sha256


def keep_raw(
    lake: Lake,
    source: str,
    uri: str,
    stream: BinaryIO,
    *,
    log: VintageLog | None = None,
    headers: Mapping[str, str | None] | None = None,
) -> RawItem:
    """Keep the whole of `stream` as what `source` has at `uri`; bytes that are there already are not written again.

    `fetched_at` is when these bytes were first kept for this place. `log` spares reading it again; `headers` are what a
    server told of them (`etag`, `last_modified`, `content_type`). LakeError where the disk refuses, DamagedError where
    the stream does.
    """
    digest, n_bytes = hashlib.sha256(), 0
    with temporary_file(lake.raw) as temporary:
        with temporary.open("wb") as kept:
            while chunk := _read_chunk(stream, uri):
                digest.update(chunk)
                n_bytes += len(chunk)
                kept.write(chunk)
        raw_sha256 = digest.hexdigest()
        if not is_kept(lake, raw_sha256, n_bytes):
            path = raw_path(lake, raw_sha256)
            path.parent.mkdir(exist_ok=True)
            settle(temporary, path)
    return note_raw(VintageLog.read(lake, source) if log is None else log, uri, raw_sha256, n_bytes, headers)


def note_raw(
    log: VintageLog, uri: str, raw_sha256: str, n_bytes: int, headers: Mapping[str, str | None] | None = None
) -> RawItem:
    """The item for bytes that the log's source has at `uri`, noted there."""
    return item_of(log.source, log.remember(Vintage(uri, raw_sha256, n_bytes, datetime.now(UTC), **(headers or {}))))


def item_of(source: str, vintage: Vintage) -> RawItem:
    """A vintage of `source` as a raw item, whole."""
    return RawItem(
        source, vintage.uri, vintage.raw_sha256, None, vintage.n_bytes, vintage.fetched_at, vintage.content_type
    )


def is_kept(lake: Lake, raw_sha256: str, n_bytes: int) -> bool:
    """Whether bytes of that digest and size lie in the lake."""
    try:
        return raw_path(lake, raw_sha256).stat().st_size == n_bytes
    except OSError:
        return False


def open_raw(lake: Lake, item: RawItem, allowance: Allowance | None = None) -> BinaryIO:
    """The plain bytes of an item: unpacked by gzip or xz, taken out of its archive. Close it when done.

    Reading raises BadInputError (TooLargeError, TruncatedError, DamagedError); every whole read before that was good.
    LakeError where the raw bytes are gone. To read many members of one archive, `read_raw` takes one pass.
    """
    archive = _open_kept(lake, item)
    if item.member is None:
        return unpack(archive, item.n_bytes, item.uri, allowance)
    n_bytes, uri = raw_path(lake, item.raw_sha256).stat().st_size, item.uri.removesuffix(f"#{item.member}")
    return open_member(archive, n_bytes, uri, item.member, allowance)


def read_raw(
    lake: Lake, items: Sequence[RawItem], allowance: Allowance | None = None
) -> Iterator[tuple[RawItem, BinaryIO | BadInputError]]:
    """Each of `items` with its plain bytes, good until the next is asked for, or with what is wrong where it cannot be
    opened.

    Members of one archive are read in one pass, in the archive's order; all else comes in the given order.
    """
    archives: dict[str, list[RawItem]] = {}
    for item in items:
        if item.member is not None:
            archives.setdefault(item.uri.removesuffix(f"#{item.member}") + "\0" + item.raw_sha256, []).append(item)
            continue
        with open_raw(lake, item, allowance) as stream:
            yield item, stream
    for place, members in archives.items():
        yield from _read_archive(lake, place.split("\0")[0], members, allowance)


def _read_archive(
    lake: Lake, uri: str, items: Sequence[RawItem], allowance: Allowance | None
) -> Iterator[tuple[RawItem, BinaryIO | BadInputError]]:
    waiting = {item.member or "": item for item in items}
    n_bytes = raw_path(lake, items[0].raw_sha256).stat().st_size
    fault: BadInputError = DamagedError(f"{uri} does not hold this member: fetch the source again")
    with _open_kept(lake, items[0]) as archive:
        try:
            for name, stream in open_members(archive, n_bytes, uri, frozenset(waiting), allowance):
                yield waiting.pop(name), stream
        except BadInputError as error:
            fault = error
    yield from ((item, fault) for item in waiting.values())


def _open_kept(lake: Lake, item: RawItem) -> BinaryIO:
    try:
        return raw_path(lake, item.raw_sha256).open("rb")
    except OSError as error:
        raise LakeError(
            f"the raw bytes of {item.uri} cannot be read ({error.strerror}): run again to fetch them anew"
        ) from error


def _read_chunk(stream: BinaryIO, uri: str) -> bytes:
    try:
        return stream.read(CHUNK_BYTES)
    except OSError as error:  # not to be taken for a full disk
        raise DamagedError(
            f"{uri} cannot be read ({error.strerror or error}): check the disk and its permissions"
        ) from error


def _append_line(path: Path, line: bytes) -> None:
    """Append one whole line, durably; first end a line that a kill left unfinished."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+", buffering=0) as log:
            end = log.seek(0, os.SEEK_END)
            is_torn = end > 0 and os.pread(log.fileno(), 1, end - 1) != b"\n"
            log.write((b"\n" if is_torn else b"") + line + b"\n")
            os.fsync(log.fileno())
    except OSError as error:
        raise LakeError(f"cannot write {path} ({error.strerror}): free space or give another --home") from error


def _vintage(line: bytes) -> Vintage | None:
    try:
        value: dict[str, Any] = json.loads(line)
        return Vintage(**{**value, "fetched_at": datetime.fromisoformat(value["fetched_at"])})
    except (ValueError, KeyError, TypeError):
        return None
