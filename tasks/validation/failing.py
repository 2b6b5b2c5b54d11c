"""Which rows break a check: their keys before anything is made of them, or the whole rows for whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from expectations.checks import Check
from expectations.suite_format import SuiteError
from expectations.table_contract import TableContract
from tasks.lake.files import FileRef, read_table
from tasks.lake.layout import Lake
from tasks.transforms.records.failing_rows import broken_rules, columns_to_read
from tasks.validation.binding import tables_read
from tasks.validation.database import opened_tables
from tasks.validation.queries import is_comparison, is_query
from tasks.validation.reports import CheckReport, key_schema, sets_aside


def rows_that_fail(
    lake: Lake,
    contract: TableContract,
    files: Sequence[FileRef],
    checks: Sequence[Check],
    referred: Mapping[str, Sequence[FileRef]],
) -> pa.Table:
    """The rows of `files` that break a check of severity warning: the columns of the key and `rule`, each row once,
    under the first rule that it breaks, the contract's row rules first (where `checks` has them). A key with NULL in it
    is found by row rules alone.

    The files may lack columns that `contract` has too (means that are made later): give the contract without them.
    Checks that speak of columns which it lacks, and comparisons with the last snapshot, are left to the publish.
    `referred` has the files of the tables that `tables_to_refer` names, none for one without rows. A step that calls
    this has `digest_of_checks` in its settings, for the SQL of rules is no code.
    """
    asked = [check for check in checks if check.severity == "warning" and _can_be_asked(contract, check)]
    named = _named_keys(lake, contract, files, [check for check in asked if sets_aside(check)], referred)
    columns = [check.columns[0] for check in asked if check.is_row_rule]
    wanted = columns_to_read(contract, named, columns)
    found = [pa.schema([*key_schema(contract), pa.field("rule", pa.string())]).empty_table()]
    for ref in dict.fromkeys(files) if wanted else ():
        rows = read_table(lake, ref, list(dict.fromkeys([*wanted, *contract.key])))
        rules = broken_rules(contract, rows, named)
        failing = rows.select(list(contract.key)).append_column("rule", rules).filter(pc.is_valid(rules))
        found.append(failing.cast(found[0].schema))
    return pa.concat_tables(found)


def tables_to_refer(contract: TableContract, checks: Sequence[Check]) -> tuple[str, ...]:
    """The qualified names of the other tables that `rows_that_fail` asks for these checks."""
    return tables_read(contract, [check for check in checks if _can_be_asked(contract, check)])


def failing_rules(
    lake: Lake,
    contract: TableContract,
    files: Sequence[FileRef],
    checks: Sequence[Check],
    reports: Sequence[CheckReport],
) -> dict[FileRef, pa.ChunkedArray]:
    """For each file that holds rows which break a warning, the rule that each of its rows breaks (NULL: none); of a
    table whose checks were run.
    """
    failed = [(check, report) for check, report in zip(checks, reports, strict=True) if not report.is_success]
    columns = [check.columns[0] for check, _ in failed if check.is_row_rule]
    named = _by_rule((check, report.keys) for check, report in failed)
    wanted = columns_to_read(contract, named, columns)
    if not wanted:
        return {}
    failing = {}
    for ref in dict.fromkeys(files):
        rules = broken_rules(contract, read_table(lake, ref, wanted), named)
        if rules.null_count < len(rules):
            failing[ref] = rules
    return failing


def _named_keys(
    lake: Lake,
    contract: TableContract,
    files: Sequence[FileRef],
    checks: Sequence[Check],
    referred: Mapping[str, Sequence[FileRef]],
) -> dict[str, pa.Table]:
    """The keys of the rows that break each of `checks`, by rule. SuiteError where one cannot be run."""
    if not checks or not files:
        return {}
    from tasks.validation.check_runs import run_checks  # noqa: PLC0415  # SQLAlchemy, for which only these may pay

    sources = [source for source in dict.fromkeys(check.source for check in checks) if source]
    with opened_tables(lake, contract, files, referred, sources=sources) as (connection, database):
        reports = run_checks(connection, database, contract, checks)
    for check, report in zip(checks, reports, strict=True):
        if "error" in report.observed and not _asks_what_comes_later(check, report):
            raise SuiteError(f"{check.where or check.name}: cannot be run ({report.observed['error']}): mend it")
    return _by_rule((check, report.keys) for check, report in zip(checks, reports, strict=True))


def _by_rule(found: Iterable[tuple[Check, pa.Table | None]]) -> dict[str, pa.Table]:
    """Keys by rule, those of several checks with one rule together."""
    keys: dict[str, list[pa.Table]] = {}
    for check, of_check in found:
        if of_check is not None:
            keys.setdefault(check.rule, []).append(of_check)
    return {rule: pa.concat_tables(of_rule) for rule, of_rule in keys.items()}


def _can_be_asked(contract: TableContract, check: Check) -> bool:
    """Whether all columns are there that the check is known to speak of, and nothing published is needed."""
    names = {column.name for column in contract.columns}
    return set(check.columns) <= names and not is_comparison(check)


def _asks_what_comes_later(check: Check, report: CheckReport) -> bool:
    """Whether a query names columns that the rows do not have yet: all that it names are known to be the contract's
    (`require_bound`).
    """
    return is_query(check) and str(report.observed["error"]).startswith("Binder Error")
