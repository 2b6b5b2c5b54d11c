"""What a source has now: files, URLs and members of archives, as raw items; what cannot be had is set aside, the rest
goes on.
"""

from __future__ import annotations

import fnmatch
import glob
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import overload

from tasks.intake.download import (
    Download,
    DownloadError,
    DownloadSettings,
    download_http,
    download_stored,
    is_http,
    is_url,
    list_stored,
)
from tasks.intake.in_force import known_places
from tasks.lake.files import digest_file
from tasks.lake.layout import Lake
from tasks.lake.raw import RawItem, is_kept, item_of, keep_raw, note_raw, raw_path
from tasks.lake.unpacking import BadInputError, is_archive, list_members
from tasks.lake.vintage_log import WHOLE, Vintage, VintageLog, known_sources
from tasks.transforms.records.quarantine import SetAside
from tasks.transforms.records.source_format import OBSERVATION_KINDS, Source


@dataclass(frozen=True)
class Remark:
    """Why a place lives on what it gave before: the rule, a sentence, and since when."""

    rule: str
    message: str
    since: datetime


@dataclass(frozen=True)
class Fetched(Sequence[RawItem]):
    """The raw items of a source, by uri; what could not be had; and remarks, by place, on what is had, but not as it
    should be: a server was down, a file has vanished, and the bytes that were there before are used.
    """

    items: tuple[RawItem, ...]
    set_aside: tuple[SetAside, ...] = ()
    remarks: Mapping[str, Remark] = field(default_factory=dict)

    @overload
    def __getitem__(self, place: int) -> RawItem: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[RawItem]: ...
    def __getitem__(self, place: int | slice) -> RawItem | Sequence[RawItem]:
        return self.items[place]

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True)
class _Found:
    """Bytes found whole: as an item, and where they can be read now."""

    item: RawItem
    path: Path
    remark: Remark | None = None


@dataclass(frozen=True)
class _Desk:
    """Where a fetch works: the lake as it is, the one that takes new bytes (a scratch one where nothing is to be kept),
    the source's log.
    """

    lake: Lake
    store: Lake
    source: Source
    location: str
    log: VintageLog
    settings: DownloadSettings
    is_declared: bool = True

    @property
    def is_looking(self) -> bool:
        """Whether nothing is to be kept."""
        return self.store is not self.lake

    def set_aside(self, uri: str, rule: str, message: str) -> SetAside:
        """`uri` as a row for the quarantine."""
        table = self.source.kind if self.source.kind in OBSERVATION_KINDS else "documents"
        return SetAside(table, rule, message, {"location": self.source.location, "uri": uri}, self.source.name, uri)


def fetch_source(
    lake: Lake, source: Source, *, keep: bool = True, settings: DownloadSettings | None = None, is_declared: bool = True
) -> Fetched:
    """The raw items of `source` as it stands now, their bytes kept in the lake; with `keep=False` only looked at,
    nothing written there. Of a source that is declared no more (`is_declared=False`) what is in force.

    A place that gives nothing keeps what is in force there: with observations every place, else where the source has
    nothing left at all. What the source lacks is told in `Fetched.set_aside`, never raised. LakeError where the home
    refuses.
    """
    location, member_glob = _split_location(source.location)
    log = VintageLog.read(lake, source.name, is_written=keep)
    if is_declared:
        log.declare(asdict(source))
    items: list[RawItem] = []
    set_aside: list[SetAside] = []
    remarks: dict[str, Remark] = {}
    with nullcontext(str(lake.home)) if keep else tempfile.TemporaryDirectory() as home:
        store = lake if keep else Lake.open(home)
        desk = _Desk(lake, store, source, location, log, settings or DownloadSettings(), is_declared)
        find = _find_http if is_http(location) else _find_stored if is_url(location) else _find_files
        places: set[str] = set()  # that gave something to read
        for found in chain(find(desk) if is_declared else (), _vanished(desk, places, set_aside)):
            members = [found] if isinstance(found, SetAside) else list(_items_in(desk, found, member_glob))
            set_aside += [one for one in members if isinstance(one, SetAside)]
            had = [one for one in members if isinstance(one, RawItem)]
            items += had
            if isinstance(found, _Found) and had:
                places.add(found.item.uri)
                remarks |= {found.item.uri: found.remark} if found.remark is not None else {}
    if not items and not set_aside and is_declared:
        message = f"{source.location} matches nothing: correct `location` in the declaration of {source.name}"
        set_aside.append(desk.set_aside(source.location, "location_matches_nothing", message))
    return Fetched(tuple(sorted(items, key=lambda item: item.uri)), tuple(set_aside), remarks)


