"""Mobility forecasts beside their baselines: skill, errors and coverage by days ahead over rolling origins, seconds and
memory.

    python benchmarks/forecasts.py [--smoothed N] [SOURCE.yaml or FOLDER ...]

Ingests the mobility and policy sources given (`../shared/sources/small` and `large/mobility_world_2021_06.yaml` unless
others are) into a temporary home, trains the forecaster as the pipeline does, and prints what its backtest found. N
series go through exponential smoothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is what Python looks in

from benchmarks.chains import publish_observations, run_step  # noqa: E402
from models.forecasts.settings import ForecastSettings  # noqa: E402
from tasks.forecasts.stage import CHAIN  # noqa: E402
from tasks.lake.files import read_table  # noqa: E402
from tasks.lake.layout import Lake  # noqa: E402
from tasks.learning.model_store import read_model  # noqa: E402

SHARED = ROOT.parent / "shared" / "sources"
DEFAULTS = (SHARED / "small", SHARED / "large" / "mobility_world_2021_06.yaml")
SHOWN_DAYS = (1, 7, 14, 21, 28)


def main() -> None:
    """Ingest, train, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="*", type=Path)
    parser.add_argument("--smoothed", type=int, default=ForecastSettings().smoothed_series)
    arguments = parser.parse_args()
    if not arguments.places and not SHARED.is_dir():
        print("the real data in ../shared is not here: nothing to measure on")
        return
    with tempfile.TemporaryDirectory() as home:
        lake = Lake.open(Path(home))
        publish_observations(lake, arguments.places or DEFAULTS)
        began = time.process_time()
        record = run_step(lake, CHAIN, ForecastSettings(smoothed_series=arguments.smoothed))
        cpu_seconds = time.process_time() - began
        rows = read_table(lake, record.files_of("scores")).to_pylist()
        notes = read_model(lake, rows[0]["model_id"])[1]["notes"]
    by_key = {(row["metric"], row["split"]): row for row in rows}
    tested_on = notes["tested_on"]
    size = f"{notes['n_regions']:,} regions, {notes['n_days']:,} region-days"
    print(f"{size}; tested from {len(tested_on)} days, {tested_on[0]} on")
    print(f"{cpu_seconds:.0f} s of one core, peak {notes['peak_memory_bytes'] / 1e6:,.0f} MB")
    for metric in sorted({metric for metric, split in by_key if split == "backtest" and "horizon" not in metric}):
        cells = [by_key.get((f"{metric}_horizon_{day:02d}_days", "backtest")) for day in SHOWN_DAYS]
        texts = [
            f"{c['value']:8.3f}" + (f" ({c['baseline_value']:.3f})" if c["baseline_value"] is not None else "")
            if c
            else ""
            for c in cells
        ]
        print(f"{metric:45}", *(f"{text:18}" for text in texts))
    for metric, split in sorted(key for key in by_key if key[0] == "skill"):
        print(f"{metric} {split}: {by_key[metric, split]['value']:.3f}")
    n_cells = [
        row["value"] > 0 for row in rows if row["metric"].startswith("skill_horizon") and row["split"] != "backtest"
    ]
    pairs = f"{sum(n_cells)} of {len(n_cells)} pairs of category and days ahead"
    print(f"published: {pairs}; in brackets the baseline's value")


if __name__ == "__main__":
    main()
