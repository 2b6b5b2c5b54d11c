"""The validation report: complete, in words, escaped, and on its own."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pyarrow as pa
import pytest

from expectations.contracts.ops import VALIDATIONS
from expectations.contracts.tables import EVENT_TABLES, TABLES
from tasks.lake.events import append_event
from tasks.lake.files import write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord
from tasks.publication.data_docs import N_VALIDATIONS, build_data_docs
from tasks.transforms.records.quarantine import SetAside, quarantine_table
from tasks.validation.table_validation import KEEPS_ROWS


class Page(HTMLParser):
    """The text of every cell, the headers of tables, and what would be fetched."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self._is_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "srcset"}]
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            assert tag == "td" or ("scope" in dict(attrs))
            self._is_cell = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._is_cell = False

    def handle_data(self, data: str) -> None:
        if self._is_cell:
            self.rows[-1][-1] += data

    def row(self, first: str) -> list[str]:
        (found,) = [[" ".join(cell.split()) for cell in row] for row in self.rows if row and row[0].strip() == first]
        return found


def outcome(expectation: str, column: str = "", **changed: Any) -> dict[str, Any]:
    of_check = {"table_name": "terms", "expectation": expectation, "column_name": column, "severity": "warning"}
    return {**of_check, "is_success": True, "n_rows": 200, "n_unexpected": 0, "observed": None, **changed}


def tell(lake: Lake, run: int, *outcomes: dict[str, Any]) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=run)
    rows = [{"run_id": f"run-{run}", "validated_at": at, **row} for row in outcomes]
    append_event(lake, "ops.validations", f"run-{run}", pa.Table.from_pylist(rows, schema=VALIDATIONS.arrow_schema()))


def pages(lake: Lake) -> dict[str, Page]:
    index = build_data_docs(lake)
    assert index == lake.home / "report" / "validation" / "index.html"
    return {path.stem: Page(path.read_text()) for path in index.parent.glob("*.html")}


BETWEEN = outcome(
    "expect_column_values_to_be_between",
    "n_documents",
    is_success=False,
    n_unexpected=3,
    observed='{"examples":[0,-1,"nan"]}',
)


def test_outcomes_are_told_in_words_with_what_was_observed(lake):
    tell(lake, 1, outcome("expect_column_values_to_not_be_null", "term"), BETWEEN)
    page = pages(lake)["terms"]
    assert page.row("term is never missing.")[1:] == ["✓ holds", "warning", "0", "", "1 of 1"]
    assert page.row("n_documents is at least 1 (documents).")[1:] == [
        "✗ fails",
        "warning",
        "3 (1.5 %)",
        "for example 0 -1 nan",
        "0 of 1",
    ]


def test_every_table_stands_in_the_index(lake):
    tell(lake, 1, BETWEEN)
    index = pages(lake)["index"]
    for table in TABLES:
        if table not in (*EVENT_TABLES, "terms"):
            assert index.row(table)[1] == "– not validated yet"
    assert [row[0] for row in index.rows].count("terms") == 2
    assert "terms.html" in index.links


def test_what_came_from_outside_is_escaped(lake):
    evil = '<script>alert("1")</script>'
    examples = '{"examples":["<script>alert(\\"1\\")</script>"]}'
    regex = "expect_column_values_to_match_regex"
    broken = outcome("<img src=x>", "", severity="critical", is_success=False, observed='{"error":"<b>"}')
    tell(lake, 1, outcome(regex, "lang", is_success=False, n_unexpected=1, observed=examples), broken)
    found = pages(lake)["terms"]
    assert not {"script", "img"} & set(found.tags)
    assert found.tags.count("b") == 5  # the facts at the top
    assert evil in found.row("lang has the form [a-z]{2,3}.")[4]
    assert found.row("<img src=x>")[1:5] == ["✗ stops the publish", "critical", "0", "could not be run: <b>"]


