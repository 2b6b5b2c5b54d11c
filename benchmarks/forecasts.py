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
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is what Python looks in

from models.forecasts.settings import ForecastSettings  # noqa: E402
from tasks.forecasts.stage import lstm_works  # noqa: E402
from tasks.forecasts.training import fit_lstm_body  # noqa: E402
from tasks.intake.fetch import fetch_source  # noqa: E402
from tasks.intake.sources import load_sources  # noqa: E402
from tasks.intake.vintages import FetchedSource  # noqa: E402
from tasks.lake.files import read_table  # noqa: E402
from tasks.lake.layout import Lake  # noqa: E402
from tasks.lake.publishing import publish  # noqa: E402
from tasks.lake.stages import leave_stage  # noqa: E402
from tasks.lake.steps import StepOutput, StepRecord, Work, do  # noqa: E402
from tasks.learning.model_store import read_model  # noqa: E402
from tasks.mobility import merging, parsing, policy  # noqa: E402
from tasks.mobility.stage import mobility_works, policy_works  # noqa: E402
from tasks.transforms.records.source_format import Source  # noqa: E402

SHARED = ROOT.parent / "shared" / "sources"
DEFAULTS = (SHARED / "small", SHARED / "large" / "mobility_world_2021_06.yaml")
SHOWN_DAYS = (1, 7, 14, 21, 28)


def publish_observations(lake: Lake, places: Sequence[Path]) -> None:
    """Publish the mobility and policy of the sources at `places`, files or folders."""
    fetched = [FetchedSource(source, fetch_source(lake, source)) for source in _sources(places)]
    reports = _do(lake, mobility_works(fetched), parsing.parse_body)
    files = _do(lake, policy_works(fetched), policy.parse_body)
    mobility = _do(lake, merging.merge_works(lake, reports), merging.merge_body)
    indices = _do(lake, policy.merge_works(files), policy.merge_body)
    joined = _do(lake, policy.join_works(mobility, indices), policy.join_body)
    publish(lake, [leave_stage(lake, "mobility", [*reports, *files, *mobility, *indices, *joined])], "benchmark")


def _sources(places: Sequence[Path]) -> list[Source]:
    found = [
        source
        for place in places
        for source in load_sources(place if place.is_dir() else place.parent)
        if place.is_dir() or source.name == place.stem
    ]
    return [source for source in found if source.kind in {"mobility", "policy"}]


def _do(lake: Lake, works: Sequence[Work], body: Callable[..., StepOutput]) -> list[StepRecord]:
    return [do(lake, work, body) for work in works]


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
        (work,) = lstm_works(lake, ForecastSettings(smoothed_series=arguments.smoothed))
        began = time.process_time()
        record = do(lake, work, fit_lstm_body)
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
