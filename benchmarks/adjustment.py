"""Whether `mobility_adjusted` takes off what it says: weekly pattern and holiday spikes before and after, on real data,
and where it fails.

    python benchmarks/adjustment.py [SOURCE.yaml or FOLDER ...]

Ingests the mobility sources given (`../shared/sources/small` and `large/mobility_world_2021_06.yaml` unless others are)
into a temporary home, publishes, and reads the published table. Brackets hold 95 % intervals over countries drawn again
1,000 times. "Noise" is a series without any week, treated alike: what chance alone would show.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is what Python looks in

import numpy as np  # noqa: E402

from benchmarks.chains import publish_observations  # noqa: E402
from expectations.contracts.mobility import CATEGORIES  # noqa: E402
from tasks.lake.layout import Lake  # noqa: E402
from tasks.lake.warehouse import connect  # noqa: E402
from tasks.transforms.mobility.adjustment import WEEKS, mean_around, take_apart  # noqa: E402

SHARED = ROOT.parent / "shared" / "sources"
DEFAULTS = (SHARED / "small", SHARED / "large" / "mobility_world_2021_06.yaml")
SEED, N_DRAWS = 20200604, 1_000
BLOCK_DAYS, LEAST_DAYS = 56, 40  # the weekly pattern is looked at in eight weeks, of which five and more are published
MOST_REGIONS = 2_000  # of a level, drawn at random: enough for an interval of a point or two
SPIKE = 5.0  # robust standard deviations: of a normal series one day in 1.7 million
OTHER_WEEKS = {
    "4 weeks each side (in use)": WEEKS,
    "2 weeks each side": (-2, -1, 1, 2),
    "8 weeks each side": tuple(week for week in range(-8, 9) if week),
    "8 weeks before": tuple(range(-8, 0)),
    "4 weeks before": tuple(range(-4, 0)),
    "the whole series": tuple(week for week in range(-80, 81) if week),
}
ROWS = """
    SELECT a.region_id, m.country_code, a.observed_on, a.category, a.change_pct, a.adjusted_pct, a.is_holiday
    FROM mobility_adjusted AS a JOIN mobility AS m USING (region_id, observed_on, category)
    WHERE a.region_id IN (SELECT unnest($regions))
    ORDER BY a.region_id
"""
REGIONS = """
    SELECT region_id, any_value(CASE WHEN subregion_2 IS NOT NULL THEN 'second level' WHEN subregion_1 IS NOT NULL
        THEN 'first level' WHEN metro_area IS NULL THEN 'country' END) AS level
    FROM mobility GROUP BY region_id ORDER BY region_id
"""


@dataclass(frozen=True)
class Level:
    """Regions of one level: values and adjusted values (R, D, C), holidays (R, D), the country of each region."""

    countries: np.ndarray
    first: date
    values: np.ndarray
    adjusted: np.ndarray
    is_holiday: np.ndarray


def main() -> None:
    """Ingest, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="*", type=Path)
    arguments = parser.parse_args()
    if not arguments.places and not SHARED.is_dir():
        print("the real data in ../shared is not here: nothing to measure on")
        return
    with tempfile.TemporaryDirectory() as home:
        lake = Lake.open(Path(home))
        publish_observations(lake, arguments.places or DEFAULTS)
        levels = read_levels(lake)
    for name, level in levels.items():
        print_weekdays(name, level)
    print_noise()
    national = levels["country"]
    print_choices(national)
    print_holidays(national)
    if "first level" in levels:
        print_holidays_of_parts(levels["first level"], national)
    print_failures(national)


def read_levels(lake: Lake) -> dict[str, Level]:
    """The published table by level of region, at most MOST_REGIONS of each."""
    rng = np.random.default_rng(SEED)
    with connect(lake) as warehouse:
        listed = warehouse.execute(REGIONS).fetchall()
        found = {}
        for name in ("country", "first level", "second level"):
            regions = [region for region, level in listed if level == name]
            if len(regions) > MOST_REGIONS:
                regions = sorted(rng.choice(regions, MOST_REGIONS, replace=False).tolist())
            if regions:
                found[name] = _level(warehouse.execute(ROWS, {"regions": regions}).fetchnumpy())
    return found


