"""Regions of mobility reports and of the policy tracker, and the one identifier under which both are known.

A region_id is the country code, then the names of the parts, joined with `/`: `DE`, `DE/Bavaria`,
`US/California/Alameda County`. The fourth place is the metropolitan area (`GH///Accra Metropolitan Area`), so that no
city can be taken for a part of the country; `/`, `#` and `%` inside a name are written `%2F`, `%23`, `%25`. So
different names always give different identifiers. Places that share all their names are told apart by their code
(`AR/Buenos Aires Province/San Martín#ChIJ…`).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from typing import NamedTuple

from tasks.transforms.mobility.region_names import GOOGLE_NAME_OF_CODE, PRESENT_NAME

_ESCAPES = str.maketrans({"%": "%25", "/": "%2F", "#": "%23"})
_LEVELS = ("code", "name", "folded name", "new")


class Region(NamedTuple):
    """A region as a file names it. None = the file does not say; a name is never empty."""

    country_code: str
    country: str
    subregion_1: str | None = None
    subregion_2: str | None = None
    metro_area: str | None = None
    iso_3166_2_code: str | None = None
    census_fips_code: str | None = None
    place_id: str | None = None

    @property
    def names(self) -> tuple[str | None, ...]:
        """Country code and the names of the parts."""
        return (self.country_code, self.subregion_1, self.subregion_2, self.metro_area)

    @property
    def code(self) -> str:
        """The most telling code that is given: place id, else ISO 3166-2, else FIPS; empty where there is none."""
        return self.place_id or self.iso_3166_2_code or self.census_fips_code or ""

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes that are given, the most telling first, with their kind in front."""
        given = zip(("place", "iso", "fips"), (self.place_id, self.iso_3166_2_code, self.census_fips_code), strict=True)
        return tuple(f"{kind} {code}" for kind, code in given if code)


def tidy_name(name: str) -> str:
    """`name` in NFC, with single plain spaces (the tracker has a no-break space in `Rest of New South Wales`)."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def fold_name(name: str) -> str:
    """`name` without accents and case: `Vysočina Region` and `Vysocina region` fold to one form."""
    if name.isascii():
        return name.casefold()  # nothing to decompose, in nearly every name
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()


def region_id(country_code: str, *names: str | None) -> str:
    """The identifier of a region by its names (first and second level, metropolitan area): no two share one."""
    return "/".join([country_code, *((name or "").translate(_ESCAPES) for name in names)]).rstrip("/")


def names_in(identifier: str) -> tuple[str | None, str | None, str | None]:
    """The names that `region_id` wrote into an identifier: first and second level, metropolitan area; None where it has
    none.
    """
    names = [
        part.replace("%2F", "/").replace("%23", "#").replace("%25", "%") or None for part in identifier.split("/")[1:]
    ]
    first, second, metro = (*names, None, None, None)[:3]
    return first, second, metro


def plain_id(region: Region) -> str:
    """The identifier of a region by its names, a part that Google has renamed under its present name."""
    first = region.subregion_1
    return region_id(
        region.country_code,
        PRESENT_NAME.get((region.country_code, first or ""), first),
        region.subregion_2,
        region.metro_area,
    )


def assign_region_ids(files: Sequence[Sequence[Region]]) -> list[list[str]]:
    """The region_id of each region of each file, in their order; within a file no two regions share one.

    `files` come oldest first, and a later file never changes what an earlier one was given: a region keeps the
    identifier by which it was first known, also when later files spell it otherwise. It is known again by a code (if no
    two regions of the file have it), else by its names (PRESENT_NAME tells which are one), else by its names without
    accents and case. Of several places with the same names the first takes the plain identifier (in a file: the least
    code), each other one adds `#` and its code. ValueError where a file has one region twice.
    """
    known: dict[tuple[str, str], str] = {}
    given: set[str] = set()
    return [_assign_in_file(regions, known, given) for regions in files]


def _assign_in_file(regions: Sequence[Region], known: dict[tuple[str, str], str], given: set[str]) -> list[str]:
    """Identifiers of one file's regions; adds to `known` (kind and mark of a region to its identifier) and `given`."""
    if len({(region.names, region.code) for region in regions}) != len(regions):
        raise ValueError("a file has one region twice")
    n_with_code = Counter(code for region in regions for code in region.codes)
    ids: dict[int, str] = {}
    taken: set[str] = set()
    order = sorted(
        range(len(regions)), key=lambda place: [*(name or "" for name in regions[place].names), regions[place].code]
    )
    marks_of = [_marks(region, n_with_code) for region in regions]
    for level in _LEVELS:
        for place in order:
            if place in ids:
                continue
            region = regions[place]
            marks = [mark for kind, mark in marks_of[place] if kind == level]
            candidates = _fresh_ids(region, given) if level == "new" else map(known.get, marks)
            found = next(
                (candidate for candidate in candidates if candidate is not None and candidate not in taken), None
            )
            if found is not None:
                ids[place] = found
                taken.add(found)
    for place in order:
        given.add(ids[place])
        for _, mark in marks_of[place]:
            known.setdefault(mark, ids[place])
    return [ids[place] for place in range(len(regions))]


def _marks(region: Region, n_with_code: Mapping[str, int]) -> list[tuple[str, tuple[str, str]]]:
    """What a region can be known again by: level, then the key in `known`."""
    plain = plain_id(region)
    codes = [("code", ("code", f"{region.country_code} {code}")) for code in region.codes if n_with_code[code] == 1]
    return [*codes, ("name", ("name", plain)), ("folded name", ("folded name", fold_name(plain)))]


def _fresh_ids(region: Region, given: set[str]) -> Iterator[str | None]:
    plain = plain_id(region)
    marked = f"{plain}#{region.code.translate(_ESCAPES)}"
    numbered = (f"{marked}~{number}" for number in count(2))
    return (candidate for candidate in chain((plain, marked), numbered) if candidate not in given)


def best_known(regions: Iterable[Region]) -> Region:
    """One description out of several of the same region, oldest first: of each field the latest that is given."""
    merged: Region | None = None
    for region in regions:
        merged = region if merged is None else Region._make(new or old for new, old in zip(region, merged, strict=True))
    if merged is None:
        raise ValueError("no description at all")
    return merged


def policy_region_id(country_code: str, region_code: str, region_name: str, city_name: str) -> str:
    """The identifier of a jurisdiction of the policy tracker; empty strings where it is the whole country or state.

    States carry Google's name where the tracker's differs, so that both tables join on region_id. A state without a
    name is known by its code.
    """
    state = GOOGLE_NAME_OF_CODE.get(region_code) or tidy_name(region_name) or region_code
    return region_id(country_code, state, tidy_name(city_name))
