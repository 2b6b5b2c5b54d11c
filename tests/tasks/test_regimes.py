import pytest
from published import publish_mobility

from models.regimes import RegimeSettings
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.steps import do
from tasks.model_store import read_model
from tasks.regimes import fit_hmm_body, hmm_works, plan_hmm

SETTINGS = RegimeSettings(categories=("workplaces", "residential"), n_states=2)


def test_regimes_scores_and_model_are_left(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80), ("SE/Skåne", 10))
    (work,) = hmm_works(lake, SETTINGS)
    record = do(lake, work, fit_hmm_body)
    regimes = read_table(lake, record.files_of("regimes"))
    assert regimes["label"].to_pylist() == ["baseline"] * 40 + ["lockdown"] * 40
    assert (record.n_rows_in, record.n_rows_out, record.set_aside) == (90, 80, {"fewer_than_60_days": 10})
    (model,) = read_table(lake, record.files_of("models")).to_pylist()
    assert model["snapshot_id"] == "000001"
    tensors, card = read_model(lake, model["model_id"])
    assert tensors["means"].shape == (2, 2)
    assert card["notes"]["states"] == ["baseline", "lockdown"]
    scores = {(row["metric"], row["split"]): row for row in read_table(lake, record.files_of("scores")).to_pylist()}
    fit = scores["log_likelihood_per_day", "all_days"]
    assert fit["value"] > fit["baseline_value"]
    assert scores["rank_correlation_with_containment_health_index", "SE"]["value"] > 0.5


def test_a_second_fit_stands_and_the_plan_is_empty(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80))
    assert [line.reason for line in plan_hmm(lake, SETTINGS)] == ["new"]
    (work,) = hmm_works(lake, SETTINGS)
    do(lake, work, fit_hmm_body)
    assert plan_hmm(lake, SETTINGS) == []
    assert do(lake, work, fit_hmm_body).was_standing


@pytest.mark.parametrize(("regions", "rule"), [((), "no_mobility_published"), ((("SE", 20),), "fewer_than_60_days")])
def test_too_little_mobility_is_a_line_in_the_ledger_and_no_model(lake: Lake, regions: tuple[tuple[str, int], ...], rule: str) -> None:
    publish_mobility(lake, *regions)
    (work,) = hmm_works(lake, SETTINGS)
    record = do(lake, work, fit_hmm_body)
    (line,) = read_table(lake, record.files_of("ops.ledger")).to_pylist()
    assert (line["outcome"], line["rule"]) == ("skipped", rule)
    assert not record.files_of("models")


def test_nothing_published_is_nothing_to_do(lake: Lake) -> None:
    assert hmm_works(lake, SETTINGS) == []
    assert plan_hmm(lake, SETTINGS) == []
