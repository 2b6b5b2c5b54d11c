"""Cuts the tables in `mobility/` and `policy/` out of the public files that they come from. No figure is changed.

    python data/samples/make_figures.py ORIGINALS [FOLDER]

reads the files named in `ORIGINALS_SHA256` below the folder ORIGINALS, refuses any other vintage, and writes
`mobility/` and `policy/` below FOLDER, by default this file's own. What is kept is kept byte for byte: lines of a
mobility report, lines of the policy tracker, and of its wide files the columns up to `LAST_POLICY_DAY`. So schemas,
dates, line ends, quotes and gaps are the originals'. The same originals give the same tables each time (before
compression: how xz and zip pack them may differ between versions of their libraries).

Producers, terms and vintages are in README.md.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import lzma
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import takewhile
from pathlib import Path

MOBILITY, POLICY = "mobility", "policy"
REPORT = "_Region_Mobility_Report"  # in the name of every file by country
WORLD_2020_05 = f"{MOBILITY}/Global_Mobility_Report_2020-05.zip"
WORLD_2021_06 = f"{MOBILITY}/Region_Mobility_Report_CSVs_2021-06.zip"
GERMANY_2020_10 = f"{MOBILITY}/2020_DE_Region_Mobility_Report.vintage-2020-10.csv.gz"
GERMANY_2021_03 = f"{MOBILITY}/2020_DE_Region_Mobility_Report.vintage-2021-03.csv.gz"
ITALY_2021_02 = f"{MOBILITY}/2020_IT_Region_Mobility_Report.vintage-2021-02.csv.gz"
SWEDEN_2020 = f"{MOBILITY}/2020_SE_national.reconstructed.csv"
POLICY_GERMANY = "policy/DEU_long_2020-2022.tsv.gz"
POLICY_FINAL = tuple(
    f"{POLICY}/OxCGRT_timeseries_{index}Index_v1.csv.gz"
    for index in ("ContainmentHealth", "GovernmentResponse", "Stringency")
)
POLICY_2020_10 = tuple(
    f"{POLICY}/vintage-2020-10/index_{index}.csv.gz"
    for index in ("containmenthealth", "governmentresponse", "stringency")
)
ORIGINALS_SHA256 = {
    WORLD_2020_05: "361b7676a90023a17d5d87b7b88330b9512889ac134e82c5e0637165f8786ff1",
    WORLD_2021_06: "b264fd089a68cee2ec775ca9dabadf1f3dcac929f20f82074d9cd357ad85378b",
    GERMANY_2020_10: "44ec6f06026b9fa604965c95ed7ea9c785f8eed0022b8107beaa731e59247c73",
    GERMANY_2021_03: "6704e3bd40522816871b8eef00d5c694e6b7d6491780521edcbc779637af4e8e",
    ITALY_2021_02: "50fc50cdaba7334e1d9218a7879ee19f687583bf57b1c45f07451eb5e464e900",
    SWEDEN_2020: "8042a89536e7628e3f23f49787de5d0095c43ccc426baeaf147824bedfac783c",
    POLICY_GERMANY: "7baedb7866f3335f4b943e7d403ff1229766a5837932926b17987e74c766cb85",
    POLICY_FINAL[0]: "994392c3b80044221a9407d15438d5e5142737efe6eae7d83b27ed530bc2a497",
    POLICY_FINAL[1]: "2d2d4e5ce6489d5df247a075f3652c07df371512fa11bed04da341c60859feb1",
    POLICY_FINAL[2]: "b45a6e74752ef459d9fa5d587d6bee9e3b145272e6657dfb026569067ec2eb54",
    POLICY_2020_10[0]: "97fb95190816955ab6a2d1dd1a4f817f0c998c03848296e816573d182cc9878e",
    POLICY_2020_10[1]: "3053a9357b19c6137cf6ab06efadce37f0c8361f8a7479ce0fdec69e40ba19ab",
    POLICY_2020_10[2]: "64fa024d80530116958f57dc8790b149df793b88ad2c99e785c4a988476ffbb0",
}
"""Where each original lies below the folder of originals, and which bytes it is."""

# Our choice: national series without gaps worth the name, from every part of the world, among the countries of which
# the files at hand have both years. Google's two-letter codes and the tracker's three-letter ones.
BOTH_YEARS = {
    "AE": "ARE", "BD": "BGD", "BG": "BGR", "BO": "BOL", "BW": "BWA", "CI": "CIV", "CL": "CHL", "CR": "CRI",
    "CZ": "CZE", "DE": "DEU", "DO": "DOM", "EC": "ECU", "EE": "EST", "EG": "EGY", "GH": "GHA",
    "GT": "GTM", "HK": "HKG", "HR": "HRV", "HU": "HUN", "ID": "IDN", "IL": "ISR", "JO": "JOR", "KZ": "KAZ",
    "LB": "LBN", "LK": "LKA", "LT": "LTU", "LV": "LVA", "MA": "MAR", "MY": "MYS", "NP": "NPL", "NZ": "NZL",
    "PA": "PAN", "PE": "PER", "PH": "PHL", "PK": "PAK", "PY": "PRY", "QA": "QAT", "RU": "RUS",
    "RW": "RWA", "SA": "SAU", "SG": "SGP", "SI": "SVN", "SK": "SVK", "SN": "SEN", "TZ": "TZA", "UA": "UKR",
    "UG": "UGA", "UY": "URY", "VN": "VNM", "ZW": "ZWE",
}  # fmt: skip
IN_PARTS = {"IT": "ITA", "SE": "SWE"}  # 2020 and 2021 come from different files
FIRST_WAVE = {
    "AU": "AUS", "BR": "BRA", "ES": "ESP", "FR": "FRA", "GB": "GBR", "IN": "IND", "JP": "JPN", "KR": "KOR",
    "NA": "NAM", "US": "USA", "ZA": "ZAF",
}  # fmt: skip  # the files at hand have them until May 2020 only
ALPHA3 = BOTH_YEARS | IN_PARTS | FIRST_WAVE
WITH_SUBREGIONS = frozenset({"DE", "IT", "NZ", "SE"})  # the countries of the article whose figures are to be seen
QUOTED = ("GB", "Armagh City, Banbridge and Craigavon")  # a name with a comma, which Google quotes
LAST_POLICY_DAY = date(2021, 6, 30)
ZIP_2021_06 = "Region_Mobility_Report_CSVs.vintage-2021-06.zip"
ZIP_TIME = (2021, 6, 4, 0, 0, 0)  # the last day inside; any fixed one would do

Fields = Sequence[str]


class OriginalsError(Exception):
    """An original is missing or of another vintage; the message says which, and what to do."""


def all_tables(originals: Path) -> dict[str, bytes]:
    """Every table's uncompressed bytes, by its path below the folder of samples; of an archive's member `archive#name`.
    OriginalsError.
    """
    world_2020_05 = _members(originals, WORLD_2020_05, ["Global_Mobility_Report.csv"])
    tables = {f"{MOBILITY}/Global_Mobility_Report.vintage-2020-05.csv.xz": mobility_lines(world_2020_05, set(ALPHA3))}
    for year, countries in ((2020, {*BOTH_YEARS}), (2021, {*BOTH_YEARS, *IN_PARTS})):
        reports = _members(originals, WORLD_2021_06, [f"{year}_{code}{REPORT}.csv" for code in sorted(countries)])
        tables[f"{MOBILITY}/{ZIP_2021_06}#{year}{REPORT}.csv"] = mobility_lines(reports, countries)
    for name in (GERMANY_2020_10, GERMANY_2021_03, SWEDEN_2020):
        tables[f"{name.removesuffix('.gz')}.xz"] = _original(originals, name)
    italy = mobility_lines([_original(originals, ITALY_2021_02)], {"IT"})
    tables[f"{ITALY_2021_02.removesuffix('.gz')}.xz"] = italy
    for name in POLICY_FINAL:
        tables[f"{POLICY}/{_stem(name)}.vintage-2023.csv.xz"] = policy_countries(_original(originals, name), 0)
    for name in POLICY_2020_10:
        tables[f"{POLICY}/{_stem(name)}.vintage-2020-10.csv.xz"] = policy_countries(_original(originals, name), 1)
    tables[f"{POLICY}/DEU_long.vintage-2022.tsv.xz"] = policy_days(_original(originals, POLICY_GERMANY))
    return tables


def mobility_lines(reports: Iterable[bytes], countries: set[str]) -> bytes:
    """The lines of reports of one schema that are national, or of a first-level part of the four countries, or the one
    with the quoted name.
    """

    def is_wanted(fields: Fields) -> bool:
        country, _, part, *smaller = fields[:5]
        if country not in countries or smaller[0]:
            return False
        is_metro = len(fields) > 11 and bool(smaller[1])  # noqa: PLR2004  # the schema of 11 columns has no metro areas
        return not is_metro and (not part or country in WITH_SUBREGIONS or (country, part) == QUOTED)

    return _joined([_lines_of(report, ",", is_wanted) for report in reports])


def policy_countries(table: bytes, code_column: int) -> bytes:
    """A wide file's national lines of the countries in the samples, up to `LAST_POLICY_DAY`."""
    wanted = set(ALPHA3.values())

    def is_wanted(fields: Fields) -> bool:
        return fields[code_column] in wanted and fields[6] not in ("STATE_TOTAL", "CITY_TOTAL")

    header, *lines = _lines_of(table, ",", is_wanted)
    n_columns = len(
        list(takewhile(lambda name: _wide_day(name) <= LAST_POLICY_DAY, next(csv.reader([header.decode()]))))
    )
    return b"\n".join(b",".join(line.rstrip(b"\r\n").split(b",")[:n_columns]) for line in [header, *lines]) + b"\n"


