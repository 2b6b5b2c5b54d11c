"""`docs/tables.md` is what the contracts say."""

import re
from pathlib import Path

from expectations.contracts.tables import TABLES
from expectations.table_docs import tables_markdown

WRITTEN = Path(__file__).parents[2] / "docs" / "tables.md"


def test_docs_are_current():
    assert WRITTEN.read_text(encoding="utf-8") == tables_markdown(), "run `make docs`"


def test_every_column_of_every_table_stands_once_under_its_table():
    sections = re.split(r"^## ", tables_markdown(), flags=re.MULTILINE)[1:]
    assert [section.split("\n", 1)[0] for section in sections] == [f"`{name}`" for name in TABLES]
    for section, contract in zip(sections, TABLES.values(), strict=True):
        rows = [line for line in section.splitlines() if line.startswith("| `")]
        assert [row.split("`")[1] for row in rows] == [column.name for column in contract.columns]
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}


def test_links_of_the_contents_lead_to_headings():
    page = tables_markdown()
    anchors = {heading.strip("`").replace(".", "") for heading in re.findall(r"^## (.+)$", page, flags=re.MULTILINE)}
    assert set(re.findall(r"\]\(#(.+?)\)", page)) == anchors
