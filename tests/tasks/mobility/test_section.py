from datetime import date, timedelta

import pyarrow as pa
from support.published import publish_mobility
from support.sections import section_values

from expectations.contracts.tables import TABLES
from tasks.lake.files import write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord
from tasks.mobility.adjusting import event_batches, write_known_events
from tasks.report.rendering import render

FIGURES = [
    "Figure 1: Sweden, four categories", "Figure 2: transit stations", "Figure 2: residential",
    "Figure 2: workplaces", "Figure 2: retail and recreation", "Figure 3: containment and health index",
]  # fmt: skip


def _publish(lake: Lake, **rows: list[dict[str, object]]) -> None:
    files = {
        name: (write_table(lake, name, pa.Table.from_pylist(given, schema=TABLES[name].arrow_schema())),)
        for name, given in rows.items()
    }
    publish(lake, [StageRecord("derived", files, (), 1, 0)], "run")


def test_the_article_s_figures_are_one_country_by_category_each_category_by_country_and_the_index(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80), ("SE/Skåne", 80), ("NO", 80))
    values = section_values(lake, "mobility")
    assert [chart.title for chart in values["figures"]] == FIGURES
    of_country, transit, residential, *_, policy = (str(chart.svg) for chart in values["figures"])
    assert (of_country.count("<polyline"), residential.count("<polyline"), policy.count("<polyline")) == (2, 2, 1)
    assert "no values published" in transit  # a category of the article that is not there
    assert (values["later"], values["maxima"], values["adjusted"], values["events"]) == ([], [], [], [])


def test_days_after_the_article_s_are_in_the_charts_of_all_days_alone(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 200))
    values = section_values(lake, "mobility")
    assert [chart.title for chart in values["later"]] == FIGURES[1:]
    for which, has_july in (("figures", False), ("later", True)):
        assert ("2020-07" in str(values[which][2].svg)) == has_july


def test_without_a_day_of_the_article_its_figures_are_left_out(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 200), first_day=date(2020, 6, 5))
    values = section_values(lake, "mobility")
    assert (values["figures"], len(values["later"])) == ([], 5)


def test_maxima_of_every_vintage_stand_beside_those_that_were_read_each_with_its_reason(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80))
    _publish(lake, policy_revisions=[
        *_vintage("containment_health_index", "old.csv", date(2020, 9, 30), {"SE": 45.48, "DE": 73.52}, of_the_day=3),
        *_vintage("containment_health_index", "new.csv", date(2023, 2, 28), {"SE": 54.14}, of_the_day=3),
        *_vintage("containment_health_index", "new.csv", date(2023, 2, 28), {"DE": 70.83}),
        *_vintage("stringency_index", "new.csv", date(2023, 2, 28), {"SE": 64.81, "FR": 88.0}),
        *_vintage("stringency_index", "other.csv", date(2023, 2, 28), {"FR": 88.0}),
        *_vintage("economic_support_index", "new.csv", date(2023, 2, 28), {"SE": 62.5}),
    ])  # fmt: skip
    found = section_values(lake, "mobility")["maxima"]
    assert [(row["policy_index"][:4], row["file"], row["sweden"], row["germany"], row["italy"]) for row in found] == [
        ("cont", "text of the article", "45", "73", "92"),
        ("cont", "old.csv", "45.5 (48.5)", "73.5 (76.5)", None),
        ("cont", "new.csv", "54.1 (57.1)", "70.8", None),
        ("stri", "new.csv", "64.8", None, None),
    ]
    assert [row["why_it_differs"].split(":")[0].split(",")[0] for row in found] == [
        "fetched on 2020-06-04", "the article's 11 indicators", "14 indicators", "another index",
    ]  # fmt: skip


def _vintage(
    index: str, uri: str, last_on: date, highest: dict[str, float], of_the_day: float = -1
) -> list[dict[str, object]]:
    """Four days of an index: its highest value in spring 2020, that of the day of the article's fetch (so much more), a
    higher one later, and none.
    """
    return [
        {
            "region_id": code, "country_code": code, "observed_on": day, "policy_index": index, "value": one,
            "vintage": uri.removesuffix(".csv").encode().hex().ljust(12, "0")[:12], "vintage_on": last_on,
            "fetched_on": date(2026, 1, 1), "source": "oxford", "uri": f"folder/{uri}", "nth_fetch": 1,
        }
        for code, value in highest.items()
        for day, one in (
            (date(2020, 4, 1), value), (date(2020, 6, 4), value + of_the_day), (last_on, value + 5),
            (last_on + timedelta(days=1), None),
        )
        if day <= last_on or one is None
    ]  # fmt: skip


def test_figure_3_is_drawn_from_the_earliest_vintage_that_reaches_the_article(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80))
    index = "containment_health_index"
    _publish(lake, policy_revisions=[
        *_vintage(index, "early.csv", date(2020, 5, 1), {"SE": 10.0}),
        *_vintage(index, "new.csv", date(2023, 2, 28), {"SE": 70.0}),
        *_vintage(index, "old.csv", date(2020, 9, 30), {"SE": 30.0}),
    ])  # fmt: skip
    *_, chart = section_values(lake, "mobility")["figures"]
    assert chart.title == "Figure 3: containment and health index, as the vintage until 2020-09-30 has it"
    assert str(chart.svg).count("<circle") == 1  # of its days only the one before the fetch


def test_values_with_weekday_and_holidays_apart_are_drawn_beside_those_published_and_breaks_are_listed(
    lake: Lake,
) -> None:
    publish_mobility(lake, ("SE", 80))
    _publish(lake, mobility_adjusted=[
        {
            "region_id": region, "observed_on": date(2020, 3, 1) + timedelta(days=n), "category": "workplaces",
            "change_pct": -20.0 - n, "adjusted_pct": -21.0 - n, "is_holiday": False,
        }
        for region in ("SE", "SE/Skåne")
        for n in range(9)
    ])  # fmt: skip
    text = event_batches()[0].payload
    publish(lake, [StageRecord("events", {"known_events": write_known_events(lake, text).files}, (), 1, 0)], "run")
    values = section_values(lake, "mobility")
    (chart,) = values["adjusted"]
    assert chart.title == "Sweden, workplaces, weekday and holidays apart"
    assert str(chart.svg).count("<polyline") == 2
    assert "google_2020_04_calculation" in text
    assert [row["from_on"] for row in values["events"]][:2] == [date(2020, 2, 15), date(2020, 4, 11)]
    page = render("mobility/section.html.j2", values)
    assert "Documented breaks" in page
    assert "maxima" not in page


def test_without_mobility_there_is_nothing(lake: Lake) -> None:
    publish(lake, [], "run")
    assert not any(section_values(lake, "mobility").values())