def _level(columns: dict[str, np.ndarray]) -> Level:
    regions, region = np.unique(columns["region_id"].astype(str), return_inverse=True)
    days = columns["observed_on"].astype("datetime64[D]")
    first = days.min()
    day = (days - first).astype(int)
    category = np.array([CATEGORIES.index(one) for one in columns["category"]])
    shape = (len(regions), int(day.max()) + 1, len(CATEGORIES))
    values, adjusted, is_holiday = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape[:2], np.bool_)
    for grid, name in ((values, "change_pct"), (adjusted, "adjusted_pct")):
        grid[region, day, category] = np.ma.filled(columns[name], np.nan)
    is_holiday[region, day] = columns["is_holiday"]
    countries = np.array([one.split("/")[0] for one in regions])
    return Level(countries, first.astype(date), values, adjusted, is_holiday)


def ordinary(level: Level) -> tuple[np.ndarray, np.ndarray]:
    """Values and adjusted values of the days that have both and are no holidays, less the mean of the week around."""
    is_known = ~np.isnan(level.adjusted) & ~level.is_holiday[:, :, None]
    both = (np.where(is_known, grid, np.nan) for grid in (level.values, level.adjusted))
    before, after = (grid - mean_around(grid, 3, 5) for grid in both)
    return before, after


def weekday_share(series: np.ndarray) -> float:
    """Share of the variance of a series (D,) between weekdays, mean over blocks of eight weeks; NaN: none."""
    shares = []
    for start in range(0, len(series) - BLOCK_DAYS + 1, BLOCK_DAYS):
        block = series[start : start + BLOCK_DAYS].reshape(-1, 7)
        if np.count_nonzero(~np.isnan(block)) < LEAST_DAYS or not np.nanvar(block):
            continue
        means, counts = np.nanmean(block, axis=0), (~np.isnan(block)).sum(axis=0)
        shares.append(np.average((means - np.nanmean(block)) ** 2, weights=counts) / np.nanvar(block))
    return float(np.mean(shares)) if shares else float("nan")


def lag_7(series: np.ndarray) -> float:
    """Correlation of a series (D,) with itself a week later; NaN where fewer than 40 pairs are published."""
    earlier, later = series[:-7], series[7:]
    is_known = ~np.isnan(earlier) & ~np.isnan(later)
    if np.count_nonzero(is_known) < LEAST_DAYS:
        return float("nan")
    return float(np.corrcoef(earlier[is_known], later[is_known])[0, 1])


