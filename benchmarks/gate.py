"""The gate on real data: its false alarms over every real vintage at hand, and the share of damages that it notices.

`python benchmarks/gate.py` prints both: alarms of each rule over pairs of real vintages and over fetches cut out of
real files (what a place would have given a day, a week, a month later), then of seeded damages
(`benchmarks/damages.py`) the share stopped or told, by kind, and how often each rule fired. Needs ../shared/data.
"""

from __future__ import annotations

import argparse
import gzip
import io
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # started as a file

from benchmarks.damages import DAMAGES, as_csv  # noqa: E402  # after the path stands
from tasks.transforms.mobility.gate import RULES, judge  # noqa: E402
from tasks.transforms.mobility.gate_panel import Finding, Panel, panel, side_by_side  # noqa: E402
from tasks.transforms.mobility.gate_reports import ReadReport, report_panels  # noqa: E402
from tasks.transforms.mobility.gate_settings import MOBILITY_GATE, POLICY_GATE  # noqa: E402
from tasks.transforms.mobility.policy_files import read_policy_file  # noqa: E402
from tasks.transforms.mobility.reports import WIDE_SCHEMA, Findings, ReportReader, read_header  # noqa: E402
from tasks.transforms.records.delimited import RefusedFileError  # noqa: E402

SHARED = ROOT / ".." / "shared" / "data"
WORLD, YEARS = "Global_Mobility_Report_2020-05.zip", "Region_Mobility_Report_CSVs_2021-06.zip"
LATEST = date(2026, 1, 1)
ROUNDING = 0.5
N_DAMAGES = 360
N_TO_ONE = 4  # of so many damages of a kind one is on the new days alone
SEED = 20200215
STEPS = (1, 7, 28)
"""Days between a fetch and the next."""
CUT_STEPS = (*STEPS, 91)
"""The same of fetches cut out of real files, which may also be long overdue."""


@dataclass(frozen=True)
class Outcome:
    """What became of one damage: its kind, whether days of the past are damaged too (else the new ones alone), whether
    it changed a published value, what the gate found.
    """

    kind: str
    is_old: bool
    is_changed: bool
    findings: tuple[Finding, ...]
    n_broken: int

    @property
    def is_noticed(self) -> bool:
        """Whether it was stopped or told, or rows of it set aside."""
        return bool(self.findings) or self.n_broken > 0

    @property
    def is_stopped(self) -> bool:
        """Whether the fetch was kept out."""
        return any(finding.severity == "stop" for finding in self.findings)


def read_report(content: bytes) -> ReadReport:
    """A report from its bytes, as the pipeline reads it."""
    findings = Findings()
    broken: Counter[str] = Counter()
    while True:
        stream = io.BytesIO(content)
        try:
            reader = ReportReader(read_header(stream), LATEST, lambda row: broken.update([row.rule]), findings)
            broken.clear()
            rows = pa.Table.from_batches(reader.batches(stream), WIDE_SCHEMA)
            better = reader.verdict()
        except RefusedFileError as refused:
            broken[refused.rule] += 1
            return ReadReport({}, None, 1, 1)
        if better is None:
            regions = dict(enumerate(reader.regions.regions))
            return ReadReport(regions, rows, reader.n_rows_in, reader.n_rows_in - reader.n_rows_out)
        findings = better


@lru_cache(maxsize=1)
def country_files() -> dict[str, bytes]:
    """The members of the archive of June 2021, by country and year."""
    with zipfile.ZipFile(SHARED / "mobility" / YEARS) as archive:
        names = {
            name.rsplit("/", 1)[-1].removesuffix("_Region_Mobility_Report.csv"): name for name in archive.namelist()
        }
        return {name[5:] + name[:4]: archive.read(member) for name, member in names.items() if name[:2] == "20"}


def of_country(report: ReadReport, country: str) -> ReadReport:
    """The part of a report that tells of one country."""
    regions = {number: region for number, region in report.regions.items() if region.country_code == country}
    rows = report.rows.filter(pa.compute.is_in(report.rows["region_no"], value_set=pa.array(list(regions), pa.int32())))
    return ReadReport(regions, rows, rows.num_rows, 0)


