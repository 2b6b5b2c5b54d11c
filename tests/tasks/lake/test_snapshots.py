import itertools
import random
from dataclasses import replace

import pyarrow as pa
import pytest
from support.lake_rows import labels_of, score_of, stage_of, write_rows

from expectations.contracts.documents import LABELS
from tasks.lake.files import write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.publishing import point_link, publish
from tasks.lake.snapshots import TableDiff, diff, list_snapshots


def publish_labels(lake: Lake, *batches: dict[str, str]) -> str:
    return publish(lake, [stage_of("documents", *(labels_of(lake, **batch) for batch in batches))], "run").snapshot_id


def diff_of(lake: Lake, table: str, earlier: str, later: str) -> TableDiff:
    (found,) = (line for line in diff(lake, earlier, later) if line.table == table)
    return found


def counts(found: TableDiff) -> tuple[int, int, int]:
    return found.n_rows_added, found.n_rows_removed, found.n_rows_changed


def test_snapshots_are_listed_oldest_first_with_what_they_hold(lake: Lake) -> None:
    assert list_snapshots(lake) == []
    publish_labels(lake, {"a": "good"})
    publish_labels(lake, {"a": "good"}, {"b": "bad", "c": "bad"})
    first, second = list_snapshots(lake)
    assert (first.snapshot_id, first.parent_id, first.n_rows, first.is_present) == ("000001", None, 1, False)
    assert (second.snapshot_id, second.parent_id, second.n_rows, second.is_present) == ("000002", "000001", 3, True)
    assert second.n_files == first.n_files + 1
    assert second.published_at > first.published_at
    point_link(lake, "000001")
    assert [snapshot.is_present for snapshot in list_snapshots(lake)] == [True, False]


def test_a_damaged_manifest_is_one_sentence_with_the_remedy(lake: Lake) -> None:
    publish_labels(lake, {"a": "good"})
    for content in (b"", b"{}", b"[]", b'{"volumes": 1}'):
        (lake.snapshots / "000001" / "manifest.json").write_bytes(content)
        with pytest.raises(LakeError, match=r"manifest\.json is damaged: run `tidemill doctor`"):
            list_snapshots(lake)


def test_rows_are_compared_by_key(lake: Lake) -> None:
    publish_labels(lake, {"a": "good", "b": "good", "c": "good"}, {"d": "same"})
    publish_labels(lake, {"b": "good", "c": "bad", "e": "new"}, {"d": "same"})
    found = diff_of(lake, "labels", "000001", "000002")
    assert counts(found) == (1, 1, 1)
    assert (found.n_rows_before, found.n_rows_after) == (4, 4)
    assert (len(found.files_added), len(found.files_removed)) == (1, 1)
    assert not found.is_same
    back = diff_of(lake, "labels", "000002", "000001")
    assert (counts(back), back.files_added, back.files_removed) == ((1, 1, 1), found.files_removed, found.files_added)


def test_rows_that_moved_to_another_file_are_the_same_rows(lake: Lake) -> None:
    publish_labels(lake, {"a": "good", "b": "good"})
    publish_labels(lake, {"a": "good"}, {"b": "good"})
    found = diff_of(lake, "labels", "000001", "000002")
    assert found.is_same
    assert (len(found.files_added), len(found.files_removed)) == (2, 1)


def test_a_table_that_came_or_went_counts_all_its_rows(lake: Lake) -> None:
    publish_labels(lake, {"a": "good"})
    publish(lake, [stage_of("hmm", score_of(lake, 1.0))], "run")
    assert counts(diff_of(lake, "scores", "000001", "000002")) == (1, 0, 0)
    assert counts(diff_of(lake, "scores", "000002", "000001")) == (0, 1, 0)
    assert diff_of(lake, "labels", "000001", "000002").is_same


def test_keys_of_several_columns_and_null_values(lake: Lake) -> None:
    rows = [
        {"model_id": "m", "metric": "mae", "split": split, "value": 1.0, "baseline_value": None}
        for split in ("fit", "test")
    ]
    publish(lake, [stage_of("hmm", write_rows(lake, "scores", rows))], "run")
    rows[1]["baseline_value"] = 2.0
    publish(lake, [stage_of("hmm", write_rows(lake, "scores", rows))], "run")
    assert counts(diff_of(lake, "scores", "000001", "000002")) == (0, 0, 1)


def test_a_snapshot_compared_with_itself_is_the_same(lake: Lake) -> None:
    publish_labels(lake, {"a": "good"})
    assert all(line.is_same and not line.files_added for line in diff(lake, "000001", "000001"))


def test_a_column_that_the_earlier_snapshot_had_not_is_not_compared(lake: Lake) -> None:
    old = pa.Table.from_pylist(
        [{"doc_id": "a".rjust(16, "0"), "label": "good"}], schema=LABELS.arrow_schema()
    ).drop_columns(["label"])
    publish(lake, [stage_of("documents", replace(write_table(lake, "old_labels", old), table="labels"))], "run")
    publish_labels(lake, {"a": "good", "b": "good"})
    assert counts(diff_of(lake, "labels", "000001", "000002")) == (1, 0, 0)


def test_an_unknown_snapshot_or_a_missing_file_is_one_sentence_with_the_remedy(lake: Lake) -> None:
    publish_labels(lake, {"a": "good"})
    publish_labels(lake, {"b": "good"})
    with pytest.raises(LakeError, match=r"no snapshot is called 000009 .* \(there are 000001, 000002\)"):
        diff(lake, "000001", "000009")
    for path in (lake.tables / "labels").iterdir():
        path.unlink()
    with pytest.raises(LakeError, match=r"the files of labels cannot be compared .*: run `tidemill doctor`"):
        diff(lake, "000001", "000002")


def test_counts_are_those_of_dictionaries(lake: Lake) -> None:
    choice = random.Random(1)
    states = [{key: choice.choice("xy") for key in choice.sample("abcdef", choice.randrange(7))} for _ in range(7)]
    ids = [publish_labels(lake, state) for state in states]
    for (earlier, before), (later, after) in itertools.permutations(zip(ids, states, strict=True), 2):
        shared = before.keys() & after.keys()
        expected = (
            len(after.keys() - shared),
            len(before.keys() - shared),
            sum(before[key] != after[key] for key in shared),
        )
        assert counts(diff_of(lake, "labels", earlier, later)) == expected
