"""The suites: of each table its contract's checks, then those of YAML files in the package's own folder and in others.

Great Expectations is imported inside the one function that needs it: it takes two to three seconds.
"""

from __future__ import annotations

import functools
import hashlib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from expectations.checks import REFERENCE, SQL, Check, checks_of
from expectations.contracts.documents import WORD_TEST_KINDS
from expectations.contracts.tables import EVENT_TABLES, TABLES
from expectations.suite_format import Suite, SuiteError, parse_suite
from expectations.table_contract import TableContract

if TYPE_CHECKING:
    from great_expectations.core.expectation_suite import ExpectationSuite

PACKAGE_SUITES = Path(__file__).parent / "suites"
"""Suites that come with the package."""

BESIDE_SOURCES = "expectations"
"""The folder beside declared sources in which users put suites of their own: `<name>.yaml`."""

MOST_BYTES = 1_000_000  # our choice: a suite has some hundred bytes
TABLE_OF_KIND = {"mobility": "mobility", "policy": "policy", **dict.fromkeys(WORD_TEST_KINDS, "word_tests")}
"""The table that a source's rows fill first, by its kind; of all others `documents`."""


def suite_folders(sources: Path | None) -> tuple[Path, ...]:
    """Where suites lie: in the package, and beside the sources in the folder `sources`."""
    return (PACKAGE_SUITES, sources / BESIDE_SOURCES) if sources is not None else (PACKAGE_SUITES,)


def checks_of_table(contract: TableContract, folders: Sequence[Path] = (PACKAGE_SUITES,)) -> tuple[Check, ...]:
    """All checks of a table: its contract's, then those of suites. SuiteError where one of the latter is broken."""
    return (*checks_of(contract), *own_checks(contract, folders))


def own_checks(contract: TableContract, folders: Sequence[Path]) -> tuple[Check, ...]:
    """The checks that the suites in `folders` make of a table. SuiteError where any suite there is broken: names a
    table, a column, a source or a key that is not there.
    """
    return tuple(check for table, check in _all_own_checks(folders) if table == contract.qualified_name)


def suites_digest(contract: TableContract, folders: Sequence[Path]) -> str:
    """The same for the same checks of suites: SHA-256 of what they ask, wherever the files lie."""
    return hashlib.sha256(repr(own_checks(contract, folders)).encode()).hexdigest()


def suite_of(table: str, checks: Sequence[Check]) -> ExpectationSuite:
    """Great Expectations' suite of `checks`, all of its own expectations; the place of each stands in its
    `meta["check"]`. SuiteError where it refuses one of them.
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
                f"{check.where or table}: Great Expectations refuses {check.expectation} ({reason}): mend it"
            ) from error
    return ExpectationSuite(table, expectations=expectations)


def _all_own_checks(folders: Sequence[Path]) -> list[tuple[str, Check]]:
    """Every check of every suite, with its table."""
    found: list[tuple[str, Check]] = []
    names: dict[tuple[str, str], Check] = {}
    for folder in folders:
        paths = sorted(path for path in folder.glob("*") if path.suffix in {".yaml", ".yml"} and path.is_file())
        kinds = _kinds_of_sources(folder.parent) if any(paths) and folder != PACKAGE_SUITES else {}
        for path in paths:
            suite = _parsed(_read(path), str(path))
            table = _table_of(suite, kinds)
            for check in suite.checks:
                _require_columns(check, TABLES[table])
                _require_new_name(check, table, names)
                found.append((table, check))
    return found


def _require_new_name(check: Check, table: str, names: dict[tuple[str, str], Check]) -> None:
    """SuiteError where a query has the name of another on the same table, which is added to `names`."""
    if check.expectation == SQL:
        other = names.setdefault((table, check.name), check)
        if other is not check:
            raise SuiteError(
                f"{check.where}: the rule {check.rule} stands in {other.where} already: choose another name"
            )


@functools.lru_cache(maxsize=1024)
def _parsed(text: str, name: str) -> Suite:
    """Each table asks for all suites, so that none is parsed twice."""
    return parse_suite(text, name)


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SuiteError(
            f"{path}, line 1: cannot be read ({error.strerror}): mend its permissions or remove it"
        ) from error
    if len(content) > MOST_BYTES:
        raise SuiteError(f"{path}, line 1: is too large for a suite: keep data files in another folder")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SuiteError(f"{path}, line {line}: is not in UTF-8: save it as UTF-8") from error


def _table_of(suite: Suite, kinds: Mapping[str, str]) -> str:
    if suite.source and suite.source not in kinds:
        known = ", ".join(sorted(kinds)) or "none"
        raise SuiteError(f"{suite.where}: no source is called {suite.source!r}: declared beside it are {known}")
    table = suite.table or TABLE_OF_KIND.get(kinds[suite.source], "documents")
    if table not in TABLES or table in EVENT_TABLES:
        known = ", ".join(name for name in TABLES if name not in EVENT_TABLES)
        raise SuiteError(f"{suite.where}: no table is called {table!r}: there are {known}")
    if suite.source and not is_of_sources(TABLES[table]):
        raise SuiteError(f"{suite.where}: rows of {table} tell no source: leave `source` out")
    return table


def is_of_sources(contract: TableContract) -> bool:
    """Whether each row of the table tells from which declared source it is: by name, by vintage, or by document."""
    names = {column.name for column in contract.columns}
    return bool(names & {"source", "vintage"}) or any(held.table == "documents" for held in contract.references)


def _require_columns(check: Check, contract: TableContract) -> None:
    names = [column.name for column in contract.columns]
    for column in check.columns:
        if column not in names:
            raise SuiteError(
                f"{check.where}: {contract.qualified_name} has no column {column!r}: there are {', '.join(names)}"
            )
    to, other = check.kwargs.get("to", ()), check.kwargs.get("table", "")
    if check.expectation == REFERENCE:
        if other not in TABLES or other in EVENT_TABLES:
            raise SuiteError(f"{check.where}: no table is called {other!r}: docs/tables.md lists them")
        missing = [column for column in to if column not in {one.name for one in TABLES[other].columns}]
        if missing:
            raise SuiteError(f"{check.where}: {other} has no column {missing[0]!r}: docs/tables.md lists them")


def _kinds_of_sources(folder: Path) -> dict[str, str]:
    """Name and kind of each source declared in `folder`; broken ones are left out, and told elsewhere."""
    kinds = {}
    for path in sorted(folder.glob("*.y*ml")):
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            try:
                declared = yaml.load(path.read_bytes(), Loader=yaml.BaseLoader)  # noqa: S506  # builds text alone
            except (yaml.YAMLError, ValueError, RecursionError):
                continue
            if isinstance(declared, dict) and isinstance(declared.get("name"), str):
                kinds[declared["name"]] = str(declared.get("kind", ""))
    return kinds
