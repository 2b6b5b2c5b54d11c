from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from support.chains import plan, run_chain
from support.forecast_stage import SETTINGS, run_stage
from support.published import publish_mobility

from tasks.forecasts.data import ForecastData, read_forecaster, read_panel
from tasks.forecasts.showing import loss_rows, skill_rows
from tasks.forecasts.stage import CHAIN
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish, read_manifest
from tasks.learning.champions import COMPARISONS, champion_rows
from tasks.learning.model_store import read_model

pytestmark = pytest.mark.slow  # a few seconds in all


def rows_of(lake: Lake, records, table):
    return [row for record in records for ref in record.files_of(table) for row in read_table(lake, ref).to_pylist()]


def test_forecasts_scores_and_model_are_left(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 120), ("SE/Skåne", 118), ("SE/Gotland", 10))
    (trained,), (judged,), (written,), _ = run_stage(lake)
    # Two regions of three are long enough.
    assert (trained.n_rows_in, trained.n_rows_out, trained.set_aside) == (18, 12, {"fewer_than_60_days": 6})
    model = champion_rows(lake, [judged])[0]
    tensors, card = read_model(lake, model["model_id"])
    assert card["notes"]["n_regions"] == 2
    assert card["notes"]["peak_memory_bytes"] > 0
    assert (len(card["notes"]["calibrated_on"]), len(card["notes"]["tested_on"])) == (2, 3)
    assert card["notes"]["forecaster"]["encoding"]["policy"]["encoding"] == "MinMax"
    assert (
        len(loss_rows(card["notes"])) == len(card["notes"]["losses"]) == 3
    )  # before the first origin, after four, and at the end
    by_lag = card["notes"]["gradient_by_lag"]
    assert [len(by_lag[state]) for state in "hc"] == [SETTINGS.past_days] * 2
    assert by_lag["h"][-1] < by_lag["h"][0]  # what is long ago counts less
    # Two of the six categories are published.
    rows = rows_of(lake, [written], "forecasts")
    skill = tensors["skill"]
    is_gained = {(ahead + 1, category) for ahead, category in np.argwhere(skill > 0)}
    names = card["notes"]["categories"]
    assert {(row["horizon_days"], names.index(row["category"])) for row in rows} == is_gained
    assert len(rows) == 2 * len(is_gained)
    assert (written.n_rows_in, written.n_rows_out) == (3 * 6 * 14, len(rows))
    assert written.set_aside == {
        "fewer_than_60_days": 6 * 14,
        "not_published_lately": 2 * 4 * 14,
        "no_skill_over_seasonal_naive": 2 * (2 * 14 - len(is_gained)),
    }
    last = {"SE": date(2020, 2, 15) + timedelta(days=119), "SE/Skåne": date(2020, 2, 15) + timedelta(days=117)}
    assert {(row["region_id"], row["origin_on"]) for row in rows} == set(last.items())
    for row in rows:
        assert row["target_on"] - row["origin_on"] == timedelta(days=row["horizon_days"])
        assert -100 <= row["change_pct_p10"] <= min(row["change_pct_mean"], row["change_pct_p50"])
        assert max(row["change_pct_mean"], row["change_pct_p50"]) <= row["change_pct_p90"]


def test_scores_say_what_was_gained_also_where_nothing_was(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 120), ("SE/Skåne", 118))
    _, (judged,), _, _ = run_stage(lake)
    rows = rows_of(lake, [judged], "scores")
    scores = {(row["metric"], row["split"]): row for row in rows}
    better = {metric: (row["better"], row["target"]) for (metric, split), row in scores.items() if split == "backtest"}
    assert better["skill"] == better["skill_horizon_01_days"] == ("higher", None)
    assert {better[name] for name in ("rmse_pct", "mase", "mae_pct_beside_last_value")} == {("lower", None)}
    assert better["coverage_80_pct_interval"] == ("near", 0.80)
    assert better["width_80_pct_interval"] == (None, None)
    skill = read_forecaster(lake, rows[0]["model_id"])[2]
    for ahead in range(14):
        mae = scores[f"mae_pct_horizon_{ahead + 1:02d}_days", "backtest_workplaces"]
        assert mae["baseline"] == "seasonal_naive"
        assert 1 - mae["value"] / mae["baseline_value"] == pytest.approx(skill[ahead, 4])
    assert ("mae_pct_horizon_01_days", "backtest_parks") not in scores  # was never published
    assert scores["skill", "backtest"]["value"] == pytest.approx(np.nanmean(skill))
    for name in ("seasonal_naive", "last_value", "mean_of_week", "exponential_smoothing"):
        assert scores[f"mae_pct_beside_{name}_horizon_07_days", "backtest"]["baseline"] == name
    assert {"rmse_pct", "mase", "pinball_loss_pct", "coverage_80_pct_interval"} <= {
        metric for metric, split in scores if split == "backtest"
    }
    assert [row["horizon"] for row in skill_rows(rows)][:2] == ["01 days", "02 days"]


