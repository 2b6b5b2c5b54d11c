import itertools
import multiprocessing
from typing import Any

import pytest
from support.lake_crowd import (
    publish_many,
    publish_one_stage,
    read_by_path,
    read_for_long,
    read_through_connect,
    stages_of,
)
from support.lake_rows import plain_rows

from tasks.lake.check import check
from tasks.lake.layout import Lake
from tasks.lake.manifests import read_manifests, snapshot_ids
from tasks.lake.publishing import publish, read_manifest

SPAWN = multiprocessing.get_context("spawn")


@pytest.mark.slow
def test_two_publishers_at_once_both_end_with_their_tables_in(lake: Lake) -> None:
    n_rounds = 12
    start, answers = SPAWN.Barrier(2), SPAWN.Queue()
    publishers = [
        SPAWN.Process(target=publish_one_stage, args=(lake.home, stage, n_rounds, start, answers))
        for stage in ("documents", "hmm")
    ]
    for publisher in publishers:
        publisher.start()
    made: dict[str, list[str]] = dict(answers.get(timeout=120) for _ in publishers)
    for publisher in publishers:
        publisher.join()
    assert plain_rows(lake.warehouse, "SELECT label, value FROM labels, scores") == [(str(n_rounds), float(n_rounds))]
    every = [f"{n:06d}" for n in range(1, 2 * n_rounds + 1)]
    assert sorted(made["documents"] + made["hmm"]) == snapshot_ids(lake) == every
    assert made["documents"] != every[:n_rounds]  # they did work at the same time
    manifests = read_manifests(lake, every)
    assert [manifest.parent_id for manifest in manifests] == [None, *every[:-1]]
    for earlier, later in itertools.pairwise(manifests):
        (changed,) = (stage for stage in later.stages if earlier.stages.get(stage) != later.stages[stage])
        assert later.snapshot_id in made[changed]
    assert plain_rows(lake.warehouse, "SELECT snapshot_id FROM ops.snapshots ORDER BY 1") == [(name,) for name in every]
    assert check(lake) == []


@pytest.mark.slow
def test_eight_readers_over_a_hundred_publishes_see_no_error_and_no_mixed_version(lake: Lake) -> None:
    n_publishes, keep = 100, 50
    publish(lake, stages_of(lake, 0), "run 0")
    ended, answers = SPAWN.Event(), SPAWN.Queue()
    kinds = [read_by_path] * 4 + [read_through_connect] * 2 + [read_for_long] * 2
    readers = [SPAWN.Process(target=kind, args=(lake.home, ended, answers)) for kind in kinds]
    for reader in readers:
        reader.start()
    publisher = SPAWN.Process(target=publish_many, args=(lake.home, n_publishes, keep))
    publisher.start()
    publisher.join()
    ended.set()
    seen: list[Any] = [answers.get(timeout=60) for _ in readers]
    for reader in readers:
        reader.join()
    assert publisher.exitcode == 0
    assert [told for told in seen if isinstance(told, str)] == []
    for answered in seen:
        assert all(label == score for label, score, _ in answered)
        assert answered == sorted(answered)  # never back to an earlier version, nor to a shorter log
        assert len(answered) > 10
    assert len({label for answered in seen for label, _, _ in answered}) > n_publishes / 4
    manifest = read_manifest(lake)
    assert manifest is not None
    assert len(snapshot_ids(lake)) == keep
    assert plain_rows(lake.warehouse, "SELECT label FROM labels") == [(str(n_publishes),)]
    assert check(lake) == []
