"""Ten million mobility rows from CSV to Parquet: this project's reader beside DuckDB and pyarrow, each in a process of
its own.

    python benchmarks/mobility.py [--rows 10000000] [--folder FOLDER] [--whole]

makes a synthetic report in Google's schema of 15 columns (seeded, removed at the end), and prints for each reader the
CPU seconds, the wall clock, the peak of memory and the size of what it wrote. The readers run one after another, on one
core where the tool can be told so; ratios count, absolute times do not. `tidemill` does what the others do not: it
checks every value, numbers the regions, finds repeated keys. `--whole` adds the long table with both moving means,
which has no peer.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tasks.transforms.mobility.reports import REGION_FIELDS, VALUE_FIELDS, WIDE_SCHEMA, ReportReader, read_header  # noqa: E402
from tasks.transforms.mobility.vintages import Report, long_batches, merge_reports  # noqa: E402  # the same

N_DAYS = 974  # Google's reports ran from 2020-02-15 to 2022-10-15
NAMES = (*REGION_FIELDS, "date", *VALUE_FIELDS)
TEXT = {name: pa.string() for name in (*REGION_FIELDS, "date")}
PUBLISHED = (0.55, 0.55, 0.46, 0.45, 0.95, 0.55)  # shares of published values, about those of the world file of 2020-05


def make_report(path: Path, n_rows: int) -> None:
    """A report of `n_rows` rows, region after region, day after day; a tenth of the names hold a comma."""
    random = np.random.default_rng(20200215)
    n_regions = -(-n_rows // N_DAYS)
    days = (np.datetime64("2020-02-15") + np.arange(N_DAYS)).astype(str)
    with path.open("wb") as opened:
        opened.write((",".join(NAMES) + "\n").encode())
        for region in range(n_regions):
            n_here = min(N_DAYS, n_rows - region * N_DAYS)
            country = chr(65 + region // 26 % 26) + chr(65 + region % 26)
            name = f"County {region}" + (", North" if region % 10 == 0 else "")
            columns = [
                [country],
                [f"Country {country}"],
                [f"State {region // 100}"],
                [name],
                [""],
                [""],
                [f"{region:05}"],
                [f"ChIJ{region:021}"],
            ]
            arrays = [pa.array(column * n_here) for column in columns] + [pa.array(days[:n_here])]
            for share in PUBLISHED:
                is_missing = random.random(n_here) > share
                arrays.append(pa.array(random.integers(-90, 120, n_here).astype(np.int32), mask=is_missing))
            pa_csv.write_csv(
                pa.table(arrays, names=list(NAMES)),
                opened,
                pa_csv.WriteOptions(include_header=False, quoting_style="needed"),
            )


def read_with_tidemill(source: Path, target: Path) -> int:
    """The project's reader, to its working form."""
    with (
        source.open("rb") as stream,
        pq.ParquetWriter(target, WIDE_SCHEMA, compression="zstd", compression_level=3) as writer,
    ):
        reader = ReportReader(read_header(stream), date(2023, 1, 1), lambda _: None)
        for batch in reader.batches(stream):
            writer.write_batch(batch)
    assert reader.verdict() is None  # noqa: S101  # one pass must do, or the figure is none
    return reader.n_rows_out


def read_with_tidemill_to_long(source: Path, target: Path) -> int:
    """The project's reader and the long table with both means, all in memory (the pipeline does it part by part)."""
    with source.open("rb") as stream:
        reader = ReportReader(read_header(stream), date(2023, 1, 1), lambda _: None)
        rows = pa.Table.from_batches(reader.batches(stream), WIDE_SCHEMA)
    merged = merge_reports([Report("0" * 12, dict(enumerate(reader.regions.regions)), rows)])
    writer = None
    for batch in long_batches(merged):
        writer = writer or pq.ParquetWriter(target, batch.schema, compression="zstd", compression_level=3)
        writer.write_batch(batch)
    if writer is not None:
        writer.close()
    return merged.n_rows // 6


def read_with_duckdb(source: Path, target: Path) -> int:
    """DuckDB with declared types, quote and escape, on one thread."""
    types = dict.fromkeys(REGION_FIELDS, "VARCHAR") | {"date": "DATE"} | dict.fromkeys(VALUE_FIELDS, "DOUBLE")
    query = (
        f"SELECT * FROM read_csv(?, header = true, auto_detect = false, quote = '\"', escape = '\"', columns = {types})"
    )
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)", [str(source)])
        return connection.execute("SELECT count(*) FROM read_parquet(?)", [str(target)]).fetchall()[0][0]


def read_with_pyarrow(source: Path, target: Path) -> int:
    """The stream of pyarrow with declared types, on one thread."""
    types = TEXT | {"date": pa.date32()} | dict.fromkeys(VALUE_FIELDS, pa.float64())
    stream = pa_csv.open_csv(
        source,
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=8 << 20),
        convert_options=pa_csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True),
    )
    n_rows = 0
    with pq.ParquetWriter(target, stream.schema, compression="zstd", compression_level=3) as writer:
        for batch in stream:
            writer.write_batch(batch)
            n_rows += batch.num_rows
    return n_rows


READERS = {
    "duckdb": read_with_duckdb,
    "pyarrow": read_with_pyarrow,
    "tidemill": read_with_tidemill,
    "tidemill_long": read_with_tidemill_to_long,
}


def measure(reader: str, source: Path, target: Path) -> None:
    """Read once and print what it cost; to be called in a fresh process."""
    before, began = time.process_time(), time.perf_counter()
    n_rows = READERS[reader](source, target)
    cpu_s, wall_s = time.process_time() - before, time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent = f"{cpu_s:7.2f} s CPU {wall_s:7.2f} s {peak_mb:7.0f} MB"
    print(f"{reader:14} {n_rows:>11,} rows {spent} {target.stat().st_size / 1e6:8.1f} MB written")


def main() -> None:
    """Make the report, measure every reader."""
    parser = argparse.ArgumentParser(description="CSV to Parquet, side by side")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="where the report is made (a gigabyte for ten million rows)")
    parser.add_argument("--whole", action="store_true", help="also the long table with its moving means")
    parser.add_argument("--measure", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure, given.source, given.source.with_suffix(f".{given.measure}.parquet"))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        source = Path(folder) / "report.csv"
        make_report(source, given.rows)
        print(f"{given.rows:,} rows, {source.stat().st_size / 1e6:,.0f} MB", flush=True)
        for reader in READERS if given.whole else [name for name in READERS if name != "tidemill_long"]:
            command = [sys.executable, __file__, "--measure", reader, "--source", str(source)]
            subprocess.run(command, check=True)  # noqa: S603  # ourselves


if __name__ == "__main__":
    main()
