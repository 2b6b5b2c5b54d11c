import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lake_rows import labels_of

from expectations.table_contract import Column, TableContract
from tasks.lake import steps
from tasks.lake.layout import Lake
from tasks.lake.steps import (
    Batch,
    RowsLostError,
    Step,
    StepOutput,
    Task,
    current_task,
    cut_by_content,
    do,
    find_record,
    latest_path,
    record_path,
    why_due,
)


def body(lake: Lake, payload: Mapping[str, str]) -> StepOutput:
    return StepOutput((labels_of(lake, **payload),), len(payload) + 1, len(payload), {"too_short": 1})


def other_body(lake: Lake, payload: Mapping[str, str]) -> StepOutput:
    return replace(body(lake, payload), set_aside={"too_long": 1})


def never(_lake: Lake, _payload: Any) -> StepOutput:
    raise AssertionError("a task that was done was done again")


STEP = Step("write_labels", body, list, leaves=("labels",))
BATCH = Batch("batch 1", ("digest a", "digest b"), {"a": "good"}, {"floor": 0.5})
TASK = STEP.task(BATCH)


def task(**changes: Any) -> Task:
    """The task of a batch with these changes."""
    return STEP.task(replace(BATCH, **changes))


def test_a_task_is_done_once_and_reused_from_then_on(lake: Lake) -> None:
    assert (find_record(lake, TASK), why_due(lake, TASK)) == (None, "new")
    record = do(lake, TASK)
    assert (record.step, record.subject, record.inputs) == ("write_labels", "batch 1", ("digest a", "digest b"))
    assert (record.n_rows_in, record.n_rows_out, record.set_aside, record.is_reused) == (2, 1, {"too_short": 1}, False)
    assert record.files_of("labels") == record.files
    assert record.files_of("documents") == ()
    assert do(lake, replace(TASK, body=never)) == replace(record, is_reused=True)
    assert why_due(lake, TASK) is None


def test_asking_why_changes_nothing_and_finding_marks_the_record_as_used(lake: Lake) -> None:
    do(lake, TASK)
    path = record_path(lake, "write_labels", TASK.fingerprint)
    os.utime(path, (1e9, 1e9))
    assert why_due(lake, TASK) is None
    assert path.stat().st_mtime == 1e9
    assert find_record(lake, TASK) is not None
    assert path.stat().st_mtime > time.time() - 60


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (task(inputs=("digest a", "digest c")), "of 2 inputs 1 new, 1 gone"),
        (task(inputs=("digest a", "digest b", "digest c")), "of 3 inputs 1 new, 0 gone"),
        (task(settings={"floor": 0.6}), "the settings changed"),
        (replace(STEP, body=other_body).task(BATCH), "the code changed"),
        (task(calls=(never,)), "the code changed"),
        (task(subject="batch 2", inputs=("digest z",)), "new"),
        (replace(STEP, name="other_step").task(BATCH), "new"),
    ],
)
def test_the_plan_says_what_has_changed(lake: Lake, changed: Task, reason: str) -> None:
    do(lake, TASK)
    assert why_due(lake, changed) == reason


def test_subject_and_payload_are_no_part_of_the_fingerprint_and_everything_else_is() -> None:
    assert task(subject="other", payload=None).fingerprint == TASK.fingerprint
    others = [
        task(inputs=BATCH.inputs[::-1]),
        task(settings={"floor": 0.6}),
        task(calls=(never,)),
        replace(STEP, name="other").task(BATCH),
        replace(STEP, body=other_body).task(BATCH),
    ]
    assert len({TASK.fingerprint, *(other.fingerprint for other in others)}) == 6


def test_a_table_whose_contract_asks_for_another_form_is_written_again(
    lake: Lake, tables: dict[str, TableContract], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "_form", steps._form.__wrapped__)  # not remembered, as in another process
    do(lake, TASK)
    who = Column("given_by", pa.string(), "Who gave it", is_nullable=True)
    tables["documents"] = replace(tables["documents"], columns=(*tables["documents"].columns, who))
    assert why_due(lake, TASK) is None
    tables["labels"] = replace(tables["labels"], columns=(*tables["labels"].columns, who))
    assert why_due(lake, TASK) == "the contract of labels changed"
    assert not do(lake, TASK).is_reused
    assert why_due(lake, TASK) is None


