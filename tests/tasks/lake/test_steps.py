import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lake_rows import labels_of

from tasks.lake import steps
from tasks.lake.layout import Lake
from tasks.lake.steps import (
    RowsLostError,
    Step,
    StepOutput,
    Work,
    code_version,
    cut_by_content,
    do,
    find_record,
    latest_path,
    record_path,
    settings_of,
    why_due,
)

STEP = Step("write_labels", ("expectations.contracts.tables",), {"floor": 0.5})
WORK = Work(STEP, "batch 1", ("digest a", "digest b"), {"a": "good"})


def body(lake: Lake, payload: Mapping[str, str]) -> StepOutput:
    return StepOutput((labels_of(lake, **payload),), len(payload) + 1, len(payload), {"too_short": 1})


def never(_lake: Lake, _payload: Any) -> StepOutput:
    raise AssertionError("a standing step was done again")


def test_a_step_is_done_once_and_stands_from_then_on(lake: Lake) -> None:
    assert (find_record(lake, WORK), why_due(lake, WORK)) == (None, "new")
    record = do(lake, WORK, body)
    assert (record.step, record.subject, record.inputs) == ("write_labels", "batch 1", ("digest a", "digest b"))
    assert (record.n_rows_in, record.n_rows_out, record.set_aside, record.was_standing) == (
        2,
        1,
        {"too_short": 1},
        False,
    )
    assert record.files_of("labels") == record.files
    assert record.files_of("documents") == ()
    assert do(lake, WORK, never) == replace(record, was_standing=True)
    assert why_due(lake, WORK) is None


def test_asking_why_changes_nothing_and_finding_marks_the_record_as_used(lake: Lake) -> None:
    do(lake, WORK, body)
    path = record_path(lake, "write_labels", WORK.fingerprint)
    os.utime(path, (1e9, 1e9))
    assert why_due(lake, WORK) is None
    assert path.stat().st_mtime == 1e9
    assert find_record(lake, WORK) is not None
    assert path.stat().st_mtime > time.time() - 60


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (replace(WORK, inputs=("digest a", "digest c")), "of 2 inputs 1 new, 1 gone"),
        (replace(WORK, inputs=("digest a", "digest b", "digest c")), "of 3 inputs 1 new, 0 gone"),
        (replace(WORK, step=replace(STEP, settings={"floor": 0.6})), "the settings changed"),
        (replace(WORK, step=replace(STEP, modules=("expectations.table_contract",))), "the code changed"),
        (replace(WORK, subject="batch 2", inputs=("digest z",)), "new"),
        (replace(WORK, step=replace(STEP, name="other_step")), "new"),
    ],
)
def test_the_plan_says_what_has_changed(lake: Lake, changed: Work, reason: str) -> None:
    do(lake, WORK, body)
    assert why_due(lake, changed) == reason


def test_a_subject_is_no_part_of_the_fingerprint_and_everything_else_is() -> None:
    assert replace(WORK, subject="other", payload=None).fingerprint == WORK.fingerprint
    others = [
        replace(WORK, inputs=WORK.inputs[::-1]),
        replace(WORK, step=replace(STEP, name="other")),
        replace(WORK, step=replace(STEP, settings={"floor": 0.6})),
        replace(WORK, step=replace(STEP, modules=("expectations.table_contract",))),
    ]
    assert len({WORK.fingerprint, *(other.fingerprint for other in others)}) == 5


@pytest.mark.parametrize("damage", ["gone", "short"])
def test_a_step_whose_file_is_gone_or_cut_short_is_done_again(lake: Lake, damage: str) -> None:
    record = do(lake, WORK, body)
    path = lake.locate(record.files[0].path)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    assert why_due(lake, WORK) == "its files are gone"
    again = do(lake, WORK, body)
    assert (again.files, again.was_standing) == (record.files, False)
    assert why_due(lake, WORK) is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"files": 7}', b'{"files": [{"path": 1}]}', b"\xff\xfe", b'"text"']
)
def test_a_damaged_record_is_as_none_and_its_step_is_done_again(lake: Lake, content: bytes) -> None:
    do(lake, WORK, body)
    for path in (record_path(lake, "write_labels", WORK.fingerprint), latest_path(lake, "write_labels", "batch 1")):
        path.write_bytes(content)
        assert why_due(lake, replace(WORK, inputs=("other",))) == "new"
    assert find_record(lake, WORK) is None
    assert not do(lake, WORK, body).was_standing
    assert find_record(lake, WORK) is not None


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
def test_rows_that_do_not_add_up_stop_the_step_and_leave_no_record(lake: Lake, output: StepOutput) -> None:
    with pytest.raises(RowsLostError, match="write_labels of batch 1"):
        do(lake, WORK, lambda _lake, _payload: output)
    assert why_due(lake, WORK) == "new"


def test_an_error_goes_through_and_leaves_no_record(lake: Lake) -> None:
    with pytest.raises(ZeroDivisionError):
        do(lake, WORK, lambda _lake, _payload: StepOutput((), 1 // 0, 0))
    assert find_record(lake, WORK) is None


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


def test_the_code_version_follows_what_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "pure"
    package.mkdir()
    for name, source in {
        "__init__": "",
        "top": "import json\nfrom pure.middle import f\n",
        "middle": "from pure import bottom\n\ndef f():\n    import numpy\n",
        "bottom": "X = 1\n",
        "aside": "Y = 1\n",
    }.items():
        (package / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(steps, "FIRST_PARTY", ("pure",))

    def version_after(name: str, source: str) -> str:
        (package / f"{name}.py").write_text(source)
        code_version.cache_clear()
        return code_version(("pure.top",))

    first = version_after("aside", "Y = 2\n")
    assert version_after("aside", "Y = 3\n") == first
    assert version_after("bottom", "X = 2\n") != first
    assert version_after("bottom", "X = 1\n") == first
    assert version_after("middle", "from pure import bottom\n\ndef f():\n    import pyarrow\n") != first
    code_version.cache_clear()


def test_a_module_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no first-party module called expectations\.nowhere"):
        code_version(("expectations.nowhere",))


def test_settings_are_a_dataclass_value() -> None:
    @dataclass(frozen=True)
    class FloorSettings:
        floor: float = 0.5

    assert settings_of(FloorSettings()) == {"floor": 0.5}
    for other in (FloorSettings, {"floor": 0.5}):
        with pytest.raises(TypeError, match="settings are a dataclass value"):
            settings_of(other)
