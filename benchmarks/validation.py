"""Ten million mobility rows held against their suite, beside hand-written SQL of the same rules.

    python benchmarks/validation.py [--rows 10000000] [--rounds 3] [--folder FOLDER] [--broken]

makes the table in a lake of its own (seeded, removed at the end), and then, in turn and each in a process of its own,
validates it (`tasks.validation.table_validation`: Great Expectations, footers, outcomes written) and runs the same
rules as SQL written by hand over the same files in DuckDB with the same memory: a query for all rules of single rows,
one for the key; and once more with the key by its digests, as ours asks it. Printed are processor seconds and wall
clock of each, their ratios, and the peak of memory. The import of Great Expectations, which a run pays once, is told
apart. `--broken` puts rows into the table that break rules: ours then also takes them out and writes their file anew,
which the queries by hand do not.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from expectations.checks import checks_of  # noqa: E402  # the tree stands on no path yet
from expectations.contracts.mobility import CATEGORIES, MOBILITY  # noqa: E402
from tasks.lake.files import FileRef, canonical_json, write_table  # noqa: E402
from tasks.lake.layout import Lake  # noqa: E402

N_DAYS = 974  # Google's reports ran from 2020-02-15 to 2022-10-15
N_FILES = 16  # as many parts as the table has
SHARE_PUBLISHED = 0.6  # of all values of the world file of 2020-05, about
FILES = "files.json"
BROKEN = {100_003: -101.0, 2_000_003: float("nan"), 7_000_003: 10_001.0}
MEMORY_LIMIT = "500MB"  # as `tasks.validation.suite_run` gives DuckDB

ROW_RULES = """
    SELECT
        count(*),
        count(*) FILTER (region_id IS NULL), count(*) FILTER (observed_on IS NULL),
        count(*) FILTER (observed_on < DATE '2020-01-01'), count(*) FILTER (category IS NULL),
        count(*) FILTER (category NOT IN ('retail_and_recreation', 'grocery_and_pharmacy', 'parks', 'transit_stations',
                                          'workplaces', 'residential')),
        count(*) FILTER (country_code IS NULL), count(*) FILTER (NOT regexp_matches(country_code, '^(?:[A-Z]{2})$')),
        count(*) FILTER (country IS NULL),
        count(*) FILTER (change_pct < -100 OR change_pct > 10000),
        count(*) FILTER (change_pct_centred_13d < -100 OR change_pct_centred_13d > 10000),
        count(*) FILTER (change_pct_trailing_7d < -100 OR change_pct_trailing_7d > 10000),
        count(*) FILTER (vintage IS NULL), count(*) FILTER (NOT regexp_matches(vintage, '^(?:[0-9a-f]{12})$'))
    FROM mobility
"""
KEY_RULE = """
    SELECT count(*) FROM (
        SELECT 1 FROM mobility GROUP BY region_id, observed_on, category HAVING count(*) > 1
    )
"""
KEY_BY_DIGESTS = """
    SELECT count(*) FROM (
        SELECT 1 FROM mobility GROUP BY hash(region_id, observed_on, category) HAVING count(*) > 1
    )
