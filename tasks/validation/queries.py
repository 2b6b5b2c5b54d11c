"""The SQL of a rule: a query that finds the rows, or groups of rows, which break it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from string import Formatter
from typing import Any

from expectations.checks import REFERENCE, SQL, Check
from expectations.rules import COMPARISONS, RULES
from expectations.suite_format import SuiteError
from expectations.table_contract import TableContract
from tasks.lake.statements import literal, sql_of
from tasks.validation.database import BATCH, BEFORE, quoted, view_of


def is_query(check: Check) -> bool:
    """Whether a query of ours finds what breaks the check; of all others Great Expectations does."""
    return check.expectation == SQL or check.expectation in RULES


def is_comparison(check: Check) -> bool:
    """Whether the check holds the table against what was last published of it."""
    if check.expectation == SQL:
        return BEFORE in _fields(check)
    return check.expectation in COMPARISONS


def query_of(contract: TableContract, check: Check) -> str:
    """The query that finds what breaks a check of SQL or of a rule by short name: keys of rows, or groups. SuiteError
    where its braces are not in pairs, or name nothing known.
    """
    batch, before = view_of(BATCH, check.source), view_of(BEFORE, check.source)
    if check.expectation == SQL:
        _fields(check)
        return str(check.kwargs["sql"]).format(batch=batch, before=before)
    key = ", ".join(quoted(name) for name in contract.key)
    return sql_of(
        f"validation/{check.expectation}", **{"batch": batch, "before": before, "key": key, **_parts(check)}
    ).rstrip("; \n")


def digest_of_checks(contract: TableContract, checks: Sequence[Check]) -> str:
    """SHA-256 of all that decides what breaks the checks: what they ask, and the SQL of their queries."""
    queries = [query_of(contract, check) for check in checks if is_query(check)]
    return hashlib.sha256(repr((checks, queries)).encode()).hexdigest()


def _fields(check: Check) -> set[str]:
    """The placeholders of a user's SQL."""
    try:
        fields = {field for _, field, _, _ in Formatter().parse(check.kwargs["sql"]) if field is not None}
    except ValueError as error:
        raise SuiteError(
            f"{check.where}: a brace stands alone ({error}): double those that are meant as such"
        ) from error
    unknown = fields - {BATCH, BEFORE}
    if unknown:
        raise SuiteError(
            f"{check.where}: {{{min(unknown)}}} is unknown: use {{batch}} and {{before}}, double other braces"
        )
    return fields


def _parts(check: Check) -> dict[str, str]:
    """What stands in the places of a rule's query."""
    of = check.kwargs
    if check.expectation == REFERENCE:
        pairs = [
            (f"own.{quoted(one)}", f"other.{quoted(two)}") for one, two in zip(of["columns"], of["to"], strict=True)
        ]
        return {
            "when": of.get("when") or "true",
            "given": " AND ".join(f"{own} IS NOT NULL" for own, _ in pairs),
            "other": quoted(of["table"]),
            "equal": " AND ".join(f"{own} = {other}" for own, other in pairs),
        }
    if check.expectation == "parts":
        return {
            "sum": " + ".join(quoted(part) for part in of["parts"]),
            "whole": quoted(of["whole"]),
            "tolerance": repr(of["tolerance"]),
        }
    if check.expectation == "total":
        by = ", ".join(quoted(name) for name in of["by"])
        return {"column": quoted(of["column"]), "by": by, "whole": repr(of["is"]), "tolerance": repr(of["tolerance"])}
    if check.expectation == "range":
        bounds = [
            f"coalesce({quoted(of['column'])} {sign} {_bound(of[end])}, true)"
            for end, sign in (("minimum", ">="), ("maximum", "<="))
            if of[end] != ""
        ]
        return {"when": of["when"] or "true", "bounds": " AND ".join(bounds)}
    return _parts_of_groups(check)


def _parts_of_groups(check: Check) -> dict[str, str]:
    """The same of the rules on groups; without a group all rows are one."""
    of = check.kwargs
    by = [quoted(name) for name in of["by"]]
    parts = {
        "by": ", ".join(by) or "true AS all_rows",
        "group": ", ".join(by) or "all_rows",
        "by_now": ", ".join(f"now.{name}" for name in by) or "now.all_rows",
        "by_past": ", ".join(f"past.{name}" for name in by) or "past.all_rows",
        "same_group": " AND ".join(f"now.{name} IS NOT DISTINCT FROM past.{name}" for name in by) or "true",
    }
    if check.expectation == "coverage":
        columns = [quoted(name) for name in of["columns"]]
        value = columns[0] if len(columns) == 1 else f"hash({', '.join(columns)})"
        return {**parts, "value": value, "least": repr(of["least"])}
    if check.expectation in ("freshness", "age"):
        of_source = f"source = {literal(check.source)}" if check.source else "true"
        return {**parts, "column": quoted(of["column"]), "hours": str(round(24 * of["days"])), "of_source": of_source}
    limits = {name: repr(of[name]) for name in ("most_spreads", "most_ratio", "least_values")}
    return {**parts, "column": quoted(of["column"]), **limits}


def _bound(value: Any) -> str:
    """A bound as SQL has it: a number, a moment, or another column."""
    if isinstance(value, str):
        return quoted(value)
    return f"TIMESTAMP {literal(str(value))}" if isinstance(value, date) else repr(value)
