"""Rules beyond one row, by short names: their parameters, what they ask in words, what is true of what breaks them.

`tasks/validation/sql/<rule>.sql` finds what breaks each. Rules on rows name rows, which a warning sets aside; those
that compare with the table as last published name groups, which are told.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from expectations.checks import REFERENCE

COMPARISONS = ("distribution", "coverage", "freshness")

LARGEST, SMALLEST = sys.float_info.max, sys.float_info.min
LIMITS: Mapping[str, tuple[float, float, str]] = {
    "number": (-LARGEST, LARGEST, "a number"),
    "positive": (SMALLEST, LARGEST, "a number above 0"),
    "share": (0, 1, "a share from 0 to 1"),
}
"""Kinds of numbers: the least, the most, and their words."""


class ParameterError(Exception):
    """A parameter of a rule that is missing, unknown or of another kind than it takes; the message is half a sentence,
    after the name of the rule.
    """


@dataclass(frozen=True)
class Rule:
    """A rule by its short name: what it takes (`columns` are parameters that name columns of the table), defaults, and
    its words.

    `required` and `optional` say for each parameter what it must be: `column`, `columns`, `number`, `positive`,
    `share`, `text`, `names`, or `bound` (a number, a day, or a column).
    """

    required: Mapping[str, str]
    optional: Mapping[str, tuple[str, Any]]
    words: Callable[[Mapping[str, Any]], str]
    broken: Callable[[Mapping[str, Any]], str]

    @property
    def kinds(self) -> dict[str, str]:
        """What each parameter must be."""
        return {**self.required, **{parameter: kind for parameter, (kind, _) in self.optional.items()}}


def _listed(names: Any) -> str:
    return " and ".join(names)


def _within(names: Any) -> str:
    return f" within {_listed(names)}" if names else ""


def _range_words(of: Mapping[str, Any]) -> str:
    ends = [f"{word} {of[end]}" for end, word in (("minimum", "at least"), ("maximum", "at most")) if of[end] != ""]
    return f"{of['column']} is {' and '.join(ends)}" + (f" where {of['when']}." if of["when"] else ".")


RULES: Mapping[str, Rule] = {
    REFERENCE: Rule(
        {"columns": "columns", "table": "text", "to": "names"},
        {"when": ("text", "")},
        lambda of: (
            f"{_listed(of['columns'])} stands in {of['table']} ({_listed(of['to'])})"
            + (f" where {of['when']}." if of["when"] else ".")
        ),
        lambda of: f"{'_'.join(of['columns'])}_not_in_{of['table']}",
    ),
    "parts": Rule(
        {"parts": "columns", "whole": "column"},
        {"tolerance": ("number", 1e-6)},  # our choice: beyond what adding real numbers loses
        lambda of: f"{' + '.join(of['parts'])} is {of['whole']}, within {of['tolerance']:g}.",
        lambda of: f"parts_are_not_{of['whole']}",
    ),
    "total": Rule(
        {"column": "column", "by": "columns", "is": "number"},
        {"tolerance": ("number", 1e-6)},  # as above
        lambda of: f"{of['column']} adds up to {of['is']:g}{_within(of['by'])}, within {of['tolerance']:g}.",
        lambda of: f"{of['column']}_does_not_add_up_to_{of['is']:g}",
    ),
    "range": Rule(
        {"column": "column"},
        {"minimum": ("bound", ""), "maximum": ("bound", ""), "when": ("text", "")},
        _range_words,
        lambda of: f"{of['column']}_out_of_its_range",
    ),
    "distribution": Rule(
        {"column": "column"},
        {
            "by": ("columns", ()),
            # Our choice: a median further off than three times the spread, or a spread three times another, is another
            # quantity; fewer values than 30 tell neither.
            "most_spreads": ("positive", 3.0),
            "most_ratio": ("positive", 3.0),
            "least_values": ("positive", 30),
        },
        lambda of: (
            f"The median of {of['column']}{_within(of['by'])} moved by at most {of['most_spreads']:g} times its spread "
            f"since the last snapshot, and the spread changed at most {of['most_ratio']:g} times."
        ),
        lambda of: f"{of['column']}_distributed_otherwise",
    ),
    "coverage": Rule(
        {"columns": "columns"},
        {"by": ("columns", ()), "least": ("share", 0.9)},  # our choice: a tenth of the regions gone is no revision
        lambda of: (
            f"There are at least {100 * of['least']:g} % as many {_listed(of['columns'])}{_within(of['by'])} "
            "as in the last snapshot."
        ),
        lambda of: f"{'_'.join(of['columns'])}_shrank",
    ),
    "freshness": Rule(
        {"column": "column"},
        {"by": ("columns", ()), "days": ("number", 0)},
        lambda of: (
            f"The last {of['column']}{_within(of['by'])} is at most {of['days']:g} days older than "
            "in the last snapshot."
        ),
        lambda of: f"{of['column']}_older_than_before",
    ),
    "age": Rule(
        {"column": "column", "days": "number"},
        {"by": ("columns", ())},
        lambda of: f"The last {of['column']}{_within(of['by'])} is at most {of['days']:g} days older than the fetch.",
        lambda of: f"{of['column']}_too_old",
    ),
}


def with_defaults(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter of the rule called `name`, as given or by default; lists as tuples. ParameterError where one is
    wrong. Whether columns are there is for the caller to see.
    """
    rule = RULES[name]
    kinds = rule.kinds
    for parameter in given:
        if parameter not in kinds:
            raise ParameterError(f"takes no `{parameter}`, only {', '.join(kinds)}")
    for parameter in rule.required:
        if parameter not in given:
            raise ParameterError(f"needs `{parameter}`")
    values = {parameter: default for parameter, (_, default) in rule.optional.items()}
    values |= {parameter: _value(parameter, kinds[parameter], value) for parameter, value in given.items()}
    if name == "range" and values["minimum"] == values["maximum"] == "":
        raise ParameterError("needs `minimum` or `maximum`")
    if name == REFERENCE and len(values["columns"]) != len(values["to"]):
        raise ParameterError("needs as many `to` as `columns`")
    return values


def named_columns(name: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns of the table that the rule called `name` speaks of, each once, in the order of its parameters."""
    rule = RULES[name]
    kinds = rule.kinds
    found: list[str] = []
    for parameter, kind in kinds.items():
        value = parameters[parameter]
        if kind == "columns":
            found += value
        elif kind == "column" or (kind == "bound" and isinstance(value, str) and value):
            found.append(value)
    return tuple(dict.fromkeys(found))


def _value(parameter: str, kind: str, value: Any) -> Any:
    """`value` as a parameter of its kind. ParameterError where it is of another."""
    if kind in ("columns", "names"):
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list | tuple) or not names or not all(isinstance(one, str) and one for one in names):
            raise ParameterError(f"needs names in `{parameter}`, as [a, b]")
        return tuple(names)
    if kind in ("column", "text") and not (isinstance(value, str) and value.strip()):
        raise ParameterError(f"needs text in `{parameter}`")
    if kind == "bound" and (not isinstance(value, int | float | date | str) or isinstance(value, bool) or value == ""):
        raise ParameterError(f"needs a number, a day or a column in `{parameter}`")
    if kind in LIMITS:
        low, high, words = LIMITS[kind]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= value <= high:
            raise ParameterError(f"needs {words} in `{parameter}`")
    return value
