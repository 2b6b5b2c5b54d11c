"""Rules beyond one row: each finds what breaks it, by hand, and leaves alone what does not."""

from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from expectations.checks import Check
from expectations.rules import with_defaults
from expectations.suite_format import SuiteError
from expectations.table_contract import Column, TableContract
from tasks.lake.statements import first_line
from tasks.validation.binding import require_bound, tables_read
from tasks.validation.queries import digest_of_checks, is_comparison, query_of

ROWS = TableContract("rows", "a row", ("id",), (
    Column("id", pa.int64(), "Number"), Column("kind", pa.string(), "Kind", is_nullable=True),
    Column("a", pa.float64(), "One part", is_nullable=True), Column("b", pa.float64(), "Another", is_nullable=True),
    Column("whole", pa.float64(), "Both", is_nullable=True), Column("on", pa.date32(), "Day", is_nullable=True),
))  # fmt: skip


def rows(*given: dict[str, Any]) -> pa.Table:
    schema = pa.schema([(column.name, column.type) for column in ROWS.columns])
    return pa.Table.from_pylist([{"id": number, **row} for number, row in enumerate(given)], schema=schema)


def check(name: str, source: str = "", **parameters: Any) -> Check:
    kwargs = parameters if name == "sql" else with_defaults(name, parameters)
    return Check(name, (), "warning", kwargs, "", "rule", source=source)


def found(asked: Check, batch: pa.Table, before: pa.Table | None = None, **others: pa.Table) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA ops")
        tables = {"batch": batch, "before": batch.slice(0, 0) if before is None else before, **others}
        for name, table in tables.items():
            connection.register("given", table)
            connection.execute(f"CREATE TABLE {name.replace('__', '.')} AS FROM given")
        return connection.sql(query_of(ROWS, asked)).to_arrow_table().to_pylist()


def ids(asked: Check, batch: pa.Table, **others: pa.Table) -> list[int]:
    return sorted(row["id"] for row in found(asked, batch, **others))


def test_reference_finds_rows_whose_columns_together_stand_nowhere():
    batch = rows({"kind": "x", "a": 1.0}, {"kind": "x", "a": 2.0}, {"kind": None, "a": 9.0}, {"kind": "y", "a": 1.0})
    other = pa.table({"name": ["x", None], "number": [1.0, 9.0]})
    of_both = check("reference", columns=["kind", "a"], table="other", to=["name", "number"])
    assert ids(of_both, batch, other=other) == [1, 3]
    where_one = check("reference", columns=["kind"], table="other", to=["name"], when="a > 1")
    assert ids(where_one, batch, other=other) == []


def test_reference_serves_the_other_way_round_too():
    parents = rows({"kind": "has children"}, {"kind": "has none"})
    children = pa.table({"of": ["has children", "has children"]})
    assert ids(check("reference", columns=["kind"], table="children", to=["of"]), parents, children=children) == [1]


def test_parts_finds_rows_that_do_not_add_up():
    batch = rows(
        {"a": 1.0, "b": 2.0, "whole": 3.0}, {"a": 1.0, "b": 2.0, "whole": 3.5}, {"a": None, "b": 2.0, "whole": 9.0},
        {"a": float("nan"), "b": 2.0, "whole": 3.0},
    )  # fmt: skip
    assert ids(check("parts", parts=["a", "b"], whole="whole"), batch) == [1, 3]
    assert ids(check("parts", parts=["a", "b"], whole="whole", tolerance=0.5), batch) == [3]


def test_total_finds_all_rows_of_groups_that_do_not_add_up():
    batch = rows({"kind": "x", "a": 0.25}, {"kind": "x", "a": 0.75}, {"kind": "y", "a": 0.5}, {"kind": "y", "a": 0.6})
    assert ids(check("total", column="a", by=["kind"], **{"is": 1}), batch) == [2, 3]
    assert ids(check("total", column="a", by=["kind"], tolerance=0.2, **{"is": 1}), batch) == []


