from pathlib import Path

import pytest

from tasks.intake.sources import load_sources
from tasks.lake.layout import Lake
from tasks.lake.stages import STAGE_TABLES
from tasks.running.plan import STAGE_NEEDS, make_plan
from tasks.transforms.records.source_format import Source

pytestmark = pytest.mark.slow  # the learners' imports


@pytest.fixture
def sources(tmp_path: Path) -> list[Source]:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "mills.yaml").write_text(
        "name: mills\nkind: text\nlocation: mill.txt\nlicence: CC0-1.0\nproducer: The test\n"
    )
    (folder / "mill.txt").write_text("The tide mill grinds corn.")
    return load_sources(folder)


def files_of(lake: Lake) -> set[Path]:
    return {path for path in lake.home.rglob("*") if path.is_file()}


def test_what_hangs_on_due_work_is_one_line_a_stage_in_the_order_of_a_run(lake: Lake, sources: list[Source]) -> None:
    lines = make_plan(lake, sources)
    order = [*STAGE_TABLES, "publish"]
    assert [line.stage for line in lines] == sorted((line.stage for line in lines), key=order.index)
    by_stage = {line.stage: line for line in lines}
    assert by_stage["features"].reason == "hangs on documents"
    assert by_stage["embeddings"].reason == "hangs on documents, features"
    assert by_stage["publish"].reason.startswith("hangs on documents, ")
    assert ("parse_documents", "new") in {(line.step, line.reason) for line in lines}


def test_a_plan_changes_nothing(lake: Lake, sources: list[Source]) -> None:
    before = files_of(lake)
    make_plan(lake, sources)
    assert files_of(lake) == before


def test_a_stage_alone_hangs_on_nothing_but_its_own_steps(lake: Lake, sources: list[Source]) -> None:
    assert {line.stage for line in make_plan(lake, sources, "documents")} == {"documents", "publish"}
    assert make_plan(lake, sources, "features") == []


def test_every_stage_says_what_it_needs_and_needs_only_stages_before_it() -> None:
    assert list(STAGE_NEEDS) == list(STAGE_TABLES)
    for place, needs in enumerate(STAGE_NEEDS.values()):
        assert set(needs) <= set(list(STAGE_TABLES)[:place])
