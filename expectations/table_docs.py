"""`docs/tables.md`, made from the contracts: `python -m expectations.table_docs > docs/tables.md`."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from expectations.checks import checks_of, duckdb_type
from expectations.contracts.tables import EVENT_TABLES, TABLES
from expectations.table_contract import TableContract

HEAD = """# Tables

Made from `expectations/contracts/` by `make docs`; do not edit. The same words stand as comments in the warehouse
(`SELECT table_name, comment FROM duckdb_views()`), and every table is held against them before it is published
(`docs/decisions/0006-validation.md`).
"""


def tables_markdown(tables: Mapping[str, TableContract] = TABLES) -> str:
    """Published tables, in Markdown: what a row is, its key, its columns with type, unit, and what each value keeps
    to.
    """
    contents = [f"* [`{name}`](#{_anchor(name)}): {contract.row_is}" for name, contract in tables.items()]
    return "\n".join([HEAD, *contents, "", *(_table_section(name, contract) for name, contract in tables.items())])


def _table_section(name: str, contract: TableContract) -> str:
    kind = "A log of events, read live. " if name in EVENT_TABLES else ""
    references = "".join(f" `{held.column}` stands in `{held.table}.{held.to_column}`." for held in contract.references)
    lines = [
        f"## `{name}`",
        "",
        f"{kind}One row is {contract.row_is}. Key: {', '.join(f'`{column}`' for column in contract.key)}.{references}",
        "",
        "| column | type | NULL | meaning | unit | every value |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for column in contract.columns:
        kept = [
            _rule_in_words(check.meaning, column.name, column.unit)
            for check in checks_of(contract)
            if check.columns == (column.name,)
            and check.severity == "warning"
            and not check.rule
            and "null" not in check.expectation
        ]
        cells = (
            f"`{column.name}`",
            duckdb_type(column.type),
            "yes" if column.is_nullable else "",
            column.meaning,
            column.unit,
            "; ".join(kept),
        )
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join([*lines, ""])


def _rule_in_words(meaning: str, column: str, unit: str) -> str:
    """The check's sentence without what the other cells of the row say."""
    rule = meaning.removeprefix(f"{column} ").removesuffix(".").removesuffix(f" ({unit})")
    form = rule.removeprefix("has the form ")
    return rule if form == rule else f"has the form `{form}`"


def _cell(text: str) -> str:
    """`text` as one cell: a bar would end it, and a backslash would be eaten."""
    return text.replace("\\", "\\\\").replace("|", "\\|")


def _anchor(name: str) -> str:
    """Where a heading is found: GitHub drops the dot."""
    return name.replace(".", "")


if __name__ == "__main__":
    sys.stdout.write(tables_markdown())
