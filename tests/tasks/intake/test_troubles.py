"""What an operator must hear: places on an old vintage or on none, sources that are late; nothing where all is well."""

from datetime import date, timedelta

import pytest
from support.known_vintages import MONDAY, publish_before_the_gate, publish_vintages, vintage_row

from tasks.intake.troubles import LATE, find_places, find_troubles
from tasks.transforms.records.source_format import Source

OLD, NEW = "a" * 64, "b" * 64
TUESDAY, LAST = MONDAY + timedelta(days=1), date(2026, 2, 27)
REFUSED = vintage_row(
    "a.csv", NEW, verdict="refused", message="a.csv: half is gone: mend it", fetched_at=TUESDAY, is_in_force=False
)


def source(name="one", fresh_within_days=None):
    return Source(name, "mobility", "*.csv", ".", "CC0-1.0", "us", fresh_within_days=fresh_within_days)


def fault(uri, rule="download_failed", **given):
    told = {"quarantine_id": uri[0] * 16, "table_name": "mobility", "message": f"{uri} is down", "raw_row": "{}"}
    return {**told, "rule": rule, "source": "one", "uri": uri, **given}


class TestTroubles:
    def test_before_the_first_snapshot_there_are_none(self, lake):
        assert find_troubles(lake, [source(fresh_within_days=1)]) == find_places(lake) == []

    def test_where_all_is_well_there_are_none(self, lake):
        publish_vintages(lake, [vintage_row(), vintage_row("a.csv", NEW, is_in_force=False, is_offered=False)])
        assert find_troubles(lake, [source()]) == []

    def test_a_place_whose_fetch_was_refused_lives_on_the_one_before_and_says_why(self, lake):
        stays = vintage_row("a.csv", OLD, is_offered=False, trouble="fetch_refused", trouble_since=TUESDAY)
        publish_vintages(lake, [stays, REFUSED, vintage_row("b.csv")])
        (found,) = find_troubles(lake)
        assert (found.source, found.uri, found.rule, found.vintage) == ("one", "a.csv", "fetch_refused", OLD[:12])
        assert (found.since, found.fetched_at) == (TUESDAY, MONDAY)
        assert str(found) == (
            "one: a.csv: fetch_refused since 2026-03-03 08:00 UTC; "
            f"in force stays what was fetched on 2026-03-02 08:00 UTC ({OLD[:12]}); a.csv: half is gone: mend it"
        )

    def test_a_first_fetch_that_was_refused_leaves_nothing_in_force(self, lake):
        publish_vintages(lake, [{**REFUSED, "trouble": "fetch_refused", "trouble_since": TUESDAY}])
        (found,) = find_troubles(lake)
        assert (found.vintage, found.fetched_at) == (None, None)
        assert str(found) == (
            "one: a.csv: fetch_refused since 2026-03-03 08:00 UTC; nothing of it is in force; "
            "a.csv: half is gone: mend it"
        )

    def test_a_vanished_file_has_no_message_of_the_gate(self, lake):
        publish_vintages(lake, [vintage_row(is_offered=False, trouble="file_vanished", trouble_since=TUESDAY)])
        (found,) = find_troubles(lake)
        assert str(found).endswith(f"08:00 UTC ({OLD[:12]})")
        assert (found.rule, found.message) == ("file_vanished", "")

    def test_what_never_gave_anything_is_told_and_rows_of_files_are_not(self, lake):
        faults = [
            fault("c.csv"),
            fault("d.csv", "location_matches_nothing"),
            fault("e.csv", "column_missing"),
            fault("f.csv", vintage=OLD[:12]),
        ]
        publish_vintages(lake, [vintage_row()], faults)
        found = find_troubles(lake)
        assert [(one.uri, one.rule, one.since, one.vintage) for one in found] == [
            ("c.csv", "download_failed", None, None),
            ("d.csv", "location_matches_nothing", None, None),
        ]
        assert str(found[0]) == "one: c.csv: download_failed; nothing of it is in force; c.csv is down"

    def test_a_place_that_lives_on_an_old_vintage_is_told_once(self, lake):
        stays = vintage_row(is_offered=False, trouble="file_unreadable", trouble_since=TUESDAY)
        publish_vintages(lake, [stays], [fault("a.csv", "file_unreadable")])
        assert [(one.rule, one.since) for one in find_troubles(lake)] == [("file_unreadable", TUESDAY)]


class TestLate:
    @pytest.fixture(autouse=True)
    def known(self, lake):
        """Two places of one source, of which the later counts, and a vintage that is not in force."""
        publish_vintages(
            lake,
            [
                vintage_row("a.csv", OLD, last_on=LAST - timedelta(days=30)),
                vintage_row("b.csv", OLD, last_on=LAST),
                vintage_row("b.csv", NEW, last_on=LAST + timedelta(days=9), is_in_force=False),
                vintage_row("c.csv", OLD, source="two"),
            ],
        )

    @pytest.mark.parametrize(("days_ago", "is_late"), [(3, False), (4, True), (400, True)])
    def test_a_source_is_late_from_the_day_after_its_limit(self, lake, days_ago, is_late):
        found = find_troubles(lake, [source(fresh_within_days=3)], today=LAST + timedelta(days=days_ago))
        assert [one.rule for one in found] == ([LATE] if is_late else [])

    def test_it_is_told_with_its_last_day_and_a_remedy(self, lake):
        (found,) = find_troubles(lake, [source(fresh_within_days=3)], today=date(2026, 4, 1))
        assert (found.uri, found.vintage, found.fetched_at) == ("b.csv", OLD[:12], MONDAY)
        assert f"{found.since:%Y-%m-%d}" == "2026-03-03"
        assert str(found) == (
            "one: b.csv: its last day is 2026-02-27, which is more than 3 days ago: "
            "look whether the producer still publishes there"
        )

    def test_sources_without_a_limit_without_days_and_undeclared_ones_are_never_late(self, lake):
        declared = [source(), source("two", 1), source("three", 1)]
        assert find_troubles(lake, declared, today=date(2030, 1, 1)) == []
        assert find_troubles(lake, today=date(2030, 1, 1)) == []

    def test_today_is_the_default(self, lake):
        assert [one.rule for one in find_troubles(lake, [source(fresh_within_days=1)])] == [LATE]


def test_places_tell_what_is_in_force_and_how_many_vintages_there_are(lake):
    stays = vintage_row("a.csv", OLD, last_on=LAST, trouble="fetch_refused", trouble_since=TUESDAY)
    publish_vintages(lake, [stays, REFUSED, vintage_row("b.csv", NEW, is_in_force=False)])
    one, other = find_places(lake)
    assert one == {
        "source": "one",
        "uri": "a.csv",
        "vintage": OLD[:12],
        "fetched_at": MONDAY,
        "last_on": LAST,
        "verdict": "accepted",
        "trouble": "fetch_refused",
        "trouble_since": TUESDAY,
        "n_vintages": 2,
    }
    assert (other["uri"], other["vintage"], other["fetched_at"], other["n_vintages"]) == ("b.csv", None, None, 1)


def test_a_home_of_before_there_was_a_gate_has_no_trouble_until_its_next_run(lake):
    publish_before_the_gate(lake, [vintage_row()])
    assert find_troubles(lake, [source(fresh_within_days=1)]) == find_places(lake) == []