def policy_days(table: bytes) -> bytes:
    """A long file's lines up to `LAST_POLICY_DAY`."""
    place = table.split(b"\n", 1)[0].split(b"\t").index(b"Date")
    last = f"{LAST_POLICY_DAY:%Y%m%d}"
    return b"".join(_lines_of(table, "\t", lambda fields: fields[place] <= last))


def write_tables(originals: Path, folder: Path) -> None:
    """Write every table below `folder`, packed. OriginalsError."""
    zipped: dict[Path, dict[str, bytes]] = {}
    for name, table in all_tables(originals).items():
        place, _, member = name.partition("#")
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        if member:
            zipped.setdefault(path, {})[member] = table
        else:
            path.write_bytes(lzma.compress(table, preset=9 | lzma.PRESET_EXTREME))
    for path, members in zipped.items():
        path.write_bytes(_zip(members))


def _lines_of(table: bytes, delimiter: str, is_wanted: Callable[[Fields], bool]) -> list[bytes]:
    """The header and the wanted lines, with their line ends, as they stand."""
    header, *lines = table.splitlines(keepends=True)
    rows = csv.reader((line.decode() for line in lines), delimiter=delimiter)
    return [header, *(line for line, fields in zip(lines, rows, strict=True) if is_wanted(fields))]


