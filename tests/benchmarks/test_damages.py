"""Damages do what their names say, to a copy, and the same again with the same seed."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from support.gate_reports import report_of

from benchmarks.damages import DAMAGES, PLACE, VALUES, as_csv, moved_by, rewritten, with_values
from benchmarks.file_damages import FILE_DAMAGES

SEEDS = range(6)  # each kind of rows that a damage may befall comes up


def numbers(report):
    return report[VALUES].apply(pd.to_numeric, errors="coerce")


def befall(kind, report, seed):
    return DAMAGES[kind](report, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", list(DAMAGES))
class TestEveryDamage:
    def test_it_changes_the_report_and_not_the_one_that_it_was_given(self, kind):
        report = report_of()
        for seed in SEEDS:
            damaged = befall(kind, report, seed)
            assert_frame_equal(report, report_of())
            assert list(damaged.columns) == list(report.columns)
            assert as_csv(damaged) != as_csv(report)

    def test_the_same_seed_gives_the_same_damage(self, kind):
        assert_frame_equal(befall(kind, report_of(), 3), befall(kind, report_of(), 3))


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("divided_by_100", lambda value: value / 100),
        ("times_16", lambda value: value * 16),
        ("times_1_1", lambda value: value * 1.1),
        ("signs_lost", abs),
        ("signs_turned", lambda value: -value),
    ],
)
def test_values_are_what_they_were_or_what_the_damage_makes_of_them(kind, change):
    report = report_of()
    for seed in SEEDS:
        before, after = numbers(report), numbers(befall(kind, report, seed))
        is_hit = ~np.isclose(before, after, equal_nan=True)
        assert is_hit.any()
        assert np.allclose(after.to_numpy()[is_hit], before.map(change).to_numpy()[is_hit])
        rows = is_hit.any(axis=1)
        assert np.allclose(after[rows], before[rows].map(change), equal_nan=True)


def test_some_damages_befall_a_part_of_the_country_or_the_days_from_one_on():
    report = report_of()
    hit = {tuple((befall("times_16", report, seed)[VALUES] != report[VALUES]).any(axis=1)) for seed in range(20)}
    shares = {sum(rows) / len(rows) for rows in hit}
    assert max(shares) == 1.0
    a_part = [rows for rows in hit if [any(rows[n : n + 30]) for n in (0, 30, 60)].count(True) == 1]
    assert a_part
    from_a_day_on = [rows for rows in hit if 0 < sum(rows) < len(rows) and rows[:30] == rows[30:60] == rows[60:]]
    assert from_a_day_on
    assert all(list(rows[:30]) == sorted(rows[:30]) for rows in from_a_day_on)


class TestGaps:
    def test_zeros_go_and_gaps_become_zeros(self):
        report = report_of()
        gone, filled = (befall(kind, report, 1) for kind in ("zeros_to_nothing", "nothing_to_zeros"))
        for damaged, old, new in ((gone, "0", ""), (filled, "", "0")):
            is_hit = damaged[VALUES] != report[VALUES]
            assert set(report[VALUES].to_numpy()[is_hit]) == {old}
            assert set(damaged[VALUES].to_numpy()[is_hit]) == {new}

    def test_one_category_is_lost(self):
        before, after = numbers(report_of()), numbers(befall("category_lost", report_of(), 1))
        hit = (before.notna() & after.isna()).any()
        assert hit.sum() == 1


class TestDaysAndRegions:
    def test_dates_move_by_days_or_a_week(self):
        found = set()
        for seed in range(12):
            moved = pd.to_datetime(befall("dates_moved", report_of(), seed)["date"])
            (days,) = set((moved - pd.to_datetime(report_of()["date"])).dt.days)
            found.add(days)
        assert found <= {-7, -2, -1, 1, 2, 7}
        assert len(found) > 2
        assert moved_by(report_of(), 366)["date"].iloc[0] == "2021-03-02"

    def test_the_end_of_the_file_is_lost(self):
        for seed in SEEDS:
            damaged = befall("rows_lost", report_of(), seed)
            assert 0.3 * 90 - 1 <= len(damaged) <= 0.9 * 90
            assert_frame_equal(damaged, report_of().iloc[: len(damaged)])

    def test_half_of_the_parts_are_lost_and_the_country_stays(self):
        damaged = befall("regions_lost", report_of(regions=("", "a", "b", "c", "d")), 1)
        kept = set(damaged["sub_region_1"])
        assert "" in kept
        assert len(kept) == 3

    def test_two_regions_are_exchanged_day_by_day(self):
        report = report_of()
        damaged = befall("regions_exchanged", report, 1)
        values = {name: part.set_index("date")[VALUES] for name, part in report.groupby("sub_region_1")}
        changed = {
            name
            for name, part in damaged.groupby("sub_region_1")
            if not part.set_index("date")[VALUES].equals(values[name])
        }
        first, second = sorted(changed)
        rows = damaged[damaged["sub_region_1"] == first].set_index("date")[VALUES]
        assert_frame_equal(rows, values[second])

    def test_a_country_without_parts_has_its_columns_exchanged_or_its_rows_lost(self):
        alone = report_of(regions=("",))
        assert len(befall("regions_lost", alone, 1)) == 15
        assert not befall("regions_exchanged", alone, 1)[VALUES].equals(alone[VALUES])

    def test_the_last_two_weeks_are_those_before(self):
        report = report_of()
        damaged = befall("week_repeated", report, 1)
        days = sorted(report["date"].unique())
        for new, old in zip(days[16:], days[2:16], strict=True):
            rows = damaged[damaged["date"] == new].set_index(PLACE)[VALUES]
            assert_frame_equal(rows, report[report["date"] == old].set_index(PLACE)[VALUES])
        assert_frame_equal(damaged[damaged["date"] < days[16]], report[report["date"] < days[16]])


class TestRewriting:
    def test_a_share_of_the_values_goes_up_by_two_to_eleven(self):
        report = report_of(200)
        before, after = numbers(report), numbers(rewritten(report, np.random.default_rng(1), 0.3))
        steps = (after - before).to_numpy()
        moved = steps[steps > 0]
        assert set(moved) == set(range(2, 12))
        assert 0.25 < len(moved) / before.notna().to_numpy().sum() < 0.35
        assert set(steps[~np.isnan(steps)]) == {0.0, *range(2, 12)}

    def test_only_the_rows_and_columns_that_are_asked_for_are_changed(self):
        report = report_of()
        rows = report["date"] < "2020-03-05"
        damaged = with_values(report, lambda value: None if value == 0 else value + 0.5, rows, [VALUES[2]])
        is_hit = damaged != report
        assert set(is_hit.columns[is_hit.any()]) == {VALUES[2]}
        assert set(report["date"][is_hit.any(axis=1)]) == {f"2020-03-0{day}" for day in range(1, 5)}
        assert damaged.loc[0, VALUES[2]] == ""  # a gap stays one


class TestFiles:
    REPORT = pd.concat([report_of(200), report_of(200).assign(country_region_code="NO")], ignore_index=True)

    @pytest.mark.parametrize("name", list(FILE_DAMAGES))
    def test_every_accident_of_a_file_gives_other_bytes_but_that_which_is_none(self, name):
        before = self.REPORT.copy()
        content = FILE_DAMAGES[name](self.REPORT)
        assert isinstance(content, bytes)
        assert (content == as_csv(self.REPORT)) is (name == "unharmed")
        assert_frame_equal(self.REPORT, before)

    def test_a_file_has_the_delimiter_and_line_ends_that_are_asked_for(self):
        header, *lines, end = as_csv(report_of(1), delimiter=";", line_end="\r").split(b"\r")
        assert header.startswith(b"country_region_code;country_region;")
        assert (len(lines), end) == (3, b"")
