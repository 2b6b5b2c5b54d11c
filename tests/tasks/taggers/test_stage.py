import pyarrow as pa
import pytest
from support.tagger_stage import leave_taggers, publish_treebank

from models.taggers.storage import from_tensors
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord
from tasks.lake.steps import do
from tasks.learning.model_store import read_model
from tasks.taggers.applying import present_taggers
from tasks.taggers.stage import fit_tagger_body, plan_taggers, tag_tokens, tagger_works


def decisions(lake: Lake, stage: StageRecord) -> list[tuple[str, str, float | None]]:
    """Outcome, rule and score of each verdict in the ledger of the stage."""
    lines = read_table(lake, stage.tables["ops.ledger"]).to_pylist()
    return [
        (line["outcome"], line["rule"], line["score"])
        for line in lines
        if "champion" in line["rule"] and line["n_rows_in"] is None
    ]


def test_a_tagger_its_scores_and_its_rows_are_left(lake: Lake) -> None:
    publish_treebank(lake, 60, ("de", "en"))
    works = tagger_works(lake)
    assert [work.subject for work in works] == ["treebank of de", "treebank of en"]
    record = do(lake, works[1], fit_tagger_body)
    assert (record.n_rows_in, record.n_rows_out) == (240, 240)
    (model,) = read_table(lake, record.files_of("models")).to_pylist()
    assert (model["kind"], model["lang"], model["snapshot_id"]) == ("hmm_tagger", "en", "000001")
    scores = {(row["metric"], row["split"]): row for row in read_table(lake, record.files_of("scores")).to_pylist()}
    assert scores["upos_accuracy", "held_out"]["value"] == 1.0
    assert scores["upos_accuracy", "held_out"]["baseline"] == "most_frequent_tag"
    lemmas = scores["lemma_accuracy", "held_out"]
    assert lemmas["baseline"] == "dictionary_alone"
    assert lemmas["value"] == 1.0 > lemmas["baseline_value"]  # that `moved` comes of mov is news to any dictionary
    tensors, card = read_model(lake, model["model_id"])
    tokens = pa.table(
        {
            "doc_id": ["a", "a", "b", "b"],
            "sentence": pa.array([0, 0, 0, 0], pa.int32()),
            "token": ["The", "tide", "The", "mill"],
        }
    )
    assert tag_tokens(from_tensors(tensors, card["notes"]), tokens).to_pylist() == ["DET", "NOUN", "DET", "NOUN"]
    assert tag_tokens(from_tensors(tensors, card["notes"]), tokens[:0]).to_pylist() == []


def test_a_text_without_tags_leaves_the_taggers_alone(lake: Lake) -> None:
    publish_treebank(lake, 60)
    assert [(line.step, line.reason) for line in plan_taggers(lake)] == [
        ("fit_tagger", "new"),
        ("judge_tagger", "hangs on fit_tagger"),
    ]
    leave_taggers(lake)
    publish_treebank(lake, 60, n_texts=1)
    assert plan_taggers(lake) == []


def test_a_tagger_that_is_worse_than_the_published_one_is_kept_and_not_published(lake: Lake) -> None:
    publish_treebank(lake, 60)
    publish(lake, [first := leave_taggers(lake)], "first")
    assert decisions(lake, first) == [("kept", "first_champion", None)]
    publish_treebank(lake, 60, is_wrong=True)
    assert [line.step for line in plan_taggers(lake)] == ["fit_tagger", "judge_tagger"]
    second = leave_taggers(lake)
    assert [files.weights for files in present_taggers(lake).values()] == [
        ref for ref in first.working if "safetensors" in ref.path
    ]
    assert [(outcome, rule) for outcome, rule, _ in decisions(lake, second)] == [("skipped", "worse_than_champion")]
    assert (decisions(lake, second)[0][2] or 0.0) < 1.0
    assert len([ref for ref in second.working if "safetensors" in ref.path]) == 2  # both are kept
    publish(lake, [second], "second")
    assert plan_taggers(lake) == []  # and a second run does nothing
    publish_treebank(lake, 55)
    assert decisions(lake, leave_taggers(lake))[0][:2] == ("kept", "not_worse_than_champion")


def test_too_few_sentences_are_a_line_in_the_ledger_and_no_model(lake: Lake) -> None:
    publish_treebank(lake, 5)
    record = do(lake, tagger_works(lake)[0], fit_tagger_body)
    (line,) = read_table(lake, record.files_of("ops.ledger")).to_pylist()
    assert (line["outcome"], line["rule"], line["score"]) == ("skipped", "fewer_than_20_sentences", 5.0)
    assert record.set_aside == {"fewer_than_20_sentences": 20}
    assert not record.files_of("models")


@pytest.mark.parametrize("is_published", [False, True])
def test_no_treebank_is_nothing_to_do(lake: Lake, is_published: bool) -> None:  # noqa: FBT001  # a test's parameter
    if is_published:
        publish_treebank(lake, 0)
    assert tagger_works(lake) == []
    assert plan_taggers(lake) == []
