"""The commands on sources: what is in force, and giving up on purpose."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from support.known_vintages import MONDAY, publish_vintages, vintage_row

from tasks.intake.fetch import fetch_source
from tasks.intake.sources import load_sources
from tasks.lake.layout import Lake
from tasks.lake.vintage_log import WHOLE, VintageLog

DECLARED = "name: one\nkind: mobility\nlocation: '*.csv'\nlicence: CC0-1.0\nproducer: us\nfresh_within_days: 7\n"
STAYS = {"is_offered": False, "trouble": "file_vanished", "trouble_since": MONDAY + timedelta(days=1)}


@pytest.fixture
def given(tmp_path):
    """A home and a folder with one declared source of two files; the options that name both."""
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "one.yaml").write_text(DECLARED)
    for name in ("a.csv", "b.csv"):
        (sources / name).write_text(name)
    lake = Lake.open(tmp_path / "home")
    (source,) = load_sources(sources)
    fetch_source(lake, source)
    last_on = (MONDAY - timedelta(days=3)).date()
    publish_vintages(lake, [vintage_row("a.csv", **STAYS), vintage_row("b.csv", "b" * 64, last_on=last_on)])
    return ["--home", str(lake.home), "--sources", str(sources)]


def log_of(given, name="one"):
    return VintageLog.read(Lake.open(given[1]), name)


class TestList:
    def test_places_come_with_what_is_in_force_and_troubles_after(self, call, given):
        ended = call("sources", "list", *given)
        assert ended.status == 0
        assert "one: a.csv: file_vanished since 2026-03-03 08:00 UTC; in force stays what was fetched" in ended.out
        assert "one: b.csv: its last day is 2026-02-27, which is more than 7 days ago" in ended.out
        assert "aaaaaaaaaaaa" in ended.out.partition("one: a.csv")[0]

    def test_as_json(self, call, given):
        told = json.loads(call("sources", "list", *given, "--json").out)
        assert [(row["uri"], row["vintage"]) for row in told["places"]] == [("a.csv", "a" * 12), ("b.csv", "b" * 12)]
        assert [(one["uri"], one["rule"]) for one in told["troubles"]] == [
            ("a.csv", "file_vanished"),
            ("b.csv", "late"),
        ]

    def test_letters_that_would_move_a_screen_are_shown(self, call, given):
        lake = Lake.open(given[1])
        publish_vintages(lake, [vintage_row("\x1b[2Ja.csv", **STAYS)])
        ended = call("sources", "list", *given)
        assert "\x1b" not in ended.out

    def test_without_a_lake_it_is_misuse(self, call, given, tmp_path):
        ended = call("sources", "list", "--home", str(tmp_path / "none"), *given[2:])
        assert (ended.status, ended.out) == (2, "")
        assert "there is no lake at " in ended.err


class TestRetire:
    def test_a_source_that_is_declared_no_more_is_given_up(self, call, given):
        declaration = Path(given[3]) / "one.yaml"
        declaration.rename(declaration.with_name("two.yaml")).write_text(DECLARED.replace("one", "two"))
        ended = call("sources", "retire", "one", *given)
        assert (ended.status, ended.err) == (0, "")
        assert ended.out == "one is given up; the next run publishes without it, old snapshots keep it\n"
        assert log_of(given).retired == {WHOLE}

    def test_one_that_is_still_declared_is_misuse_and_nothing_is_noted(self, call, given):
        ended = call("sources", "retire", "one", *given)
        assert (ended.status, ended.out) == (2, "")
        assert f"one is still declared in {given[3]}: take its declaration away first" in ended.err
        assert log_of(given).retired == set()

    def test_one_that_was_never_there_is_misuse(self, call, given):
        ended = call("sources", "retire", "two", *given)
        assert ended.status == 2
        assert "no source called two was ever taken in here: `tidemill sources list` shows which were" in ended.err

    def test_a_place_of_a_declared_source_is_given_up_alone(self, call, given):
        ended = call("sources", "retire", "one", "--place", "a.csv", *given)
        assert ended.status == 0
        assert "one: a.csv is given up; the next run publishes without it, unless it is there again" in ended.out
        assert log_of(given).retired == {"a.csv"}

    def test_a_place_that_it_never_had_is_misuse(self, call, given):
        ended = call("sources", "retire", "one", "--place", "c.csv", *given)
        assert ended.status == 2
        assert "one never had a place c.csv: `tidemill sources list` shows which it has" in ended.err
        assert log_of(given).retired == set()

    def test_a_home_that_is_a_copy_is_changed_alone(self, call, given, tmp_path):
        copy = shutil.copytree(given[1], tmp_path / "copy", symlinks=True)
        call("sources", "retire", "one", "--place", "a.csv", "--home", str(copy), *given[2:])
        assert log_of(given).retired == set()
