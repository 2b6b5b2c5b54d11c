"""A learner as small as can be: a training keeps a model of one number, and the judgement compares the numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pytest
from support.chains import plan, run_chain, step_of

from models.settings import COMPARING, setting
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish, read_manifest
from tasks.lake.stages import StageRecord, leave_stage
from tasks.lake.steps import Batch, Step, StepOutput, StepRecord
from tasks.lake.vacuum import vacuum
from tasks.learning.champions import (
    COMPARISONS,
    OF_A_MODEL,
    Compare,
    Comparison,
    Contest,
    NotComparableError,
    champion_rows,
    judging,
    mean_gain,
)
from tasks.learning.model_store import Score, TrainedModel, read_model, write_model
from tasks.running.chains import Chain


@dataclass(frozen=True)
class Number:
    """What a training is given: the number that it learns, and what the model is for."""

    quality: float
    lang: str | None = "en"
    dataset: str = "reviews"


@dataclass(frozen=True)
class NumberSettings:
    numbers: tuple[Number, ...]
    tolerance: float = setting(0.0, decides=(COMPARING,))


def training_batches(settings: NumberSettings) -> list[Batch]:
    return [Batch(f"{one.dataset} of {one.lang}", (f"{one.quality}",), one) for one in settings.numbers]


def fit_number(lake: Lake, given: Number) -> StepOutput:
    model = TrainedModel(
        kind="number",
        lang=given.lang,
        seed=1,
        settings={"dataset": given.dataset},
        snapshot_id="000001",
        inputs=(f"{given.quality}",),
        tensors={"quality": np.array([given.quality])},
        scores=[Score("quality", "all", given.quality)],
    )
    return StepOutput(write_model(lake, model), 10, 10)


def compare_numbers(lake: Lake, contest: Contest, new_id: str, present_id: str) -> Sequence[Comparison]:
    assert contest.payload.dataset == "reviews"
    value, present = (float(read_model(lake, name)[0]["quality"][0]) for name in (new_id, present_id))
    return [Comparison("quality", "all", value, present)]


def refuse(*_: object) -> Sequence[Comparison]:
    raise NotComparableError("the champion has other columns")


def compare_undefined(*_: object) -> Sequence[Comparison]:
    return [Comparison("quality", "all", float("nan"), 1.0)]


def chain_of(compare: Compare = compare_numbers) -> Chain:
    fit = Step("fit_number", fit_number, training_batches, hands_over=OF_A_MODEL)
    return Chain(
        "numbers", "lstm", "train_lstm", (fit, judging("judge_number", "fit_number", compare, same=("dataset",)))
    )


CHAIN = chain_of()


def train(
    lake: Lake, *numbers: Number, tolerance: float = 0.0, chain: Chain = CHAIN
) -> tuple[StageRecord, list[StepRecord]]:
    """What a flow does: train, judge, leave the stage, publish."""
    way = run_chain(lake, chain, NumberSettings(numbers, tolerance))
    stage = leave_stage(lake, chain.stage, chain.tables, way.left())
    publish(lake, [stage], "run")
    return stage, way.records["judge_number"]


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
    _, judged = train(lake, Number(0.5))
    assert published(lake) == [0.5]
    assert decisions(lake, judged) == [("kept", "first_champion", None, None)]


def test_a_model_as_good_takes_the_place(lake: Lake) -> None:
    train(lake, Number(0.5))
    _, judged = train(lake, Number(0.6))
    assert published(lake) == [0.6]
    assert decisions(lake, judged) == [("kept", "not_worse_than_champion", 0.6, 0.5)]


def test_a_worse_model_is_kept_unpublished_and_the_ledger_says_why(lake: Lake) -> None:
    train(lake, Number(0.5))
    stage, judged = train(lake, Number(0.4))
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
def test_the_same_again_finds_its_judgement_there(lake: Lake, second: float) -> None:
    train(lake, Number(0.5))
    stage, _ = train(lake, Number(second))
    again, judged = train(lake, Number(second))
    assert judged[0].is_reused
    assert again.tables == stage.tables


def test_a_vacuum_leaves_champion_and_loser_and_their_judgement(lake: Lake) -> None:
    train(lake, Number(0.5))
    _, judged = train(lake, Number(0.4))
    vacuum(lake, 1, spare=timedelta(seconds=-1))
    assert plan(lake, CHAIN, NumberSettings((Number(0.4),))) == []
    for row in champion_rows(lake, judged):
        assert read_model(lake, row["model_id"])[0]["quality"] == [0.5]


def test_a_champion_that_stays_stays_against_the_next(lake: Lake) -> None:
    for quality in (0.5, 0.4, 0.45):
        train(lake, Number(quality))
    assert published(lake) == [0.5]


def test_a_loss_within_the_tolerance_is_no_loss(lake: Lake) -> None:
    train(lake, Number(0.5))
    train(lake, Number(0.45), tolerance=0.1)
    assert published(lake) == [0.45]


def test_only_models_for_the_same_are_rivals(lake: Lake) -> None:
    train(lake, Number(0.5), Number(0.7, lang=None))
    _, judged = train(lake, Number(0.4, lang="de"), Number(0.8, lang=None))
    assert published(lake) == [0.4, 0.8]
    assert [rule for _, rule, _, _ in decisions(lake, judged)] == ["first_champion", "not_worse_than_champion"]


@pytest.mark.parametrize("compare", [refuse, compare_undefined])
def test_a_champion_that_cannot_be_compared_gives_way(lake: Lake, compare: Compare) -> None:
    train(lake, Number(0.5))
    _, judged = train(lake, Number(0.4), chain=chain_of(compare))
    assert [rule for _, rule, _, _ in decisions(lake, judged)] == ["champion_not_comparable"]
    assert judged[0].set_aside == {}
    assert published(lake) == [0.4]


def test_a_training_without_a_model_is_not_judged(lake: Lake) -> None:
    settings = NumberSettings((Number(0.5),))
    way = run_chain(lake, CHAIN, settings)
    batches_of = step_of(CHAIN, "judge_number").batches
    given = {"lake": lake, "trained_batches": way.batches["fit_number"], "settings": settings}
    (record,) = way.records["fit_number"]
    assert len(batches_of(trained=[record], **given)) == 1
    assert batches_of(trained=[replace(record, files=())], **given) == []


def test_what_decides_the_verdict_costs_no_training(lake: Lake) -> None:
    run_chain(lake, CHAIN, NumberSettings((Number(0.5),)))
    due = plan(lake, CHAIN, NumberSettings((Number(0.5),), tolerance=0.1))
    assert [(line.step, line.reason) for line in due] == [("judge_number", "the settings changed")]
    due = plan(lake, chain_of(refuse), NumberSettings((Number(0.5),)))
    assert [(line.step, line.reason) for line in due] == [("judge_number", "the code changed")]


def test_gain_counts_losses_downwards() -> None:
    assert mean_gain(
        [Comparison("accuracy", "a", 0.9, 0.8), Comparison("loss", "b", 2.0, 2.5, is_higher_better=False)]
    ) == pytest.approx(0.3)
