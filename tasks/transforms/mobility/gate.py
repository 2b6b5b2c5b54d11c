"""The gate: whether a fetch of a place may take the place of what is in force there.

A fetch is held against the one in force at the same place (`gate_history`, `gate_accidents` on the days that both
have, `gate_new_days` on the days behind), a first one against itself and the other files of its source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from tasks.transforms.mobility.gate_accidents import accident_findings
from tasks.transforms.mobility.gate_history import contradictions, history_findings
from tasks.transforms.mobility.gate_new_days import alone_findings, new_day_findings
from tasks.transforms.mobility.gate_panel import Finding, Panel, side_by_side
from tasks.transforms.mobility.gate_settings import GateSettings

MOST_RULES = 3  # named in one sentence; `ops.ledger` has them all
TELLING = (
    "columns_exchanged", "dates_moved", "signs_lost", "signs_turned", "values_scaled", "values_became_zero",
    "gaps_became_zero", "dates_go_back", "countries_gone", "regions_gone", "rows_broken",
)  # fmt: skip
"""Rules that say what happened before those that only say that something did."""
RULES = frozenset(TELLING) | {
    "no_rows", "column_gone", "values_gone", "history_rewritten", "gaps_filled", "revision_too_large",
    "history_of_another_shape", "files_contradict", "column_fell_silent", "values_finer_than_before", "too_many_zeros",
    "one_value", "falls_gone", "days_repeated", "days_skipped", "series_stand_still", "levels_out_of_range",
}  # fmt: skip
"""Every rule that a fetch can break here; those of files that cannot be read at all come before."""
UNREADABLE = frozenset({"no_rows", "column_gone"})
"""Rules of fetches from which no table can be made."""


def judge(old: Panel | None, new: Panel, settings: GateSettings, beside: Iterable[Panel] = ()) -> list[Finding]:
    """Every finding on a fetch `new`, `old` being what is in force at its place; none where all is well. Where nothing
    is (None), what other files of its source say, `beside`, may contradict it.
    """
    return list(_findings(old, new, settings, beside))


def _findings(old: Panel | None, new: Panel, settings: GateSettings, beside: Iterable[Panel]) -> Iterator[Finding]:
    yield from _broken(new, settings)
    if not len(new.days):
        yield Finding("no_rows", "stop", "it has no row that can be used", 0.0, 1.0)
        return
    if old is None or not len(old.days):
        yield from alone_findings(new, settings)
        for other in beside:
            yield from contradictions(side_by_side(other, new), settings)
        return
    missing = [name for name in old.columns if name not in new.columns]
    if missing:
        message = f"it lacks {', '.join(missing)}, which is in force"
        yield Finding("column_gone", "stop", message, float(len(missing)), 0.0, "", missing[0])
        return
    sides = side_by_side(old, new)
    yield from history_findings(sides, settings)
    yield from accident_findings(sides, settings)
    yield from new_day_findings(sides, settings)


def _broken(new: Panel, settings: GateSettings) -> Iterator[Finding]:
    share = new.n_broken / max(1, new.n_rows_in)
    if share > settings.most_broken and new.n_broken >= settings.n_broken:
        message = f"{new.n_broken} of its {new.n_rows_in} rows cannot be used"
        yield Finding("rows_broken", "stop", message, share, settings.most_broken)


def stops(findings: Iterable[Finding]) -> bool:
    """Whether any of them keeps the fetch out."""
    return any(finding.severity == "stop" for finding in findings)


def in_words(findings: Iterable[Finding]) -> str:
    """The findings in one sentence: of those that stop, else of all, the rules that say most, each with its worst case
    and how many more there are.
    """
    listed = list(findings)
    told = [finding for finding in listed if finding.severity == "stop"] or listed
    order = sorted(told, key=lambda one: (_place_of(one.rule), one.rule, -abs(one.score), one.country_code))
    parts = []
    for _, group in groupby(order, key=lambda one: one.rule):
        first, *more = group
        parts.append(f"{first.message} (and {len(more)} more)" if more else first.message)
    return "; ".join(parts[:MOST_RULES])


def _place_of(rule: str) -> int:
    return TELLING.index(rule) if rule in TELLING else len(TELLING)
