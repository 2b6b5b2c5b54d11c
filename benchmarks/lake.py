"""Publishing and querying a lake whose tables are one, ten or 500 files: seconds and milliseconds, best of several
rounds.

    python benchmarks/lake.py [FILES ...]

makes lakes of its own in a temporary folder (100,000 rows of `tokens` each, cut into so many files; seeded, removed at
the end) and asks them as any client would: `duckdb.connect(path, read_only=True)`. Beside it the same query over the
same files named one by one in SQL, without view, cast or variable: what a view costs. `log` is the time to count 200
events of `ops.runs`, a volume before it is merged.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from expectations.contracts.ops import RUNS  # noqa: E402  # after the path
from expectations.contracts.text import TOKENS  # noqa: E402  # the same
from tasks.lake.events import append_event  # noqa: E402  # the same
from tasks.lake.files import FileRef, write_table  # noqa: E402  # the same
from tasks.lake.layout import Lake  # noqa: E402  # the same
from tasks.lake.publishing import publish  # noqa: E402  # the same
from tasks.lake.stages import StageRecord  # noqa: E402  # the same

N_ROWS, N_STOPS, N_EVENTS, N_ROUNDS = 100_000, 100, 200, 7
QUERIES = {
    "count": "SELECT count(*) FROM tokens",
    "filter": "SELECT count(*) FROM tokens WHERE stem = 'w7'",
    "group": "SELECT stem, count(*) FROM tokens GROUP BY stem ORDER BY 2 DESC LIMIT 5",
    "log": "SELECT count(*) FROM ops.runs",
}


def make_tokens(lake: Lake, n_files: int) -> tuple[FileRef, ...]:
    """Files of `tokens`, N_ROWS rows in all, words drawn with Zipf's law."""
    words = np.minimum(np.random.default_rng(1).zipf(1.3, N_ROWS), 20_000)
    return tuple(
        write_table(lake, "tokens", rows) for rows in map(token_rows, np.array_split(words, n_files), range(n_files))
    )


def token_rows(words: np.ndarray, document: int) -> pa.Table:
    """The tokens of one document."""
    text = pa.array([f"w{word}" for word in words])
    columns = {
        "doc_id": pa.array([f"{document:016x}"] * len(words)),
        "position": np.arange(len(words), dtype=np.int32),
        "sentence": np.arange(len(words), dtype=np.int32) // 20,
        "token": text,
        "norm": text,
        "stem": text,
        "lemma": text,
        "pos": pa.nulls(len(words), pa.string()),
        "is_stop": words < N_STOPS,
    }
    return pa.table(columns).cast(TOKENS.arrow_schema())


def make_log(lake: Lake) -> None:
    """N_EVENTS runs, one file each."""
    noon = datetime(2020, 5, 1, 12, tzinfo=UTC)
    for n in range(N_EVENTS):
        row = {
            "run_id": f"{n:04d}",
            "flow": "refresh",
            "started_at": noon,
            "finished_at": noon,
            "status": "completed",
            "n_steps_run": 1,
            "n_steps_skipped": 0,
        }
        append_event(lake, "ops.runs", str(row["run_id"]), pa.Table.from_pylist([row], schema=RUNS.arrow_schema()))


def best_of(work: Callable[[], object]) -> float:
    """The shortest of N_ROUNDS times, in seconds."""
    times = []
    for _ in range(N_ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def ask(warehouse: Path, query: str) -> None:
    """Open, ask, close."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute(query).fetchall()


def ask_files(lake: Lake, files: tuple[FileRef, ...]) -> None:
    """The count over files named one by one."""
    with duckdb.connect() as connection:
        connection.execute(
            "SELECT count(*) FROM read_parquet(?)", [[str(lake.locate(ref.path)) for ref in files]]
        ).fetchall()


def measure(folder: Path, n_files: int) -> list[str]:
    """One line of the table."""
    lake = Lake.open(folder / str(n_files))
    files = make_tokens(lake, n_files)
    make_log(lake)
    record = StageRecord("features", {"tokens": files}, (), 1, 0)
    publish(lake, [record], "first")
    labels = iter(range(1000))

    def publish_change() -> None:
        rows = pa.table({"doc_id": ["0" * 16], "label": [str(next(labels))]})
        publish(lake, [StageRecord("documents", {"labels": (write_table(lake, "labels", rows),)}, (), 1, 0)], "next")

    seconds = [best_of(publish_change), best_of(partial(publish, lake, [record], "again"))]
    seconds += [best_of(partial(ask, lake.warehouse, query)) for query in QUERIES.values()]
    seconds.append(best_of(partial(ask_files, lake, files)))
    return [str(n_files), *(f"{1000 * value:.0f}" for value in seconds)]


def main() -> None:
    """The table, in milliseconds."""
    heads = ["files", "publish", "unchanged", *QUERIES, "count, no view"]
    print("milliseconds  " + "  ".join(f"{head:>9}" for head in heads))
    for n_files in [int(given) for given in sys.argv[1:]] or [1, 10, 500]:
        with tempfile.TemporaryDirectory() as folder:
            line = measure(Path(folder), n_files)
        print(
            "              "
            + "  ".join(f"{cell:>{max(9, len(head))}}" for cell, head in zip(line, heads, strict=True)),
            flush=True,
        )


if __name__ == "__main__":
    main()
