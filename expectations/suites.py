"""Great Expectations' suites: one a table, of the contract's checks and of the users' own, which lie in
`expectations/suites/`.

Great Expectations is imported inside the one function that needs it: it takes two to three seconds.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.checks import Check, checks_of
from expectations.table_contract import TableContract

if TYPE_CHECKING:
    from great_expectations.core.expectation_suite import ExpectationSuite

OWN_SUITES = Path(__file__).parent / "suites"
"""Where users put expectations of their own: `<table>.json`, a suite in Great Expectations' JSON form."""

SEVERITIES = ("critical", "warning", "info")
COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list", "column_set")


class SuiteError(Exception):
    """A suite of a user's own that cannot be used; the message names the file and what to mend."""


def checks_of_table(contract: TableContract, folder: Path = OWN_SUITES) -> tuple[Check, ...]:
    """All checks of a table: its contract's, then its users' own. SuiteError where the latter are broken."""
    return (*checks_of(contract), *own_checks(contract.qualified_name, folder))


def own_checks(table: str, folder: Path = OWN_SUITES) -> tuple[Check, ...]:
    """The checks of `<table>.json` in `folder`; none where there is no such file. SuiteError where it is no suite."""
    path = folder / f"{table}.json"
    try:
        suite = json.loads(path.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise SuiteError(f"{path} is not readable as JSON ({error}): mend or remove it") from error
    listed = suite.get("expectations") if isinstance(suite, dict) else None
    if not isinstance(listed, list):
        raise SuiteError(f'{path} is no suite: it must be an object with a list "expectations"')
    return tuple(_own_check(given, f"{path}, expectation {number}") for number, given in enumerate(listed, start=1))


def suites_digest(table: str, folder: Path = OWN_SUITES) -> str:
    """SHA-256 of the users' own suite of the table; of nothing where there is none."""
    path = folder / f"{table}.json"
    return hashlib.sha256(path.read_bytes() if path.is_file() else b"").hexdigest()


def suite_of(table: str, checks: Sequence[Check]) -> ExpectationSuite:
    """Great Expectations' suite of `checks`; the place of each stands in its `meta["check"]`. SuiteError where it
    refuses one of them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of its own imports: 1.24 still imports sre_constants
        from great_expectations.core.expectation_suite import ExpectationSuite  # noqa: PLC0415  # see the first lines of this module
        from great_expectations.exceptions.exceptions import GreatExpectationsError  # noqa: PLC0415
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration  # noqa: PLC0415
        from great_expectations.expectations.metadata_types import FailureSeverity  # noqa: PLC0415

    expectations = []
    for place, check in enumerate(checks):
        configuration = ExpectationConfiguration(
            type=check.expectation,
            kwargs=dict(check.kwargs),
            severity=FailureSeverity(check.severity),
            meta={"check": place},
        )
        try:
            expectations.append(configuration.to_domain_obj())
        except (GreatExpectationsError, ValueError, TypeError) as error:
            reason = " ".join(str(error).split())
            raise SuiteError(
                f"Great Expectations refuses {check.expectation} on {table} ({reason}): mend {table}.json"
            ) from error
    return ExpectationSuite(table, expectations=expectations)


def _own_check(given: Any, where: str) -> Check:
    if (
        not isinstance(given, dict)
        or not isinstance(given.get("type"), str)
        or not isinstance(given.get("kwargs"), dict)
    ):
        raise SuiteError(f'{where}: it must be an object with "type" and "kwargs", as in expectations/suites/README.md')
    unknown = set(given) - {"type", "kwargs", "severity", "meta", "id", "notes", "description"}
    if unknown:
        raise SuiteError(
            f"{where}: unknown keys {', '.join(sorted(unknown))}; "
            "known are type, kwargs, severity, meta, notes, description"
        )
    severity, meta = given.get("severity"), given.get("meta") or {}
    if severity not in SEVERITIES:
        raise SuiteError(f"{where}: severity must be one of {', '.join(SEVERITIES)}, not {severity!r}")
    if not isinstance(meta, dict):
        raise SuiteError(f"{where}: meta must be an object")
    columns = _columns_of(given["kwargs"])
    words = given.get("description") or given.get("notes") or f"{given['type']} of {', '.join(columns) or 'the table'}."
    rule = meta.get("rule") or "_".join(["fails", given["type"], *columns])
    return Check(
        given["type"],
        columns,
        severity,
        given["kwargs"],
        str(words),
        str(rule),
        str(meta.get("remedy", "see what was observed, mend the source or the expectation, and run again")),
    )


def _columns_of(kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    named = [kwargs[argument] for argument in COLUMN_ARGUMENTS if argument in kwargs]
    return tuple(str(name) for names in named for name in (names if isinstance(names, list) else [names]))
