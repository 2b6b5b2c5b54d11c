"""Reports as panels: both fetches on the same identifiers, whatever numbers and spellings the files have."""

from datetime import date

import numpy as np
import pyarrow as pa

from expectations.contracts.mobility import CATEGORIES
from tasks.transforms.mobility.gate_panel import side_by_side
from tasks.transforms.mobility.gate_reports import ReadReport, report_panels
from tasks.transforms.mobility.regions import Region
from tasks.transforms.mobility.reports import WIDE_SCHEMA

SWEDEN = Region("SE", "Sweden")
SKANE = Region("SE", "Sweden", "Skåne County", place_id="ChIJ1")
BERLIN = Region("DE", "Germany", "Berlin")


def report(regions, rows, n_broken=0):
    """A report of `rows` (number of the region, day of March 2020, values of the first two categories)."""
    table = pa.Table.from_pylist(
        [
            {"region_no": number, "observed_on": date(2020, 3, day), CATEGORIES[0]: first, CATEGORIES[1]: second}
            for number, day, first, second in rows
        ],
        schema=WIDE_SCHEMA,
    )
    return ReadReport(regions, table, len(rows) + n_broken, n_broken)


def cells_of(one):
    values = [[None if np.isnan(value) else value for value in row[:2]] for row in one.values.tolist()]
    days = one.days - date(2020, 2, 29).toordinal() + date(1970, 1, 1).toordinal()
    names = [str(one.region_ids[series]) for series in one.series]
    return {(name, int(day)): tuple(row) for name, day, row in zip(names, days, values, strict=True)}


def test_rows_become_cells_of_their_regions_whatever_their_numbers():
    old = report({0: SWEDEN, 1: SKANE}, [(0, 1, 1.0, None), (1, 1, 2.0, 3.0)])
    new = report({3: SWEDEN, 7: SKANE, 5: BERLIN}, [(7, 1, 4.0, None), (5, 2, None, 6.0), (3, 1, 5.0, 5.0)], n_broken=2)
    one, other = report_panels([old], [new])
    assert cells_of(one) == {("SE", 1): (1.0, None), ("SE/Skåne County", 1): (2.0, 3.0)}
    assert cells_of(other) == {
        ("SE", 1): (5.0, 5.0),
        ("SE/Skåne County", 1): (4.0, None),
        ("DE/Berlin", 2): (None, 6.0),
    }
    assert (one.columns, other.n_rows_in, other.n_broken) == (CATEGORIES, 5, 2)
    assert dict(zip(other.region_ids.tolist(), other.country_codes.tolist(), strict=True)) == {
        "SE": "SE",
        "SE/Skåne County": "SE",
        "DE/Berlin": "DE",
    }


def test_a_region_is_known_again_by_its_code_where_its_name_is_another():
    old = report({0: SKANE}, [(0, 1, 1.0, 1.0)])
    new = report({0: SKANE._replace(subregion_1="Scania")}, [(0, 1, 2.0, 2.0)])
    sides = side_by_side(*report_panels([old], [new]))
    assert sides.old.region_ids.tolist() == ["SE/Skåne County"]
    assert sides.place.tolist() == [0]


def test_the_members_of_an_archive_are_one_fetch():
    members = [
        report({0: SWEDEN}, [(0, 1, 1.0, 1.0)], 1),
        report({0: BERLIN, 1: SWEDEN}, [(0, 1, 2.0, 2.0), (1, 2, 3.0, 3.0)], 2),
    ]
    old, new = report_panels([], members)
    assert cells_of(new) == {("SE", 1): (1.0, 1.0), ("SE", 2): (3.0, 3.0), ("DE/Berlin", 1): (2.0, 2.0)}
    assert (new.n_rows_in, new.n_broken, cells_of(old), old.values.shape) == (6, 3, {}, (0, len(CATEGORIES)))


def test_a_report_that_was_refused_whole_counts_its_lines_and_gives_no_row():
    good, refused = report({0: SWEDEN}, [(0, 1, 1.0, 1.0)]), ReadReport({}, None, 20, 20)
    _, new = report_panels([], [good, refused])
    assert (cells_of(new), new.n_rows_in, new.n_broken) == ({("SE", 1): (1.0, 1.0)}, 21, 20)
    assert report_panels([refused], [refused])[1].days.tolist() == []
