from support.published import publish_mobility
from support.sections import section_values

from tasks.lake.layout import Lake
from tasks.lake.publishing import publish


def test_a_country_is_shown_by_category_and_with_its_policy(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80), ("SE/Skåne", 80), ("NO", 80))
    charts = section_values(lake, "mobility")["charts"]
    assert [chart.title for chart in charts] == [
        "Sweden, four categories", "Transit stations", "Residential", "Workplaces", "Retail and recreation",
        "Containment and health index",
    ]  # fmt: skip
    of_country, _, residential, *_, policy = (str(chart.svg) for chart in charts)
    assert (of_country.count("<polyline"), residential.count("<polyline"), policy.count("<polyline")) == (2, 2, 1)
    assert "no values published" in charts[1].svg  # a category of the article that is not there


def test_without_mobility_there_is_no_chart(lake: Lake) -> None:
    publish(lake, [], "run")
    assert section_values(lake, "mobility") == {"charts": []}
