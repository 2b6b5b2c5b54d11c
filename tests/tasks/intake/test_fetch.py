"""What a source has: files, URLs, stores, archives. What cannot be had is told, an outage loses nothing."""

import gzip
import io
import os
import tarfile
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pytest
from support.loopback import Answer, Loopback, serve_loopback

from tasks.intake.download import DownloadSettings
from tasks.intake.fetch import fetch_source
from tasks.lake.raw import VintageLog, open_raw, raw_path
from tasks.transforms.records.source_format import Source

QUICK = DownloadSettings(connect_timeout_s=2, read_timeout_s=0.5, pause_s=0.01, most_bytes=10_000)


@pytest.fixture
def site():
    with serve_loopback() as running:
        yield running


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "sources"
    made.mkdir()
    return made


def source(location: str, folder: Path, kind: str = "text") -> Source:
    return Source("one", kind, location, str(folder), "CC0-1.0", "us")


def read(lake, item) -> bytes:
    with open_raw(lake, item) as stream:
        return stream.read()


def rules(fetched) -> list[str]:
    return [fault.rule for fault in fetched.set_aside]


def raw_files(lake) -> list[Path]:
    return [path for path in lake.raw.rglob("*") if path.is_file() and path.parent.name != "vintages"]


class TestFiles:
    def test_a_glob_gives_its_files_by_name_as_written(self, lake, folder):
        for name in ("b.txt", "a.txt", "c.md"):
            (folder / name).write_text(name)
        fetched = fetch_source(lake, source("*.txt", folder))
        assert [item.uri for item in fetched] == ["a.txt", "b.txt"]
        assert [read(lake, item) for item in fetched] == [b"a.txt", b"b.txt"]

    def test_paths_may_be_absolute_climb_and_hold_folders(self, lake, folder, tmp_path):
        (tmp_path / "beside.txt").write_text("x")
        (folder / "deep" / "er").mkdir(parents=True)
        (folder / "deep" / "er" / "a.txt").write_text("y")
        assert [item.uri for item in fetch_source(lake, source(str(tmp_path / "*.txt"), folder))] == [
            f"{tmp_path}/beside.txt"
        ]
        assert [item.uri for item in fetch_source(lake, source("../*.txt", folder))] == ["../beside.txt"]
        assert [item.uri for item in fetch_source(lake, source("**/*.txt", folder))] == ["deep/er/a.txt"]

    def test_a_name_with_the_signs_of_a_glob_is_a_name_first(self, lake, folder):
        (folder / "a[1].txt").write_text("x")
        assert [item.uri for item in fetch_source(lake, source("a[1].txt", folder))] == ["a[1].txt"]

    def test_a_location_that_matches_nothing_is_told(self, lake, folder):
        fetched = fetch_source(lake, source("*.txt", folder))
        assert (len(fetched), rules(fetched)) == (0, ["location_matches_nothing"])
        assert fetched.set_aside[0].message == "*.txt matches nothing: correct `location` in the declaration of one"
        assert fetched.set_aside[0].table_name == "documents"
        assert fetch_source(lake, source("*.csv", folder, "mobility")).set_aside[0].table_name == "mobility"

    def test_looking_keeps_nothing_and_sees_the_same(self, lake, folder):
        (folder / "a.txt").write_text("x")
        (folder / "b.zip").write_bytes(zipped({"m.txt": b"m"}))
        looked = fetch_source(lake, source("*", folder), keep=False)
        assert raw_files(lake) == []
        kept = fetch_source(lake, source("*", folder))
        assert [(item.uri, item.key) for item in looked] == [(item.uri, item.key) for item in kept]
        assert len(raw_files(lake)) == 2

    def test_a_file_that_cannot_be_read_is_told_and_the_others_go_on(self, lake, folder, monkeypatch):
        (folder / "a.txt").write_text("x")
        (folder / "b.txt").write_text("y")
        real = Path.open

        def refuse(self, *arguments, **named):
            if self.name == "a.txt":
                raise PermissionError(13, "Permission denied")
            return real(self, *arguments, **named)

        monkeypatch.setattr(Path, "open", refuse)  # root, as whom tests may run, may read everything
        fetched = fetch_source(lake, source("*.txt", folder))
        assert ([item.uri for item in fetched], rules(fetched)) == (["b.txt"], ["file_unreadable"])

    def test_a_name_that_is_no_utf8_is_told(self, lake, folder):
        Path(os.fsdecode(os.fsencode(folder) + b"/\xff.txt")).write_text("x")
        assert rules(fetch_source(lake, source("*.txt", folder))) == ["name_no_utf8"]

    def test_changed_bytes_are_a_new_vintage_beside_the_old(self, lake, folder):
        (folder / "a.txt").write_text("old")
        (old,) = fetch_source(lake, source("a.txt", folder))
        (folder / "a.txt").write_text("new")
        (new,) = fetch_source(lake, source("a.txt", folder))
        assert old.vintage != new.vintage
        assert (read(lake, old), read(lake, new)) == (b"old", b"new")


def zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


class TestArchives:
    def test_a_zip_gives_all_its_files_or_those_that_match(self, lake, folder):
        (folder / "a.zip").write_bytes(zipped({"x/one.txt": b"1", "two.txt": b"2", "three.md": b"3"}))
        whole = fetch_source(lake, source("a.zip", folder))
        assert [(item.uri, item.member) for item in whole] == [
            ("a.zip#three.md", "three.md"),
            ("a.zip#two.txt", "two.txt"),
            ("a.zip#x/one.txt", "x/one.txt"),
        ]
        some = fetch_source(lake, source("a.zip#*.txt", folder))
        assert [read(lake, item) for item in some] == [b"2", b"1"]

    def test_a_tar_is_an_archive_too(self, lake, folder):
        with tarfile.open(folder / "a.tar.xz", "w:xz") as archive:
            entry = tarfile.TarInfo("one.txt")
            entry.size = 3
            archive.addfile(entry, io.BytesIO(b"one"))
        (item,) = fetch_source(lake, source("a.tar.xz", folder))
        assert (item.uri, read(lake, item)) == ("a.tar.xz#one.txt", b"one")

    def test_names_that_lead_out_of_the_archive_are_set_aside(self, lake, folder):
        (folder / "a.zip").write_bytes(
            zipped({"../../evil.txt": b"1", "/etc/evil": b"2", "good.txt": b"3", "a/..hidden/b": b"4"})
        )
        fetched = fetch_source(lake, source("a.zip", folder))
        assert [item.member for item in fetched] == ["a/..hidden/b", "good.txt"]
        assert rules(fetched) == ["member_name_leaves_the_archive"] * 2
        assert not (folder.parent / "evil.txt").exists()

    def test_members_that_match_nothing_are_told(self, lake, folder):
        (folder / "a.zip").write_bytes(zipped({"one.txt": b"1"}))
        fetched = fetch_source(lake, source("a.zip#*.csv", folder))
        assert rules(fetched) == ["location_matches_nothing"]
        assert "holds no file that matches *.csv" in fetched.set_aside[0].message

    def test_a_damaged_archive_is_told_and_the_others_go_on(self, lake, folder):
        (folder / "a.zip").write_bytes(zipped({"one.txt": b"1"})[:-30])
        (folder / "b.zip").write_bytes(zipped({"two.txt": b"2"}))
        fetched = fetch_source(lake, source("*.zip", folder))
        assert ([item.uri for item in fetched], rules(fetched)) == (["b.zip#two.txt"], ["compressed_stream_damaged"])

    def test_a_zip_bomb_is_refused_before_it_is_unpacked(self, lake, folder):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(30):
                archive.writestr(f"{number}.txt", b"\0" * (10 << 20))
        (folder / "bomb.zip").write_bytes(packed.getvalue())
        assert rules(fetch_source(lake, source("bomb.zip", folder))) == ["unpacked_too_large"]


