"""How much a fetch may differ from the one before it at the same place, by kind of source.

Measured on every pair of real vintages at hand (`benchmarks/gate.py` prints each rule's alarms over them): Google
never rewrote or withdrew a value but the last three days of a vintage in three of 101 countries; the Oxford tracker
rewrites up to 87 % of an index between vintages, and the two still correlate by .8 and more in every jurisdiction.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GateSettings:
    """Thresholds of the gate's rules. Shares are 0 to 1; what exceeds `most_…` stops, what is but above `told_…` is
    told.
    """

    most_broken: float = 0.05
    n_broken: int = 20
    """Rows set aside at parsing: of all, and so many at least; fewer are set aside, and the rest goes on."""
    most_regions_gone: float = 0.1
    told_regions_gone: float = 0.0
    """Regions of a country (for countries: of all) that have no row any more."""
    n_preliminary_days: int = 3
    """Last days of a vintage that the next one may withdraw."""
    most_values_gone: float = 0.05
    """Values of a country and column, before the preliminary days, that are no longer published."""
    most_rewritten: float = 0.01
    told_rewritten: float = 0.0
    """Values of a country and column that are others than before, by more than `rounding`."""
    rounding: float = 0.5
    most_filled: float = 0.05
    told_filled: float = 0.0
    """Values of a country and column that were not published, and now are, of region-days that were there."""
    least_correlation: float = -1.0
    """Of the old with the new values of a country and column."""
    most_mean_revision: float = 10_000.0
    """Mean absolute revision of a column over all."""
    least_explained: float = 0.9
    """Share of the rewritten values that one accident (shifted days, a factor, lost signs …) explains."""
    least_factor: float = 1.05
    """A factor nearer to 1 is a revision, and no accident."""
    n_explained: int = 20
    """So many rewritten values at least, before an accident is looked for."""
    told_silent: float = 0.95
    """Share of published values of a column in the last weeks, from which on its silence on all new days is told."""
    most_finer: float = 0.2
    told_finer: float = 0.0
    """Rise of the share of values that are no whole numbers."""
    most_zero: float = 0.4
    """Rise of the share of zeros."""
    told_falls: float = 0.9
    """Share of falls of a column in the last weeks, from which on it is told that none is left."""
    n_still_days: int = 14
    most_constant: float = 0.2
    """Share of series of `n_still_days` values and more that never move."""
    told_beyond: float = 0.5
    """How far a weekly level lies outside of the range of its past, in widths of that range."""
    most_beyond_range: float = 0.5
    """Share of a country's series that are so far outside."""
    most_repeated: float = 0.8
    """Share of new values that are those of the same weekday before."""


MOBILITY_GATE = GateSettings()
POLICY_GATE = GateSettings(
    told_regions_gone=0.05,
    told_silent=2.0,
    told_falls=2.0,
    most_rewritten=1.0,
    told_rewritten=1.0,
    least_correlation=0.75,
    most_mean_revision=12.0,
    most_filled=1.0,
    least_factor=1.5,
    most_repeated=1.0,
    most_beyond_range=1.0,
    told_filled=1.0,
    most_finer=1.0,
    told_finer=1.0,
    most_constant=1.0,
    most_zero=0.5,
    rounding=0.005,
)
