"""The log of a source: what was noted is known after reading it again, and a damaged line harms no other."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tasks.lake.layout import LakeError
from tasks.lake.vintage_log import WHOLE, Vintage, VintageLog, known_sources

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
OLD, NEW = "a" * 64, "b" * 64
DECLARATION = {"name": "mills", "kind": "labelled", "columns": {"text": 0, "label": "class"}, "lang": None}


def vintage(raw_sha256=OLD, uri="a.csv", days=0, **headers):
    return Vintage(uri, raw_sha256, 5, MONDAY + timedelta(days=days), **headers)


def lines_of(log):
    return [json.loads(line) for line in log.path.read_text().splitlines()]


@pytest.fixture
def log(lake):
    return VintageLog.read(lake, "mills")


@pytest.fixture
def again(lake):
    """Reads the log anew and holds it against the one in memory."""

    def read(log):
        found = VintageLog.read(lake, "mills")
        assert vars(found) == vars(log)
        return found

    return read


class TestVintages:
    def test_an_unknown_source_has_an_empty_log_and_reading_makes_no_file(self, log):
        assert (log.source, log.first, log.latest, log.missing, log.declaration) == ("mills", {}, {}, {}, None)
        assert not log.path.exists()

    def test_bytes_are_noted_once_with_what_the_server_said(self, log, again):
        given = vintage(etag='"v1"', last_modified="Mon", content_type="text/csv")
        assert log.remember(given) == given
        assert log.remember(given) == given
        assert len(lines_of(log)) == 1
        assert again(log).latest == {"a.csv": given}

    def test_bytes_that_come_again_keep_their_first_moment(self, log, again):
        log.remember(vintage(OLD))
        log.remember(vintage(NEW, days=1))
        assert log.remember(vintage(OLD, days=2)).fetched_at == MONDAY
        found = again(log)
        assert [(one.raw_sha256, one.fetched_at) for one in found.first.values()] == [
            (OLD, MONDAY),
            (NEW, MONDAY + timedelta(days=1)),
        ]
        assert found.latest["a.csv"].raw_sha256 == OLD
        assert len(lines_of(log)) == 3

    def test_the_same_bytes_at_two_places_are_two_vintages(self, log, again):
        log.remember(vintage(uri="a.csv"))
        log.remember(vintage(uri="b.csv", days=1))
        assert set(again(log).first) == {("a.csv", OLD), ("b.csv", OLD)}

    def test_other_headers_of_the_same_bytes_are_noted(self, log, again):
        log.remember(vintage(etag='"v1"'))
        log.remember(vintage(etag='"v2"'))
        found = again(log)
        assert (found.latest["a.csv"].etag, found.first["a.csv", OLD].etag) == ('"v2"', '"v1"')


class TestMissing:
    def test_since_when_is_the_first_time(self, log, again):
        log.remember(vintage())
        before = datetime.now(UTC)
        since = log.miss("a.csv")
        assert before <= since <= datetime.now(UTC)
        assert log.miss("a.csv") == since == again(log).miss("a.csv")
        assert [line.get("event") for line in lines_of(log)] == [None, "missed"]

    def test_bytes_that_are_there_again_end_it_also_where_they_are_the_same(self, log, again):
        log.remember(vintage())
        first = log.miss("a.csv")
        log.remember(vintage())
        assert again(log).missing == {}
        assert log.miss("a.csv") > first

    def test_one_place_does_not_end_the_missing_of_another(self, log, again):
        log.miss("a.csv")
        log.remember(vintage(uri="b.csv"))
        assert list(again(log).missing) == ["a.csv"]


class TestDeclarations:
    def test_a_declaration_is_noted_when_it_changes(self, log, again):
        log.declare(DECLARATION)
        log.declare(dict(DECLARATION))
        assert again(log).declaration == DECLARATION
        log.declare({**DECLARATION, "lang": "de"})
        assert again(log).declaration == {**DECLARATION, "lang": "de"}
        assert len(lines_of(log)) == 2

    def test_a_source_that_is_declared_as_before_is_not_noted_by_the_next_run(self, log, again):
        log.declare(DECLARATION)
        again(log).declare(DECLARATION)
        assert len(lines_of(log)) == 1


class TestRetirement:
    def test_a_source_that_is_given_up_is_taken_up_again_by_its_declaration(self, log, again):
        log.declare(DECLARATION)
        log.retire()
        assert again(log).retired == {WHOLE}
        log.declare(DECLARATION)
        assert again(log).retired == set()

    def test_a_place_that_is_given_up_is_taken_up_again_by_its_bytes(self, log, again):
        log.remember(vintage())
        log.remember(vintage(uri="b.csv"))
        log.retire("a.csv")
        log.declare(DECLARATION)
        log.remember(vintage(uri="b.csv"))
        assert again(log).retired == {"a.csv"}
        log.remember(vintage())
        assert again(log).retired == set()


def test_what_was_let_in_is_these_bytes_at_this_place(log, again):
    log.release("a.csv", NEW)
    assert again(log).released == {("a.csv", NEW)}
    log.remember(vintage(OLD))
    assert again(log).released == {("a.csv", NEW)}


class TestLines:
    def test_a_log_that_is_not_written_is_right_in_memory_and_leaves_no_line(self, lake, log):
        log.remember(vintage())
        before = log.path.read_bytes()
        looking = VintageLog.read(lake, "mills", is_written=False)
        looking.remember(vintage(NEW, days=1))
        looking.declare(DECLARATION)
        looking.miss("b.csv")
        looking.retire("a.csv")
        looking.release("a.csv", NEW)
        assert log.path.read_bytes() == before
        assert (looking.latest["a.csv"].raw_sha256, looking.declaration) == (NEW, DECLARATION)
        assert (list(looking.missing), looking.retired, looking.released) == (["b.csv"], {"a.csv"}, {("a.csv", NEW)})
        VintageLog.read(lake, "other", is_written=False).declare(DECLARATION)
        assert known_sources(lake) == ["mills"]

    def test_a_line_that_a_kill_left_unfinished_is_passed_over_and_the_next_stands_alone(self, lake, log):
        log.remember(vintage(OLD))
        whole = log.path.read_bytes()
        log.remember(vintage(NEW, days=1))
        torn = log.path.read_bytes()[: len(whole) + 20]
        log.path.write_bytes(torn)
        found = VintageLog.read(lake, "mills")
        assert found.latest["a.csv"].raw_sha256 == OLD
        found.miss("a.csv")
        assert log.path.read_bytes().startswith(torn + b"\n{")
        assert list(VintageLog.read(lake, "mills").missing) == ["a.csv"]

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"[1]",
            b"null",
            b"\xff\xfe",
            b"{}",
            b'{"event":"missed","uri":"a.csv"}',
            b'{"event":"missed","uri":"a.csv","at":"yesterday"}',
            b'{"event":"released","uri":["a"],"raw_sha256":"b","at":"x"}',
            b'{"event":"declared","declaration":7}',
            b'{"event":"of a later version","uri":"a.csv"}',
            b'{"uri":"a.csv","raw_sha256":"b","n_bytes":1,"fetched_at":"2026-03-05T00:00:00+00:00","mood":"x"}',
            b'{"uri":"a.csv","raw_sha256":"b","n_bytes":1,"fetched_at":7}',
        ],
    )
    def test_a_line_that_says_nothing_harms_no_other(self, lake, log, line):
        log.remember(vintage())
        with log.path.open("ab") as opened:
            opened.write(line + b"\n")
        log.release("a.csv", NEW)
        found = VintageLog.read(lake, "mills")
        assert (found.latest, found.released) == ({"a.csv": vintage()}, {("a.csv", NEW)})
        assert (found.missing, found.declaration) == ({}, None)

    def test_a_line_of_the_first_version_is_a_vintage(self, lake, log):
        """Before there were events a line had these fields and no other."""
        first = f'{{"uri":"a.csv","raw_sha256":"{OLD}","n_bytes":5,"fetched_at":"2026-03-02T08:00:00+00:00"}}\n'
        log.path.parent.mkdir(parents=True)
        log.path.write_text(first)
        found = VintageLog.read(lake, "mills")
        assert found.latest == {"a.csv": vintage()}
        assert found.remember(vintage(days=3)) == vintage()
        assert log.path.read_text() == first

    def test_a_folder_that_cannot_be_written_is_told_with_a_remedy(self, lake, log):
        (lake.raw / "vintages").write_text("a file in the place of the folder")
        with pytest.raises(LakeError, match=r"cannot write .*free space or give another --home"):
            log.miss("a.csv")


def test_the_sources_that_were_ever_fetched_from_are_known_by_name(lake):
    assert known_sources(lake) == []
    for name in ("mills", "ferries"):
        VintageLog.read(lake, name).declare(DECLARATION)
    assert known_sources(lake) == ["ferries", "mills"]