class TestUrls:
    def url(self, site: Loopback, *answers: Answer, path: str = "/a.txt") -> str:
        site.answers[path] = list(answers)
        return site.url + path

    def test_a_page_is_fetched_with_what_the_server_says_of_it(self, lake, folder, site):
        url = self.url(site, Answer(body=b"hello", headers={"Content-Type": "text/html; charset=koi8-r"}))
        (item,) = fetch_source(lake, source(url, folder), settings=QUICK)
        assert (item.uri, read(lake, item), item.content_type) == (url, b"hello", "text/html; charset=koi8-r")

    def test_what_has_not_changed_is_not_sent_again(self, lake, folder, site):
        said = {"ETag": '"v1"', "Last-Modified": "Sun, 17 May 2020 08:00:00 GMT"}
        url = self.url(site, Answer(body=b"hello", headers=said), Answer(status=304))
        first = fetch_source(lake, source(url, folder), settings=QUICK)
        second = fetch_source(lake, source(url, folder), settings=QUICK)
        asked = site.requests[1][1]
        assert (asked["if-none-match"], asked["if-modified-since"]) == ('"v1"', said["Last-Modified"])
        assert second == first

    def test_conditions_are_not_made_where_the_bytes_are_gone(self, lake, folder, site):
        url = self.url(site, Answer(body=b"hello", headers={"ETag": '"v1"'}))
        (item,) = fetch_source(lake, source(url, folder), settings=QUICK)
        raw_path(lake, item.raw_sha256).unlink()
        assert fetch_source(lake, source(url, folder), settings=QUICK).items == (item,)
        assert "if-none-match" not in site.requests[1][1]

    def test_looking_asks_but_keeps_nothing(self, lake, folder, site):
        url = self.url(site, Answer(body=zipped({"m.txt": b"m"})), path="/a.zip")
        (looked,) = fetch_source(lake, source(url, folder), keep=False, settings=QUICK)
        assert raw_files(lake) == []
        (kept,) = fetch_source(lake, source(url, folder), settings=QUICK)
        assert (looked.uri, looked.key) == (kept.uri, kept.key) == (f"{url}#m.txt", kept.key)

    def test_what_may_pass_is_tried_again(self, lake, folder, site):
        url = self.url(
            site, Answer(status=503, headers={"Retry-After": "0"}), Answer(body=b"hel", cut=True), Answer(body=b"hello")
        )
        (item,) = fetch_source(lake, source(url, folder), settings=QUICK)
        assert (read(lake, item), len(site.requests)) == (b"hello", 3)

    def test_it_is_given_up_after_three_more_tries(self, lake, folder, site):
        fetched = fetch_source(lake, source(self.url(site, Answer(status=500)), folder), settings=QUICK)
        assert (rules(fetched), len(site.requests)) == (["download_failed"], 4)
        assert "answered 500: try later" in fetched.set_aside[0].message

    def test_a_missing_page_is_not_tried_again(self, lake, folder, site):
        fetched = fetch_source(lake, source(self.url(site, Answer(status=404)), folder), settings=QUICK)
        assert (rules(fetched), len(site.requests)) == (["download_failed"], 1)

    def test_a_server_that_does_not_answer_is_left_in_time(self, lake, folder, site):
        url = self.url(site, Answer(after_s=60))
        fetched = fetch_source(lake, source(url, folder), settings=replace(QUICK, n_retries=0))
        assert rules(fetched) == ["download_failed"]

    def test_a_file_over_the_limit_is_refused(self, lake, folder, site):
        fetched = fetch_source(lake, source(self.url(site, Answer(body=b"x" * 10_001)), folder), settings=QUICK)
        assert (rules(fetched), len(site.requests)) == (["download_failed"], 1)
        assert "larger than 10,000 bytes" in fetched.set_aside[0].message

    def test_a_packed_answer_is_measured_unpacked(self, lake, folder, site):
        bomb = Answer(body=gzip.compress(b"\0" * 1_000_000), headers={"Content-Encoding": "gzip"})
        assert rules(fetch_source(lake, source(self.url(site, bomb), folder), settings=QUICK)) == ["download_failed"]

    @pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a", "/a.txt"])
    def test_redirects_lead_to_http_only_and_not_for_ever(self, lake, folder, site, target):
        url = self.url(site, Answer(status=302, headers={"Location": target}))
        assert rules(fetch_source(lake, source(url, folder), settings=QUICK)) == ["download_failed"]
        assert raw_files(lake) == []

    def test_a_redirect_is_followed(self, lake, folder, site):
        site.answers["/b.txt"] = [Answer(body=b"moved")]
        url = self.url(site, Answer(status=301, headers={"Location": "/b.txt"}))
        (item,) = fetch_source(lake, source(url, folder), settings=QUICK)
        assert (item.uri, read(lake, item)) == (url, b"moved")

    def test_an_outage_uses_what_was_there_before_and_says_so(self, lake, folder, site):
        url = self.url(site, Answer(body=b"hello"), Answer(status=500))
        first = fetch_source(lake, source(url, folder), settings=QUICK)
        second = fetch_source(lake, source(url, folder), settings=QUICK)
        assert (second.items, second.set_aside) == (first.items, ())
        assert "answered 500: try later; used is what was there on" in second.remarks[url].message

    @pytest.mark.parametrize("url", ["http://", "http://[::bad/", "https://127.0.0.1:1/x"])
    def test_an_address_that_leads_nowhere_is_told(self, lake, folder, url):
        assert rules(fetch_source(lake, source(url, folder), settings=replace(QUICK, n_retries=0))) == [
            "download_failed"
        ]


