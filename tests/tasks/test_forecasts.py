from datetime import date, timedelta

import pytest
from published import publish_mobility

from models.forecast_settings import ForecastSettings
from tasks.forecasts import fit_lstm_body, lstm_works, plan_lstm
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.steps import do
from tasks.model_store import read_model

SETTINGS = ForecastSettings(held_out_days=28, past_days=21, hidden_size=8, epochs=1, windows_per_epoch=128, min_days=60)


def test_forecasts_scores_and_model_are_left(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 120), ("SE/Skåne", 100), ("SE/Gotland", 10))
    (work,) = lstm_works(lake, SETTINGS)
    record = do(lake, work, fit_lstm_body)
    rows = read_table(lake, record.files_of("forecasts")).to_pylist()
    # Two regions are long enough, two of the six categories published; 14 days ahead each.
    assert (record.n_rows_in, record.n_rows_out) == (18, 4)
    assert record.set_aside == {"fewer_than_60_days": 6, "not_published_lately": 8}
    assert len(rows) == 4 * 14
    last = {"SE": date(2020, 2, 15) + timedelta(days=119), "SE/Skåne": date(2020, 2, 15) + timedelta(days=99)}
    assert {(row["region_id"], row["origin_on"]) for row in rows} == set(last.items())
    for row in rows:
        assert row["target_on"] - row["origin_on"] == timedelta(days=row["horizon_days"])
        assert -100 <= row["change_pct_p10"] <= row["change_pct_mean"] <= row["change_pct_p90"]
    scores = {row["metric"]: row for row in read_table(lake, record.files_of("scores")).to_pylist()}
    assert scores["skill"]["value"] == pytest.approx(1 - scores["mae_pct"]["value"] / scores["mae_pct"]["baseline_value"])
    assert 0 <= scores["coverage_80_pct_interval"]["value"] <= 1
    assert {f"mae_pct_horizon_{ahead:02d}_days" for ahead in range(1, 15)} <= set(scores)
    (model,) = read_table(lake, record.files_of("models")).to_pylist()
    tensors, card = read_model(lake, model["model_id"])
    assert tensors["scaling.std"].shape == (6,)
    assert card["notes"]["n_regions"] == 2


def test_a_second_training_stands_and_the_plan_is_empty(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 120))
    assert [line.reason for line in plan_lstm(lake, SETTINGS)] == ["new"]
    (work,) = lstm_works(lake, SETTINGS)
    first = do(lake, work, fit_lstm_body)
    assert plan_lstm(lake, SETTINGS) == []
    assert do(lake, work, fit_lstm_body).files == first.files


@pytest.mark.parametrize(
    ("regions", "rule"),
    [((), "no_mobility_published"), ((("SE", 20),), "fewer_than_60_days"), ((("SE", 62), ("DE", 5)), None)],
)
def test_too_little_mobility_is_a_line_in_the_ledger_and_no_model(
    lake: Lake, regions: tuple[tuple[str, int], ...], rule: str | None
) -> None:
    publish_mobility(lake, *regions)
    (work,) = lstm_works(lake, SETTINGS if rule else ForecastSettings(held_out_days=56, min_days=60))
    record = do(lake, work, fit_lstm_body)
    (line,) = read_table(lake, record.files_of("ops.ledger")).to_pylist()
    assert (line["outcome"], line["rule"]) == ("skipped", rule or "no_window_to_learn_from")
    assert not record.files_of("models")
