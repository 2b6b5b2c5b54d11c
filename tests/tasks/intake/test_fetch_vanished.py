"""What a source had and has no more: what is in force stays, says so, and ends when a person says so."""

import io
import zipfile
from pathlib import Path

import pytest
from support.known_vintages import publish_fetched, publish_vintages, vintage_row
from support.loopback import Answer, serve_loopback

from tasks.intake.download import DownloadSettings
from tasks.intake.fetch import fetch_source, fetch_undeclared, items_of_vintage
from tasks.lake.raw import VintageLog, open_raw, raw_path
from tasks.transforms.records.source_format import Source

QUICK = DownloadSettings(connect_timeout_s=2, read_timeout_s=0.5, pause_s=0.01, most_bytes=10_000)


@pytest.fixture
def site():
    with serve_loopback() as running:
        yield running


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "sources"
    made.mkdir()
    return made


def source(location, folder, kind="text"):
    return Source("one", kind, location, str(folder), "CC0-1.0", "us")


def read(lake, item):
    with open_raw(lake, item) as stream:
        return stream.read()


def rules(fetched):
    return [fault.rule for fault in fetched.set_aside]


def zipped(members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


class TestVanished:
    """What is in force stays, of observations place by place, of documents where nothing else is left."""

    @pytest.fixture
    def in_force(self, lake, folder):
        """Puts files down, fetches them and publishes them as in force; what was fetched."""

        def put(kind, **contents):
            for name, content in contents.items():
                (folder / f"{name}.csv").write_bytes(content)
            fetched = fetch_source(lake, source("*.csv", folder, kind))
            publish_fetched(lake, fetched)
            return fetched

        return put

    def test_of_observations_a_vanished_file_stays_and_is_told_with_a_remedy(self, lake, folder, in_force):
        before = in_force("mobility", a=b"one", b=b"two")
        (folder / "a.csv").unlink()
        fetched = fetch_source(lake, source("*.csv", folder, "mobility"))
        assert (fetched.items, fetched.set_aside, list(fetched.remarks)) == (before.items, (), ["a.csv"])
        remark = fetched.remarks["a.csv"]
        assert remark.rule == "file_vanished"
        assert remark.message.startswith(
            "a.csv has vanished: bring it back, or `tidemill sources retire one --place a.csv`; used is what was there"
        )
        again = fetch_source(lake, source("*.csv", folder, "mobility"))
        assert again.remarks["a.csv"].since == remark.since

    def test_a_glob_that_lost_its_only_file_keeps_it(self, lake, folder, in_force):
        for kind in ("policy", "text"):
            before = in_force(kind, a=b"one")
            (folder / "a.csv").unlink()
            fetched = fetch_source(lake, source("*.csv", folder, kind))
            assert (fetched.items, fetched.set_aside) == (before.items, ())
            assert fetched.remarks["a.csv"].rule == "file_vanished"

    def test_of_documents_a_file_goes_as_long_as_another_is_there(self, lake, folder, in_force):
        in_force("text", a=b"one", b=b"two")
        (folder / "a.csv").unlink()
        fetched = fetch_source(lake, source("*.csv", folder))
        assert ([item.uri for item in fetched], fetched.remarks, fetched.set_aside) == (["b.csv"], {}, ())

    def test_a_file_that_comes_back_is_taken_without_a_word(self, lake, folder, in_force):
        in_force("mobility", a=b"one")
        (folder / "a.csv").unlink()
        fetch_source(lake, source("*.csv", folder, "mobility"))
        (folder / "a.csv").write_bytes(b"new")
        fetched = fetch_source(lake, source("*.csv", folder, "mobility"))
        assert ([read(lake, item) for item in fetched], fetched.remarks) == ([b"new"], {})
        assert VintageLog.read(lake, "one").missing == {}

    def test_what_stays_is_what_is_in_force_and_not_what_was_there_last(self, lake, folder, in_force):
        """The last fetch was refused: a snapshot says so, and it must not come in by vanishing."""
        in_force("mobility", a=b"good")
        (folder / "a.csv").write_bytes(b"refused")
        fetch_source(lake, source("*.csv", folder, "mobility"))
        (folder / "a.csv").unlink()
        (item,) = fetch_source(lake, source("*.csv", folder, "mobility"))
        assert read(lake, item) == b"good"

    def test_a_place_that_was_given_up_goes(self, lake, folder, in_force):
        in_force("mobility", a=b"one", b=b"two")
        (folder / "a.csv").unlink()
        VintageLog.read(lake, "one").retire("a.csv")
        fetched = fetch_source(lake, source("*.csv", folder, "mobility"))
        assert ([item.uri for item in fetched], fetched.remarks) == (["b.csv"], {})

    def test_a_file_that_cannot_be_read_stays_as_it_was_and_is_told(self, lake, folder, in_force, monkeypatch):
        before = in_force("mobility", a=b"one", b=b"two")
        real = Path.open

        def refuse(self, *arguments, **named):
            if self.name == "a.csv":
                raise PermissionError(13, "Permission denied")
            return real(self, *arguments, **named)

        monkeypatch.setattr(Path, "open", refuse)  # root, as whom tests may run, may read everything
        fetched = fetch_source(lake, source("*.csv", folder, "mobility"))
        assert (fetched.items, rules(fetched)) == (before.items, ["file_unreadable"])
        assert fetched.remarks["a.csv"].rule == "file_unreadable"
        assert "mend its permissions: then run again; used is" in fetched.remarks["a.csv"].message

    @pytest.mark.parametrize("kind", ["mobility", "text"])
    def test_a_damaged_archive_leaves_the_members_in_force(self, lake, folder, kind):
        whole = zipped({"one.csv": b"1", "two.csv": b"2"})
        (folder / "a.zip").write_bytes(whole)
        before = fetch_source(lake, source("a.zip", folder, kind))
        publish_fetched(lake, before)
        (folder / "a.zip").write_bytes(whole[:-30])
        fetched = fetch_source(lake, source("a.zip", folder, kind))
        assert [item.uri for item in fetched] == ["a.zip#one.csv", "a.zip#two.csv"]
        assert [read(lake, item) for item in fetched] == [b"1", b"2"]
        assert [item.vintage for item in fetched] == [item.vintage for item in before]
        assert rules(fetched) == [fetched.remarks["a.zip"].rule] == ["compressed_stream_damaged"]

    def test_bytes_that_are_gone_cannot_stay(self, lake, folder, in_force):
        (item,) = in_force("mobility", a=b"one")
        (folder / "a.csv").unlink()
        raw_path(lake, item.raw_sha256).unlink()
        fetched = fetch_source(lake, source("*.csv", folder, "mobility"))
        assert (fetched.items, rules(fetched)) == ((), ["location_matches_nothing"])

    def test_looking_says_the_same_and_notes_nothing(self, lake, folder, in_force):
        in_force("mobility", a=b"one")
        (folder / "a.csv").unlink()
        before = VintageLog.read(lake, "one")
        looked = fetch_source(lake, source("*.csv", folder, "mobility"), keep=False)
        assert vars(VintageLog.read(lake, "one")) == vars(before)
        assert looked.items == fetch_source(lake, source("*.csv", folder, "mobility")).items

    def test_what_is_known_but_not_in_force_never_comes_back(self, lake, folder, in_force):
        (item,) = in_force("mobility", a=b"one")
        (folder / "a.csv").unlink()
        publish_vintages(lake, [vintage_row("a.csv", item.raw_sha256, n_bytes=3, is_in_force=False)])
        assert fetch_source(lake, source("*.csv", folder, "mobility")).items == ()

    def test_an_address_that_fails_keeps_what_it_last_gave(self, lake, folder, site):
        """A server that is down is told by its own rule, also where nothing was published; `not changed` ends it."""
        first = Answer(body=b"hello", headers={"ETag": '"v1"'})
        site.answers["/a.csv"] = [first, Answer(status=404), Answer(status=304)]
        url = site.url + "/a.csv"
        (item,) = fetch_source(lake, source(url, folder, "mobility"), settings=QUICK)
        second = fetch_source(lake, source(url, folder, "mobility"), settings=QUICK)
        assert (second.items, second.remarks[url].rule) == ((item,), "download_failed")
        assert list(VintageLog.read(lake, "one").missing) == [url]
        fetch_source(lake, source(url, folder, "mobility"), settings=QUICK)
        assert VintageLog.read(lake, "one").missing == {}


class TestUndeclared:
    @pytest.fixture
    def known(self, lake, folder):
        """A source that was declared and is in force."""
        (folder / "a.csv").write_bytes(b"one")
        declared = source("a.csv", folder, "mobility")
        fetched = fetch_source(lake, declared)
        publish_fetched(lake, fetched)
        return declared, fetched

    def test_what_is_declared_no_more_stays_as_it_was_declared_and_is_told(self, lake, folder, known):
        declared, before = known
        (folder / "a.csv").write_bytes(b"newer, which nobody asks for")
        ((found, fetched),) = fetch_undeclared(lake, set(), ("mobility",))
        assert (found, fetched.items, fetched.set_aside) == (declared, before.items, ())
        remark = fetched.remarks["a.csv"]
        assert remark.rule == "declaration_gone"
        assert "one is declared no more: put its declaration back, or `tidemill sources retire one`" in remark.message

    def test_what_a_server_said_of_the_bytes_is_not_forgotten(self, lake, folder, site):
        site.answers["/a.html"] = [Answer(body=b"<p>x</p>", headers={"Content-Type": "text/html; charset=koi8-r"})]
        before = fetch_source(lake, source(site.url + "/a.html", folder, "html"), settings=QUICK)
        publish_fetched(lake, before)
        ((_, fetched),) = fetch_undeclared(lake, set(), ("html",))
        assert fetched.items == before.items

    def test_those_that_are_declared_of_other_kinds_or_given_up_are_not_asked_for(self, lake, known):
        assert known
        assert fetch_undeclared(lake, {"one"}, ("mobility",)) == []
        assert fetch_undeclared(lake, set(), ("text", "policy")) == []
        VintageLog.read(lake, "one").retire()
        assert fetch_undeclared(lake, set(), ("mobility",)) == []

    def test_a_source_of_a_home_from_before_there_were_declarations_is_left_out(self, lake, known):
        log = VintageLog.read(lake, "one")
        log.path.write_text("".join(line + "\n" for line in log.path.read_text().splitlines() if "event" not in line))
        assert known
        assert fetch_undeclared(lake, set(), ("mobility",)) == []

    def test_one_that_was_never_in_force_is_left_out(self, lake, folder):
        (folder / "a.csv").write_bytes(b"one")
        fetch_source(lake, source("a.csv", folder, "mobility"))
        assert fetch_undeclared(lake, set(), ("mobility",)) == []


class TestItemsOfVintages:
    def test_the_members_of_an_older_archive_are_had_again_by_the_same_glob(self, lake, folder):
        (folder / "a.zip").write_bytes(zipped({"x.csv": b"1", "y.txt": b"2"}))
        declared = source("a.zip#*.csv", folder, "mobility")
        before = fetch_source(lake, declared)
        (folder / "a.zip").write_bytes(zipped({"x.csv": b"new"}))
        fetch_source(lake, declared)
        (old, _) = VintageLog.read(lake, "one").first.values()
        assert items_of_vintage(lake, declared, old) == list(before)
