import pyarrow as pa

from expectations.contracts.documents import DOCUMENTS
from tasks.lake.files import write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord, leave_stage
from tasks.lake.steps import Step, StepOutput, Work, do
from tasks.publication.stage import note_published, read_stages, unpublished_stages

STEP = Step("write_documents", ("tasks.transforms.records.quarantine",))


def leave_documents(lake: Lake, *texts: str) -> StageRecord:
    """A stage of one batch whose working table holds the texts."""

    def body(lake: Lake, payload: tuple[str, ...]) -> StepOutput:
        rows = pa.table({"text": list(payload)})
        return StepOutput(
            (write_table(lake, "texts", rows), write_table(lake, "documents", DOCUMENTS.empty())),
            len(payload),
            len(payload),
        )

    return leave_stage(lake, "documents", [do(lake, Work(STEP, "batch", texts, texts), body)])


def test_a_stage_is_unpublished_until_it_is_noted_and_again_when_its_files_change(lake: Lake) -> None:
    assert unpublished_stages(lake) == []
    record = leave_documents(lake, "one")
    assert unpublished_stages(lake) == ["documents"]
    note_published(lake, [record], publish(lake, [record], "run"))
    assert unpublished_stages(lake) == []
    leave_documents(lake, "one")
    assert read_stages(lake)[0].n_steps_skipped == 1
    assert unpublished_stages(lake) == []
    leave_documents(lake, "one", "two")
    assert unpublished_stages(lake) == ["documents"]


def test_a_snapshot_that_somebody_else_made_since_is_not_taken_for_ours(lake: Lake) -> None:
    record = leave_documents(lake, "one")
    note_published(lake, [record], publish(lake, [record], "run"))
    publish(lake, [leave_documents(lake, "two")], "other")
    leave_documents(lake, "one")
    assert unpublished_stages(lake) == ["documents"]


def test_a_damaged_note_means_publishing_again(lake: Lake) -> None:
    record = leave_documents(lake, "one")
    note_published(lake, [record], publish(lake, [record], "run"))
    for content in ("{", "[]", '{"stages": 3}'):
        (lake.ops / "published.json").write_text(content)
        assert unpublished_stages(lake) == ["documents"]
