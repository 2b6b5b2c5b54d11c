"""The stages that there are, their order, and the plan of a whole run."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from expectations.contracts.tables import EVENT_TABLES, TABLES
from tasks.intake.kinds import SOURCE_KINDS
from tasks.intake.sources import load_sources
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, Step, StepOutput
from tasks.running.chains import Chain
from tasks.running.stages import (
    PUBLISH,
    all_chains,
    all_stages,
    flow_of,
    make_plan,
    refresh_order,
    stage_order,
    tables_of,
)
from tasks.transforms.records.source_format import Source

FLOWS = Path(__file__).resolve().parents[3] / "flows"


def nothing(_lake: Lake, _payload: None) -> StepOutput:
    return StepOutput((), 0, 0)


def chain(subject: str, *reads: str, leaves: str = "", stage: str = "") -> Chain:
    """A chain of one step that reads `reads` and leaves one table."""
    named: Mapping[str, str] = {f"input_{place}": name for place, name in enumerate(reads)}
    source = f"def batches({', '.join(named)}): return []"
    scope: dict[str, type[Batch]] = {}
    exec(source, scope)  # noqa: S102  # a function whose parameters a test chooses
    step = Step(f"write_{subject}", nothing, scope["batches"], leaves=(leaves or subject,), reads=named)
    return Chain(subject, stage or subject, f"make_{subject}", (step,))


def chains(*some: Chain) -> dict[str, Chain]:
    return {one.subject: one for one in some}


def test_a_stage_comes_behind_those_that_it_reads_from() -> None:
    some = chains(chain("c", "b_left"), chain("b", "published_a"), chain("a"), chain("d"))
    assert stage_order(some) == ["a", "d", "b", "c"]


def test_a_publish_comes_before_what_reads_as_published_what_was_just_left() -> None:
    some = chains(chain("a"), chain("b", "published_a"), chain("c", "published_a"), chain("d", "published_b"))
    assert refresh_order(some) == ["a", PUBLISH, "b", "c", PUBLISH, "d", PUBLISH]


def test_what_reads_documents_directly_is_brought_up_to_date_before_they_are_published() -> None:
    some = chains(
        chain("documents"),
        chain("taggers", "published_documents", stage="hmm"),
        chain("features", "documents_left", "taggers_left"),
        chain("vectors", "published_features"),
    )
    assert refresh_order(some) == ["documents", "features", PUBLISH, "hmm", "features", PUBLISH, "vectors", PUBLISH]


FIRST = ["documents", "mobility", "features", "publish"]
BY_HAND = [*FIRST, "hmm", "features", "publish", "embeddings", "lstm", "publish"]
"""The order of a run as it stood in `refresh` before it followed from the chains."""


def test_the_run_is_what_it_was_before_it_followed_from_the_chains() -> None:
    known = {subject: one for subject, one in all_chains().items() if one.stage in BY_HAND}
    assert refresh_order(known) == BY_HAND


def test_every_table_of_snapshots_is_filled_by_a_stage_and_every_flow_is_there() -> None:
    filled = {name for stage in all_stages() for name in tables_of(stage)} | {"ops.ledger"}
    assert filled == TABLES.keys() - set(EVENT_TABLES)
    for stage in all_stages():
        assert f'@flow(name="{flow_of(stage)}")' in (FLOWS / f"{flow_of(stage)}.py").read_text(encoding="utf-8")


def test_every_kind_of_source_is_taken_in_by_one_chain() -> None:
    taken = [kind for one in all_chains().values() for kind in one.kinds]
    assert sorted(taken) == sorted(SOURCE_KINDS)


def test_a_stage_that_there_is_not_is_told_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="there is no stage called 'words': give one of documents, mobility"):
        flow_of("words")


@pytest.fixture
def sources(tmp_path: Path) -> list[Source]:
    folder = tmp_path / "sources"
    folder.mkdir()
    declared = "name: mills\nkind: text\nlocation: mill.txt\nlicence: CC0-1.0\nproducer: The test\n"
    (folder / "mills.yaml").write_text(declared)
    (folder / "mill.txt").write_text("The tide mill grinds corn.")
    return load_sources(folder)


def files_of(lake: Lake) -> set[Path]:
    return {path for path in lake.home.rglob("*") if path.is_file()}


def test_what_waits_for_due_work_is_one_line_a_chain_in_the_order_of_a_run(lake: Lake, sources: list[Source]) -> None:
    lines = make_plan(lake, sources, ())
    order = [*all_stages(), PUBLISH]
    assert [line.stage for line in lines] == sorted((line.stage for line in lines), key=order.index)
    reasons = {line.subject: line.reason for line in lines if line.step == "all"}
    assert reasons["features"] == "waiting for documents, taggers"
    assert reasons["embeddings"] == "waiting for documents, features"
    assert reasons["labels"] == "waiting for documents, embeddings, features"
    assert {reasons[subject] for subject in ("regimes", "forecasts") if subject in reasons} == {"waiting for mobility"}
    assert lines[-1].reason == f"waiting for {', '.join(all_stages())}"
    assert ("parse_documents", "new") in {(line.step, line.reason) for line in lines}


def test_a_plan_changes_nothing(lake: Lake, sources: list[Source]) -> None:
    before = files_of(lake)
    make_plan(lake, sources, ())
    assert files_of(lake) == before


def test_a_stage_alone_waits_for_nothing_but_its_own_steps(lake: Lake, sources: list[Source]) -> None:
    assert {line.stage for line in make_plan(lake, sources, (), "documents")} == {"documents", PUBLISH}
    assert make_plan(lake, sources, (), "features") == []


def test_what_no_snapshot_shows_is_to_be_published_and_waited_for(lake: Lake) -> None:
    lines = make_plan(lake, (), ("mobility",), "features")
    assert [(line.stage, line.subject, line.reason) for line in lines] == [(PUBLISH, "mobility", "not published yet")]
