"""The validation report: what was asked of every table, what came of it, and its history, as static pages that fetch
nothing.

Great Expectations' own data docs fetch their styles from outside; these pages are made of `ops.validations` alone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from expectations.checks import Check, checks_of, distinct_names
from expectations.contracts.ops import VALIDATIONS
from expectations.contracts.tables import EVENT_TABLES, TABLES
from expectations.suite_format import SuiteError
from expectations.suites import PACKAGE_SUITES, checks_of_table
from tasks.intake.troubles import Trouble, find_troubles
from tasks.lake.files import write_bytes
from tasks.lake.layout import Lake
from tasks.lake.statements import Row, rows_of
from tasks.lake.warehouse import connect
from tasks.publication.validation import KEEPS_VOLUME
from tasks.report.rendering import render
from tasks.validation.table_validation import KEEPS_ROWS

N_VALIDATIONS = 10  # a table's history on its page: enough to see whether a failure is new
STATES = {"critical": "stops", "warning": "warns", "info": "told"}
OF_TABLE = {
    KEEPS_ROWS: "At most half of the rows break a rule.",
    KEEPS_VOLUME: "The table keeps at least half of the rows that it had in the snapshot before.",
}
NAMES = {
    "examples": "for example",
    "mismatched": "differs",
    "error": "could not be run:",
    "not_set_aside": "not set aside:",
}


def build_data_docs(lake: Lake, folders: Sequence[Path] = (PACKAGE_SUITES,)) -> Path:
    """The page `report/validation/index.html`, and beside it a page for every table that was ever validated; in the
    words of the contracts and of the suites in `folders`.
    """
    folder = lake.home / "report" / "validation"
    histories = {
        table: _history(table, list(rows), folders)
        for table, rows in groupby(_outcomes(lake), lambda row: row["table_name"])
    }
    for table, history in histories.items():
        write_bytes(folder / f"{table}.html", render("publication/validation_table.html.j2", history).encode())
    tables = [
        {"table": table, **(histories[table]["last"] if table in histories else {"state": None, "validated_at": None})}
        for table in TABLES
        if table not in EVENT_TABLES
    ]
    failing = [row for history in histories.values() for row in history["outcomes"] if not row["is_success"]]
    refused, set_aside = _turned_away(lake)
    index = {
        "tables": tables,
        "failing": failing,
        "refused": refused,
        "set_aside": set_aside,
        "facts": [*_facts(tables, failing), ("files refused or missing", len(refused))],
    }
    path = folder / "index.html"
    write_bytes(path, render("publication/validation_index.html.j2", index).encode())
    return path


def _outcomes(lake: Lake) -> list[Row]:
    """The outcomes of each table's last validations, newest first, tables in the order of their names."""
    with _log(lake) as log:
        rows = rows_of(log, "publication/outcomes", {"n_validations": N_VALIDATIONS})
    return [row for row in rows if row["table_name"] in TABLES]


def _log(lake: Lake) -> duckdb.DuckDBPyConnection:
    """A connection that has `ops.validations`: the warehouse, or before the first snapshot the files of events."""
    if lake.warehouse.exists():
        return connect(lake)
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA ops")
    connection.execute("USE ops")
    files = [str(path) for path in sorted((lake.ops / VALIDATIONS.name).glob("*/*.parquet"))]
    if files:
        connection.read_parquet(files).create_view(VALIDATIONS.name)
    else:
        connection.from_arrow(VALIDATIONS.empty()).create(VALIDATIONS.name)
    return connection


def _turned_away(lake: Lake) -> tuple[list[Trouble], list[Row]]:
    """Of the present snapshot: the files that intake refused or did not find, and what was set aside, by source and
    rule; nothing before the first.
    """
    if not lake.warehouse.exists():
        return [], []
    with connect(lake) as snapshot:
        set_aside = rows_of(snapshot, "publication/set_aside")
    return find_troubles(lake), set_aside


