"""Raw bytes as fetched: kept by content under `raw/`, with a log of which source had them where since when.

`raw/<first two hex digits>/<sha256>` holds the bytes as they came (compressed ones compressed, archives whole).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from tasks.lake.files import settle, temporary_file
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
from tasks.lake.vintage_log import Vintage, VintageLog

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