def each(measure: Callable[[np.ndarray], float], grid: np.ndarray, category: int) -> np.ndarray:
    """A measure of each region's series of a category, (R,)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.array([measure(series) for series in grid[:, :, category]])


def interval(values: np.ndarray, countries: np.ndarray) -> str:
    """The median of `values` and its interval, whole countries drawn again and again."""
    rng = np.random.default_rng(SEED)
    values, countries = values[~np.isnan(values)], countries[~np.isnan(values)]
    if not len(values):
        return "nothing"
    groups = [values[countries == one] for one in np.unique(countries)]
    drawn = [
        np.median(np.concatenate([groups[place] for place in rng.integers(0, len(groups), len(groups))]))
        for _ in range(N_DRAWS)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{np.median(values):5.2f} [{low:5.2f}, {high:5.2f}]"


def print_weekdays(name: str, level: Level) -> None:
    """Weekly pattern before and after, by category."""
    before, after = ordinary(level)
    print(f"\n{name}: {len(level.countries):,} regions of {len(np.unique(level.countries))} countries, medians")
    print(f"{'':24}{'weekday share of variance':44}{'correlation with the week before':44}regions that gained")
    for place, category in enumerate(CATEGORIES):
        shares = [each(weekday_share, grid, place) for grid in (before, after)]
        lags = [each(lag_7, grid, place) for grid in (before, after)]
        cells = [" -> ".join(interval(one, level.countries) for one in pair) for pair in (shares, lags)]
        is_both = ~np.isnan(shares[0]) & ~np.isnan(shares[1])
        gained = np.mean(shares[1][is_both] < shares[0][is_both]) if is_both.any() else np.nan
        print(f"{category:24}{cells[0]:44}{cells[1]:44}{gained:.1%} of {is_both.sum():,}")


def print_noise() -> None:
    """What chance shows: independent normal days, taken apart alike."""
    values = np.random.default_rng(SEED).normal(size=(200, 476, 1))
    is_holiday = np.zeros(values.shape[:2], np.bool_)
    level = Level(
        np.arange(200).astype(str), date(2020, 2, 15), values, take_apart(values, is_holiday).adjusted, is_holiday
    )
    shares = [np.nanmedian(each(weekday_share, grid, 0)) for grid in ordinary(level)]
    lags = [np.nanmedian(each(lag_7, grid, 0)) for grid in ordinary(level)]
    print(f"\nnoise: share {shares[0]:.2f} -> {shares[1]:.2f}, correlation {lags[0]:.2f} -> {lags[1]:.2f}")


def print_choices(level: Level) -> None:
    """What other weeks would leave: days around their week, of which the effect never knew the own one."""
    print("\nnational, root mean square of days around the mean of their week, percent points (days with an effect)")
    for name, weeks in {"as published": (), **OTHER_WEEKS}.items():
        grid = take_apart(level.values, level.is_holiday, weeks).adjusted if weeks else level.values
        grid = np.where(level.is_holiday[:, :, None], np.nan, grid)
        known = np.count_nonzero(~np.isnan(grid)) / np.count_nonzero(
            ~np.isnan(np.where(level.is_holiday[:, :, None], np.nan, level.values))
        )
        around = np.sqrt(np.nanmean((grid - mean_around(grid, 3, 5)) ** 2, axis=(0, 1)))
        print(f"{name:28}" + " ".join(f"{one:6.2f}" for one in around) + f"  ({known:.1%})")


def distances(level: Level) -> tuple[np.ndarray, np.ndarray]:
    """How far each day lies from the ordinary days within ±6, weekdays taken off, in robust standard deviations of the
    ordinary days of its series; and whether the day is ordinary. A day is not among those it is held against.
    """
    parts = take_apart(level.values, level.is_holiday)
    is_ordinary = ~level.is_holiday[:, :, None] & ~np.isnan(level.values)
    rest = level.values - parts.weekday
    known = np.where(is_ordinary, rest, np.nan)
    n_known = mean_around((~np.isnan(known)).astype(float), 6, 1) * _window(known.shape)
    total = mean_around(known, 6, 1) * n_known
    others = n_known - ~np.isnan(known)
    mean = np.divide(total - np.nan_to_num(known), others, out=np.full_like(total, np.nan), where=others >= 4)  # noqa: PLR2004  # as MIN_AROUND_DAYS
    away = rest - mean
    spread = 1.4826 * np.nanmedian(np.abs(np.where(is_ordinary, away, np.nan)), axis=1, keepdims=True)  # normal: 1 sd
    return np.divide(away, spread, out=np.full_like(away, np.nan), where=spread > 0), is_ordinary


def _window(shape: tuple[int, ...]) -> np.ndarray:
    """How many days of the series lie within ±6 of each."""
    day = np.arange(shape[1])
    return (np.minimum(day, 6) + np.minimum(shape[1] - 1 - day, 6) + 1)[None, :, None] * np.ones(shape)


def print_holidays(level: Level) -> None:
    """How far holidays stand out, and how much of what stands out they are."""
    away, is_ordinary = distances(level)
    away = np.abs(away)
    print(
        "\nnational, holidays: distance from the days around in robust sd, of holidays and of other days (0.67 by its"
    )
    print(
        f"definition), median of countries; share of days beyond {SPIKE:g} sd, of holidays and of others; share of all"
    )
    print("such days that are holidays")
    for place, category in enumerate(CATEGORIES):
        here, is_other = away[:, :, place], is_ordinary[:, :, place]
        on, off = np.where(is_other, np.nan, here), np.where(is_other, here, np.nan)
        has = ~np.isnan(on).all(axis=1) & ~np.isnan(off).all(axis=1)
        near = [interval(np.nanmedian(one[has], axis=1), level.countries[has]) for one in (on, off)]
        rates = [np.nanmean(np.where(np.isnan(one), np.nan, one > SPIKE)) for one in (on, off)]
        n_on, n_off = np.nansum(on > SPIKE, axis=1), np.nansum(off > SPIKE, axis=1)
        share = _ratio_interval(n_on, n_off)
        print(f"{category:24}{near[0]}  {near[1]}   {rates[0]:6.1%} {rates[1]:6.1%}   {share}")


def print_holidays_of_parts(parts: Level, national: Level) -> None:
    """How far days stand out that are holidays of a first-level part and not of its country."""
    of_country = dict(zip(national.countries.tolist(), range(len(national.countries)), strict=True))
    has_country = np.isin(parts.countries, national.countries)
    row = np.array([of_country.get(country, 0) for country in parts.countries])
    day = np.arange(parts.is_holiday.shape[1]) + (parts.first - national.first).days
    is_known = has_country[:, None] & (day >= 0) & (day < national.is_holiday.shape[1])
    of_all = national.is_holiday[row][:, np.clip(day, 0, national.is_holiday.shape[1] - 1)]
    is_own = parts.is_holiday & is_known & ~of_all
    away = np.abs(distances(parts)[0])
    print(
        f"\nfirst level, {is_own.sum():,} days that are holidays of the part, not of its country: distance in robust sd"
    )
    for place, category in enumerate(CATEGORIES):
        here = np.where(is_own, away[:, :, place], np.nan)
        has = ~np.isnan(here).all(axis=1)
        print(f"{category:24}{interval(np.nanmedian(here[has], axis=1), parts.countries[has])}  ({has.sum():,} parts)")


def _ratio_interval(on: np.ndarray, off: np.ndarray) -> str:
    rng = np.random.default_rng(SEED)
    draws = rng.integers(0, len(on), (N_DRAWS, len(on)))
    shares = on[draws].sum(axis=1) / (on[draws].sum(axis=1) + off[draws].sum(axis=1))
    low, high = np.quantile(shares, [0.025, 0.975])
    return f"{on.sum() / (on.sum() + off.sum()):.1%} [{low:.1%}, {high:.1%}]"


def print_failures(level: Level) -> None:
    """Countries whose weekly pattern is left, and days that stand out though no holiday is listed."""
    _, after = ordinary(level)
    shares = np.array([each(weekday_share, after, place) for place in range(len(CATEGORIES))])
    print("\nmost of a weekly pattern left (national, share of variance):")
    listed = [(shares[c, r], level.countries[r], CATEGORIES[c]) for c, r in zip(*np.nonzero(shares > 0), strict=True)]
    print(
        ", ".join(f"{country} {category} {share:.2f}" for share, country, category in sorted(listed, reverse=True)[:12])
    )
    away, is_ordinary = distances(level)
    is_left = (np.abs(away) > SPIKE) & is_ordinary
    by_day = Counter((level.first + timedelta(days=int(day))).isoformat() for day in np.nonzero(is_left)[1])
    print("days that stand out most often though not listed (series of all categories):")
    print(", ".join(f"{day} {n}" for day, n in by_day.most_common(14)))
    by_country: Sequence[tuple[str, int]] = Counter(level.countries[np.nonzero(is_left)[0]].tolist()).most_common(12)
    print("countries with most of them: " + ", ".join(f"{country} {n}" for country, n in by_country))
    none = [country for country, row in zip(level.countries, level.is_holiday, strict=True) if not row.any()]
    print(f"countries without any listed holiday: {', '.join(none) or 'none'}")


if __name__ == "__main__":
    main()
