"""A chain declared in a few lines: what is run and what would be run follow from the names that its steps read."""

from dataclasses import replace
from typing import Any

import pytest
from support.chains import leave_chain, n_done, plan, run_chain
from support.lake_rows import labels_of

from expectations.contracts.documents import LABELS
from tasks.lake.files import read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord
from tasks.lake.steps import Batch, Step, StepOutput, StepRecord
from tasks.running.chains import Chain

FORM = "given_words"


def word_batches(settings: tuple[str, ...]) -> list[Batch]:
    return [Batch(word, (word,), word) for word in settings]


def note_word(lake: Lake, word: str) -> StepOutput:
    ref = write_table(lake, FORM, LABELS.empty())
    return StepOutput((replace(ref, sha256=f"{len(word):064x}"),), 1, 1)


def label_batches(noted: list[StepRecord], noted_batches: list[Batch]) -> list[Batch]:
    words = tuple(batch.payload for batch in noted_batches)
    return [Batch("all", tuple(ref.sha256 for record in noted for ref in record.files), words)] if noted else []


def write_labels(lake: Lake, words: tuple[str, ...]) -> StepOutput:
    return StepOutput((labels_of(lake, **dict.fromkeys(words, "good")),), len(words), len(words))


def published_batches(published_labels: tuple[Any, ...], snapshot_id: str) -> list[Batch]:
    return [Batch(f"labels of {snapshot_id}", tuple(ref.sha256 for ref in published_labels), published_labels)]


def count_labels(lake: Lake, files: tuple[Any, ...]) -> StepOutput:
    n_rows = read_table(lake, files).num_rows
    return StepOutput((), n_rows, n_rows)


def left_batches(documents_left: StageRecord | None) -> list[Batch]:
    return [] if documents_left is None else [Batch("documents", tuple(sorted(documents_left.tables)))]


def nothing(_lake: Lake, _payload: None) -> StepOutput:
    return StepOutput((), 0, 0)


READS = {"noted": "note_word", "noted_batches": "note_word_batches"}
WORDS = Chain(
    subject="words",
    stage="documents",
    flow="take_words",
    steps=(
        Step("note_word", note_word, word_batches, hands_over=(FORM,)),
        Step("write_labels", write_labels, label_batches, leaves=("labels",), reads=READS),
    ),
    settings=("mill", "tide"),
)
COUNTS = Chain(
    subject="counts",
    stage="counts",
    flow="count_all",
    steps=(Step("count_labels", count_labels, published_batches), Step("look_at_documents", nothing, left_batches)),
)


def test_steps_run_in_order_on_what_the_steps_before_them_left(lake: Lake) -> None:
    first = run_chain(lake, WORDS)
    assert {step: [batch.subject for batch in batches] for step, batches in first.batches.items()} == {
        "note_word": ["mill", "tide"],
        "write_labels": ["all"],
    }
    (labels,) = first.records["write_labels"]
    assert read_table(lake, labels.files_of("labels")).num_rows == 2
    assert (n_done(first), n_done(run_chain(lake, WORDS)), n_done(run_chain(lake, WORDS, ("mill", "tides")))) == (
        3,
        0,
        2,
    )


def test_the_plan_says_what_a_run_would_do_and_for_what_the_rest_waits(lake: Lake) -> None:
    def told(settings: tuple[str, ...] = ("mill", "tide")) -> list[tuple[str, str, str]]:
        return [(line.step, line.subject, line.reason) for line in plan(lake, WORDS, settings)]

    waiting = ("write_labels", "all", "waiting for note_word")
    assert told() == [("note_word", "mill", "new"), ("note_word", "tide", "new"), waiting]
    run_chain(lake, WORDS)
    assert told() == []
    assert told(("mill", "tide", "river")) == [("note_word", "river", "new"), waiting]
    assert told(("mill",)) == [("write_labels", "all", "of 1 inputs 0 new, 0 gone")]


def test_what_was_for_later_steps_alone_is_not_left(lake: Lake) -> None:
    stage = leave_chain(lake, WORDS)
    assert (stage.stage, set(stage.tables), stage.working) == ("documents", {"labels", "ops.ledger"}, ())


def test_a_step_that_reads_what_is_published_has_nothing_to_do_before(lake: Lake) -> None:
    assert [record for records in run_chain(lake, COUNTS).records.values() for record in records] == []
    publish(lake, [leave_chain(lake, WORDS)], "run")
    counted = run_chain(lake, COUNTS).records
    assert [(record.subject, record.n_rows_in) for record in counted["count_labels"]] == [("labels of 000001", 2)]
    assert [record.inputs for record in counted["look_at_documents"]] == [("labels", "ops.ledger")]


def test_what_a_chain_reads_from_others_follows_from_its_parameters() -> None:
    assert (COUNTS.published, COUNTS.left, COUNTS.tables) == ({"labels"}, {"documents"}, ())
    assert (WORDS.published, WORDS.left, WORDS.tables) == (frozenset(), frozenset(), ("labels",))


def test_a_step_cannot_read_what_comes_after_it() -> None:
    with pytest.raises(ValueError, match="words: write_labels reads note_word, which is no earlier step"):
        replace(WORDS, steps=WORDS.steps[::-1])
