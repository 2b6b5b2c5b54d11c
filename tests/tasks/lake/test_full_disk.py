import multiprocessing

import pytest
from support.lake_full_disk import run_all, run_with_little_space
from support.lake_rows import plain_rows

from tasks.lake.check import check
from tasks.lake.layout import Lake
from tasks.lake.manifests import snapshot_ids
from tasks.lake.vacuum import find_temporaries

SPAWN = multiprocessing.get_context("spawn")
LABEL = "SELECT DISTINCT label FROM labels"


@pytest.mark.slow
# In turn too small for: a record, the rows, the warehouse's first block, all of it.
@pytest.mark.parametrize("most_bytes", [100, 5_000, 30_000, 150_000])
def test_a_full_disk_is_one_sentence_and_the_last_snapshot_stays(lake: Lake, most_bytes: int) -> None:
    run_all(lake, "old")
    answers = SPAWN.Queue()
    process = SPAWN.Process(target=run_with_little_space, args=(lake.home, most_bytes, answers))
    process.start()
    outcome, sentence = answers.get(timeout=60)
    process.join()
    assert outcome == "refused", sentence
    assert "free space" in sentence
    assert "\n" not in sentence
    assert snapshot_ids(lake) == ["000001"]
    assert plain_rows(lake.warehouse, LABEL) == [("old",)]
    assert list(find_temporaries(lake, float("inf"))) == []
    assert check(lake) == []
    assert run_all(lake, "new") == "000002"
    assert plain_rows(lake.warehouse, LABEL) == [("new",)]