def real_pairs() -> Iterator[tuple[str, list[ReadReport], list[ReadReport]]]:
    """Every pair of real vintages of one country: the older one, the later one."""
    with zipfile.ZipFile(SHARED / "mobility" / WORLD) as archive:
        world = read_report(archive.read(archive.namelist()[0]))
    files = country_files()
    for country in sorted({name[:2] for name in files}):
        old = of_country(world, country)
        if old.regions and f"{country}2020" in files:
            later = [read_report(files[name]) for name in sorted(files) if name[:2] == country]
            yield f"{country} 2020-05 to 2021-06", [old], later
    vintages = {
        name: read_report(gzip.decompress((SHARED / "mobility" / f"2020_{name}.csv.gz").read_bytes()))
        for name in (
            "DE_Region_Mobility_Report.vintage-2020-10",
            "DE_Region_Mobility_Report.vintage-2021-03",
            "IT_Region_Mobility_Report.vintage-2021-02",
        )
    }
    autumn, spring, italy = vintages.values()
    yield "DE 2020-05 to 2020-10", [of_country(world, "DE")], [autumn]
    yield "DE 2020-10 to 2021-03", [autumn], [spring]
    yield "IT 2020-05 to 2021-02", [of_country(world, "IT")], [italy]


def policy_pairs() -> Iterator[tuple[str, Panel, Panel]]:
    """Every pair of real vintages of a policy index."""
    folder = SHARED / "policy"
    wide = {
        "stringency": "StringencyIndex",
        "governmentresponse": "GovernmentResponseIndex",
        "containmenthealth": "ContainmentHealthIndex",
    }
    spring = policy_panel(folder / "vintage-2020-05-16" / "OxCGRT_latest.csv.gz")
    for name, final in wide.items():
        autumn = policy_panel(folder / "vintage-2020-10" / f"index_{name}.csv.gz")
        last = policy_panel(folder / f"OxCGRT_timeseries_{final}_v1.csv.gz")
        yield f"{name} 2020-10 to 2023", autumn, last
        if name == "stringency":
            yield f"{name} 2020-05 to 2020-10", spring, autumn
            yield f"{name} 2020-05 to 2023", spring, last


def policy_panel(path: Path) -> Panel:
    """A file of the tracker as a panel."""
    rows = read_policy_file(io.BytesIO(gzip.decompress(path.read_bytes())), path.name.removesuffix(".gz"), LATEST)
    regions = [one.region_id for one in rows.jurisdictions], [one.country_code for one in rows.jurisdictions]
    return panel(regions, rows.indices, (rows.series, rows.days, rows.values), rows.n_rows_in)  # noqa: PD011  # no frame


def cut_fetches(n_countries: int | None = None) -> Iterator[tuple[str, Panel, Panel]]:
    """Fetches cut out of real files: a country up to a day, and up to 1, 7, 28, 91 days later, every other week."""
    files = country_files()
    countries = sorted({name[:2] for name in files if f"{name[:2]}2020" in files})
    for country in countries[:n_countries]:
        _, whole = report_panels([], [read_report(files[name]) for name in sorted(files) if name[:2] == country])
        first, last = int(whole.days.min()), int(whole.days.max())
        for end in range(first + 35, last, 14):
            old = up_to(whole, end)
            for step in CUT_STEPS:
                if end + step <= last:
                    yield f"{country} {date(1970, 1, 1) + timedelta(days=end)} + {step}", old, up_to(whole, end + step)


def up_to(whole: Panel, day: int) -> Panel:
    """A panel as far as a day."""
    return of_rows(whole, whole.days <= day)


def of_rows(whole: Panel, kept: NDArray[np.bool_]) -> Panel:
    """Some rows of a panel."""
    rows = (whole.series[kept], whole.days[kept], whole.values[kept])  # noqa: PD011  # no frame
    return panel((whole.region_ids.tolist(), whole.country_codes.tolist()), whole.columns, rows, whole.n_rows_in)


