"""Raw bytes: kept once by content, with a log of every vintage that survives a kill."""

import gzip
import hashlib
import io
import zipfile
from dataclasses import replace

import pytest

from tasks.lake.layout import LakeError
from tasks.lake.raw import (
    BadInputError,
    DamagedError,
    TruncatedError,
    VintageLog,
    is_kept,
    keep_raw,
    open_raw,
    raw_path,
    read_raw,
)


def keep(lake, content: bytes, uri: str = "a.txt", source: str = "one"):
    return keep_raw(lake, source, uri, io.BytesIO(content))


def test_bytes_lie_under_their_digest_and_come_back(lake):
    item = keep(lake, b"hello")
    assert item.raw_sha256 == hashlib.sha256(b"hello").hexdigest()
    assert raw_path(lake, item.raw_sha256).read_bytes() == b"hello"
    assert (item.vintage, item.key) == (item.raw_sha256[:12], f"{item.raw_sha256}#")
    with open_raw(lake, item) as stream:
        assert stream.read() == b"hello"


def test_the_same_bytes_are_kept_once(lake):
    first, second = keep(lake, b"hello"), keep(lake, b"hello", "b.txt", "two")
    assert first.raw_sha256 == second.raw_sha256
    assert len([path for path in lake.raw.rglob("*") if path.is_file() and path.parent.name != "vintages"]) == 1


def test_the_first_fetch_of_a_vintage_is_remembered(lake):
    first = keep(lake, b"old")
    new = keep(lake, b"new")
    again = keep(lake, b"old")
    assert again == first
    assert new.fetched_at > first.fetched_at
    assert VintageLog.read(lake, "one").latest["a.txt"].raw_sha256 == first.raw_sha256


def test_a_log_line_that_a_kill_left_unfinished_is_passed_over(lake):
    first = keep(lake, b"one")
    log = lake.raw / "vintages" / "one.jsonl"
    with log.open("ab") as opened:
        opened.write(b'{"uri": "b.txt", "raw_sh')
    second = keep(lake, b"two", "c.txt")
    known = VintageLog.read(lake, "one")
    assert {uri: vintage.fetched_at for uri, vintage in known.latest.items()} == {
        "a.txt": first.fetched_at,
        "c.txt": second.fetched_at,
    }


def test_what_is_unchanged_is_not_logged_again(lake):
    keep(lake, b"one")
    before = (lake.raw / "vintages" / "one.jsonl").read_bytes()
    keep(lake, b"one")
    assert (lake.raw / "vintages" / "one.jsonl").read_bytes() == before


def test_a_log_that_is_not_written_leaves_the_lake_as_it_is(lake):
    log = VintageLog.read(lake, "one", is_written=False)
    keep_raw(lake, "one", "a.txt", io.BytesIO(b"one"), log=log)
    assert log.latest.keys() == {"a.txt"}
    assert VintageLog.read(lake, "one").latest == {}


def test_a_stream_that_breaks_leaves_nothing(lake):
    class Broken(io.BytesIO):
        def read(self, _: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(DamagedError, match="check the disk"):
        keep_raw(lake, "one", "a.txt", Broken())
    assert [path for path in lake.raw.rglob("*") if path.is_file()] == []


def test_damaged_raw_bytes_are_written_anew(lake):
    item = keep(lake, b"hello")
    raw_path(lake, item.raw_sha256).write_bytes(b"hel")
    assert not is_kept(lake, item.raw_sha256, 5)
    keep(lake, b"hello")
    assert raw_path(lake, item.raw_sha256).read_bytes() == b"hello"


def test_raw_bytes_that_are_gone_are_the_operators_business(lake):
    item = keep(lake, b"hello")
    raw_path(lake, item.raw_sha256).unlink()
    with pytest.raises(LakeError, match="run again"):
        open_raw(lake, item)


def test_members_are_read_in_one_pass_beside_plain_items(lake):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.txt", "1")
        archive.writestr("two.txt", "2")
    whole, plain = keep(lake, packed.getvalue(), "a.zip"), keep(lake, gzip.compress(b"plain"), "b.gz")
    members = [
        replace(whole, uri=f"a.zip#{name}", member=name, n_bytes=1) for name in ("two.txt", "gone.txt", "one.txt")
    ]
    read = {
        item.uri: stream if isinstance(stream, BadInputError) else stream.read()
        for item, stream in read_raw(lake, [*members, plain])
    }
    assert isinstance(read.pop("a.zip#gone.txt"), DamagedError)
    assert read == {"a.zip#one.txt": b"1", "a.zip#two.txt": b"2", "b.gz": b"plain"}
    with open_raw(lake, members[0]) as stream:
        assert stream.read() == b"2"


def test_a_truncated_gz_is_told_while_reading(lake):
    item = keep(lake, gzip.compress(b"x" * 100_000)[:-20], "a.gz")
    with pytest.raises(TruncatedError), open_raw(lake, item) as stream:
        stream.read()
