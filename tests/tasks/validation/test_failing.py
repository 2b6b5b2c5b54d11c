"""Rows that break a warning, by key and rule, before anything is made of them."""

from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from support.lake_rows import write_rows

from expectations.checks import Check, checks_of
from expectations.contracts.mobility import MOBILITY
from expectations.rules import with_defaults
from expectations.suite_format import SuiteError
from expectations.table_contract import TableContract
from tasks.lake.files import FileRef, write_table
from tasks.lake.layout import Lake
from tasks.validation.failing import rows_that_fail, tables_to_refer

DERIVED = ("change_pct_centred_13d", "change_pct_trailing_7d")
RAW = replace(MOBILITY, columns=tuple(column for column in MOBILITY.columns if column.name not in DERIVED))
"""`mobility` before its means are made."""


def row(region_id: str, day: int = 1, **changed: Any) -> dict[str, Any]:
    given = dict.fromkeys(RAW.arrow_schema().names)
    given |= {"region_id": region_id, "observed_on": date(2020, 3, day), "category": "parks", "change_pct": -10.0}
    return {**given, "country_code": "DE", "country": "Germany", "vintage": "0" * 12, **changed}


def file(lake: Lake, *rows: dict[str, Any]) -> FileRef:
    schema = pa.schema([(column.name, column.type) for column in RAW.columns])
    return write_table(lake, "mobility_raw", pa.Table.from_pylist(list(rows), schema=schema))


def failing(lake: Lake, checks: Any, *files: FileRef, contract: TableContract = RAW, **referred: Any) -> list[Any]:
    found = rows_that_fail(lake, contract, files, checks, referred)
    assert found.column_names == [*MOBILITY.key, "rule"]
    return sorted((one["region_id"], one["observed_on"].day, one["rule"]) for one in found.to_pylist())


def sql(query: str, rule: str = "own", **changed: Any) -> Check:
    return replace(Check("sql", (), "warning", {"sql": query}, "", rule, where="own.yaml, line 3"), **changed)


def rule(name: str, about: str, **parameters: Any) -> Check:
    return Check(name, (about,), "warning", with_defaults(name, parameters), "", "own")


KEY = "SELECT region_id, observed_on, category FROM {batch}"


def test_rows_that_break_rules_are_told_once_under_the_first(lake):
    one = file(lake, row("DE"), row("FR", change_pct=-101.0), row("IT", change_pct=-101.0, country_code="it"))
    two = file(lake, row("SE", 2, change_pct=float("nan")), row("SE", 3, change_pct=50.0))
    checks = [
        *checks_of(RAW),
        sql(f"{KEY} WHERE change_pct >= 50", "too_high"),
        sql(f"{KEY} WHERE true", "any", severity="info"),
    ]
    assert failing(lake, checks, one, two) == [
        ("FR", 1, "change_pct_below_-100.0"), ("IT", 1, "country_code_malformed"), ("SE", 2, "change_pct_not_finite"),
        ("SE", 3, "too_high"),
    ]  # fmt: skip


def test_without_checks_or_files_nothing_fails(lake):
    assert failing(lake, [], file(lake, row("DE", change_pct=-101.0))) == []
    assert failing(lake, checks_of(RAW)) == []
    assert failing(lake, [sql(f"{KEY} WHERE true")]) == []


def test_checks_of_what_comes_later_are_left_to_the_publish(lake):
    later = [
        sql(f"{KEY} WHERE change_pct_trailing_7d > 0"),
        sql(f"{KEY} ANTI JOIN {{before}} USING (region_id)"),
        rule("range", "change_pct_centred_13d", column="change_pct_centred_13d", maximum=0),
    ]  # fmt: skip
    assert failing(lake, later, file(lake, row("DE"))) == []


def test_what_is_asked_beside_the_table_is_referred_to(lake):
    check = rule("reference", "country_code", columns=["country_code"], table="policy", to=["country_code"])
    assert tables_to_refer(RAW, [check]) == ("policy",)
    assert failing(lake, [check], file(lake, row("DE")), policy=()) == [("DE", 1, "own")]


def test_rules_of_a_source_look_at_its_rows_alone(lake):
    rows = file(lake, row("DE", vintage="a" * 12, change_pct=60.0), row("FR", vintage="b" * 12, change_pct=60.0))
    of_source = sql(f"{KEY} WHERE change_pct > 50", "too_high", source="germany")
    vintages = write_vintages(lake, germany="a" * 12, france="b" * 12)
    assert tables_to_refer(RAW, [of_source]) == ("ops.vintages",)
    assert failing(lake, [of_source], rows, **{"ops.vintages": (vintages,)}) == [("DE", 1, "too_high")]


def write_vintages(lake: Lake, **vintages: str) -> FileRef:
    from expectations.contracts.ops import VINTAGES  # noqa: PLC0415

    rows = []
    for source, vintage in vintages.items():
        given = {column.name: None if column.is_nullable else filler(column.type) for column in VINTAGES.columns}
        rows.append({**given, "source": source, "uri": f"{source}.csv", "vintage": vintage})
    return write_rows(lake, "ops.vintages", rows)


def filler(kind: pa.DataType) -> Any:
    """Any value of a type."""
    values = {pa.string(): "x", pa.int64(): 0, pa.bool_(): True, pa.date32(): date(2020, 1, 1)}
    return values.get(kind, 0)


def test_a_query_that_cannot_be_run_is_told_with_its_place(lake):
    with pytest.raises(SuiteError, match=r"^own\.yaml, line 3: cannot be run \(.*abc.*\): mend it"):
        failing(lake, [sql(f"{KEY} WHERE country = 'Germany' AND 'abc'::INTEGER > change_pct")], file(lake, row("DE")))


@pytest.mark.slow
def test_great_expectations_names_rows_however_many(lake):
    many = [row(f"DE/{number:06}", change_pct=float(number % 3)) for number in range(150_000)]
    kwargs = {"column": "change_pct", "value_set": [0, 1]}
    check = Check("expect_column_values_to_be_in_set", ("change_pct",), "warning", kwargs, "", "two")
    found = rows_that_fail(lake, RAW, (file(lake, *many),), [check], {})
    assert found.num_rows == 50_000
    assert set(found["rule"].to_pylist()) == {"two"}
    all_of_them = replace(check, kwargs={"column": "change_pct", "value_set": [7]})
    assert rows_that_fail(lake, RAW, (file(lake, *many),), [all_of_them], {}).num_rows == 150_000
