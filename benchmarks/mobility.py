"""Mobility reports from CSV to the published long table: this project beside DuckDB and polars, equal work, each in a
process of its own on one core.

    python benchmarks/mobility.py [--values 10000000] [--data DIR] [--peers PYTHON] [--folder DIR]

Equal work is: read the reports with declared types, keep of each region and day the later report's row, both means by
calendar, six long rows for each region-day in the order of the key, fifteen columns, zstd Parquet in groups of 131,072
rows. Measured on a generated report in Google's schema of 15 columns (seeded), and, with `--data` (where the archives
Global_Mobility_Report_2020-05.zip and Region_Mobility_Report_CSVs_2021-06.zip lie), on both archives unpacked, the
second the later vintage. `tidemill` is the steps `parse_mobility` and `write_mobility` as the chain does them, each
with its own CPU; it does more: every value, date and key is checked, regions are known again under other spellings and
codes, revisions are measured, files are named by their digest. Printed are CPU seconds, the wall clock, the peak of
memory, what was written, and a check of the rows: how many, how many values, the sums of both means.

polars is no part of this project's environment: `--peers` names a Python that has it, and without one it is left out.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tasks.intake.fetch import fetch_source  # noqa: E402  # after the path
from tasks.intake.sources import load_sources  # noqa: E402  # the same
from tasks.intake.vintages import FetchedSource  # noqa: E402  # the same
from tasks.lake.layout import Lake  # noqa: E402  # the same
from tasks.lake.steps import Step, StepRecord, Task, do  # noqa: E402  # the same
from tasks.mobility.stage import CHAIN  # noqa: E402  # the same
from tasks.running.chains import Walk, do_chain  # noqa: E402  # the same
from tasks.transforms.mobility.regions import Region  # noqa: E402  # the same
from tasks.transforms.mobility.reports import REGION_FIELDS, VALUE_FIELDS, VALUE_SUFFIX  # noqa: E402  # the same

N_DAYS = 974  # Google's reports ran from 2020-02-15 to 2022-10-15
REGIONS_PER_COUNTRY = 13  # so that ten million values are 132 countries, about as many as Google's
NAMES = (*REGION_FIELDS, "date", *VALUE_FIELDS)
PUBLISHED = (0.55, 0.55, 0.46, 0.45, 0.95, 0.55)  # shares of published values, about those of the world file of 2020-05
CATEGORIES = tuple(sorted(name.removesuffix(VALUE_SUFFIX) for name in VALUE_FIELDS))
REGION_NAMES = dict(zip(REGION_FIELDS, Region._fields, strict=True))
EQUAL_STEPS = ("parse_mobility", "name_regions", "merge_mobility", "write_mobility")
ARCHIVES = {"Global_Mobility_Report_2020-05.zip": "%m/%d/%Y", "Region_Mobility_Report_CSVs_2021-06.zip": "%Y-%m-%d"}
"""The real archives, oldest first, and how each writes its dates."""
POLARS = Path(__file__).with_name("mobility_polars.py")
CHECK = """
    SELECT count(*), count(change_pct), round(sum(change_pct_centred_13d), 3), round(sum(change_pct_trailing_7d), 3)
    FROM read_parquet(?)
"""


@dataclass(frozen=True)
class Vintage:
    """Reports that were fetched together, and how they write their dates."""

    name: str
    date_format: str
    files: tuple[Path, ...]


def make_report(path: Path, n_rows: int) -> None:
    """A report of `n_rows` rows, country after country, region after region, day after day; a tenth of the names hold
    a comma.
    """
    random = np.random.default_rng(20200215)
    n_regions = -(-n_rows // N_DAYS)
    days = (np.datetime64("2020-02-15") + np.arange(N_DAYS)).astype(str)
    with path.open("wb") as opened:
        opened.write((",".join(NAMES) + "\n").encode())
        for region in range(n_regions):
            n_here = min(N_DAYS, n_rows - region * N_DAYS)
            country = chr(65 + region // REGIONS_PER_COUNTRY // 26 % 26) + chr(65 + region // REGIONS_PER_COUNTRY % 26)
            name = f"County {region}" + (", North" if region % 10 == 0 else "")
            columns = [
                [country],
                [f"Country {country}"],
                [f"State {region // 5}"],
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


def unpack_archives(data: Path, folder: Path) -> list[Vintage]:
    """The real archives' members below `folder`, a vintage an archive."""
    vintages = []
    for name, date_format in ARCHIVES.items():
        with zipfile.ZipFile(data / name) as archive:
            members = sorted(member for member in archive.namelist() if member.endswith(".csv"))
            archive.extractall(folder / name, members)
        vintages.append(Vintage(name[:12], date_format, tuple(folder / name / member for member in members)))
    return vintages