def test_range_may_depend_on_another_column():
    batch = rows({"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 2.0}, {"a": 3.0, "b": None}, {"a": None, "b": 2.0})
    assert ids(check("range", column="a", maximum="b"), batch) == [1]
    kinds = rows({"kind": "x", "a": 60.0}, {"kind": "y", "a": 60.0}, {"kind": "x", "a": float("nan")})
    assert ids(check("range", column="a", minimum=-50, maximum=50, when="kind = 'x'"), kinds) == [0, 2]
    days = rows({"on": date(2020, 1, 1)}, {"on": date(2019, 12, 31)}, {})
    assert ids(check("range", column="on", minimum=date(2020, 1, 1)), days) == [1]


def series(kind: str, *values: float) -> list[dict[str, Any]]:
    return [{"kind": kind, "a": value} for value in values]


def test_distribution_finds_groups_that_moved_or_spread():
    past = [float(value) for value in range(-20, 20)]
    before = rows(*(row for kind in "abcd" for row in series(kind, *past)), *series("few", 1.0))
    batch = rows(
        *series("a", *past, 21.0),  # a day more
        *series("b", *(value + 100 for value in past)),  # another level
        *series("c", *(value * 16 for value in past)),  # another scale
        *series("d", *([0.0] * 40)),  # constant
        *series("few", 1000.0), *series("new", *past),
    )  # fmt: skip
    asked = check("distribution", column="a", by=["kind"])
    assert sorted(row["kind"] for row in found(asked, batch, before)) == ["b", "c", "d"]
    assert found(check("distribution", column="a", by=["kind"], least_values=41), batch, before) == []
    (whole,) = found(check("distribution", column="a"), rows(*series("b", *(v + 100 for v in past))), before)
    assert (whole["median_before"], whole["median_now"]) == (0.0, 99.5)


def test_distribution_lets_constants_be_constant():
    same = rows(*series("zero", *([0.0] * 40)), *series("seven", *([7.0] * 40)))
    assert found(check("distribution", column="a", by=["kind"]), same, same) == []


def test_coverage_finds_groups_with_fewer_values_and_groups_that_are_gone():
    before = rows(*({"kind": "x", "a": float(n)} for n in range(10)), {"kind": "gone", "a": 1.0})
    batch = rows(*({"kind": "x", "a": float(n)} for n in range(8)), {"kind": "new", "a": 1.0})
    asked = check("coverage", columns=["a"], by=["kind"])
    expected = [{"kind": "gone", "n_before": 1, "n_now": 0}, {"kind": "x", "n_before": 10, "n_now": 8}]
    assert sorted(found(asked, batch, before), key=lambda row: row["kind"]) == expected
    assert [row["kind"] for row in found(check("coverage", columns=["a"], by=["kind"], least=0.8), batch, before)] == [
        "gone"
    ]
    assert found(check("coverage", columns=["kind", "a"]), batch, before) == [
        {"all_rows": True, "n_before": 11, "n_now": 9}
    ]


def test_freshness_finds_groups_that_end_earlier_than_they_did():
    before = rows({"kind": "x", "on": date(2020, 3, 10)}, {"kind": "y", "on": date(2020, 3, 10)})
    batch = rows({"kind": "x", "on": date(2020, 3, 9)}, {"kind": "y", "on": date(2020, 3, 11)})
    asked = check("freshness", column="on", by=["kind"])
    assert [row["kind"] for row in found(asked, batch, before)] == ["x"]
    assert found(check("freshness", column="on", by=["kind"], days=1), batch, before) == []


def test_age_is_told_against_the_last_fetch_of_the_source():
    fetched = pa.table(
        {
            "source": ["quick", "slow"],
            "fetched_at": pa.array([datetime(2020, 3, 20, tzinfo=UTC), datetime(2020, 3, 12, tzinfo=UTC)]),
        }
    )
    batch = rows({"on": date(2020, 3, 10)})
    assert len(found(check("age", column="on", days=9), batch, ops__vintages=fetched)) == 1
    assert found(check("age", column="on", days=10), batch, ops__vintages=fetched) == []
    of_slow = Check("age", (), "warning", with_defaults("age", {"column": "on", "days": 2}), "", "r", source="slow")
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA ops")
        for name, table in {'"batch_of_slow"': batch, "ops.vintages": fetched}.items():
            connection.register("given", table)
            connection.execute(f"CREATE TABLE {name} AS FROM given")
        assert connection.sql(query_of(ROWS, of_slow)).fetchall() == []


def test_a_query_of_ones_own_may_ask_the_table_as_it_was():
    asked = check(
        "sql", sql="SELECT id FROM {batch} ANTI JOIN {before} USING (id) WHERE a <> struct_extract({{'x': 1}}, 'x')"
    )
    assert is_comparison(asked)
    assert ids(asked, rows({"a": 1.0}, {"a": 2.0}, {"a": 3.0}), before=rows({}, {})) == [2]
    assert not is_comparison(check("sql", sql="SELECT id FROM {batch}"))


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("SELECT id FROM {batch", "a brace stands alone"),
        ("SELECT id FROM {batch} WHERE a = {b}", "{b} is unknown"),
        ("SELECT id FROM {batch} WHERE a = {batch.x}", "{batch.x} is unknown"),
        ("SELECT id FROM {batch} WHERE {}", "{} is unknown"),
    ],
)
def test_braces_that_name_nothing_are_refused(query, problem):
    with pytest.raises(SuiteError) as caught:
        query_of(ROWS, check("sql", sql=query))
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("SELECT doc_id FROM {batch} WHERE titel = ''", "titel"),
        ("SELECT doc_id FROM {batch} SEMI JOIN tokes USING (doc_id)", "tokes"),
        ("SELECT doc_id FROM {batch}; SELECT 1", "no single SELECT"),
        ("DELETE FROM {batch}", "no single SELECT"),
        ("SELECT doc_id FROM {batch} SEMI JOIN read_csv('/etc/passwd') AS p ON true", "refuses"),
        ("SELECT FROM WHERE {batch}", "refuses"),
    ],
)
def test_a_query_that_names_what_is_not_there_is_refused_with_its_place(query, problem):
    asked = Check("sql", (), "info", {"sql": query}, "", "rule", where="own.yaml, line 7")
    with pytest.raises(SuiteError, match=r"^own\.yaml, line 7: ") as caught:
        require_bound({"documents": [asked]})
    assert problem in str(caught.value)