def test_pages_fetch_nothing(lake):
    tell(lake, 1, BETWEEN)
    for page in pages(lake).values():
        assert not {"script", "link", "img", "iframe"} & set(page.tags)
        assert all(
            link.startswith(("#", "../index.html")) or link.removesuffix(".html") in {"terms", "index"}
            for link in page.links
        )


def test_rows_set_aside_are_counted_by_rule_unless_the_table_was_refused(lake):
    aside = outcome(KEEPS_ROWS, severity="critical", n_unexpected=3, observed='{"set_aside":{"n_documents_below_1":3}}')
    tell(lake, 1, BETWEEN, aside)
    assert pages(lake)["terms"].row("n_documents_below_1") == ["n_documents_below_1", "3"]
    tell(lake, 2, BETWEEN, {**aside, "is_success": False})
    page = pages(lake)["terms"]
    assert "n_documents_below_1" not in [row[0] for row in page.rows if row]
    assert [cell.strip() for cell in page.row("2026-01-01 02:00:00")[1:]] == [
        "✗ stops the publish",
        "200",
        "2",
        "2",
        "0",
        "run-2",
    ]
    assert [cell.strip() for cell in page.row("2026-01-01 01:00:00")[1:]] == [
        "✗ rows set aside",
        "200",
        "2",
        "1",
        "3",
        "run-1",
    ]


def test_history_shows_the_last_validations_newest_first(lake):
    for run in range(N_VALIDATIONS + 3):
        tell(lake, run, {**BETWEEN, "is_success": run % 2 == 0})
    page = pages(lake)["terms"]
    runs = [row[-1].strip() for row in page.rows if row and row[-1].strip().startswith("run-")]
    assert runs == [f"run-{run}" for run in range(N_VALIDATIONS + 2, 2, -1)]
    assert page.row("n_documents is at least 1 (documents).")[-1] == "5 of 10"


def test_history_survives_a_publish(lake):
    tell(lake, 1, BETWEEN)
    publish(
        lake,
        [StageRecord("features", {"terms": (write_table(lake, "terms", TABLES["terms"].empty()),)}, (), 0, 0)],
        "run",
    )
    tell(lake, 2, BETWEEN)
    assert pages(lake)["terms"].row("n_documents is at least 1 (documents).")[-1] == "0 of 2"


@pytest.mark.parametrize("is_published", [False, True])
def test_a_home_without_validations_has_an_index(lake, is_published):
    if is_published:
        publish(lake, [StageRecord("features", {}, (), 0, 0)], "run")
    assert list(pages(lake)) == ["index"]


def test_what_was_refused_and_set_aside_is_told_by_source_though_nothing_fails(lake):
    tell(lake, 1, outcome("expect_column_values_to_not_be_null", "term"))
    vintage = {column.name: None for column in TABLES["ops.vintages"].columns}
    vintage |= {"source": "<b>google", "uri": "report.csv", "vintage": "0" * 12, "raw_sha256": "0" * 64, "n_bytes": 1}
    vintage |= {"fetched_at": datetime(2026, 1, 1, tzinfo=UTC), "trouble": "half_of_the_rows", "is_in_force": True}
    aside = [
        SetAside("mobility", "date_unreadable", f"line {line}: no date", {"line": line}, "google", f"report.csv#{line}")
        for line in (7, 8)
    ]
    schema = TABLES["ops.vintages"].arrow_schema()
    files = {
        "ops.vintages": (write_table(lake, "ops.vintages", pa.Table.from_pylist([vintage], schema=schema)),),
        "ops.quarantine": (write_table(lake, "ops.quarantine", quarantine_table(aside)),),
    }
    publish(lake, [StageRecord("mobility", files, (), 0, 0)], "run")
    path = build_data_docs(lake)
    page = Page(path.read_text())
    assert page.row("<b>google")[1:3] == ["report.csv", "✗ half_of_the_rows"]
    assert page.row("google")[1:5] == ["mobility", "date_unreadable", "2", "1"]
    assert "What was not let in stands below." in path.read_text()
    assert ">Nothing.<" not in path.read_text()