def _history(table: str, rows: Sequence[Row], folders: Sequence[Path]) -> Row:
    """What a table's page shows, of its outcomes newest first."""
    validations = [list(group) for _, group in groupby(rows, lambda row: (row["validated_at"], row["run_id"]))]
    words = _words(table, folders)
    places = {identity: place for place, identity in enumerate(words)}
    held = Counter((row["expectation"], row["column_name"]) for row in rows if row["is_success"])
    times = Counter((row["expectation"], row["column_name"]) for row in rows)
    outcomes = []
    for row in validations[0]:
        identity = (row["expectation"], row["column_name"])
        outcomes.append(
            row
            | {
                "state": _state([row]),
                "meaning": words.get(identity) or " ".join(identity).strip(),
                "observed": _observed(row["observed"]),
                "n_held": held[identity],
                "n_times": times[identity],
                "place": places.get(identity, len(places)),
            }
        )
    gravity = list(STATES)
    outcomes.sort(
        key=lambda row: (row["is_success"], not row["is_success"] and gravity.index(row["severity"]), row["place"])
    )
    summaries = [_summary(of_one) for of_one in validations]
    return {
        "table": table,
        "contract": TABLES[table],
        "outcomes": outcomes,
        "validations": summaries,
        "last": summaries[0],
        "set_aside": sorted(_set_aside(validations[0]).items(), key=lambda item: (-item[1], item[0])),
    }


def _summary(outcomes: Sequence[Row]) -> Row:
    first = outcomes[0]
    return {
        "run_id": first["run_id"],
        "validated_at": first["validated_at"],
        "state": _state(outcomes),
        "n_checks": len(outcomes),
        "n_rows": max(row["n_rows"] for row in outcomes),
        "n_failed": sum(not row["is_success"] for row in outcomes),
        "n_set_aside": sum(_set_aside(outcomes).values()),
    }


def _state(outcomes: Sequence[Row]) -> str:
    """`holds`, or what the gravest failure does."""
    failed = {row["severity"] for row in outcomes if not row["is_success"]}
    state = next((state for severity, state in STATES.items() if severity in failed), "holds")
    return "aside" if state == "warns" and _set_aside(outcomes) else state


def _set_aside(outcomes: Sequence[Row]) -> Mapping[str, int]:
    """Rows set aside in one validation, by rule; none where too many broke a rule, for then nothing was set aside."""
    for row in outcomes:
        if row["expectation"] == KEEPS_ROWS and row["is_success"]:
            rules: dict[str, int] = json.loads(row["observed"])["set_aside"]
            return rules
    return {}


def _words(table: str, folders: Sequence[Path]) -> dict[tuple[str, str], str]:
    """What each check asks, by expectation and columns, in their order."""
    try:
        checks: Sequence[Check] = checks_of_table(TABLES[table], folders)
    except SuiteError:  # the publish says so; the pages show what they can
        checks = checks_of(TABLES[table])
    words = {(name, ""): sentence for name, sentence in OF_TABLE.items()}
    return words | {
        (name, check.column_name): check.meaning for name, check in zip(distinct_names(checks), checks, strict=True)
    }


def _observed(text: str | None) -> list[tuple[str, list[str]]]:
    """What was observed, as names and values to show."""
    if text is None:
        return []
    return [
        (NAMES.get(name, name), [_shown(value) for value in (values if isinstance(values, list) else [values])])
        for name, values in json.loads(text).items()
        if name != "set_aside"  # has a table of its own
    ]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_shown(part)}" for name, part in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _facts(tables: Sequence[Row], failing: Sequence[Row]) -> list[tuple[str, int]]:
    validated = [row for row in tables if row["validated_at"]]
    return [
        ("tables validated", len(validated)),
        ("expectations", sum(row["n_checks"] for row in validated)),
        ("critical failures", sum(row["severity"] == "critical" for row in failing)),
        ("other failures", sum(row["severity"] != "critical" for row in failing)),
        ("rows set aside", sum(row["n_set_aside"] for row in validated)),
    ]