def run_tidemill(vintages: Sequence[Vintage], target: Path) -> str:
    """The chain's steps of mobility in a home at `target`; says what each of them took of the CPU."""
    lake, declared, spent = Lake.open(target), target / "sources", {}
    declared.mkdir()
    for place, vintage in enumerate(vintages):
        location = vintage.files[0] if len(vintage.files) == 1 else vintage.files[0].parent / "*.csv"
        text = f"name: v{place}\nkind: mobility\nlocation: {location}\nlicence: CC0-1.0\nproducer: benchmark\n"
        (declared / f"v{place}.yaml").write_text(text)
    fetched = [FetchedSource(source, fetch_source(lake, source)) for source in load_sources(declared)]

    def do_all(lake: Lake, step: Step, tasks: Sequence[Task]) -> list[StepRecord]:
        before = time.process_time()
        records = [do(lake, task) for task in tasks]
        spent[step.name] = time.process_time() - before
        return records

    before = time.process_time(), time.perf_counter()
    do_chain(Walk(lake, CHAIN, {}, sources=fetched), do_all)
    equal = sum(cpu_s for name, cpu_s in spent.items() if name in EQUAL_STEPS)
    wall_s = (time.perf_counter() - before[1]) * equal / (time.process_time() - before[0])
    others = ", ".join(f"{name} {cpu_s:.2f}" for name, cpu_s in spent.items())
    return f"{equal} {wall_s} {others}"


def run_duckdb(vintages: Sequence[Vintage], target: Path) -> str:
    """One statement, on one thread."""
    given = " UNION ALL BY NAME ".join(_read_csv(place, vintage) for place, vintage in enumerate(vintages))
    latest = "QUALIFY vintage_no = max(vintage_no) OVER (PARTITION BY region_id, observed_on)"
    means = [
        f"avg({category}) OVER {window} AS {category}_{name}"
        for name, window in {"centred": "of_13_days", "trailing": "of_7_days"}.items()
        for category in CATEGORIES
    ]
    lists = {
        name: "[" + ", ".join(form.format(category) for category in CATEGORIES) + "]"
        for name, form in {
            "categories": "'{0}'",
            "values": "{0}",
            "centred": "CASE WHEN {0} IS NOT NULL THEN {0}_centred END",
            "trailing": "CASE WHEN {0} IS NOT NULL THEN {0}_trailing END",
        }.items()
    }
    query = Path(__file__).with_name("mobility_duckdb.sql").read_text()
    query = query.format(
        reports=given, latest=latest if len(vintages) > 1 else "", means=", ".join(means), target=f"'{target}'", **lists
    )
    before = time.process_time(), time.perf_counter()
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(query)
    return f"{time.process_time() - before[0]} {time.perf_counter() - before[1]}"


def _read_csv(place: int, vintage: Vintage) -> str:
    """The wide rows of one vintage, types, quotes and dates declared."""
    with vintage.files[0].open() as opened:
        names = opened.readline().strip().split(",")
    types = dict.fromkeys(names, "VARCHAR") | dict.fromkeys(VALUE_FIELDS, "DOUBLE") | {"date": "DATE"}
    files = ", ".join(f"'{path}'" for path in vintage.files)
    renamed = [
        *(f"{name if name in names else 'NULL::VARCHAR'} AS {column}" for name, column in REGION_NAMES.items()),
        "date AS observed_on",
        *(f"{field} AS {field.removesuffix(VALUE_SUFFIX)}" for field in VALUE_FIELDS),
        f"'{vintage.name}' AS vintage",
        f"{place} AS vintage_no",
    ]
    form = f"header = true, auto_detect = false, quote = '\"', escape = '\"', dateformat = '{vintage.date_format}'"
    return f"SELECT {', '.join(renamed)} FROM read_csv([{files}], {form}, columns = {types})"


