"""A learner as small as can be: a training keeps a model of one number, and the judgement compares the numbers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish, read_manifest
from tasks.lake.stages import StageRecord, leave_stage
from tasks.lake.steps import Step, StepOutput, StepRecord, Work, do, find_record
from tasks.lake.vacuum import vacuum
from tasks.learning.champions import (
    COMPARISONS,
    Comparison,
    Contest,
    NotComparableError,
    champion_rows,
    judge,
    judge_works,
    mean_gain,
    without_models,
)
from tasks.learning.model_store import Score, TrainedModel, read_model, write_model

NO_MODULES: tuple[str, ...] = ()


def training(quality: float, lang: str | None = "en", dataset: str = "reviews") -> Work:
    return Work(Step("fit_number", NO_MODULES), f"{dataset} of {lang}", (f"{quality}",), (quality, lang, dataset))


def fit_number(lake: Lake, payload: tuple[float, str | None, str]) -> StepOutput:
    quality, lang, dataset = payload
    model = TrainedModel(
        "number", lang, 1, {"dataset": dataset}, "000001", (f"{quality}",), {"quality": np.array([quality])},
        [Score("quality", "all", quality)],
    )  # fmt: skip
    return StepOutput(write_model(lake, model), 10, 10)


def compare_numbers(lake: Lake, contest: Contest, new_id: str, present_id: str) -> Sequence[Comparison]:
    assert contest.payload[2] == "reviews"
    value, present = (float(read_model(lake, name)[0]["quality"][0]) for name in (new_id, present_id))
    return [Comparison("quality", "all", value, present)]


def judge_number(lake: Lake, contest: Contest) -> StepOutput:
    return judge(lake, contest, compare_numbers)


def train(lake: Lake, *works: Work, tolerance: float = 0.0) -> tuple[StageRecord, list[StepRecord]]:
    """What a flow does: train, judge, leave the stage, publish."""
    trained = [do(lake, work, fit_number) for work in works]
    contests = judge_works(lake, works, trained, "judge_number", NO_MODULES, same=("dataset",), tolerance=tolerance)
    judged = [do(lake, work, judge_number) for work in contests]
    stage = leave_stage(lake, "lstm", [*without_models(trained), *judged])
    publish(lake, [stage], "run")
    return stage, judged


def published(lake: Lake) -> list[float]:
    manifest = read_manifest(lake)
    assert manifest is not None
    models = read_table(lake, manifest.tables["models"]).to_pylist()
    values = {row["model_id"]: row["value"] for row in read_table(lake, manifest.tables["scores"]).to_pylist()}
    assert {row["model_id"] for row in models} == set(values)
    return sorted(values[row["model_id"]] for row in models)


def decisions(lake: Lake, judged: Sequence[StepRecord]) -> list[tuple[str, str, float | None, float | None]]:
    rows = [row for record in judged for row in read_table(lake, record.files_of("ops.ledger")).to_pylist()]
    return [(row["outcome"], row["rule"], row["score"], row["threshold"]) for row in rows]


def test_the_first_model_is_champion(lake: Lake) -> None:
    _, judged = train(lake, training(0.5))
    assert published(lake) == [0.5]
    assert decisions(lake, judged) == [("kept", "first_champion", None, None)]


def test_a_model_as_good_takes_the_place(lake: Lake) -> None:
    train(lake, training(0.5))
    _, judged = train(lake, training(0.6))
    assert published(lake) == [0.6]
    assert decisions(lake, judged) == [("kept", "not_worse_than_champion", 0.6, 0.5)]


def test_a_worse_model_is_kept_unpublished_and_the_ledger_says_why(lake: Lake) -> None:
    train(lake, training(0.5))
    stage, judged = train(lake, training(0.4))
    assert published(lake) == [0.5]
    assert decisions(lake, judged) == [("skipped", "worse_than_champion", 0.4, 0.5)]
    assert judged[0].set_aside == {"worse_than_champion": 1}
    (compared,) = read_table(lake, judged[0].files_of(COMPARISONS)).to_pylist()
    assert (compared["value"], compared["champion_value"]) == (0.4, 0.5)
    assert {ref.table for ref in stage.working} >= {
        "unpublished_models",
        "unpublished_scores",
        "unpublished_model_files",
    }
    assert champion_rows(lake, judged)[0]["model_id"] in {
        row["model_id"] for row in read_table(lake, stage.tables["models"]).to_pylist()
    }


@pytest.mark.parametrize("second", [0.6, 0.4])
def test_the_same_again_finds_its_judgement_standing(lake: Lake, second: float) -> None:
    train(lake, training(0.5))
    stage, _ = train(lake, training(second))
    again, judged = train(lake, training(second))
    assert judged[0].was_standing
    assert again.tables == stage.tables


def test_a_vacuum_leaves_champion_and_loser_and_their_judgement(lake: Lake) -> None:
    train(lake, training(0.5))
    _, judged = train(lake, training(0.4))
    vacuum(lake, 1, spare=timedelta(seconds=-1))
    assert find_record(lake, training(0.4)) is not None
    (work,) = judge_works(
        lake, [training(0.4)], [do(lake, training(0.4), fit_number)], "judge_number", NO_MODULES, same=("dataset",)
    )
    assert find_record(lake, work) is not None
    for row in champion_rows(lake, judged):
        assert read_model(lake, row["model_id"])[0]["quality"] == [0.5]


def test_a_champion_that_stays_stays_against_the_next(lake: Lake) -> None:
    for quality in (0.5, 0.4, 0.45):
        train(lake, training(quality))
    assert published(lake) == [0.5]


def test_a_loss_within_the_tolerance_is_no_loss(lake: Lake) -> None:
    train(lake, training(0.5))
    train(lake, training(0.45), tolerance=0.1)
    assert published(lake) == [0.45]


def test_only_models_for_the_same_are_rivals(lake: Lake) -> None:
    train(lake, training(0.5), training(0.7, lang=None))
    _, judged = train(lake, training(0.4, lang="de"), training(0.8, lang=None))
    assert published(lake) == [0.4, 0.8]
    assert [rule for _, rule, _, _ in decisions(lake, judged)] == ["first_champion", "not_worse_than_champion"]


def test_a_champion_that_cannot_be_compared_gives_way(lake: Lake) -> None:
    def refuse(*_: object) -> Sequence[Comparison]:
        raise NotComparableError("the champion has other columns")

    def undefined(*_: object) -> Sequence[Comparison]:
        return [Comparison("quality", "all", float("nan"), 1.0)]

    train(lake, training(0.5))
    trained = do(lake, training(0.4), fit_number)
    (work,) = judge_works(lake, [training(0.4)], [trained], "judge_number", NO_MODULES, same=("dataset",))
    for compare in (refuse, undefined):
        output = judge(lake, work.payload, compare)
        rules = {
            row["rule"]
            for ref in output.files
            if ref.table == "ops.ledger"
            for row in read_table(lake, ref).to_pylist()
        }
        assert rules == {"champion_not_comparable"}
        assert output.set_aside == {}


def test_a_training_without_a_model_is_not_judged(lake: Lake) -> None:
    work = training(0.5)
    record = replace(do(lake, work, fit_number), files=())
    assert judge_works(lake, [work], [record], "judge_number", NO_MODULES, same=("dataset",)) == []


def test_gain_counts_losses_downwards() -> None:
    assert mean_gain(
        [Comparison("accuracy", "a", 0.9, 0.8), Comparison("loss", "b", 2.0, 2.5, is_higher_better=False)]
    ) == pytest.approx(0.3)
