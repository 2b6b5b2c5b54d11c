"""A mobility report read line by line with the csv module: what is kept and why the rest is not. Dates are ISO."""

import csv
from datetime import date

VALUES = ("retail_and_recreation", "grocery_and_pharmacy", "parks", "transit_stations", "workplaces", "residential")
NAMES = (
    "country_region_code",
    "country_region",
    "sub_region_1",
    "sub_region_2",
    "metro_area",
    "iso_3166_2_code",
    "census_fips_code",
    "place_id",
)


def slow_report(text, latest):
    """Kept rows as (region, day, values), and line number to rule of the others."""
    header = [name.strip().lower() for name in text.splitlines()[0].split(",")]
    kept, faults, seen = [], {}, {}
    for number, line in enumerate(text.split("\n")[1:], 2):
        if not line.strip():
            continue
        row, rule = _row(line, header, latest)
        if rule == "":
            region, day, values = row
            key = (region[0], *region[2:], day)
            if key not in seen:
                seen[key] = values
                kept.append(row)
                continue
            rule = "repeated_row" if seen[key] == values else "repeated_key"
        faults[number] = rule
    return kept, faults


def _row(line, header, latest):
    try:
        fields = next(csv.reader([line], strict=True))
    except csv.Error:
        return None, "quote_unbalanced"
    if len(fields) != len(header):
        return None, "fewer_fields_than_header" if len(fields) < len(header) else "more_fields_than_header"
    named = dict(zip(header, fields, strict=True))
    values = []
    for category in VALUES:
        text = named[f"{category}_percent_change_from_baseline"].strip()
        try:
            values.append(float(text) if text else None)
        except ValueError:
            return None, "change_pct_not_a_number"
    day, rule = _day(named["date"], latest)
    region = tuple(" ".join(named.get(name, "").split()) or None for name in NAMES)
    region_rule = "country_code_missing" if region[0] is None else "country_missing" if region[1] is None else ""
    return (region, day, tuple(values)), region_rule or rule or _value_rule(values)


def _day(text, latest):
    if not text:
        return None, "observed_on_missing"
    try:
        day = date(int(text[:4]), int(text[5:7]), int(text[8:]))
    except ValueError:
        return None, "impossible_date"
    if day > latest:
        return None, "future_date"
    return day, "" if day >= date(2020, 1, 1) else "observed_on_below_2020-01-01"


def _value_rule(values):
    for value in values:
        if value is not None and value < -100:
            return "change_pct_below_-100.0"
    return ""
