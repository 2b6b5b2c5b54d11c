"""The figures of mobility and policy among the samples are the published ones, and cover what README.md says."""

import csv
import gzip
import io
import lzma
import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from data.samples import make_figures
from data.samples.make_figures import ALPHA3, BOTH_YEARS, FIRST_WAVE, IN_PARTS, WITH_SUBREGIONS

SAMPLES = Path(__file__).resolve().parents[1] / "data" / "samples"
WORLD_2020_05 = "mobility/Global_Mobility_Report.vintage-2020-05.csv.xz"
WORLD_2021_06 = "mobility/Region_Mobility_Report_CSVs.vintage-2021-06.zip"
YEAR_2020, YEAR_2021 = (f"{WORLD_2021_06}#{year}_Region_Mobility_Report.csv" for year in (2020, 2021))
GERMANY_2020_10, GERMANY_2021_03 = (
    f"mobility/2020_DE_Region_Mobility_Report.vintage-{month}.csv.xz" for month in ("2020-10", "2021-03")
)
ITALY = "mobility/2020_IT_Region_Mobility_Report.vintage-2021-02.csv.xz"
SWEDEN = "mobility/2020_SE_national.reconstructed.csv.xz"
MOBILITY = (WORLD_2020_05, YEAR_2020, YEAR_2021, GERMANY_2020_10, GERMANY_2021_03, ITALY, SWEDEN)
CONTAINMENT_2020_10 = "policy/index_containmenthealth.vintage-2020-10.csv.xz"
CONTAINMENT_2023 = "policy/OxCGRT_timeseries_ContainmentHealthIndex_v1.vintage-2023.csv.xz"
GERMANY_LONG = "policy/DEU_long.vintage-2022.tsv.xz"

Row = dict[str, str]


def content_of(name: str) -> bytes:
    place, _, member = name.partition("#")
    raw = (SAMPLES / place).read_bytes()
    return zipfile.ZipFile(io.BytesIO(raw)).read(member) if member else lzma.decompress(raw)


def rows_of(name: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(content_of(name).decode())))


def day_of(row: Row) -> date:
    if "/" not in row["date"]:
        return date.fromisoformat(row["date"])
    month, day, year = map(int, row["date"].split("/"))
    return date(year, month, day)


def national_days(*names: str) -> dict[str, set[date]]:
    """The days of every country that stands in the files as a whole."""
    days: dict[str, set[date]] = {}
    for row in (row for name in names for row in rows_of(name)):
        if not (row["sub_region_1"] or row.get("metro_area")):
            days.setdefault(row["country_region_code"], set()).add(day_of(row))
    return days


def test_over_forty_countries_have_every_day_from_february_2020_to_june_2021():
    days = national_days(YEAR_2020, YEAR_2021, ITALY)
    whole = {code for code, found in days.items() if len(found) == 476}
    assert whole == {*BOTH_YEARS, "IT"}
    assert len(whole) >= 40
    assert {(min(days[code]), max(days[code])) for code in whole} == {(date(2020, 2, 15), date(2021, 6, 4))}


def test_sweden_lacks_the_second_half_of_2020_which_no_file_at_hand_has():
    days = national_days(WORLD_2020_05, SWEDEN, YEAR_2021)["SE"]
    assert len(days) == 137 + 155
    assert not [day for day in days if date(2020, 6, 30) < day < date(2021, 1, 1)]


@pytest.mark.parametrize(
    ("name", "n_days", "countries"),
    [(YEAR_2020, 321, {"DE", "NZ"}), (ITALY, 357, {"IT"}), (YEAR_2021, 155, {"DE", "IT", "NZ", "SE"})],
)
def test_four_countries_have_their_parts(name: str, n_days: int, countries: set[str]):
    rows = [row for row in rows_of(name) if row["sub_region_1"]]
    n_parts = Counter(code for code, _ in {(row["country_region_code"], row["sub_region_1"]) for row in rows})
    published = {"DE": 16, "IT": 20, "NZ": 16, "SE": 21}
    assert published.keys() == WITH_SUBREGIONS
    assert n_parts == {code: published[code] for code in countries}
    assert max(Counter(row["sub_region_1"] for row in rows).values()) == n_days


def test_countries_of_which_only_the_first_wave_is_at_hand_end_in_may_2020():
    days = national_days(*MOBILITY)
    assert {code for code, found in days.items() if max(found) == date(2020, 5, 21)} == set(FIRST_WAVE)
    assert days.keys() == ALPHA3.keys() == {*BOTH_YEARS, *IN_PARTS, *FIRST_WAVE}