def _joined(reports: Sequence[Sequence[bytes]]) -> bytes:
    """Reports of one schema as one: the header once."""
    if len({lines[0] for lines in reports}) > 1:
        raise OriginalsError("reports that are put together have different columns: take the vintage that is named")
    return b"".join([reports[0][0], *(line for lines in reports for line in lines[1:])])


def _wide_day(name: str) -> date:
    """The day of a wide file's column; the first day of all for columns that name the jurisdiction."""
    try:
        return datetime.strptime(name, "%d%b%Y").date()  # noqa: DTZ007  # a day has no time zone
    except ValueError:
        return date.min


def _members(originals: Path, name: str, members: Iterable[str]) -> list[bytes]:
    _original(originals, name)
    with zipfile.ZipFile(originals / name) as archive:
        return [archive.read(member) for member in members]


def _original(originals: Path, name: str) -> bytes:
    """The original's bytes, unpacked where it is a .gz."""
    try:
        packed = (originals / name).read_bytes()
    except FileNotFoundError:
        raise OriginalsError(f"{originals / name} is missing: put the public file there") from None
    if hashlib.sha256(packed).hexdigest() != ORIGINALS_SHA256[name]:
        raise OriginalsError(f"{originals / name} is another vintage: take the one whose digest is in {__file__}")
    return gzip.decompress(packed) if name.endswith(".gz") else packed


def _zip(members: Mapping[str, bytes]) -> bytes:
    """An archive of these members, with nothing of this machine or moment in it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, ZIP_TIME)
            member.create_system = 3  # Unix, whatever this runs on
            archive.writestr(member, content, zipfile.ZIP_DEFLATED, 9)
    return packed.getvalue()


def _stem(name: str) -> str:
    return Path(name).name.partition(".")[0]


if __name__ == "__main__":
    try:
        write_tables(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent)  # noqa: PLR2004
    except IndexError:
        sys.exit("usage: python data/samples/make_figures.py ORIGINALS [FOLDER]")
    except OriginalsError as error:
        sys.exit(str(error))