def test_a_body_knows_which_task_it_does(lake: Lake) -> None:
    seen: list[Task] = []

    def look(_lake: Lake, _payload: Any) -> StepOutput:
        seen.append(current_task())
        return StepOutput((), 0, 0)

    do(lake, replace(TASK, body=look))
    assert seen[0].fingerprint == TASK.fingerprint
    with pytest.raises(LookupError):
        current_task()


def test_parameters_without_a_value_name_what_a_step_reads() -> None:
    def batches(lake: Lake, trained: list[Any], *, kinds: tuple[str, ...] = ()) -> list[Batch]:
        return [Batch(str(lake), tuple(trained), kinds)]

    assert Step("judge", body, batches, reads={"trained": "fit"}).inputs == {"lake": "lake", "trained": "fit"}


@pytest.mark.parametrize("damage", ["gone", "short"])
def test_a_task_whose_file_is_gone_or_cut_short_is_done_again(lake: Lake, damage: str) -> None:
    record = do(lake, TASK)
    path = lake.locate(record.files[0].path)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    assert why_due(lake, TASK) == "its files are gone"
    again = do(lake, TASK)
    assert (again.files, again.is_reused) == (record.files, False)
    assert why_due(lake, TASK) is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"files": 7}', b'{"files": [{"path": 1}]}', b"\xff\xfe", b'"text"']
)
def test_a_damaged_record_is_as_none_and_its_task_is_done_again(lake: Lake, content: bytes) -> None:
    do(lake, TASK)
    for path in (record_path(lake, "write_labels", TASK.fingerprint), latest_path(lake, "write_labels", "batch 1")):
        path.write_bytes(content)
        assert why_due(lake, task(inputs=("other",))) == "new"
    assert find_record(lake, TASK) is None
    assert not do(lake, TASK).is_reused
    assert find_record(lake, TASK) is not None


@pytest.mark.parametrize(
    "output",
    [
        StepOutput((), 3, 2),
        StepOutput((), 3, 2, {"a": 2}),
        StepOutput((), 3, 4, {"a": -1}),
        StepOutput((), -1, -1),
        StepOutput((), 0, 1),
    ],
)
def test_rows_that_do_not_add_up_stop_the_task_and_leave_no_record(lake: Lake, output: StepOutput) -> None:
    with pytest.raises(RowsLostError, match="write_labels of batch 1"):
        do(lake, replace(TASK, body=lambda _lake, _payload: output))
    assert why_due(lake, TASK) == "new"


def test_an_error_goes_through_and_leaves_no_record(lake: Lake) -> None:
    with pytest.raises(ZeroDivisionError):
        do(lake, replace(TASK, body=lambda _lake, _payload: StepOutput((), 1 // 0, 0)))
    assert find_record(lake, TASK) is None


@settings(max_examples=60, deadline=None)
@given(keys=st.lists(st.text(max_size=6), unique=True, max_size=40), average=st.integers(1, 8), most=st.integers(1, 9))
def test_batches_hold_every_item_once_in_order_and_no_more_than_most(keys: list[str], average: int, most: int) -> None:
    batches = cut_by_content(keys, lambda key: key, average=average, most=most)
    assert [key for batch in batches for key in batch] == sorted(keys)
    assert all(0 < len(batch) <= most for batch in batches)
    assert batches == cut_by_content(reversed(keys), lambda key: key, average=average, most=most)


@settings(max_examples=60, deadline=None)
@given(
    keys=st.lists(st.text("abcdefgh", min_size=1, max_size=6), unique=True, min_size=1, max_size=60),
    average=st.integers(1, 8),
)
def test_a_new_item_changes_its_own_batch_or_cuts_it_in_two(keys: list[str], average: int) -> None:
    *old, new = keys
    before = {tuple(batch) for batch in cut_by_content(old, lambda key: key, average=average, most=100)}
    after = {tuple(batch) for batch in cut_by_content(keys, lambda key: key, average=average, most=100)}
    gone, come = before - after, after - before
    assert len(gone) <= 1
    assert 1 <= len(come) <= 2
    assert sorted(key for batch in come for key in batch) == sorted([new, *(key for batch in gone for key in batch)])
    if len(come) == 2:
        assert any(batch[0] == new for batch in come)  # it is itself a cut


def test_batches_are_of_the_average_size_on_average() -> None:
    batches = cut_by_content([f"{n:05d}" for n in range(20_000)], lambda key: key, average=50, most=10_000)
    assert 40 < 20_000 / len(batches) < 60  # 400 cuts: five standard deviations either way
