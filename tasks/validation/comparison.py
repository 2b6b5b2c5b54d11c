"""The step that holds a table against what was last published of it: distributions, coverage, freshness, SQL.

It names groups and sets nothing aside; `tasks.publication.validation` stops the publish where a critical one fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from expectations.checks import Check
from expectations.table_contract import TableContract
from tasks.lake.files import FileRef
from tasks.lake.fingerprints import code_version
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, Task
from tasks.validation.database import opened_tables
from tasks.validation.outcomes import outcomes_of, write_outcomes
from tasks.validation.queries import digest_of_checks


@dataclass(frozen=True)
class TableToCompare:
    """A table's files and those of the last snapshot, the files of the other tables that its comparisons ask, and
    these.
    """

    contract: TableContract
    files: tuple[FileRef, ...]
    before: tuple[FileRef, ...]
    referred: Mapping[str, tuple[FileRef, ...]]
    checks: tuple[Check, ...]

    def task(self) -> Task:
        """The task that compares; the same again is reused."""
        groups = {"now": self.files, "before": self.before, **dict(sorted(self.referred.items()))}
        inputs = tuple(f"{name} {ref.sha256}" for name, refs in groups.items() for ref in refs)
        settings = {"checks_sha256": digest_of_checks(self.contract, self.checks)}
        batch = Batch(self.contract.qualified_name, inputs, self, settings)
        return Task("compare_table", compare_table, batch, code_version(compare_table))


def compare_table(lake: Lake, payload: TableToCompare) -> StepOutput:
    """Leaves a file of outcomes."""
    from tasks.validation.check_runs import run_query  # noqa: PLC0415  # SQLAlchemy comes with it

    contract, checks = payload.contract, payload.checks
    n_rows = sum(ref.n_rows for ref in payload.files)
    sources = [source for source in dict.fromkeys(check.source for check in checks) if source]
    with opened_tables(lake, contract, payload.files, payload.referred, before=payload.before, sources=sources) as (
        connection,
        _,
    ):
        reports = [run_query(connection, contract, check) for check in checks]
    outcomes = outcomes_of(contract.qualified_name, checks, reports, n_rows)
    return StepOutput((write_outcomes(lake, outcomes),), n_rows, n_rows)
