"""The task that validates a table: the same again is reused, and whatever decides its outcome makes it another."""

from dataclasses import replace
from typing import Any

from support.lake_rows import labels_of, write_rows

from expectations.checks import checks_of
from expectations.contracts.tables import TABLES
from tasks.lake.layout import Lake
from tasks.validation.table_validation import TableToValidate


def labels(lake: Lake, **of_suites: Any) -> TableToValidate:
    checks = checks_of(TABLES["labels"])
    return TableToValidate(
        contract=TABLES["labels"],
        files=(labels_of(lake, a="good"),),
        stages=("documents",),
        referred={"documents": ()},
        checks=(*checks, replace(checks[0], **of_suites)) if of_suites else checks,
        origins={},
    )


def test_what_decides_the_outcome_of_a_validation_is_part_of_its_fingerprint(lake: Lake) -> None:
    table = labels(lake)
    documents = (write_rows(lake, "documents", []),)
    others = [
        replace(table, files=(labels_of(lake, a="bad"),)),
        replace(table, referred={"documents": documents}),
        replace(table, contract=replace(TABLES["labels"], row_is="another label")),
        replace(table, is_stale=True),
        labels(lake, severity="info"),
        labels(lake, source="somebody"),
    ]
    before = table.task().fingerprint
    assert (table.task().step, table.task().batch.subject) == ("validate_table", "labels")
    assert labels(lake).task().fingerprint == before
    assert replace(table, origins={"documents": documents}).task().fingerprint == before
    assert before not in {other.task().fingerprint for other in others}
    assert len({other.task().fingerprint for other in others}) == len(others)