def alarms_on_real_vintages() -> Iterator[tuple[str, list[Finding]]]:
    """Every pair of real vintages, and what the gate finds on the later one, held against the older and by itself."""
    for name, older, later in real_pairs():
        old, new = report_panels(older, later)
        yield name, [*judge(old, new, MOBILITY_GATE), *judge(None, new, MOBILITY_GATE)]
    for name, old, new in policy_pairs():
        yield name, [*judge(old, new, POLICY_GATE), *judge(None, new, POLICY_GATE)]


def quiet_share() -> float:
    """Share of the pairs of real vintages without an alarm."""
    found = [findings for _, findings in alarms_on_real_vintages()]
    return sum(not findings for findings in found) / len(found)


def alarms_on_cut_fetches() -> Iterator[tuple[str, list[Finding]]]:
    """Every fetch cut out of a real file, and what the gate finds on it."""
    for name, old, new in cut_fetches():
        yield name, judge(old, new, MOBILITY_GATE)


def damaged(n_damages: int = N_DAMAGES, seed: int = SEED) -> Iterator[Outcome]:
    """Seeded damages of what real places would have given next: of the file, from a day on, or of a part of the
    country; and every fourth of a kind on the new days alone.
    """
    random = np.random.default_rng(seed)
    files = country_files()
    names = sorted(name for name in files if name.endswith("2020"))
    kinds = list(DAMAGES)
    for number in range(n_damages):
        kind, name = kinds[number % len(kinds)], str(random.choice(names))
        whole = pd.read_csv(io.BytesIO(files[name]), dtype=str, keep_default_na=False)
        days = sorted(whole["date"].unique())
        end = int(random.integers(100, len(days) - 28))
        step = int(random.choice(STEPS))
        old, new = whole[whole["date"] <= days[end - 1]], whole[whole["date"] <= days[end - 1 + step]]
        is_old = number // len(kinds) % N_TO_ONE != 0
        if not is_old:
            fresh = new["date"] > days[end - 1]
            spoilt = pd.concat([new[~fresh], DAMAGES[kind](new[fresh], random)])
        else:
            spoilt = DAMAGES[kind](new, random)
        yield outcome((kind, is_old), as_csv(old), as_csv(new), as_csv(spoilt))


def outcome(kind: tuple[str, bool], old: bytes, new: bytes, spoilt: bytes) -> Outcome:
    """What the gate makes of a damaged fetch."""
    before, bad, good = read_report(old), read_report(spoilt), read_report(new)
    in_force, offered = report_panels([before], [bad])
    right, wrong = report_panels([good], [bad])
    findings = tuple(judge(in_force, offered, MOBILITY_GATE))
    return Outcome(*kind, is_changed(right, wrong), findings, bad.n_broken)


def is_changed(right: Panel, wrong: Panel) -> bool:
    """Whether a published value is another by more than rounding, gone, or new."""
    sides = side_by_side(right, wrong)
    later = sides.later
    moved = np.abs(sides.old.values - later) > ROUNDING  # noqa: PD011  # no frame
    return bool(
        moved.any() or (np.isnan(sides.old.values) != np.isnan(later)).any() or len(wrong.days) != len(right.days)
    )


