"""Compressed bytes and archives: read under a limit; every way in which they can be broken has its rule."""

import gzip
import io
import lzma
import os
import tarfile
import zipfile

import pytest

from tasks.lake.unpacking import (
    Allowance,
    BadInputError,
    DamagedError,
    Member,
    TooLargeError,
    TruncatedError,
    is_archive,
    list_members,
    open_member,
    open_members,
    unpack,
)

PLAIN = b"".join(b"line %d\n" % number for number in range(20_000))
SMALL = Allowance(free_bytes=1_000, ratio=10)


def unpacked(content: bytes, allowance: Allowance | None = None) -> bytes:
    with unpack(io.BytesIO(content), len(content), "a.gz", allowance) as stream:
        return stream.read()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(members: dict[str, bytes], mode: str = "w:gz") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gz", "xz"])
def test_plain_gz_and_xz_are_told_by_their_first_bytes(pack):
    assert unpacked(pack(PLAIN)) == PLAIN
    assert unpacked(pack(b"")) == b""


def test_a_gz_of_several_members_is_read_to_its_end():
    assert unpacked(gzip.compress(b"one ") + gzip.compress(b"two")) == b"one two"


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gz", "xz"])
def test_a_truncated_stream_gives_every_whole_line_before_it_says_so(pack):
    packed = pack(PLAIN)
    lines = []
    with (
        pytest.raises(TruncatedError, match="fetch it again"),
        unpack(io.BytesIO(packed[: len(packed) // 2]), len(packed) // 2, "a", None) as stream,
    ):
        lines.extend(stream)
    assert PLAIN.startswith(b"".join(lines))
    assert len(lines) > 5_000


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gz", "xz"])
def test_a_damaged_stream_is_an_error_with_a_rule(pack):
    packed = bytearray(pack(PLAIN))
    packed[len(packed) // 2] ^= 0xFF
    with pytest.raises(BadInputError) as caught:
        unpacked(bytes(packed))
    assert caught.value.rule in {"compressed_stream_damaged", "compressed_stream_truncated"}


def test_a_bomb_stops_at_the_allowance():
    bomb = gzip.compress(b"\0" * 100_000)
    with pytest.raises(TooLargeError) as caught:
        unpacked(bomb, SMALL)
    assert caught.value.rule == "unpacked_too_large"
    assert unpacked(gzip.compress(os.urandom(5_000)), SMALL)


@pytest.mark.slow
def test_the_usual_allowance_stops_a_real_bomb():
    bomb = gzip.compress(b"\0" * (257 << 20))
    sizes = []
    with unpack(io.BytesIO(bomb), len(bomb), "bomb.gz") as stream, pytest.raises(TooLargeError):
        sizes.extend(len(chunk) for chunk in iter(lambda: stream.read(1 << 20), b""))
    assert sum(sizes) <= 256 << 20


def test_archives_are_told_by_name():
    assert [name for name in ("a.zip", "a.tar.gz", "A.TGZ", "a.tar.xz", "a.gz", "a.txt") if is_archive(name)] == [
        "a.zip",
        "a.tar.gz",
        "A.TGZ",
        "a.tar.xz",
    ]


@pytest.mark.parametrize(
    ("pack", "name"), [(zipped, "a.zip"), (tarred, "a.tgz"), (lambda members: tarred(members, "w:xz"), "a.tar.xz")]
)
def test_members_are_listed_by_name_and_read_in_one_pass(pack, name):
    members = {"b/two.txt": b"two", "a.txt": b"one", "c.txt.gz": gzip.compress(b"three")}
    packed = pack(members)
    assert [one.name for one in list_members(io.BytesIO(packed), len(packed), name)] == [
        "a.txt",
        "b/two.txt",
        "c.txt.gz",
    ]
    assert list_members(io.BytesIO(packed), len(packed), name)[1] == Member("b/two.txt", 3)
    wanted = frozenset({"c.txt.gz", "b/two.txt"})
    assert {found: stream.read() for found, stream in open_members(io.BytesIO(packed), len(packed), name, wanted)} == {
        "b/two.txt": b"two",
        "c.txt.gz": b"three",
    }
    with open_member(io.BytesIO(packed), len(packed), name, "c.txt.gz") as stream:
        assert stream.read() == b"three"
    with pytest.raises(DamagedError, match=r"no member x\.txt"):
        open_member(io.BytesIO(packed), len(packed), name, "x.txt")


def test_links_and_folders_are_no_members():
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(link)
        archive.addfile(folder)
    packed.seek(0)
    assert list_members(packed, packed.getbuffer().nbytes, "a.tar") == []


def test_an_archive_whose_files_exceed_the_allowance_together_is_refused():
    packed = zipped({f"{number}": b"\0" * 900 for number in range(100)})
    with pytest.raises(TooLargeError):
        list_members(io.BytesIO(packed), len(packed), "a.zip", Allowance(1_000, 2))


def test_a_member_never_gives_more_than_its_archive_declares():
    packed = bytearray(zipped({"a": b"x" * 1_000}))
    for place in (packed.index(b"PK\x03\x04") + 22, packed.index(b"PK\x01\x02") + 24):
        packed[place : place + 4] = (10).to_bytes(4, "little")
    content = b""
    try:
        with open_member(io.BytesIO(bytes(packed)), len(packed), "a.zip", "a") as stream:
            content = stream.read()
    except BadInputError:
        pass
    assert len(content) <= 10


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
def test_truncated_archives_are_errors(cut):
    content = {"a": os.urandom(5_000), "b": os.urandom(5_000)}
    for pack, name in ((zipped, "a.zip"), (tarred, "a.tar.gz")):
        packed = pack(content)[: int(cut * 10_000)]
        with pytest.raises(BadInputError):
            list_members(io.BytesIO(packed), len(packed), name)


def test_what_is_no_archive_is_an_error():
    for name in ("a.zip", "a.tar.gz", "a.tar"):
        with pytest.raises(BadInputError):
            list_members(io.BytesIO(b"this is no archive" * 100), 1_800, name)


def test_an_encrypted_member_is_an_error():
    packed = bytearray(zipped({"a": b"secret"}))
    for place in (packed.index(b"PK\x03\x04") + 6, packed.index(b"PK\x01\x02") + 8):
        packed[place] |= 1
    with pytest.raises(DamagedError, match="without a password"):
        open_member(io.BytesIO(bytes(packed)), len(packed), "a.zip", "a")
