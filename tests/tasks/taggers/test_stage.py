import pytest
from support.chains import plan, run_chain
from support.tagger_stage import leave_taggers, publish_treebank

from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord
from tasks.taggers.applying import present_taggers
from tasks.taggers.settings import TaggingSettings
from tasks.taggers.stage import CHAIN


def decisions(lake: Lake, stage: StageRecord) -> list[tuple[str, str, float | None]]:
    """Outcome, rule and score of each verdict in the ledger of the stage."""
    lines = read_table(lake, stage.tables["ops.ledger"]).to_pylist()
    return [
        (line["outcome"], line["rule"], line["score"])
        for line in lines
        if "champion" in line["rule"] and line["outcome"] != "set_aside"
    ]


def test_a_tagger_its_scores_and_its_rows_are_left(lake: Lake) -> None:
    publish_treebank(lake, 60, ("de", "en"))
    way = run_chain(lake, CHAIN)
    assert [batch.subject for batch in way.batches["fit_tagger"]] == ["treebank of de", "treebank of en"]
    record = way.records["fit_tagger"][1]
    assert (record.n_rows_in, record.n_rows_out) == (240, 240)
    (model,) = read_table(lake, record.files_of("models")).to_pylist()
    assert (model["kind"], model["lang"], model["snapshot_id"]) == ("hmm_tagger", "en", "000001")
    scores = {(row["metric"], row["split"]): row for row in read_table(lake, record.files_of("scores")).to_pylist()}
    assert scores["upos_accuracy", "held_out"]["value"] == 1.0
    assert scores["upos_accuracy", "held_out"]["baseline"] == "most_frequent_tag"
    lemmas = scores["lemma_accuracy", "held_out"]
    assert lemmas["baseline"] == "dictionary_alone"
    assert lemmas["value"] == 1.0 > lemmas["baseline_value"]  # that `moved` comes of mov is news to any dictionary


def test_a_text_without_tags_leaves_the_taggers_alone(lake: Lake) -> None:
    publish_treebank(lake, 60)
    assert [(line.step, line.reason) for line in plan(lake, CHAIN)] == [
        ("fit_tagger", "new"),
        ("judge_tagger", "waiting for fit_tagger"),
    ]
    leave_taggers(lake)
    publish_treebank(lake, 60, n_texts=1)
    assert plan(lake, CHAIN) == []


def test_a_tagger_that_is_worse_than_the_published_one_is_kept_and_not_published(lake: Lake) -> None:
    publish_treebank(lake, 60)
    publish(lake, [first := leave_taggers(lake)], "first")
    assert decisions(lake, first) == [("kept", "first_champion", None)]
    publish_treebank(lake, 60, is_wrong=True)
    assert [line.step for line in plan(lake, CHAIN)] == ["fit_tagger", "judge_tagger"]
    second = leave_taggers(lake)
    assert [files.weights for files in present_taggers(lake, second).values()] == [
        ref for ref in first.working if "safetensors" in ref.path
    ]
    assert [(outcome, rule) for outcome, rule, _ in decisions(lake, second)] == [("skipped", "worse_than_champion")]
    assert (decisions(lake, second)[0][2] or 0.0) < 1.0
    assert len([ref for ref in second.working if "safetensors" in ref.path]) == 2  # both are kept
    publish(lake, [second], "second")
    assert plan(lake, CHAIN) == []  # and a second run does nothing
    publish_treebank(lake, 55)
    assert decisions(lake, leave_taggers(lake))[0][:2] == ("kept", "not_worse_than_champion")


def test_too_few_sentences_are_a_line_in_the_ledger_and_no_model(lake: Lake) -> None:
    publish_treebank(lake, 5)
    (record,) = run_chain(lake, CHAIN).records["fit_tagger"]
    (line,) = read_table(lake, record.files_of("ops.ledger")).to_pylist()
    assert (line["outcome"], line["rule"], line["score"]) == ("skipped", "fewer_than_20_sentences", 5.0)
    assert record.set_aside == {"fewer_than_20_sentences": 20}
    assert not record.files_of("models")


@pytest.mark.parametrize("is_published", [False, True])
def test_no_treebank_is_nothing_to_do(lake: Lake, is_published: bool) -> None:  # noqa: FBT001  # a test's parameter
    if is_published:
        publish_treebank(lake, 0)
    assert run_chain(lake, CHAIN).batches["fit_tagger"] == []
    assert plan(lake, CHAIN) == []


def test_who_is_published_is_no_matter_of_the_training(lake: Lake) -> None:
    publish_treebank(lake, 60)
    run_chain(lake, CHAIN)
    due = plan(lake, CHAIN, TaggingSettings(tolerance=0.5))
    assert [(line.step, line.reason) for line in due] == [("judge_tagger", "the settings changed")]
