"""The log of a source: which bytes its places had since when, how it was declared, and what people decided about it.

`raw/vintages/<source>.jsonl`, a line an event, only ever appended to. A line without `event` is a vintage.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tasks.lake.files import canonical_json
from tasks.lake.layout import Lake, LakeError

WHOLE = ""  # the place of an event that concerns the source itself
DECLARED, RETIRED, RELEASED, MISSED = "declared", "retired", "released", "missed"


@dataclass(frozen=True)
class Vintage:
    """These bytes were at `uri` at `fetched_at`, with the headers that a server gave with them."""

    uri: str
    raw_sha256: str
    n_bytes: int
    fetched_at: datetime
    etag: str | None = None
    last_modified: str | None = None
    content_type: str | None = None


@dataclass
class VintageLog:
    """A source's log in memory, appended to on disk as events come (unless `is_written` is off). Read it once a fetch,
    not once a file.

    `missing` says of a place that gave nothing when last looked at, since when; `released` are fetches that a person
    let in; `retired` places (WHOLE: the source) that a person gave up; `declaration` is how the source was last
    declared.
    """

    path: Path
    is_written: bool = True
    first: dict[tuple[str, str], Vintage] = field(default_factory=dict)
    latest: dict[str, Vintage] = field(default_factory=dict)
    missing: dict[str, datetime] = field(default_factory=dict)
    released: set[tuple[str, str]] = field(default_factory=set)
    retired: set[str] = field(default_factory=set)
    declaration: Mapping[str, Any] | None = None

    @classmethod
    def read(cls, lake: Lake, source: str, *, is_written: bool = True) -> VintageLog:
        """The log of `source`; empty where nothing was kept yet. A line that a kill left unfinished is passed over."""
        log = cls(_folder(lake) / f"{source}.jsonl", is_written)
        try:
            lines = log.path.read_bytes().splitlines()
        except FileNotFoundError:
            lines = []
        for line in lines:
            value = _object(line)
            if value is not None:
                log._take_in(value)
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
        if self.latest.get(vintage.uri) != vintage or vintage.uri in self.missing or vintage.uri in self.retired:
            self._append({**vars(vintage), "fetched_at": vintage.fetched_at.isoformat()})
        self._note(vintage)
        return vintage

    def miss(self, uri: str) -> datetime:
        """Note that `uri` gave nothing that can be used, unless it is noted; since when."""
        if uri not in self.missing:
            now = datetime.now(UTC)
            self._append({"event": MISSED, "uri": uri, "at": now.isoformat()})
            self.missing[uri] = now
        return self.missing[uri]

    def declare(self, declaration: Mapping[str, Any]) -> None:
        """Note how the source is declared now, unless it was so already."""
        if self.declaration != declaration or WHOLE in self.retired:
            self._append({"event": DECLARED, "declaration": declaration})
            self.declaration = declaration
            self.retired.discard(WHOLE)

    def retire(self, uri: str = WHOLE) -> None:
        """Note that a person gives up a place, or the whole source."""
        self._append({"event": RETIRED, "uri": uri, "at": datetime.now(UTC).isoformat()})
        self.retired.add(uri)

    def release(self, uri: str, raw_sha256: str) -> None:
        """Note that a person lets in these bytes at `uri`, whatever the gate says."""
        at = datetime.now(UTC).isoformat()
        self._append({"event": RELEASED, "uri": uri, "raw_sha256": raw_sha256, "at": at})
        self.released.add((uri, raw_sha256))

    def _note(self, vintage: Vintage) -> None:
        self.first.setdefault((vintage.uri, vintage.raw_sha256), vintage)
        self.latest[vintage.uri] = vintage
        self.missing.pop(vintage.uri, None)
        self.retired.discard(vintage.uri)

    def _take_in(self, value: dict[str, Any]) -> None:
        event = value.get("event")
        try:
            if event is None:
                self._note(Vintage(**{**value, "fetched_at": datetime.fromisoformat(value["fetched_at"])}))
            elif event == MISSED:
                self.missing[value["uri"]] = datetime.fromisoformat(value["at"])
            elif event == DECLARED:
                self.declaration = dict(value["declaration"])
                self.retired.discard(WHOLE)
            elif event == RETIRED:
                self.retired.add(value["uri"])
            elif event == RELEASED:
                self.released.add((value["uri"], value["raw_sha256"]))
        except (ValueError, KeyError, TypeError):
            return  # a line of another version, or torn

    def _append(self, value: Mapping[str, Any]) -> None:
        if self.is_written:
            _append_line(self.path, canonical_json(value))


def known_sources(lake: Lake) -> list[str]:
    """The names of all sources that were ever fetched from, sorted."""
    return sorted(path.stem for path in _folder(lake).glob("*.jsonl"))


def _folder(lake: Lake) -> Path:
    return lake.raw / "vintages"


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


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
