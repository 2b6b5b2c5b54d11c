"""The gate: a quality that falls below its floor in `benchmarks/floors.json` is an error.

    python benchmarks/floors.py [--quick] [--only NAME ...]   measures, compares; exit 1 where a floor does not hold
    python benchmarks/floors.py --raise [--only NAME ...]     the same, and writes floors for what gained, or is new
    python benchmarks/floors.py --lower NAME                  writes a lower floor, or one on other data

A floor is the measured value, less the quality's margin, cut to four digits. Most have no margin, because results are
the same on every run. Where a value near a target is better, the floor is how far off it may be. A floor holds for the
data that it was measured on, known by their digest. Lowering one takes an entry in the unreleased section of
CHANGELOG.md that names the floor and its new value. Where data are not here nothing is measured, which is no error.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is what Python looks in

from benchmarks.qualities import QUALITIES, Quality  # noqa: E402

LAST_DIGIT = Decimal("0.0001")
HOLDS, BETTER, BELOW = "holds", "better than its floor, --raise writes a higher one", "BELOW ITS FLOOR"
NEW = "no floor yet, --raise writes one"
OTHER_DATA = "other data than its floor's, which says nothing of them: --lower {} sets it anew"
ABSENT = "not measured: {} are not here"


class FloorError(Exception):
    """What was asked for is refused; the message says why, and what to do."""


@dataclass(frozen=True)
class Floor:
    """A line of floors.json. `floor`: the least value; or, where near `target` is better, `within` is how far off it
    may be. `measured`: the value when it was set, on the data whose digest is `sha256`.
    """

    metric: str
    better: str
    measured: float
    data: Sequence[str]
    sha256: str
    command: str
    floor: float | None = None
    target: float | None = None
    within: float | None = None

    @property
    def bound(self) -> float:
        """The number that values are held against."""
        return next(one for one in (self.floor, self.within) if one is not None)

    def holds(self, value: float) -> bool:
        """Whether `value` is as good as is asked for; NaN is not."""
        return value >= self.bound if self.target is None else abs(value - self.target) <= self.bound

    def is_stricter_than(self, other: Floor) -> bool:
        """Whether it asks for more."""
        return self.bound > other.bound if self.target is None else self.bound < other.bound

    def __str__(self) -> str:
        return f"at least {self.bound:g}" if self.target is None else f"within {self.bound:g} of {self.target:g}"


@dataclass(frozen=True)
class Verdict:
    """What came of a quality, in words; the floor that it could have today, None where it has no value to speak of."""

    name: str
    text: str
    is_good: bool
    today: Floor | None = None


@dataclass(frozen=True)
class Gate:
    """Qualities, the file of their floors, the changelog that excuses lower ones, and the root of the data's paths."""

    qualities: Mapping[str, Quality]
    file: Path
    changelog: Path
    root: Path

    def floors(self) -> dict[str, Floor]:
        """The floors as they stand, by name."""
        lines = json.loads(self.file.read_text("utf-8")) if self.file.exists() else {}
        return {name: Floor(**line) for name, line in lines.items()}

    def judge(self, name: str) -> Verdict:
        """A quality beside its floor. What has other data than its floor is not measured."""
        quality, floor = self.qualities[name], self.floors().get(name)
        digest = quality.digest(self.root)
        if digest is None:
            return Verdict(name, ABSENT.format(", ".join(quality.data)), is_good=True)
        if floor is not None and floor.sha256 != digest:
            return Verdict(name, OTHER_DATA.format(name), is_good=False)
        value = float(quality.measure())
        if not math.isfinite(value):
            return Verdict(name, f"{value}, {BELOW}", is_good=False)
        today = floor_at(quality, value, digest)
        if floor is None:
            return Verdict(name, f"{value:.6f}, {NEW}", is_good=False, today=today)
        is_good = floor.holds(value)
        text = BELOW if not is_good else BETTER if today.is_stricter_than(floor) else HOLDS
        return Verdict(name, f"{value:.6f}, {floor}: {text}", is_good, today)

    def raise_floor(self, verdict: Verdict) -> bool:
        """Write the floor that a quality could have where it asks for more than the present one; whether it did."""
        floor, today = self.floors().get(verdict.name), verdict.today
        if today is None or (floor is not None and not today.is_stricter_than(floor)):
            return False
        self._write(verdict.name, today)
        return True

    def lower_floor(self, name: str) -> Floor:
        """The floor, written at today's value and data. FloorError where the data are not here, where it holds, and
        where the changelog does not say so.
        """
        quality, floor = self.qualities[name], self.floors().get(name)
        digest = quality.digest(self.root)
        if digest is None:
            raise FloorError(f"{name}: {ABSENT.format(', '.join(quality.data))}")
        value = float(quality.measure())
        measured = f"{name} is {value:.6f}"
        if not math.isfinite(value):
            raise FloorError(f"{measured}, which is no floor: repair what is measured")
        if floor is None or (floor.sha256 == digest and floor.holds(value)):
            raise FloorError(f"{measured}, there is nothing to lower: --raise writes what it has gained")
        today = floor_at(quality, value, digest)
        if not is_announced(self.changelog.read_text("utf-8"), name, today.bound):
            entry = f"an entry that names `{name}` and {today.bound:g}, and says why"
            raise FloorError(f"{measured}: first write to the unreleased section of {self.changelog.name} {entry}")
        self._write(name, today)
        return today

    def _write(self, name: str, floor: Floor) -> None:
        floors = {**self.floors(), name: floor}
        lines = {
            one: {key: value for key, value in asdict(floors[one]).items() if value is not None}
            for one in sorted(floors)
        }
        self.file.write_text(json.dumps(lines, indent=2, ensure_ascii=False) + "\n", "utf-8")


