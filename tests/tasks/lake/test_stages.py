import pytest
from support.lake_rows import labels_of, score_of, write_rows

from expectations.contracts.tables import TABLES
from tasks.lake.files import read_table, write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.stages import leave_stage, read_stage, read_stages
from tasks.lake.steps import Batch, Step, StepOutput, StepRecord, do

FILLED = ("labels", "treebank")


def write_labels(_lake: Lake, payload: StepOutput) -> StepOutput:
    return payload


def record_of(lake: Lake, subject: str, *files, n_rows_out: int = 1, **set_aside: int) -> StepRecord:
    n_rows_in = n_rows_out + sum(set_aside.values())
    output = StepOutput(files, n_rows_in, n_rows_out, set_aside)
    return do(lake, Step("write_labels", write_labels, list).task(Batch(subject, (subject,), output)))


def test_a_stage_that_never_ran_left_nothing(lake: Lake) -> None:
    assert read_stage(lake, "documents") is None
    assert read_stages(lake) == []


def test_what_a_stage_leaves_is_read_back_with_a_file_for_each_of_its_tables(lake: Lake) -> None:
    counts = write_table(lake, "word_counts", TABLES["labels"].empty())
    records = [record_of(lake, "1", labels_of(lake, a="good"), counts), record_of(lake, "2", labels_of(lake, b="bad"))]
    left = leave_stage(lake, "documents", FILLED, records)
    assert read_stage(lake, "documents") == left
    assert tuple(left.tables) == (*FILLED, "ops.ledger")
    assert [ref.n_rows for ref in left.tables["labels"]] == [1, 1]
    assert [ref.n_rows for ref in left.tables["treebank"]] == [0]
    assert left.working == (counts,)
    assert (left.n_steps_run, left.n_steps_skipped) == (2, 0)
    again = leave_stage(lake, "documents", FILLED, [record_of(lake, "1"), record_of(lake, "2")])
    assert (again.n_steps_run, again.n_steps_skipped) == (0, 2)
    assert again.tables == left.tables
    assert set(left.files) == {counts, *(ref for refs in left.tables.values() for ref in refs)}


def test_the_ledger_counts_each_batch_s_rows_in_out_and_set_aside_by_rule(lake: Lake) -> None:
    left = leave_stage(
        lake,
        "documents",
        FILLED,
        [record_of(lake, "1", n_rows_out=7, too_short=2, too_long=1), record_of(lake, "2", n_rows_out=0)],
    )
    lines = read_table(lake, left.tables["ops.ledger"]).to_pylist()
    told = {
        (line["subject"], line["outcome"], line["rule"]): (
            line["n_rows_in"],
            line["n_rows_out"],
            line["n_rows_set_aside"],
        )
        for line in lines
    }
    assert told == {
        ("1", "kept", "kept"): (10, 7, None),
        ("1", "set_aside", "too_short"): (None, None, 2),
        ("1", "set_aside", "too_long"): (None, None, 1),
        ("2", "kept", "kept"): (0, 0, None),
    }
    assert {line["stage"] for line in lines} == {"write_labels"}


def test_rows_of_a_table_that_the_stage_does_not_fill_are_an_error_and_not_lost(lake: Lake) -> None:
    with pytest.raises(ValueError, match="the stage documents left rows of scores"):
        leave_stage(lake, "documents", FILLED, [record_of(lake, "1", score_of(lake, 1.0))])
    assert read_stage(lake, "documents") is None
    empty = write_rows(lake, "scores", [])
    assert leave_stage(lake, "documents", FILLED, [record_of(lake, "2", empty)]).working == (empty,)


def test_stages_are_read_by_name(lake: Lake) -> None:
    for stage in ("lstm", "documents", "features"):
        leave_stage(lake, stage, FILLED, [])
    assert [record.stage for record in read_stages(lake)] == ["documents", "features", "lstm"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"{}", b'{"stage": "documents", "tables": 7}', b"\xff"])
def test_a_damaged_record_is_one_sentence_with_the_remedy(lake: Lake, content: bytes) -> None:
    leave_stage(lake, "documents", FILLED, [])
    (lake.stages / "documents.json").write_bytes(content)
    with pytest.raises(LakeError, match=r"the record of the stage documents is damaged: remove .* and run again"):
        read_stage(lake, "documents")