def test_files_show_three_schemas_both_date_forms_line_ends_namibia_and_a_quoted_comma():
    assert {len(rows_of(name)[0]) for name in (WORLD_2020_05, GERMANY_2020_10, YEAR_2020)} == {11, 14, 15}
    early = content_of(WORLD_2020_05)
    assert early.count(b"\r\n") == early.count(b"\n")
    assert b"\r" not in content_of(YEAR_2020)
    assert b'\nGB,United Kingdom,"Armagh City, Banbridge and Craigavon",,2/15/2020,-11,-4,-45,-18,-4,2\r\n' in early
    assert b"\nNA,Namibia,,,2/15/2020,-5,-8,2,-8,2,3\r\n" in early
    assert rows_of(GERMANY_2021_03)[0]["date"] == "2020-02-15"


def test_google_rewrote_no_value_between_the_vintages():
    """Of all region-days that stand in two files or more, under one name, none has two values."""
    values: dict[tuple[str, str, date], set[tuple[str, ...]]] = {}
    n_rows = 0
    for row in (row for name in MOBILITY for row in rows_of(name)):
        key = row["country_region_code"], row["sub_region_1"], day_of(row)
        values.setdefault(key, set()).add(tuple(row.values())[-6:])
        n_rows += 1
    assert n_rows - len(values) > 10_000
    assert {len(found) for found in values.values()} == {1}


@pytest.mark.parametrize(
    ("name", "code_column", "highest"),
    [
        (CONTAINMENT_2020_10, 1, {"SWE": 48.5, "DEU": 76.5, "ITA": 91.7, "NZL": 93.9}),
        (CONTAINMENT_2023, 0, {"SWE": 57.1, "DEU": 70.8, "ITA": 85.4, "NZL": 81.0}),
    ],
)
def test_the_tracker_rewrote_its_history(name: str, code_column: int, highest: dict[str, float]):
    """The highest containment index of the four countries until 2020-06-04, by vintage."""
    header, *lines = csv.reader(io.StringIO(content_of(name).decode()))
    end = [one.lower() for one in header].index("04jun2020") + 1
    first = [one.lower() for one in header].index("01jan2020")
    found = {
        fields[code_column]: max(map(float, fields[first:end])) for fields in lines if fields[code_column] in highest
    }
    assert {code: round(most, 1) for code, most in found.items()} == highest


def test_every_country_of_mobility_has_its_policy_up_to_june_2021():
    for name in make_figures.POLICY_FINAL:
        table = content_of(f"policy/{Path(name).name.partition('.')[0]}.vintage-2023.csv.xz").decode()
        header, *lines = csv.reader(io.StringIO(table))
        assert header[7::545] == ["01Jan2020", "29Jun2021"]
        assert header[-1] == "30Jun2021"
        assert sorted(fields[0] for fields in lines) == sorted(ALPHA3.values())
        assert {len(fields) for fields in lines} == {7 + 547}
        assert {fields[6] for fields in lines} == {"NAT_TOTAL"}
    header, *lines = csv.reader(io.StringIO(content_of(CONTAINMENT_2020_10).decode()))
    assert (header[2], header[-1]) == ("01jan2020", "30sep2020")
    assert sorted(fields[1] for fields in lines) == sorted(ALPHA3.values())


def test_german_long_file_has_the_economic_index_and_a_byte_order_mark():
    table = content_of(GERMANY_LONG)
    assert table.startswith(b"\xef\xbb\xbfCountryName\t")
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig")), delimiter="\t"))
    assert (rows[0]["Date"], rows[-1]["Date"], len(rows)) == ("20200102", "20210630", 546)
    assert {row["EconomicSupportIndex"] for row in rows} > {"0.0"}


def test_every_table_stands_in_the_readme_with_its_producer_terms_and_vintage():
    readme = (SAMPLES / "README.md").read_text("utf-8")
    for path in [*(SAMPLES / "mobility").iterdir(), *(SAMPLES / "policy").iterdir()]:
        assert re.sub(r"(ContainmentHealth|GovernmentResponse|Stringency)Index", "…Index", path.name) in readme or (
            re.sub(r"(containmenthealth|governmentresponse|stringency)", "…", path.name) in readme
        ), path.name
    assert re.search(r"Google LLC.*https://www.google.com/covid19/mobility/", readme, re.DOTALL)
    assert re.search(r"CC BY 4.0.*https://doi.org/10.1038/s41562-021-01079-8", readme, re.DOTALL)