def test_queries_that_name_what_is_there_are_bound():
    asked = [
        check("sql", "news", sql="SELECT doc_id FROM {batch} ANTI JOIN {before} USING (doc_id)"),
        check("sql", sql="SELECT b.doc_id FROM {batch} AS b SEMI JOIN ops.vintages AS v ON b.source = v.source"),
        check("reference", columns=["doc_id"], table="tokens", to=["doc_id"], when="n_words > 0"),
        check("age", column="fetched_at", days=1, by=["source"]),
    ]
    require_bound({"documents": asked})


def test_the_tables_that_checks_ask_are_told():
    from expectations.contracts.tables import TABLES  # noqa: PLC0415

    def read(table: str, asked: Check) -> tuple[str, ...]:
        return tables_read(TABLES[table], [asked])

    assert read("documents", check("reference", columns=["doc_id"], table="tokens", to=["doc_id"])) == ("tokens",)
    own = (
        "WITH x AS (SELECT 1) SELECT doc_id FROM {batch} JOIN ops.vintages ON true, x WHERE 1 IN (SELECT n FROM terms)"
    )
    assert read("documents", check("sql", sql=own)) == ("ops.vintages", "terms")
    assert read("mobility", check("total", "italy", column="change_pct", by=["category"], **{"is": 1})) == (
        "ops.vintages",
    )
    assert read("tokens", check("total", "letters", column="position", by=["doc_id"], **{"is": 1})) == ("documents",)
    assert read("documents", check("age", column="fetched_at", days=1)) == ("ops.vintages",)


def test_the_digest_of_checks_is_of_what_they_ask_not_of_where_it_stands():
    asked, other = check("age", column="on", days=1), check("age", column="on", days=2)
    moved = Check(**{**vars(asked), "where": "elsewhere.yaml, line 1"})
    assert digest_of_checks(ROWS, (asked,)) == digest_of_checks(ROWS, (moved,)) != digest_of_checks(ROWS, (other,))


def test_a_column_whose_name_is_a_word_of_sql_is_quoted():
    contract = TableContract(
        "t", "a row", ("order",), (Column("order", pa.int64(), "N"), Column("group", pa.string(), "G"))
    )
    asked = Check("range", (), "warning", with_defaults("range", {"column": "group", "maximum": "group"}), "", "r")
    with duckdb.connect() as connection:
        connection.execute('CREATE TABLE batch AS SELECT 1 AS "order", \'x\' AS "group"')
        try:
            assert connection.sql(query_of(contract, asked)).fetchall() == []
        except duckdb.Error as error:  # pragma: no cover
            pytest.fail(first_line(error))
