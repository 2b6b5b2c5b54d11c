import pytest
from support.feature_parts import PART_ONE, PART_TWO, leave_documents

from flows.build_features import build_features
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.stages import read_stage
from tasks.running.stages import tables_of


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_the_flow_leaves_its_stage_and_a_second_run_does_nothing(lake: Lake) -> None:
    leave_documents(lake, PART_ONE, PART_TWO)
    first = build_features(str(lake.home), "threads")
    assert read_stage(lake, "features") == first
    assert set(first.tables) == {*tables_of("features"), "ops.ledger"}
    assert (first.n_steps_run, first.n_steps_skipped) == (5, 0)
    assert read_table(lake, first.tables["tokens"]).num_rows == 34
    second = build_features(str(lake.home), "threads")
    assert (second.n_steps_run, second.n_steps_skipped) == (0, 5)
    assert second.tables == first.tables
