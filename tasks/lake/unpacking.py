"""Foreign compressed bytes and archives, read as a stream under a limit: a bomb, a cut or a flaw is an error with a
rule, no crash.

Compression is told by the first bytes, an archive by its name. Nothing is ever unpacked to disk: a member's name is
only a name.
"""

from __future__ import annotations

import gzip
import io
import lzma
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

GZIP, XZ = b"\x1f\x8b", b"\xfd7zXZ\x00"
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz")
BUFFER_BYTES = 1 << 18
MOST_MEMBERS = 1_000_000  # our choice: what a listing may hold in memory


class BadInputError(Exception):
    """Foreign bytes that cannot be read. `rule` is what is true of them; the message ends with the remedy."""

    rule = "input_damaged"


class TooLargeError(BadInputError):
    """More bytes than the limit lets through."""

    rule = "unpacked_too_large"


class TruncatedError(BadInputError):
    """A compressed stream or an archive that ends too soon; what came before it was delivered."""

    rule = "compressed_stream_truncated"


class DamagedError(BadInputError):
    """A compressed stream or an archive that breaks its own format, or uses a method that is not supported."""

    rule = "compressed_stream_damaged"


@dataclass(frozen=True)
class Allowance:
    """How much may come out of compressed bytes: `free_bytes` always, beyond that `ratio` times their size.

    Our choice: the real corpora at hand unpack to at most 20 times their size, a deflate bomb to 1,000 times; 200 and
    256 MiB leave room for repetitive tables.
    """

    free_bytes: int = 256 << 20
    ratio: int = 200

    def of(self, n_bytes: int) -> int:
        """The most bytes that may come out of `n_bytes`."""
        return max(self.free_bytes, self.ratio * n_bytes)


@dataclass(frozen=True)
class Member:
    """A file in an archive: its name there, its size unpacked."""

    name: str
    n_bytes: int