RUNNERS = {"tidemill": run_tidemill, "duckdb": run_duckdb}


def measure(runner: str, vintages: Sequence[Vintage], folder: Path, peers: str | None) -> float:
    """Run one of them in a process of its own on one core, print what it took; its CPU seconds."""
    target = folder / (runner if runner == "tidemill" else f"{runner}.parquet")
    groups = [f"{one.name}:{one.date_format}:{','.join(map(str, one.files))}" for one in vintages]
    script = [str(peers), str(POLARS)] if runner == "polars" else [sys.executable, __file__, "--runner", runner]
    one_core = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1"}
    with subprocess.Popen(  # noqa: S603  # ourselves, or a Python that the caller names
        [*script, str(target), *groups],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | one_core,
        preexec_fn=lambda: os.sched_setaffinity(0, {0}),  # noqa: PLW1509  # one process, no threads
    ) as process:
        said = process.communicate()[0].strip()
    if process.returncode:
        sys.exit(f"{runner} failed")
    cpu_s, wall_s, peak_mb, *others = said.split(" ", 3)
    files = sorted(target.glob("tables/mobility/*.parquet")) if target.is_dir() else [target]
    written_mb = sum(path.stat().st_size for path in files) / 1e6
    with duckdb.connect(config={"threads": 1}) as connection:
        rows, values, centred, trailing = connection.execute(CHECK, [[str(path) for path in files]]).fetchall()[0]
    spent = f"{float(cpu_s):7.2f} s CPU {float(wall_s):7.2f} s {float(peak_mb):7.0f} MB {written_mb:7.1f} MB written"
    print(f"{runner:10} {spent}  {rows:,} rows {values:,} values {centred} {trailing} {' '.join(others)}", flush=True)
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    return float(cpu_s)


def compare(title: str, vintages: Sequence[Vintage], folder: Path, given: argparse.Namespace) -> None:
    """All of them in turn, `--rounds` times; then the ratio of the best of each."""
    n_bytes = sum(path.stat().st_size for one in vintages for path in one.files)
    print(f"{title}: {sum(len(one.files) for one in vintages)} files, {n_bytes / 1e6:,.0f} MB", flush=True)
    runners = [
        name for name in (*RUNNERS, "polars") if name in (given.only or RUNNERS) or (name == "polars" and given.peers)
    ]
    taken = [{name: measure(name, vintages, folder, given.peers) for name in runners} for _ in range(given.rounds)]
    best = {name: min(one[name] for one in taken) for name in runners}
    peers = [name for name in runners if name != "tidemill"]
    if peers and "tidemill" in best:
        faster = min(peers, key=best.__getitem__)
        print(f"{best['tidemill'] / best[faster]:.2f} times the CPU of {faster}\n", flush=True)


def main() -> None:
    """Make or unpack the reports, measure everyone."""
    parser = argparse.ArgumentParser(description="mobility reports to the long table, side by side")
    parser.add_argument("--values", type=int, default=10_000_000, help="of the generated report; 0: without it")
    parser.add_argument("--data", type=Path, help="where the real archives lie")
    parser.add_argument("--peers", help="a Python that has polars")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where files are made (three gigabytes for ten million values)")
    parser.add_argument("--only", nargs="+", choices=[*RUNNERS, "polars"], help="these alone")
    parser.add_argument("--runner", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.runner:
        runner, target, *groups = given.runner
        parts = [group.split(":", 2) for group in groups]
        vintages = [Vintage(name, form, tuple(map(Path, files.split(",")))) for name, form, files in parts]
        said = RUNNERS[runner](vintages, Path(target)).split(" ", 2)
        print(*said[:2], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, *said[2:])
        return
    if not given.peers:
        print("polars is left out: --peers names a Python that has it")
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        if given.values:
            source = folder / "report.csv"
            make_report(source, -(-given.values // len(CATEGORIES)))
            generated = [Vintage("generated", "%Y-%m-%d", (source,))]
            compare(f"{given.values:,} values, generated", generated, folder, given)
        if given.data and all((given.data / archive).exists() for archive in ARCHIVES):
            compare("the real archives", unpack_archives(given.data, folder), folder, given)
        else:
            print("the real archives are left out: --data names the folder where they lie")


if __name__ == "__main__":
    main()