def policy_damages() -> Mapping[str, Callable[[Panel, np.random.Generator], Panel]]:
    """Damages of a file of the tracker, on its panel, by name."""

    def with_values(change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Callable[..., Panel]:
        return lambda whole, _: replace(whole, values=change(whole.values))

    def moved(whole: Panel, random: np.random.Generator) -> Panel:
        return replace(whole, days=whole.days + int(random.choice([-1, 1])))

    def some_lost(whole: Panel, random: np.random.Generator) -> Panel:
        kept = random.random(len(whole.region_ids)) < 0.5  # noqa: PLR2004  # half of them
        return of_rows(whole, kept[whole.series])

    def shuffled(whole: Panel, random: np.random.Generator) -> Panel:
        order = random.permutation(len(whole.region_ids))
        names = (whole.region_ids.tolist(), whole.country_codes.tolist())
        rows = (order[whole.series], whole.days, whole.values)  # noqa: PD011  # no frame
        return panel(names, whole.columns, rows, whole.n_rows_in)

    return {
        "policy_divided_by_100": with_values(lambda values: values / 100),
        "policy_reversed": with_values(lambda values: 100 - values),
        "policy_zeros": with_values(np.zeros_like),
        "policy_gaps_zero": with_values(np.nan_to_num),
        "policy_values_lost": with_values(lambda values: np.where(values > np.nanmedian(values), np.nan, values)),
        "policy_days_moved": moved,
        "policy_jurisdictions_lost": some_lost,
        "policy_jurisdictions_exchanged": shuffled,
        "policy_end_lost": lambda whole, _: up_to(whole, int(np.quantile(whole.days, 0.7))),
        "policy_column_lost": lambda whole, _: replace(whole, columns=("another_index",)),
        "policy_raised": with_values(lambda values: np.minimum(100, values + 30)),
    }


def damaged_policy(seed: int = SEED) -> Iterator[Outcome]:
    """Every damage of policy on every index of October 2020, held against the same file of two weeks before."""
    random = np.random.default_rng(seed)
    for name in ("stringency", "governmentresponse", "containmenthealth"):
        whole = policy_panel(SHARED / "policy" / "vintage-2020-10" / f"index_{name}.csv.gz")
        old = up_to(whole, int(whole.days.max()) - 14)
        for kind, damage in policy_damages().items():
            findings = tuple(judge(old, damage(whole, random), POLICY_GATE))
            yield Outcome(kind, is_old=True, is_changed=True, findings=findings, n_broken=0)


def mutation_score(n_damages: int = N_DAMAGES, seed: int = SEED) -> float:
    """Of damages to a file that change a published value by more than rounding, the share that is stopped or told."""
    changed = [one for one in damaged(n_damages, seed) if one.is_changed and one.is_old]
    return sum(one.is_noticed for one in changed) / len(changed)


def report(n_damages: int = N_DAMAGES, seed: int = SEED, *, with_cuts: bool = False) -> None:
    """Print false alarms and the score of the gate; where the real data are not here, that they are not."""
    if not (SHARED / "mobility" / YEARS).exists():
        print("the gate is measured on real data in ../shared/data, which is not here")
        return
    for words, pairs in (
        ("pairs of real vintages", alarms_on_real_vintages()),
        ("fetches cut out of real files", alarms_on_cut_fetches() if with_cuts else ()),
    ):
        looked_at = list(pairs)
        alarms = Counter(finding.rule for _, findings in looked_at for finding in findings)
        print(f"{len(looked_at):,} {words}: {sum(alarms.values())} false alarms {dict(alarms) or ''}")
        for name, findings in looked_at:
            for finding in findings:
                print(f"  {name}: {finding.rule}, {finding.severity}: {finding.message}")
    outcomes = [*damaged(n_damages, seed), *damaged_policy(seed)]
    for words, is_old in (("a file", True), ("the new days alone", False)):
        changed = [one for one in outcomes if one.is_changed and one.is_old == is_old]
        n_noticed = sum(one.is_noticed for one in changed)
        n_stopped = sum(one.is_stopped for one in changed)
        print(
            f"damages of {words} that change a value: {len(changed)}, {n_noticed / len(changed):.1%} stopped or told, "
            f"{n_stopped / len(changed):.1%} stopped"
        )
        for kind in dict.fromkeys(one.kind for one in changed):
            of_kind = [one for one in changed if one.kind == kind]
            print(f"  {kind:20} {sum(one.is_noticed for one in of_kind):3} of {len(of_kind):3}")
    fired = Counter(rule for one in outcomes for rule in {finding.rule for finding in one.findings})
    print("rules that fired:", ", ".join(f"{rule} {n}" for rule, n in fired.most_common()))
    print("rules that did not:", ", ".join(sorted(RULES - fired.keys())) or "none")


def main() -> None:
    """Print false alarms, over the cut fetches too, and the score of the gate."""
    parser = argparse.ArgumentParser(description="The gate's false alarms and what it notices, on real data")
    parser.add_argument("--damages", type=int, default=N_DAMAGES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--no-cuts", action="store_true", help="leave out the fetches cut out of real files")
    given = parser.parse_args()
    report(given.damages, given.seed, with_cuts=not given.no_cuts)


if __name__ == "__main__":
    main()