class TestStores:
    @pytest.fixture
    def store(self):
        memory = fsspec.filesystem("memory")
        memory.pipe({"/bucket/a.txt": b"one", "/bucket/b.txt": b"two"})
        yield memory
        memory.rm("/bucket", recursive=True)

    @pytest.mark.usefixtures("store")
    def test_a_glob_in_a_store_gives_its_files(self, lake, folder):
        fetched = fetch_source(lake, source("memory://bucket/*.txt", folder), settings=QUICK)
        assert [(item.uri, read(lake, item)) for item in fetched] == [
            ("memory:///bucket/a.txt", b"one"),
            ("memory:///bucket/b.txt", b"two"),
        ]

    def test_what_has_not_changed_is_not_read_again(self, lake, folder, store, monkeypatch):
        first = fetch_source(lake, source("memory://bucket/*.txt", folder), settings=QUICK)
        monkeypatch.setattr(type(store), "open", None)
        assert fetch_source(lake, source("memory://bucket/*.txt", folder), settings=QUICK).items == first.items

    def test_an_outage_uses_what_was_there_before(self, lake, folder, store, monkeypatch):
        first = fetch_source(lake, source("memory://bucket/a.txt", folder), settings=QUICK)

        def fail(*_, **__):
            raise TimeoutError("no answer")

        monkeypatch.setattr(type(store), "info", fail)
        monkeypatch.setattr(type(store), "isfile", fail)
        second = fetch_source(lake, source("memory:///bucket/a.txt", folder), settings=QUICK)
        assert (second.items, list(second.remarks)) == (first.items, ["memory:///bucket/a.txt"])

    @pytest.mark.usefixtures("store")
    def test_a_store_without_driver_and_one_without_such_files_are_told(self, lake, folder):
        assert rules(fetch_source(lake, source("nosuch://a/b", folder), settings=QUICK)) == ["download_failed"]
        assert rules(fetch_source(lake, source("memory://bucket/*.csv", folder), settings=QUICK)) == [
            "location_matches_nothing"
        ]


def test_times_are_utc(lake, folder):
    (folder / "a.txt").write_text("x")
    before = datetime.now(UTC)
    (item,) = fetch_source(lake, source("a.txt", folder))
    assert before <= item.fetched_at <= datetime.now(UTC)
    assert VintageLog.read(lake, "one").latest["a.txt"].fetched_at == item.fetched_at