def fetch_undeclared(
    lake: Lake, declared: Collection[str], kinds: Collection[str], *, keep: bool = True
) -> list[tuple[Source, Fetched]]:
    """What is in force of the sources of some kinds that were declared once, are not now, and were not retired."""
    found = []
    for name in known_sources(lake):
        log = VintageLog.read(lake, name, is_written=False)
        if name in declared or log.declaration is None or WHOLE in log.retired:
            continue
        source = Source(**log.declaration)
        if source.kind in kinds:
            found.append((source, fetch_source(lake, source, keep=keep, is_declared=False)))
    return [(source, fetched) for source, fetched in found if fetched.items]


def items_of_vintage(lake: Lake, source: Source, vintage: Vintage) -> list[RawItem]:
    """The raw items of bytes that `source` had once, as far as they can be read still."""
    location, member_glob = _split_location(source.location)
    log = VintageLog.read(lake, source.name, is_written=False)
    desk = _Desk(lake, lake, source, location, log, DownloadSettings())
    return [one for one in _items_in(desk, _known(desk, vintage), member_glob) if isinstance(one, RawItem)]


def _vanished(desk: _Desk, places: Collection[str], set_aside: Sequence[SetAside]) -> Iterator[_Found]:
    """What is in force at places that gave nothing now (all but `places`), as far as it must not go with them; to be
    asked for when all places that give something are known.
    """
    if places and desk.source.kind not in OBSERVATION_KINDS:
        return
    faults = {one.uri: one for one in set_aside}
    for uri, place in sorted(known_places(desk.lake, desk.source.name).items()):
        known = place.in_force
        if known is None or uri in places or uri in desk.log.retired:
            continue
        if not desk.is_declared:
            rule, problem = "declaration_gone", f"{desk.source.name} is declared no more"
            remedy = f"put its declaration back, or `tidemill sources retire {desk.source.name}`"
        elif uri in faults:
            rule, problem, remedy = faults[uri].rule, faults[uri].message, "then run again"
        else:
            rule, problem = "file_vanished", f"{uri} has vanished"
            remedy = f"bring it back, or `tidemill sources retire {desk.source.name} --place {uri}`"
        vintage = desk.log.first.get((uri, known.raw_sha256))  # with what a server said of it, an encoding perhaps
        vintage = vintage or Vintage(uri, known.raw_sha256, known.n_bytes, known.fetched_at)
        if is_kept(desk.lake, known.raw_sha256, known.n_bytes):
            yield replace(_known(desk, vintage), remark=_remark(desk, vintage, rule, f"{problem}: {remedy}"))


def _remark(desk: _Desk, known: Vintage, rule: str, message: str) -> Remark:
    used = f"used is what was there on {known.fetched_at:%Y-%m-%d %H:%M} UTC"
    return Remark(rule, f"{message}; {used}", desk.log.miss(known.uri))


def _split_location(location: str) -> tuple[str, str | None]:
    """The location, and the glob over members where `archive.zip#glob` has one."""
    archive, hash_sign, member_glob = location.rpartition("#")
    return (archive, member_glob) if hash_sign and is_archive(archive) else (location, None)


def _find_files(desk: _Desk) -> Iterator[_Found | SetAside]:
    """What a local path or glob means."""
    for uri in _matching_files(desk.location, desk.source.folder):
        path = Path(desk.source.folder, uri)
        if not _is_unicode(uri):
            yield desk.set_aside(_shown(uri), "name_no_utf8", f"the name of {_shown(uri)} is no UTF-8: rename it")
            continue
        try:
            raw_sha256, n_bytes = digest_file(path), path.stat().st_size
            if desk.is_looking or is_kept(desk.lake, raw_sha256, n_bytes):
                yield _Found(note_raw(desk.log, uri, raw_sha256, n_bytes), path)
                continue
            with path.open("rb") as opened:
                item = keep_raw(desk.lake, desk.source.name, uri, opened, log=desk.log)
            yield _Found(item, raw_path(desk.lake, item.raw_sha256))
        except OSError as error:
            yield desk.set_aside(
                uri, "file_unreadable", f"{uri} cannot be read ({error.strerror}): mend its permissions"
            )
        except BadInputError as error:
            yield desk.set_aside(uri, error.rule, str(error))