def originals(folder: Path, name: str) -> Iterator[Row]:
    """The rows of a public file as Python's own reader has them; of an archive those of all members."""
    path = folder / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                yield from csv.DictReader(io.TextIOWrapper(archive.open(member), "utf-8", newline=""))
        return
    raw = path.read_bytes()
    yield from csv.DictReader(io.StringIO((gzip.decompress(raw) if name.endswith(".gz") else raw).decode()))


def key_of(row: Row) -> tuple[str, ...]:
    return tuple(row.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("original", "names"),
    [
        (make_figures.WORLD_2020_05, (WORLD_2020_05,)),
        (make_figures.WORLD_2021_06, (YEAR_2020, YEAR_2021)),
        (make_figures.GERMANY_2020_10, (GERMANY_2020_10,)),
        (make_figures.GERMANY_2021_03, (GERMANY_2021_03,)),
        (make_figures.ITALY_2021_02, (ITALY,)),
        (make_figures.SWEDEN_2020, (SWEDEN,)),
    ],
    ids=lambda one: Path(one).name if isinstance(one, str) else "",
)
def test_every_national_row_of_the_countries_is_the_originals_and_no_row_is_another(
    shared: Path, original: str, names: tuple[str, ...]
):
    kept = [key_of(row) for name in names for row in rows_of(name)]
    countries = {row["country_region_code"] for name in names for row in rows_of(name)}
    published, national = set(), set()
    for row in originals(shared / "data", original):
        if row["country_region_code"] in countries:
            published.add(key_of(row))
            if not (row["sub_region_1"] or row["sub_region_2"] or row.get("metro_area")):
                national.add(key_of(row))
    assert len(kept) == len(set(kept))
    assert national <= set(kept) <= published


@pytest.mark.slow
@pytest.mark.parametrize("name", [*make_figures.POLICY_FINAL, *make_figures.POLICY_2020_10])
def test_every_value_of_the_tracker_is_the_originals(shared: Path, name: str):
    vintage = "2020-10" if "2020-10" in name else "2023"
    table = content_of(f"policy/{Path(name).name.partition('.')[0]}.vintage-{vintage}.csv.xz").decode()
    header, *lines = csv.reader(io.StringIO(table))
    whole = list(csv.reader(io.StringIO(gzip.decompress((shared / "data" / name).read_bytes()).decode())))
    assert header == whole[0][: len(header)]
    assert {tuple(fields) for fields in lines} <= {tuple(fields[: len(header)]) for fields in whole}


@pytest.mark.slow
def test_script_makes_the_bundled_tables(shared: Path):
    made = make_figures.all_tables(shared / "data")
    bundled = {
        path.relative_to(SAMPLES).as_posix() for place in ("mobility", "policy") for path in (SAMPLES / place).iterdir()
    }
    assert {name.partition("#")[0] for name in made} == bundled
    assert [name for name, table in made.items() if content_of(name) != table] == []


def test_packing_tables_twice_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tables = {"mobility/a.zip#b.csv": b"day,value\n" * 99, "mobility/a.zip#c.csv": b"", "policy/d.csv.xz": b"1,2\n"}
    monkeypatch.setattr(make_figures, "all_tables", lambda _: tables)
    for folder in ("once", "again"):
        make_figures.write_tables(tmp_path, tmp_path / folder)
    for name in ("mobility/a.zip", "policy/d.csv.xz"):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    with zipfile.ZipFile(tmp_path / "once" / "mobility" / "a.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"b.csv": b"day,value\n" * 99, "c.csv": b""}


def test_a_missing_original_is_named(tmp_path: Path):
    with pytest.raises(make_figures.OriginalsError, match=r"Global_Mobility_Report_2020-05\.zip is missing: put"):
        make_figures.all_tables(tmp_path)


def test_another_vintage_of_an_original_is_refused(tmp_path: Path):
    (tmp_path / "mobility").mkdir()
    shutil.copy(SAMPLES / WORLD_2021_06, tmp_path / make_figures.WORLD_2020_05)
    with pytest.raises(make_figures.OriginalsError, match="is another vintage: take the one whose digest"):
        make_figures.all_tables(tmp_path)
