import pytest
from support.chains import publish_chain
from support.forecast_stage import SETTINGS
from support.published import publish_mobility
from support.sections import section_values

from tasks.forecasts.stage import CHAIN
from tasks.lake.layout import Lake
from tasks.lake.warehouse import connect
from tasks.report.page import build_report

SKILL = "SELECT value FROM scores WHERE metric = 'skill_horizon_07_days' AND split = 'backtest'"


@pytest.mark.slow
def test_the_section_shows_the_model_its_scores_and_what_it_predicts(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 120), ("SE/Skåne", 120))
    publish_chain(lake, CHAIN, SETTINGS)
    shown = section_values(lake, "forecasts")
    with connect(lake) as warehouse:
        n_series = len(warehouse.execute("SELECT DISTINCT category FROM forecasts WHERE region_id = 'SE'").fetchall())
        ((skill,),) = warehouse.execute(SKILL).fetchall()
    (model,) = shown["models"]
    facts = dict(model["facts"])
    assert facts["tested from"].startswith("3 past days, ")
    assert [row["days ahead"] for row in model["quality"]] == [1, 7, 14]
    assert model["quality"][1]["skill"] == skill
    assert model["errors"][1]["seasonal_naive"] > 0
    assert [chart.svg.count("<svg") for chart in model["charts"]] == [1, 1, 1, 1]
    assert len(shown["series"]) == n_series
    page = build_report(lake).read_text()
    assert 'id="forecasts"' in page
    assert "horizon_07_days" not in page  # those are drawn


def test_without_forecasts_the_section_says_so(lake: Lake) -> None:
    publish_mobility(lake, ("SE", SETTINGS.min_days - 1))
    assert section_values(lake, "forecasts") == {"models": [], "series": []}
    assert "No forecaster is published." in build_report(lake).read_text()