"""


def make_table(lake: Lake, n_rows: int, *, is_broken: bool) -> None:
    """The table in `lake`, and beside it which files it has."""
    n_regions = -(-n_rows // (N_DAYS * len(CATEGORIES)))
    refs = []
    for part in range(N_FILES):
        regions = range(part, n_regions, N_FILES)
        if regions:
            refs.append(write_table(lake, "mobility", _batches(regions, is_broken=is_broken)))
    (lake.home / FILES).write_bytes(canonical_json([vars(ref) for ref in refs]))


def _batches(regions: range, *, is_broken: bool) -> Iterator[pa.RecordBatch]:
    random = np.random.default_rng(20200215)
    n = N_DAYS * len(CATEGORIES)
    days = np.repeat(np.datetime64("2020-02-15") + np.arange(N_DAYS), len(CATEGORIES))
    schema = MOBILITY.arrow_schema()
    for region in sorted(regions, key="{:06}".format):
        code = chr(65 + region // 26 % 26) + chr(65 + region % 26)
        values = random.integers(-90, 120, n).astype(float)
        if is_broken:
            for place, value in BROKEN.items():
                if place // n == region:
                    values[place % n] = value
        values = pa.array(values, mask=random.random(n) > SHARE_PUBLISHED)
        state, county = f"State {region // 100:03}", f"County {region:06}"
        columns = {
            "region_id": [f"{code}/{state}/{county}"] * n, "observed_on": days,
            "category": np.tile(np.array(sorted(CATEGORIES)), N_DAYS), "country_code": [code] * n,
            "country": [f"Country {code}"] * n, "subregion_1": [state] * n, "subregion_2": [county] * n,
            "metro_area": pa.nulls(n, pa.string()), "iso_3166_2_code": pa.nulls(n, pa.string()),
            "census_fips_code": [f"{region:05}"] * n, "place_id": [f"ChIJ{region:021}"] * n,
            "change_pct": values, "change_pct_centred_13d": values, "change_pct_trailing_7d": values,
            "vintage": ["0123456789ab"] * n,
        }  # fmt: skip
        yield pa.RecordBatch.from_pydict({name: columns[name] for name in schema.names}, schema)


def files_of(lake: Lake) -> tuple[FileRef, ...]:
    """The files of the table that `make_table` made."""
    return tuple(FileRef(**ref) for ref in json.loads((lake.home / FILES).read_bytes()))


def validate(lake: Lake) -> dict[str, float]:
    """The project's own validation of the table; seconds of its import apart."""
    began = _cpu_seconds()
    import great_expectations  # noqa: F401, PLC0415  # measured here

    from tasks.validation import suite_run, table_validation  # noqa: F401, PLC0415

    imported = _cpu_seconds()
    started = time.monotonic()
    refs = files_of(lake)
    table = table_validation.TableToValidate(
        contract=MOBILITY,
        files=refs,
        stages=("mobility",) * len(refs),
        referred={},
        checks=checks_of(MOBILITY),
        origins={},
    )
    output = table_validation.validate_table(lake, table)
    return {
        "import_cpu_s": imported - began,
        "cpu_s": _cpu_seconds() - imported,
        "wall_s": time.monotonic() - started,
        "n_failing": output.n_rows_in - output.n_rows_out,
    }


def ask_by_hand(lake: Lake, key_rule: str = KEY_RULE) -> dict[str, float]:
    """The same rules by hand: rows that break them, and keys that repeat, counted."""
    started, began = time.monotonic(), _cpu_seconds()
    with tempfile.TemporaryDirectory(dir=lake.home) as spill, duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("SET temp_directory = ?", [spill])
        connection.execute("SET preserve_insertion_order = false")
        connection.read_parquet([str(lake.locate(ref.path)) for ref in files_of(lake)]).create_view("mobility")
        (counts,) = connection.execute(ROW_RULES).fetchall()
        ((n_keys,),) = connection.execute(key_rule).fetchall()
    n_failing = sum(counts[1:]) + n_keys
    return {"cpu_s": _cpu_seconds() - began, "wall_s": time.monotonic() - started, "n_failing": n_failing}


def ask_by_hand_with_digests(lake: Lake) -> dict[str, float]:
    """The same, the key by its digests as ours does: what Great Expectations itself costs."""
    return ask_by_hand(lake, KEY_BY_DIGESTS)


SIDES = {"ours": validate, "by hand": ask_by_hand, "digests": ask_by_hand_with_digests}


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _measured(side: str, home: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--side", side, "--folder", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # this very file
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure, and print a line a side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--broken", action="store_true")
    parser.add_argument("--side", choices=SIDES)
    given = parser.parse_args()
    if given.side:
        told = SIDES[given.side](Lake.open(given.folder))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({**told, "peak_mib": peak}))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        home = Path(folder)
        make_table(Lake.open(home), given.rows, is_broken=given.broken)
        rounds = [{side: _measured(side, home) for side in SIDES} for _ in range(given.rounds)]
    for side in SIDES:
        cpu, wall, peak = (
            statistics.median(one[side][name] for one in rounds) for name in ("cpu_s", "wall_s", "peak_mib")
        )
        print(f"{side:8} {cpu:6.2f} s of processor time, {wall:6.2f} s by the clock, {peak:5.0f} MiB at the most")
    for peer, name in itertools.product(("by hand", "digests"), ("cpu_s", "wall_s")):
        ratios = [one["ours"][name] / one[peer][name] for one in rounds]
        told = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}; goal 2)"
        print(f"{name}, ours to {peer}: {told}")
    imports = statistics.median(one["ours"]["import_cpu_s"] for one in rounds)
    print(f"import of Great Expectations, once a run and not counted above: {imports:.2f} s of processor time")
    from benchmarks.gate import report  # noqa: PLC0415  # loads pandas, which the measured processes must not

    print("the gate, which acts before (benchmarks/gate.py does more pairs):")
    report()


if __name__ == "__main__":
    main()
