"""The task that validates a table: the same again is reused, and whatever decides its outcome makes it another."""

from dataclasses import replace
from pathlib import Path

from support.lake_rows import labels_of, write_rows

from expectations.contracts.tables import TABLES
from tasks.lake.layout import Lake
from tasks.publication.table_validation import TableToValidate


def labels(lake: Lake, suites: Path) -> TableToValidate:
    return TableToValidate(
        contract=TABLES["labels"],
        files=(labels_of(lake, a="good"),),
        stages=("documents",),
        referred={"documents": ()},
        referred_contracts={"documents": TABLES["documents"]},
        suites=str(suites),
    )


def test_what_decides_the_outcome_of_a_validation_is_part_of_its_fingerprint(lake: Lake, tmp_path: Path) -> None:
    table = labels(lake, tmp_path)
    other_contract = replace(TABLES["documents"], row_is="another document")
    others = [
        replace(table, files=(labels_of(lake, a="bad"),)),
        replace(table, referred={"documents": (write_rows(lake, "documents", []),)}),
        replace(table, contract=replace(TABLES["labels"], row_is="another label")),
        replace(table, referred_contracts={"documents": other_contract}),
        replace(table, is_stale=True),
    ]
    before = table.task().fingerprint
    assert (table.task().step, table.task().batch.subject) == ("validate_table", "labels")
    assert labels(lake, tmp_path).task().fingerprint == before
    assert before not in {other.task().fingerprint for other in others}
    assert len({other.task().fingerprint for other in others}) == len(others)
    (tmp_path / "labels.json").write_text("{}")
    assert table.task().fingerprint != before