def _matching_files(location: str, folder: str) -> list[str]:
    """The files that a path or a glob means, as it was written: absolute, or relative to `folder`; sorted."""
    if Path(folder, location).is_file():
        return [Path(location).as_posix()]
    matches = glob.glob(location, root_dir=folder, recursive=True)  # noqa: PTH207  # Path.glob takes no absolute pattern
    return sorted({Path(match).as_posix() for match in matches if Path(folder, match).is_file()})


def _find_http(desk: _Desk) -> Iterator[_Found | SetAside]:
    """What one http(s) address gives, or gave when it last answered."""
    url = desk.location
    known = _latest_kept(desk, url)
    try:
        with download_http(url, desk.settings, known=known) as download:
            yield _take(desk, url, download, known)
    except DownloadError as error:
        yield _fall_back(desk, url, known, error)


def _find_stored(desk: _Desk) -> Iterator[_Found | SetAside]:
    """What a path or glob in a remote store (s3 and all else that fsspec knows) means."""
    try:
        places = list_stored(desk.location, desk.settings)
    except DownloadError as error:
        kept = [
            known
            for uri in desk.log.latest
            if fnmatch.fnmatchcase(uri, desk.location) and (known := _latest_kept(desk, uri))
        ]
        yield from (_fall_back(desk, known.uri, known, error) for known in kept)
        if not kept:
            yield desk.set_aside(desk.location, "download_failed", str(error))
        return
    for url, version in places.items():
        known = _latest_kept(desk, url)
        try:
            with download_stored(url, version, desk.settings, known=known) as download:
                yield _take(desk, url, download, known)
        except DownloadError as error:
            yield _fall_back(desk, url, known, error)


def _take(desk: _Desk, url: str, download: Download | None, known: Vintage | None) -> _Found:
    """The bytes that came, kept; or those known, where they have not changed."""
    if download is None and known is not None:
        if url in desk.log.missing:
            desk.log.remember(known)
        return _known(desk, known)
    if download is None:
        raise DownloadError(f"{url} says that it has not changed, though it was never fetched: check the address")
    item = keep_raw(desk.store, desk.source.name, url, download.file, log=desk.log, headers=download.headers)
    return _Found(item, raw_path(desk.store, item.raw_sha256))


def _fall_back(desk: _Desk, url: str, known: Vintage | None, error: DownloadError) -> _Found | SetAside:
    """What the address gave before, with a remark; a set-aside where it never gave anything."""
    if known is None:
        return desk.set_aside(url, "download_failed", str(error))
    return replace(_known(desk, known), remark=_remark(desk, known, "download_failed", str(error)))


def _known(desk: _Desk, known: Vintage) -> _Found:
    return _Found(item_of(desk.source.name, known), raw_path(desk.lake, known.raw_sha256))


def _latest_kept(desk: _Desk, uri: str) -> Vintage | None:
    known = desk.log.latest.get(uri)
    return known if known is not None and is_kept(desk.lake, known.raw_sha256, known.n_bytes) else None


def _items_in(desk: _Desk, found: _Found, member_glob: str | None) -> Iterator[RawItem | SetAside]:
    """The found bytes as one item, or an item for each member where they are an archive."""
    whole = found.item
    if not is_archive(whole.uri):
        yield whole
        return
    try:
        with found.path.open("rb") as opened:
            members = list_members(opened, whole.n_bytes, whole.uri)
    except BadInputError as error:
        yield desk.set_aside(whole.uri, error.rule, str(error))
        return
    wanted = [member for member in members if member_glob is None or fnmatch.fnmatchcase(member.name, member_glob)]
    for member in wanted:
        uri = f"{whole.uri}#{member.name}"
        if not _is_unicode(uri):
            yield desk.set_aside(
                _shown(uri), "name_no_utf8", f"the name of {_shown(uri)} is no UTF-8: pack the archive anew"
            )
        elif _leaves_archive(member.name):
            yield desk.set_aside(
                uri, "member_name_leaves_the_archive", f"{uri} is named like a path outside: pack the archive anew"
            )
        else:
            yield replace(whole, uri=uri, member=member.name, n_bytes=member.n_bytes)
    if not wanted:
        remedy = f"correct `location` in the declaration of {whole.source}"
        message = f"{whole.uri} holds no file that matches {member_glob or '*'}: {remedy}"
        yield desk.set_aside(whole.uri, "location_matches_nothing", message)


def _leaves_archive(name: str) -> bool:
    """Whether a member's name would be a path out of the folder where somebody unpacks it."""
    return name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or "\0" in name


def _is_unicode(name: str) -> bool:
    """Whether a name from disk or archive has a form in UTF-8: bytes without one come as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _shown(name: str) -> str:
    return name.encode("utf-8", "replace").decode()