class _Guarded(io.RawIOBase):
    """A stream that counts what comes out of it and turns its library's errors into ours."""

    def __init__(self, inner: Any, most_bytes: int, name: str, *owned: Any) -> None:
        self._inner, self._most_bytes, self._name, self._owned = inner, most_bytes, name, (inner, *owned)
        self._n_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with_room = memoryview(buffer)
        try:
            # read1 gives what there is before it raises; read would lose what it had gathered
            chunk = self._inner.read1(len(with_room))
        except Exception as error:
            raise _as_bad_input(error, self._name) from error
        self._n_bytes += len(chunk)
        if self._n_bytes > self._most_bytes:
            raise TooLargeError(
                f"{self._name} unpacks to more than {self._most_bytes:,} bytes: "
                "unpack it by hand if it is to be trusted"
            )
        with_room[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            for stream in self._owned:
                stream.close()
        super().close()


def unpack(stream: BinaryIO, n_bytes: int, name: str, allowance: Allowance | None = None) -> BinaryIO:
    """The plain bytes of `stream`, which holds `n_bytes` plain ones, or such packed by gzip or xz (told by their first
    bytes).

    Closing it closes `stream`. Reading raises BadInputError; every whole read before it was good.
    """
    buffered = stream if hasattr(stream, "peek") else io.BufferedReader(cast("io.RawIOBase", stream), BUFFER_BYTES)
    start = buffered.peek(len(XZ))
    inner: Any = buffered
    most_bytes = (allowance or Allowance()).of(n_bytes)
    if start.startswith(GZIP):
        inner = gzip.GzipFile(fileobj=buffered, mode="rb")
    elif start.startswith(XZ):
        inner = lzma.LZMAFile(buffered, "rb")  # noqa: SIM115  # closed with the stream that owns it
    return io.BufferedReader(_Guarded(inner, most_bytes, name, buffered), BUFFER_BYTES)


def is_archive(uri: str) -> bool:
    """Whether the name says that there are members inside: .zip or a .tar, compressed or not."""
    return uri.lower().endswith((".zip", *TAR_SUFFIXES))


def list_members(archive: BinaryIO, n_bytes: int, uri: str, allowance: Allowance | None = None) -> list[Member]:
    """The files in an archive of `n_bytes`, by name; folders and links are not files. `archive` is at its start and
    stays open.

    BadInputError where it cannot be read or its files together exceed the allowance.
    """
    allowance = allowance or Allowance()
    members: list[Member] = []
    n_unpacked = 0
    for name, n_member, _ in _members(archive, n_bytes, uri, allowance):
        members.append(Member(name, n_member))
        n_unpacked += n_member
        if n_unpacked > allowance.of(n_bytes) or len(members) > MOST_MEMBERS:
            raise TooLargeError(
                f"{uri} unpacks to more than {allowance.of(n_bytes):,} bytes: unpack it by hand if it is to be trusted"
            )
    return sorted(members, key=lambda member: member.name)


def open_members(
    archive: BinaryIO, n_bytes: int, uri: str, names: frozenset[str], allowance: Allowance | None = None
) -> Iterator[tuple[str, BinaryIO]]:
    """Those files of an archive, in its own order, each as a plain stream that is good until the next is asked for.

    One pass, however many are wanted. A name that stands twice in the archive is given once: its last in a .zip (as
    unzip does), its first in a .tar.
    """
    allowance = allowance or Allowance()
    wanted = set(names)
    for name, n_member, opened in _members(archive, n_bytes, uri, allowance):
        if name in wanted:
            wanted.remove(name)
            inner = opened()
            yield name, unpack(inner, max(n_member, 1), f"{uri}#{name}", allowance)
            if not wanted:
                return


def open_member(archive: BinaryIO, n_bytes: int, uri: str, name: str, allowance: Allowance | None = None) -> BinaryIO:
    """One file of an archive as a plain stream; closing it closes `archive`. BadInputError where there is none of that
    name.
    """
    opened = open_members(archive, n_bytes, uri, frozenset({name}), allowance)
    for _, stream in opened:
        # the generator holds the archive's reader open, so the stream must hold the generator
        return io.BufferedReader(_Guarded(stream, sys.maxsize, uri, opened, archive), BUFFER_BYTES)
    archive.close()
    raise DamagedError(f"{uri} has no member {name}: fetch the source again")


def _members(archive: BinaryIO, n_bytes: int, uri: str, allowance: Allowance) -> Iterator[tuple[str, int, Any]]:
    try:
        if uri.lower().endswith(".zip"):
            with zipfile.ZipFile(archive) as opened:
                last = {entry.filename: entry for entry in opened.infolist() if not entry.is_dir()}
                for entry in last.values():
                    yield (
                        entry.filename,
                        entry.file_size,
                        lambda entry=entry: _guard(lambda: opened.open(entry), uri, entry.file_size),
                    )
        else:
            stream = unpack(archive, n_bytes, uri, allowance)
            seen: set[str] = set()
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for found in tar:
                    if found.isreg() and found.name not in seen:
                        seen.add(found.name)
                        yield (
                            found.name,
                            found.size,
                            lambda found=found: _guard(lambda: tar.extractfile(found), uri, found.size),
                        )
    except BadInputError:
        raise
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        EOFError,
        OSError,
        RuntimeError,
        NotImplementedError,
        ValueError,
    ) as error:
        raise _as_bad_input(error, uri) from error


def _guard(open_it: Any, uri: str, n_bytes: int) -> BinaryIO:
    """A member's own bytes; never more than the archive declares."""
    try:
        return io.BufferedReader(_Guarded(open_it(), n_bytes, uri), BUFFER_BYTES)
    except Exception as error:
        raise _as_bad_input(error, uri) from error


def _as_bad_input(error: Exception, name: str) -> BadInputError:
    if isinstance(error, BadInputError):
        return error
    text = str(error) or type(error).__name__
    if isinstance(error, EOFError) or "unexpected end of data" in text:
        return TruncatedError(f"{name} ends in the middle of its compressed data: fetch it again")
    if isinstance(error, (zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile, tarfile.TarError)):
        return DamagedError(f"{name} is damaged ({text}): fetch it again")
    if isinstance(error, (RuntimeError, NotImplementedError, ValueError)):  # an encrypted member, an unknown method
        return DamagedError(f"{name} cannot be unpacked ({text}): pack it without a password, by deflate")
    if isinstance(error, OSError):
        return DamagedError(f"{name} cannot be read ({error.strerror or text}): check the disk and its permissions")
    raise error
