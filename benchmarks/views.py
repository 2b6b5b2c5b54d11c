"""What a query through a view of the warehouse costs beside a plain Parquet file of the same rows, and the same files.

    python benchmarks/views.py HOME

asks the tables `mobility` and `tokens` of a home on one thread, each query through its view as any DuckDB client does,
over the view's own files named one by one, and over one Parquet file that DuckDB itself wrote, in the order of the key
(made in a temporary folder and removed). Milliseconds of CPU, best of ROUNDS; the last two columns are what the view
costs in comparison. Queries of a few milliseconds mostly open files: there the number of files counts.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from expectations.contracts.tables import TABLES  # noqa: E402  # after the path
from tasks.lake.current_files import files_of  # noqa: E402  # the same
from tasks.lake.layout import Lake  # noqa: E402  # the same
from tasks.lake.manifests import read_manifests, require_snapshot  # noqa: E402  # the same
from tasks.lake.statements import literal  # noqa: E402  # the same

ROUNDS = 7
QUERIES = {
    "mobility": {
        "count": "SELECT count(*) FROM {rows}",
        "region": "SELECT observed_on, change_pct FROM {rows} WHERE region_id = 'IT' AND category = 'parks'",
        "by country": "SELECT country_code, category, avg(change_pct), max(change_pct_trailing_7d) "
        "FROM {rows} GROUP BY ALL",
        "by day": "SELECT observed_on, count(change_pct) FROM {rows} WHERE category = 'parks' GROUP BY ALL",
        "regions": "SELECT count(DISTINCT region_id) FROM {rows}",
        "all": "SELECT sum(hash(COLUMNS(*))) FROM {rows}",
    },
    "tokens": {
        "count": "SELECT count(*) FROM {rows}",
        "stem": "SELECT count(*) FROM {rows} WHERE stem = 'w7'",
        "by stem": "SELECT stem, count(*) FROM {rows} GROUP BY stem ORDER BY 2 DESC LIMIT 5",
        "document": "SELECT * FROM {rows} WHERE doc_id = (SELECT max(doc_id) FROM {rows}) LIMIT 50",
        "stop words": "SELECT is_stop, count(*), max(position) FROM {rows} GROUP BY is_stop",
        "all": "SELECT sum(hash(COLUMNS(*))) FROM {rows}",
    },
}


def best_of(work: Callable[[], object]) -> float:
    """The least CPU time of ROUNDS, in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        times.append(1000 * (time.process_time() - began))
    return min(times)


def ask(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Ask and take every row."""
    connection.execute(query).fetchall()


def main(home: Path) -> None:
    """A line a query."""
    lake = Lake(home.resolve())
    (manifest,) = read_manifests(lake, [require_snapshot(lake)])
    print(f"{'milliseconds of CPU':24}{'one file':>10}{'files':>10}{'view':>10}  view/one  view/files")
    for table, queries in QUERIES.items():
        files = [literal(str(lake.locate(ref.path))) for ref in files_of(lake, manifest, table)]
        listed = f"read_parquet([{', '.join(files)}])"
        with (
            tempfile.TemporaryDirectory() as folder,
            duckdb.connect() as plain,
            duckdb.connect(str(lake.warehouse), read_only=True) as warehouse,
        ):
            one = literal(f"{folder}/one.parquet")
            order = ", ".join(TABLES[table].key)
            plain.execute(f"COPY (SELECT * FROM {listed} ORDER BY {order}) TO {one} (FORMAT parquet, COMPRESSION zstd)")
            for connection in (plain, warehouse):
                connection.execute("SET threads = 1")
            n_rows = sum(ref.n_rows for ref in files_of(lake, manifest, table))
            print(f"{table}: {n_rows:,} rows in {len(files)} files")
            for name, query in queries.items():
                asked = ((plain, f"read_parquet({one})"), (plain, listed), (warehouse, table))
                took = [best_of(partial(ask, place, query.format(rows=rows))) for place, rows in asked]
                line = "".join(f"{value:10.1f}" for value in took)
                print(f"  {name:22}{line}{took[2] / took[0]:10.2f}{took[2] / took[1]:12.2f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 1 + 1:
        sys.exit("usage: python benchmarks/views.py HOME")
    main(Path(sys.argv[1]))
