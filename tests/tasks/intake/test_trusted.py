"""Which earlier vintages are read again: all that were ever let in, but what is offered now and what was given up."""

import io
import zipfile

import pytest
from support.known_vintages import publish_vintages, size_of, vintage_row

from tasks.intake.fetch import fetch_source
from tasks.intake.trusted import trusted_items
from tasks.intake.vintages import FetchedSource
from tasks.lake.raw import open_raw, raw_path
from tasks.lake.vintage_log import VintageLog
from tasks.transforms.records.source_format import Source


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def source(folder):
    return Source("one", "mobility", "*.csv", str(folder), "CC0-1.0", "us")


@pytest.fixture
def publish(lake, source):
    """Fetches the contents at a.csv, one after another, and publishes what is said of each; the last fetch."""

    def published(folder, **said):
        rows = []
        for content, is_trusted in said.items():
            (folder / "a.csv").write_text(content)
            fetched = fetch_source(lake, source)
            (item,) = fetched.items
            state = {"is_trusted": is_trusted, "is_in_force": False, "fetched_at": item.fetched_at}
            rows.append(vintage_row("a.csv", item.raw_sha256, n_bytes=size_of(lake, item.raw_sha256), **state))
        publish_vintages(lake, rows)
        return FetchedSource(source, fetched)

    return published


def texts(lake, items):
    found = []
    for item in items:
        with open_raw(lake, item) as opened:
            found.append((item.uri, opened.read().decode()))
    return found


def test_all_that_were_let_in_but_what_is_offered(lake, folder, publish):
    last = publish(folder, v1=True, v2=False, v3=True, v4=None, v5=True)
    assert texts(lake, trusted_items(lake, last)) == [("a.csv", "v1"), ("a.csv", "v3")]


def test_they_keep_their_first_moment_and_their_source(lake, folder, publish):
    last = publish(folder, v1=True, v2=True)
    (item,) = trusted_items(lake, last)
    (first, _) = VintageLog.read(lake, "one").first.values()
    assert (item.fetched_at, item.source, item.vintage) == (first.fetched_at, "one", first.raw_sha256[:12])


def test_one_that_is_offered_again_is_not_read_twice(lake, folder, source, publish):
    publish(folder, v1=True, v2=True)
    (folder / "a.csv").write_text("v1")
    last = FetchedSource(source, fetch_source(lake, source))
    assert texts(lake, trusted_items(lake, last)) == [("a.csv", "v2")]


def test_before_the_first_snapshot_there_are_none(lake, folder, source):
    (folder / "a.csv").write_text("v1")
    fetch_source(lake, source)
    (folder / "a.csv").write_text("v2")
    assert trusted_items(lake, FetchedSource(source, fetch_source(lake, source))) == []


def test_of_a_place_that_was_given_up_there_are_none(lake, folder, publish):
    last = publish(folder, v1=True, v2=True)
    for uri in ("b.csv", "a.csv"):
        VintageLog.read(lake, "one").retire(uri)
        assert bool(trusted_items(lake, last)) is (uri == "b.csv")


def test_of_a_source_that_was_given_up_there_are_none(lake, folder, publish):
    last = publish(folder, v1=True, v2=True)
    VintageLog.read(lake, "one").retire()
    assert trusted_items(lake, last) == []


def test_bytes_that_are_gone_are_left_out(lake, folder, publish):
    last = publish(folder, v1=True, v2=True, v3=True)
    (first, *_) = VintageLog.read(lake, "one").first.values()
    raw_path(lake, first.raw_sha256).unlink()
    assert texts(lake, trusted_items(lake, last)) == [("a.csv", "v2")]


def test_an_older_archive_gives_the_members_that_the_source_asks_for(lake, folder):
    declared = Source("one", "mobility", "a.zip#*.csv", str(folder), "CC0-1.0", "us")

    def offer(**members):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, content in members.items():
                archive.writestr(name.replace("_", "."), content)
        (folder / "a.zip").write_bytes(packed.getvalue())
        return fetch_source(lake, declared)

    old = offer(x_csv="1", y_csv="2", z_txt="3")
    raw = old.items[0].raw_sha256
    publish_vintages(lake, [vintage_row("a.zip", raw, n_bytes=size_of(lake, raw), is_in_force=False)])
    new = offer(x_csv="9")
    items = trusted_items(lake, FetchedSource(declared, new))
    assert texts(lake, items) == [("a.zip#x.csv", "1"), ("a.zip#y.csv", "2")]
    assert tuple(items) == old.items
