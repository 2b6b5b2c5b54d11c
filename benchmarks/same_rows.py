"""Whether two homes publish the same rows: `python benchmarks/same_rows.py BEFORE AFTER`.

Every table of both present snapshots is compared as a multiset of rows. Left out, and named in `LEFT_OUT`: times of the
run, digests of code, run ids, and folders whose names hold a digest of seconds. What one home has and the other has not
(a table, a column) is told. Exit status 1 where a row differs. Documents hold the time at which their bytes were first
fetched, and labels' models the digest of documents: so give the second home the first one's folder `raw` before it runs
(`cp -r BEFORE/raw AFTER/raw`).
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

LEFT_OUT = {
    "models": ("trained_at", "path"),
    "ops.ledger": ("code_version", "n_bytes_after"),
    "ops.runs": None,
    "ops.snapshots": None,
    "ops.validations": ("run_id", "validated_at"),
}
"""Columns that tell of the run and not of the data; None: the whole table does. `n_bytes_after` counts the bytes of
cards, which hold seconds.
"""


def columns_of(home: Path, table: str) -> list[str]:
    """The columns of a table, or none where there is no such table."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        try:
            return [row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()]
        except duckdb.CatalogException:
            return []


def tables_of(home: Path) -> set[str]:
    """Every published table, with its schema unless that is `main`."""
    query = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('main', 'ops')"
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return {
            name if schema == "main" else f"{schema}.{name}" for schema, name in connection.execute(query).fetchall()
        }


def main(before: Path, after: Path) -> int:
    """Tell of every table how many rows are in one home alone; 1 where there are any."""
    n_different = 0
    for table in sorted(tables_of(before) | tables_of(after)):
        left_out = LEFT_OUT.get(table, ())
        if left_out is None:
            print(f"{table:24} not compared: it tells of the runs")
            continue
        old, new = columns_of(before, table), columns_of(after, table)
        common = [column for column in old if column in new and column not in left_out]
        if not common:
            print(f"{table:24} stands in one home alone")
            n_different += 1
            continue
        with duckdb.connect() as connection:
            listed = ", ".join(f'"{column}"' for column in common)
            for name, home in (("before", before), ("after", after)):
                connection.execute(f"ATTACH '{home / 'warehouse.duckdb'}' AS {name} (READ_ONLY)")
                connection.execute("SET VARIABLE data_root = ?", [str(home.resolve())])  # an attached one cannot tell
                columns = _listed(listed, table, name, new)
                connection.execute(f"CREATE TEMP TABLE rows_{name} AS SELECT {columns} FROM {name}.{_qualified(table)}")
            only = {
                name: connection.execute(
                    f"SELECT count(*) FROM (FROM rows_{name} EXCEPT ALL FROM rows_{other})"
                ).fetchone()[0]
                for name, other in (("before", "after"), ("after", "before"))
            }
            (n_rows,) = connection.execute("SELECT count(*) FROM rows_before").fetchone()
        told = [f"column {column} is new" for column in new if column not in old]
        told += [f"column {column} is gone" for column in old if column not in new]
        told += [f"left out: {', '.join(left_out)}"] if left_out else []
        same = not any(only.values())
        n_different += not same
        state = (
            f"{n_rows:>9,} rows, the same"
            if same
            else f"{only['before']:,} rows only before, {only['after']:,} only after"
        )
        print(f"{table:24} {state}{'; ' if told else ''}{'; '.join(told)}")
    return int(n_different > 0)


def _listed(columns: str, table: str, home: str, new: list[str]) -> str:
    """The columns to compare. Until 2026-11 the ledger told rows that a rule set aside as rows out, with the batch's
    rows in.
    """
    if table != "ops.ledger" or "n_rows_set_aside" not in new:
        return columns
    if home == "before":
        is_aside = "outcome = 'set_aside' AND subject_kind = 'batch'"
        counts = f"CASE WHEN {is_aside} THEN n_rows_out END, CASE WHEN NOT ({is_aside}) THEN n_rows_out END"
    else:
        counts = "n_rows_set_aside, n_rows_out"
    plain = columns.replace('"n_rows_in", ', "").replace('"n_rows_out", ', "")
    return f"{plain}, {counts}"


def _qualified(table: str) -> str:
    return table if "." in table else f"main.{table}"


if __name__ == "__main__":
    if len(sys.argv) != 1 + 2:
        sys.exit("usage: python benchmarks/same_rows.py BEFORE AFTER (two homes)")
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
