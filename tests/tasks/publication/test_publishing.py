from dataclasses import replace

import pyarrow as pa

from expectations.contracts.documents import DOCUMENTS
from expectations.table_contract import TableContract
from tasks.lake.files import write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord, leave_stage
from tasks.lake.steps import Batch, Step, StepOutput, do
from tasks.publication.publishing import note_published, read_stages_in_order, unpublished_stages


def write_texts(lake: Lake, texts: tuple[str, ...]) -> StepOutput:
    files = (
        write_table(lake, "texts", pa.table({"text": list(texts)})),
        write_table(lake, "documents", DOCUMENTS.empty()),
    )
    return StepOutput(files, len(texts), len(texts))


def leave_texts(lake: Lake, *texts: str, stage: str = "documents") -> StageRecord:
    """A stage of one batch whose working table holds the texts."""
    task = Step("write_documents", write_texts, list).task(Batch(stage, texts, texts))
    return leave_stage(lake, stage, ("documents",), [do(lake, task)])


def test_a_stage_is_unpublished_until_it_is_noted_and_again_when_its_files_change(lake: Lake) -> None:
    assert unpublished_stages(lake) == []
    record = leave_texts(lake, "one")
    assert unpublished_stages(lake) == ["documents"]
    note_published(lake, [record], publish(lake, [record], "run"))
    assert unpublished_stages(lake) == []
    leave_texts(lake, "one")
    assert read_stages_in_order(lake)[0].n_steps_skipped == 1
    assert unpublished_stages(lake) == []
    leave_texts(lake, "one", "two")
    assert unpublished_stages(lake) == ["documents"]


def test_a_snapshot_that_somebody_else_made_since_is_not_taken_for_ours(lake: Lake) -> None:
    record = leave_texts(lake, "one")
    note_published(lake, [record], publish(lake, [record], "run"))
    publish(lake, [leave_texts(lake, "two")], "other")
    leave_texts(lake, "one")
    assert unpublished_stages(lake) == ["documents"]


def test_a_damaged_note_means_publishing_again(lake: Lake) -> None:
    record = leave_texts(lake, "one")
    note_published(lake, [record], publish(lake, [record], "run"))
    for content in ("{", "[]", '{"stages": 3}'):
        (lake.ops / "published.json").write_text(content)
        assert unpublished_stages(lake) == ["documents"]


def test_stages_come_in_the_order_of_a_whole_run(lake: Lake) -> None:
    for stage in ("lstm", "features", "documents"):
        leave_texts(lake, stage, stage=stage)
    assert [record.stage for record in read_stages_in_order(lake)] == ["documents", "features", "lstm"]
    assert unpublished_stages(lake) == ["documents", "features", "lstm"]


def test_a_contract_that_changed_asks_for_a_publish_of_the_stages_that_fill_its_table_alone(
    lake: Lake, tables: dict[str, TableContract]
) -> None:
    records = [leave_texts(lake, "one"), leave_stage(lake, "mobility", ("mobility",), [])]
    note_published(lake, records, publish(lake, records, "run"))
    tables["mobility"] = replace(tables["mobility"], row_is="a category of a region on a day, as last published")
    assert unpublished_stages(lake) == ["mobility"]
