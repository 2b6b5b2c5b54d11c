"""Every accident of `expectations/accidents` befalls a real report, through whole runs: what the run says, exits with,
keeps, publishes.

All accidents share three runs: each has a source of its own, the real report of two small countries under codes of its
own. The good fetches first; then, in copies of that home, those that must go on and those that must be stopped.
"""

import io
import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml

from benchmarks.damages import as_csv, rewritten
from benchmarks.file_damages import FILE_DAMAGES, PLACE_DAMAGES
from tasks.transforms.mobility.country_codes import ALPHA2_OF_ALPHA3

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ACCIDENTS = yaml.safe_load((ROOT / "expectations" / "accidents" / "accidents.yaml").read_text())
STOPPED = [one for one in ACCIDENTS if one["verdict"] == "stop"]
GOING_ON = [one for one in ACCIDENTS if one["verdict"] != "stop"]
CODES = sorted(set(ALPHA2_OF_ALPHA3.values()))
N_REGIONS, N_DAYS, N_LATER = 6, 200, 7


@dataclass(frozen=True)
class Ran:
    """A run on accidents: how it ended, and where."""

    home: Path
    ended: subprocess.CompletedProcess[str]

    def ask(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as warehouse:
            warehouse.execute("SET VARIABLE data_root = ?", [str(self.home)])
            return warehouse.execute(query, list(parameters)).fetchall()

    def values(self, codes: tuple[str, str]) -> list[tuple[Any, ...]]:
        """All that is published of an accident's countries."""
        return self.ask(
            "SELECT region_id, observed_on, category, change_pct FROM mobility "
            "WHERE country_code IN (?, ?) ORDER BY ALL",
            *codes,
        )


def codes_of(damage: str) -> tuple[str, str]:
    """The two countries of an accident."""
    place = [one["damage"] for one in ACCIDENTS].index(damage)
    return CODES[2 * place], CODES[2 * place + 1]


def run(home: Path, sources: Path) -> subprocess.CompletedProcess[str]:
    arguments = ["run", "--home", str(home), "--sources", str(sources), "--only", "mobility"]
    return tidemill(*arguments)


def tidemill(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tidemill", *arguments],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def report(shared: Path) -> pd.DataFrame:
    """The real reports of Estonia and Latvia in 2020, six regions and 207 days of each, as texts."""
    parts = []
    with zipfile.ZipFile(shared / "data" / "mobility" / "Region_Mobility_Report_CSVs_2021-06.zip") as archive:
        for name in archive.namelist():
            if name.endswith(("2020_EE_Region_Mobility_Report.csv", "2020_LV_Region_Mobility_Report.csv")):
                whole = pd.read_csv(io.BytesIO(archive.read(name)), dtype=str, keep_default_na=False)
                place = whole["sub_region_1"] + "/" + whole["sub_region_2"]
                first = sorted(place.unique())[:N_REGIONS]
                days = sorted(whole["date"].unique())[: N_DAYS + N_LATER]
                parts.append(whole[place.isin(first) & whole["date"].isin(days)])
    return pd.concat(parts, ignore_index=True)


def of_codes(report: pd.DataFrame, codes: tuple[str, str]) -> pd.DataFrame:
    old = sorted(report["country_region_code"].unique())
    names = dict(zip(old, codes, strict=True))
    return report.assign(country_region_code=report["country_region_code"].map(names))


def until(report: pd.DataFrame, n_days: int) -> pd.DataFrame:
    return report[report["date"] <= sorted(report["date"].unique())[n_days - 1]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, report: pd.DataFrame) -> tuple[Path, Path]:
    """Home and sources after the good fetches."""
    folder = tmp_path_factory.mktemp("accidents")
    for one in ACCIDENTS:
        put(folder / "sources", one["damage"], as_csv(until(of_codes(report, codes_of(one["damage"])), N_DAYS)))
    ended = run(folder / "home", folder / "sources")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder / "home", folder / "sources"


def put(sources: Path, name: str, content: bytes, file: str = "report.csv") -> None:
    (sources / name).mkdir(parents=True, exist_ok=True)
    (sources / name / file).write_bytes(content)
    declared = f"name: {name}\nkind: mobility\nlocation: {name}/*.csv\nlicence: CC0-1.0\nproducer: a test\n"
    (sources / f"{name}.yaml").write_text(declared)


def befall(sources: Path, home: Path, damage: str, report: pd.DataFrame) -> None:
    """Let an accident befall its source."""
    good = of_codes(report, codes_of(damage))
    if damage == "file_lost":
        (sources / damage / "report.csv").unlink()
    elif damage in {"declaration_lost", "source_retired"}:
        (sources / f"{damage}.yaml").unlink()
        if damage == "source_retired":
            ended = tidemill("sources", "retire", damage, "--home", str(home), "--sources", str(sources))
            assert ended.returncode == 0, ended.stderr
    elif damage == "contradicted":
        other = rewritten(until(good, N_DAYS), np.random.default_rng(1), 0.3)
        put(sources, damage, as_csv(other), "report_other.csv")
    else:
        put(sources, damage, FILE_DAMAGES[damage](good))


def ran(base: tuple[Path, Path], report: pd.DataFrame, folder: Path, accidents: list[dict[str, str]]) -> Ran:
    home, sources = base
    shutil.copytree(home, folder / "home", symlinks=True)
    shutil.copytree(sources, folder / "sources")
    for one in accidents:
        befall(folder / "sources", folder / "home", one["damage"], report)
    return Ran(folder / "home", run(folder / "home", folder / "sources"))


@pytest.fixture(scope="module")
def stopped(base: tuple[Path, Path], report: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return ran(base, report, tmp_path_factory.mktemp("stopped"), STOPPED)


@pytest.fixture(scope="module")
def going_on(base: tuple[Path, Path], report: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return ran(base, report, tmp_path_factory.mktemp("going_on"), GOING_ON)


def test_every_damage_is_in_the_table() -> None:
    assert {one["damage"] for one in ACCIDENTS} == {*FILE_DAMAGES, *PLACE_DAMAGES}


@pytest.mark.parametrize("accident", STOPPED, ids=lambda one: one["damage"])
def test_what_cannot_be_trusted_leaves_what_could_in_force(
    accident: dict[str, str], base: tuple[Path, Path], stopped: Ran
) -> None:
    damage, rule = accident["damage"], accident["rule"]
    assert stopped.ended.returncode == 3, stopped.ended.stderr
    last_lines = stopped.ended.stdout.partition("partly done")[2]
    assert f"  {damage}: {damage}/report.csv: " in last_lines
    before = Ran(base[0], stopped.ended).values(codes_of(damage))
    assert before
    assert stopped.values(codes_of(damage)) == before
    told = stopped.ask("SELECT trouble, rule, is_in_force FROM ops.vintages WHERE source = ?", damage)
    (trouble,) = {trouble for trouble, _, is_in_force in told if is_in_force}
    rules = {trouble, *(one for _, rules, _ in told if rules for one in rules.split(", "))}
    assert rule in rules
    ledger = stopped.ask("SELECT rule FROM ops.ledger WHERE starts_with(subject, ? || ': ')", damage)
    assert (rule,) in ledger
    if damage not in PLACE_DAMAGES:
        assert (damage,) in stopped.ask("SELECT DISTINCT source FROM ops.quarantine WHERE source = ?", damage)
    assert damage in artifact(stopped.home)
    assert damage in (stopped.home / "report" / "index.html").read_text()


@pytest.mark.parametrize("accident", GOING_ON, ids=lambda one: one["damage"])
def test_what_can_be_used_goes_on(accident: dict[str, str], base: tuple[Path, Path], going_on: Ran) -> None:
    damage = accident["damage"]
    assert going_on.ended.returncode == 0, going_on.ended.stdout + going_on.ended.stderr
    assert "partly done" not in going_on.ended.stdout
    before = Ran(base[0], going_on.ended).values(codes_of(damage))
    after = going_on.values(codes_of(damage))
    verdicts = dict(
        going_on.ask("SELECT verdict, rule FROM ops.vintages WHERE source = ? AND is_offered ORDER BY uri", damage)
    )
    if damage == "source_retired":
        assert (before != [], after, verdicts) == (True, [], {})
        return
    assert len(after) > len(before) or damage == "contradicted"
    if accident["verdict"] == "warn":
        assert accident["rule"] in (verdicts["warned"] or "").split(", ")
        assert damage in artifact(going_on.home)
    if accident["verdict"] == "aside":
        assert (accident["rule"],) in going_on.ask("SELECT rule FROM ops.quarantine WHERE source = ?", damage)
    if accident["verdict"] == "accept":
        assert verdicts == {"accepted": None}
        assert going_on.ask("SELECT count(*) FROM ops.quarantine WHERE source = ?", damage) == [(0,)]


def test_the_same_again_changes_nothing_and_says_so_again(stopped: Ran) -> None:
    ended = run(stopped.home, stopped.home.parent / "sources")
    assert ended.returncode == 3
    assert "nothing changed" in ended.stdout
    assert "partly done" in ended.stdout


def artifact(home: Path) -> str:
    """What the UI shows of the fetches of the last run."""
    with sqlite3.connect(home / "prefect" / "prefect.db") as database:
        rows = database.execute(
            "SELECT data FROM artifact WHERE key = 'fetches' ORDER BY created DESC LIMIT 1"
        ).fetchall()
    return str(rows[0][0])
