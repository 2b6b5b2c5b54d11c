from html.parser import HTMLParser

import pytest
from support.published import publish_mobility

from models.regimes.regimes import RegimeSettings
from tasks.lake.layout import Lake, LakeError
from tasks.lake.publishing import publish
from tasks.lake.stages import leave_stage
from tasks.lake.steps import do
from tasks.regimes.stage import fit_hmm_body, hmm_works
from tasks.report.page import build_report, format_cell, verdict


class Outline(HTMLParser):
    """Section ids, tags by number, and everything that a page would fetch from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.tags: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids |= {value for name, value in attrs if name == "id" and value}
        self.fetched += [value for name, value in attrs if name in {"src", "srcset"} and value]
        self.fetched += [value for name, value in attrs if tag == "link" and name == "href" and value]


def outline(page: str) -> Outline:
    parsed = Outline()
    parsed.feed(page)
    return parsed


def test_report_shows_counts_scores_and_curves_and_fetches_nothing(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80))
    (work,) = hmm_works(lake, RegimeSettings(categories=("workplaces", "residential"), n_states=2))
    publish(lake, [leave_stage(lake, "hmm", [do(lake, work, fit_hmm_body)])], "second run")
    path = build_report(lake)
    assert path == lake.home / "report" / "index.html"
    page = path.read_text()
    parsed = outline(page)
    assert {"tables", "intake", "aside", "validation", "models", "mobility", "words", "runs"} <= parsed.ids
    assert "snapshot 000002" in page
    # Sweden's categories, two published categories by country, the index; likelihood and criterion of the regimes, whose days are not there.
    assert parsed.tags.count("svg") == 6
    assert page.count("no values published") == 2  # the two categories of the article that are not there
    assert "log_likelihood_per_day" in page
    assert parsed.fetched == []


def test_what_came_from_outside_is_escaped(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 5), country="<script>alert(1)</script>")
    page = build_report(lake).read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_nothing_published_is_a_sentence(lake: Lake) -> None:
    with pytest.raises(LakeError):
        build_report(lake)


def test_less_is_better_for_errors_and_more_for_all_else() -> None:
    assert verdict({"metric": "mae_pct", "value": 1.0, "baseline_value": 2.0}) == "better"
    assert verdict({"metric": "skill", "value": -0.1, "baseline_value": 0.0}) == "not better"
    assert verdict({"metric": "log_likelihood_per_day", "value": -1.0, "baseline_value": -2.0}) == "better"
    assert verdict({"metric": "coverage", "value": 0.8, "baseline_value": None}) == ""
    assert verdict({"metric": "accuracy", "value": 1.0, "baseline_value": 1.0}) == "as good"


def test_cells_are_legible() -> None:
    assert [format_cell(value) for value in (None, float("nan"), True, 1234567, 0.12345)] == [
        "–",
        "–",
        "yes",
        "1\u2009234\u2009567",
        "0.123",
    ]
