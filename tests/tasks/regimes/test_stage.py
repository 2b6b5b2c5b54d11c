from dataclasses import replace

import pytest
from support.chains import leave_chain, plan, run_chain
from support.published import publish_mobility
from support.regime_stage import SETTINGS

from models.regimes.regimes import RegimeSettings
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord
from tasks.lake.steps import StepRecord
from tasks.learning.model_store import read_model
from tasks.regimes.stage import CHAIN


def fit(lake: Lake) -> StepRecord:
    """The record of the one fit."""
    (record,) = run_chain(lake, CHAIN, SETTINGS).records["fit_hmm"]
    return record


def leave_regimes(lake: Lake, settings: RegimeSettings = SETTINGS) -> StageRecord:
    return leave_chain(lake, CHAIN, settings)


def verdict(lake: Lake, stage: StageRecord) -> str:
    """The rule of the one verdict in the ledger of the stage."""
    (rule,) = {
        line["rule"] for line in read_table(lake, stage.tables["ops.ledger"]).to_pylist() if "champion" in line["rule"]
    }
    return str(rule)


def test_regimes_scores_and_model_are_left(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80), ("SE/Skåne", 10))
    record = fit(lake)
    assert (record.n_rows_in, record.n_rows_out, record.set_aside) == (90, 80, {"fewer_than_60_days": 10})
    stage = leave_regimes(lake)
    regimes = read_table(lake, stage.tables["regimes"])
    assert regimes["label"].to_pylist() == ["baseline"] * 40 + ["lockdown"] * 40
    assert min(regimes["probability"].to_pylist()) > 0.5
    (model,) = read_table(lake, stage.tables["models"]).to_pylist()
    assert model["snapshot_id"] == "000001"
    assert set(regimes["model_id"].to_pylist()) == {model["model_id"]}
    tensors, card = read_model(lake, model["model_id"])
    assert tensors["means"].shape == (2, 2)
    assert card["notes"]["states"] == ["baseline", "lockdown"]
    scores = {(row["metric"], row["split"]): row for row in read_table(lake, stage.tables["scores"]).to_pylist()}
    likelihood = scores["log_likelihood_per_day", "all_days"]
    assert likelihood["value"] > likelihood["baseline_value"]
    assert likelihood["better"] == "higher"
    assert scores["rank_correlation_with_containment_health_index", "SE"]["value"] > 0.5


def test_a_model_under_which_the_days_are_less_likely_is_kept_and_not_published(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80))
    first = leave_regimes(lake)
    assert verdict(lake, first) == "first_champion"
    publish(lake, [first], "first")
    one_state = replace(SETTINGS, n_states=1)
    second = leave_regimes(lake, one_state)
    assert verdict(lake, second) == "worse_than_champion"
    assert second.tables["models"] == first.tables["models"]
    assert {ref.table for ref in second.working} >= {
        "unpublished_models",
        "unpublished_scores",
        "unpublished_model_files",
    }
    assert set(read_table(lake, second.tables["regimes"])["label"].to_pylist()) == {"baseline", "lockdown"}
    publish(lake, [second], "second")
    assert plan(lake, CHAIN, one_state) == []  # and a second run does nothing


def test_days_that_came_later_are_written_with_the_model_that_won(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80))
    publish(lake, [leave_regimes(lake)], "first")
    publish_mobility(lake, ("SE", 90))
    stage = leave_regimes(lake, replace(SETTINGS, n_states=1))
    assert verdict(lake, stage) == "worse_than_champion"
    assert read_table(lake, stage.tables["regimes"]).num_rows == 90


def test_a_model_of_other_categories_is_no_rival(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80))
    publish(lake, [leave_regimes(lake)], "first")
    assert verdict(lake, leave_regimes(lake, replace(SETTINGS, categories=("workplaces",)))) == "first_champion"


def test_a_second_fit_is_reused_and_the_plan_is_empty(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80))
    assert [(line.step, line.reason) for line in plan(lake, CHAIN, SETTINGS)] == [
        ("fit_hmm", "new"),
        ("judge_hmm", "waiting for fit_hmm"),
        ("write_regimes", "waiting for judge_hmm"),
    ]
    leave_regimes(lake)
    assert plan(lake, CHAIN, SETTINGS) == []
    assert leave_regimes(lake).n_steps_run == 0


@pytest.mark.parametrize(
    ("regions", "rule"),
    [
        ((), "no_mobility_published"),
        ((("SE", 20),), "fewer_than_60_days"),
        ((("SE", 1), ("NO", 1)), "fewer_than_60_days"),
    ],
)
def test_too_little_mobility_is_a_line_in_the_ledger_and_no_model(
    lake: Lake, regions: tuple[tuple[str, int], ...], rule: str
) -> None:
    publish_mobility(lake, *regions)
    record = fit(lake)
    (line,) = read_table(lake, record.files_of("ops.ledger")).to_pylist()
    assert (line["outcome"], line["rule"]) == ("skipped", rule)
    assert not record.files_of("models")
    assert plan(lake, CHAIN, SETTINGS) == []


def test_mobility_of_which_nothing_was_published_is_no_mobility(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80), is_missing=True)
    (line,) = read_table(lake, fit(lake).files_of("ops.ledger")).to_pylist()
    assert line["rule"] == "no_mobility_published"


def test_nothing_published_is_nothing_to_do(lake: Lake) -> None:
    assert run_chain(lake, CHAIN, SETTINGS).batches["fit_hmm"] == []
    assert plan(lake, CHAIN, SETTINGS) == []


def test_who_is_published_is_no_matter_of_the_fit(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80))
    run_chain(lake, CHAIN, SETTINGS)
    due = plan(lake, CHAIN, replace(SETTINGS, tolerance=0.5))
    assert [(line.step, line.reason) for line in due[:1]] == [("judge_hmm", "the settings changed")]