def test_a_second_run_does_nothing_whether_the_champion_won_or_lost(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 120))
    assert [(line.step, line.reason) for line in plan(lake, CHAIN, SETTINGS)] == [
        ("fit_lstm", "new"),
        ("judge_forecaster", "waiting for fit_lstm"),
        ("write_forecasts", "waiting for fit_lstm, judge_forecaster"),
    ]
    first = run_stage(lake)
    publish(lake, [first[-1]], "run")
    assert plan(lake, CHAIN, SETTINGS) == []
    # So wild a rate can only spoil what was learned before.
    worse = replace(SETTINGS, learning_rate=3.0, refit_learning_rate=3.0, clip_norm=0.0, hidden_size=4)
    trained, judged, written, stage = run_stage(lake, worse)
    assert rows_of(lake, judged, COMPARISONS)
    assert judged[0].set_aside == {"worse_than_champion": 1}
    assert written[0].files_of("forecasts") == first[2][0].files_of("forecasts")
    assert publish(lake, [stage], "run").tables["models"] == first[1][0].files_of("models")
    assert plan(lake, CHAIN, worse) == []
    assert [record.is_reused for record in (*trained, *judged, *written)] == [False, False, True]


def test_who_is_published_is_no_matter_of_the_training(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 120))
    run_chain(lake, CHAIN, SETTINGS)
    assert plan(lake, CHAIN, replace(SETTINGS, device="auto")) == []
    due = plan(lake, CHAIN, replace(SETTINGS, tolerance=0.5))
    assert [(line.step, line.reason) for line in due[:1]] == [("judge_forecaster", "the settings changed")]
    due = plan(lake, CHAIN, replace(SETTINGS, recent_days=7))
    assert [(line.step, line.reason) for line in due] == [("write_forecasts", "the settings changed")]


def test_a_champion_of_another_form_gives_way(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 120))
    publish(lake, [run_stage(lake)[-1]], "run")
    _, (judged,), _, _ = run_stage(lake, replace(SETTINGS, horizon_days=7))
    assert rows_of(lake, [judged], "ops.ledger")[0]["rule"] == "champion_not_comparable"


@pytest.mark.parametrize(
    ("regions", "rule"),
    [
        ((), "no_mobility_published"),
        ((("SE", 20),), "fewer_than_60_days"),
        ((("SE", 62), ("DE", 5)), "too_few_days_for_a_backtest"),
    ],
)
def test_too_little_mobility_is_a_line_in_the_ledger_and_no_model(
    lake: Lake, regions: tuple[tuple[str, int], ...], rule: str
) -> None:
    publish_mobility(lake, *regions)
    (record,), judged, written, _ = run_stage(lake)
    (line,) = rows_of(lake, [record], "ops.ledger")
    assert (line["outcome"], line["rule"]) == ("skipped", rule)
    assert not record.files_of("models")
    assert (judged, written) == ([], [])
    assert plan(lake, CHAIN, SETTINGS) == []


def test_parts_of_a_country_have_its_holidays_or_their_own(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 120), ("SE/Skåne", 120))
    manifest = read_manifest(lake)
    assert manifest is not None
    panel, n_regions = read_panel(
        lake, ForecastData(manifest.tables["mobility"], manifest.tables["policy"], "000001", SETTINGS)
    )
    assert panel is not None
    assert n_regions == 2
    good_friday = (date(2020, 4, 10) - date(1970, 1, 1)).days
    np.testing.assert_array_equal(panel.holidays.on(np.arange(2), np.full(2, good_friday)), [True, True])
    assert panel.holidays.first_day == int(panel.grid.day.min()) - SETTINGS.past_days
