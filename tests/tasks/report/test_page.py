from html.parser import HTMLParser

import pytest
from support.lake_rows import stage_of, write_rows
from support.published import publish_mobility

from expectations.table_contract import TableContract
from tasks.lake.layout import Lake, LakeError
from tasks.lake.publishing import publish
from tasks.report.page import build_report, verdict
from tasks.report.sections import find_sections


class Outline(HTMLParser):
    """Section ids and links to them in order, tags, and everything that a page would fetch from outside."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and tag == "h2" and value]
        self.links += [value[1:] for name, value in attrs if name == "href" and value and value.startswith("#")]
        self.fetched += [value for name, value in attrs if name in {"src", "srcset"} and value]
        self.fetched += [value for name, value in attrs if tag == "link" and name == "href" and value]


def test_report_shows_counts_and_curves_section_by_section_and_fetches_nothing(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80))
    path = build_report(lake)
    assert path == lake.home / "report" / "index.html"
    page = path.read_text()
    outline = Outline(page)
    frame = ["tables", "intake", "aside", "validation", "models"]
    assert outline.ids == [*frame, *(section.anchor for section in find_sections().values()), "runs"]
    assert outline.links == outline.ids
    assert "snapshot 000001" in page
    assert outline.tags.count("svg") == 4  # Sweden's categories, two categories by country, the index
    assert page.count("no values published") == 2  # the two categories of the article that are not there
    assert "<li><b>160</b>mobility</li>" in page
    assert outline.fetched == []


def test_what_came_from_outside_is_escaped(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 5), country="<script>alert(1)</script>")
    page = build_report(lake).read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_nothing_published_is_a_sentence(lake: Lake) -> None:
    with pytest.raises(LakeError):
        build_report(lake)


def test_a_table_that_the_warehouse_lacks_is_left_out(lake: Lake, tables: dict[str, TableContract]) -> None:
    vocabulary = tables.pop("vocabulary")
    publish_mobility(lake, ("SE", 5))
    tables["vocabulary"] = vocabulary
    page = build_report(lake).read_text()
    assert "<td>terms</td>" in page
    assert "<td>vocabulary</td>" not in page


@pytest.mark.parametrize(
    ("better", "target", "value", "baseline", "expected"),
    [
        ("lower", None, 1.0, 2.0, "better"),
        ("higher", None, -0.1, 0.0, "not better"),
        ("higher", None, -1.0, -2.0, "better"),
        ("higher", None, 1.0, 1.0, "as good"),
        ("near", 0.8, 0.80, 0.65, "better"),  # a calibrated interval beside one that is too narrow
        ("near", 0.8, 0.95, 0.75, "not better"),  # more is not better
        ("near", 0.8, 0.75, 0.85, "as good"),
        ("higher", None, 0.8, None, ""),
        (None, None, 28.6, 12.0, ""),  # a count
    ],
)
def test_a_score_says_itself_which_way_is_better(better, target, value, baseline, expected) -> None:
    score = {"better": better, "target": target, "value": value, "baseline_value": baseline}
    assert verdict(score) == expected


def test_scores_stand_with_their_direction_target_and_verdict(lake: Lake) -> None:
    coverage = {
        "model_id": "m",
        "metric": "coverage",
        "split": "backtest",
        "value": 0.81,
        "better": "near",
        "target": 0.8,
    }
    beside = {"baseline": "uncalibrated", "baseline_value": 0.65}
    count = {"model_id": "m", "metric": "changes", "split": "all_days", "value": 3.0}
    ahead = {**count, "metric": "skill_horizon_07_days", "better": "higher"}
    publish(lake, [stage_of("lstm", write_rows(lake, "scores", [coverage | beside, count, ahead]))], "run")
    page = build_report(lake).read_text()
    assert "2 scores, 1 of 1 better than their baseline" in page
    assert "<td>near 0.800</td>" in page
    assert '<span class="good">better</span>' in page
    assert "horizon_07_days" not in page  # those are drawn


def test_rows_set_aside_are_counted_by_step_and_rule(lake: Lake) -> None:
    line = {"subject_kind": "batch", "stage": "fit_hmm", "code_version": "0" * 12}
    lines = [
        {**line, "subject": "a", "outcome": "kept", "rule": "kept", "n_rows_in": 50, "n_rows_out": 43},
        {**line, "subject": "a", "outcome": "set_aside", "rule": "fewer_than_60_days", "n_rows_set_aside": 7},
        {**line, "subject": "b", "outcome": "set_aside", "rule": "fewer_than_60_days", "n_rows_set_aside": 4},
    ]
    publish(lake, [stage_of("hmm", write_rows(lake, "ops.ledger", lines))], "run")
    page = build_report(lake).read_text()
    assert '<td>fit_hmm</td><td>fewer_than_60_days</td><td class="number">11</td>' in page