GATE = Gate(QUALITIES, ROOT / "benchmarks/floors.json", ROOT / "CHANGELOG.md", ROOT)


def floor_at(quality: Quality, value: float, sha256: str) -> Floor:
    """The floor of a quality that is `value`, so that the value itself holds."""
    margin = Decimal(repr(quality.margin))
    if quality.target is None:
        limits = {"floor": float((Decimal(repr(value)) - margin).quantize(LAST_DIGIT, ROUND_FLOOR))}
    else:
        distance = Decimal(repr(abs(value - quality.target))) + margin
        limits = {"target": quality.target, "within": float(distance.quantize(LAST_DIGIT, ROUND_CEILING))}
    return Floor(
        metric=quality.metric,
        better="higher" if quality.target is None else "near",
        measured=value,
        data=quality.data,
        sha256=sha256,
        command=f"python benchmarks/floors.py --only {quality.name}",
        **limits,
    )


def is_announced(changelog: str, name: str, bound: float) -> bool:
    """Whether an entry of the unreleased section names a floor and the value that it gets."""
    section = changelog.partition("\n## Unreleased\n")[2].partition("\n## ")[0]
    wanted = [re.compile(rf"(?<![\w.]){re.escape(one)}(?!\.?\w)") for one in (name, f"{bound:g}")]
    return any(all(one.search(entry) for one in wanted) for entry in section.split("\n- "))


def main(arguments: Sequence[str] | None = None, gate: Gate = GATE) -> int:
    """Measure, print, compare; 0 where every floor holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=gate.qualities, metavar="NAME", default=list(gate.qualities))
    parser.add_argument("--quick", action="store_true", help="those of a few seconds")
    parser.add_argument("--raise", dest="is_raising", action="store_true", help="write floors that ask for more")
    parser.add_argument("--lower", choices=gate.qualities, metavar="NAME", help="write a lower floor")
    given = parser.parse_args(arguments)
    if given.lower is not None:
        try:
            print(f"{given.lower}: the floor is now {gate.lower_floor(given.lower)}")
        except FloorError as error:
            print(error, file=sys.stderr)
            return 1
        return 0
    is_good = True
    for name in given.only:
        if given.quick and not gate.qualities[name].is_quick:
            continue
        began = time.perf_counter()
        verdict = gate.judge(name)
        is_written = given.is_raising and gate.raise_floor(verdict)
        written = f"; the floor is now {verdict.today}" if is_written else ""
        print(f"{name:34} {time.perf_counter() - began:6.1f} s  {verdict.text}{written}", flush=True)
        is_good = is_good and (verdict.is_good or is_written)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
