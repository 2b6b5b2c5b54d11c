import pytest
from support.chains import do_batch, plan, run_chain
from support.feature_parts import PART_ONE, build, leave_documents, rows_of

from models.taggers.lemmas import as_tensors as lemma_tensors
from models.taggers.lemmas import learn_lemmas
from models.taggers.storage import as_tensors
from models.taggers.tagger import learn_tagger
from tasks.features import tokens
from tasks.features.stage import CHAIN
from tasks.features.tokens import DocumentsPart
from tasks.lake.files import read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, leave_stage
from tasks.lake.steps import StepRecord
from tasks.learning.model_store import TrainedModel, write_model
from tasks.transforms.text.lexicon import TextSettings


def only_part(lake: Lake) -> tuple[DocumentsPart, StepRecord]:
    """The one part of the documents, and the record of its tokens."""
    way = run_chain(lake, CHAIN)
    ((batch,), (record,)) = way.batches["write_tokens"], way.records["write_tokens"]
    return batch.payload, record


def test_slices_change_no_byte(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_documents(lake, PART_ONE)
    part, whole = only_part(lake)
    monkeypatch.setattr(tokens, "SLICE_BYTES", 40)
    again = do_batch(lake, CHAIN, "write_tokens", part)
    assert (again.files, again.is_reused) == (whole.files, False)


def test_a_part_out_of_order_is_brought_into_order(lake: Lake) -> None:
    leave_documents(lake, PART_ONE)
    part, whole = only_part(lake)
    rows = read_table(lake, part.documents)
    stream = write_table(lake, "documents", rows.take([2, 0, 3, 1]).to_batches())
    assert stream != part.documents
    again = do_batch(lake, CHAIN, "write_tokens", DocumentsPart(stream, TextSettings()))
    assert (again.files, again.is_reused) == (whole.files, False)


def leave_tagger(lake: Lake, lang: str, verb: str) -> StageRecord:
    """A tagger of `lang` as what the stage `hmm` last left: it has learned that `the <verb>` is a verb, lemma swim."""
    sentences = [[("The", "DET", ""), ("tide", "NOUN", ""), (verb, "VERB", ""), (".", "PUNCT", "")]] * 3
    tensors, notes = as_tensors(learn_tagger(sentences))
    lemmas = lemma_tensors(learn_lemmas([(verb, "VERB", "swim")]))
    model = TrainedModel("hmm_tagger", lang, 1, {}, "000001", (), {**tensors, **lemmas}, (), notes)
    trained = StepRecord(
        step="fit_tagger",
        subject=lang,
        fingerprint=verb,
        code_version="0" * 12,
        settings_sha256="",
        inputs=(),
        files=write_model(lake, model),
        n_rows_in=0,
        n_rows_out=0,
        set_aside={},
        seconds=0.0,
    )
    return leave_stage(lake, "hmm", ("models", "scores"), [trained])


def test_tokens_are_tagged_in_languages_with_a_tagger_and_a_new_one_redoes_those_alone(lake: Lake) -> None:
    leave_documents(lake, PART_ONE, [("5", "de", "Die Boote fahren.")])
    plain = build(lake)
    assert set(rows_of(lake, plain, "tokens")["pos"].to_pylist()) == {None}
    leave_tagger(lake, "en", "turned")
    assert [line.subject for line in plan(lake, CHAIN)] == ["documents from 0000000000000001", "all", "all"]
    records = build(lake)
    rows = rows_of(lake, records, "tokens").to_pylist()
    assert {row["doc_id"][-1] for row in rows if row["pos"] is not None} == {"1", "3"}  # the English ones
    (turned,) = [row for row in rows if row["norm"] == "turned"]
    assert (turned["pos"], turned["lemma"]) == ("VERB", "swim")
    assert {row["norm"]: row["lemma"] for row in rows_of(lake, records, "vocabulary").to_pylist()}["turned"] == "swim"
    assert [line.reason for line in plan(lake, CHAIN)] == []
    leave_tagger(lake, "en", "turned")
    assert plan(lake, CHAIN) == []  # the same tagger trained again
    leave_tagger(lake, "en", "left")
    assert [line.subject for line in plan(lake, CHAIN)] == ["documents from 0000000000000001", "all", "all"]


def test_a_tagger_that_cannot_be_read_leaves_its_language_untagged_and_the_ledger_says_so(lake: Lake) -> None:
    leave_documents(lake, PART_ONE)
    stage = leave_tagger(lake, "en", "turned")
    (weights,) = [ref for ref in stage.working if "safetensors" in ref.path]
    lake.locate(weights.path).write_bytes(b"another code's")
    records = build(lake)
    assert set(rows_of(lake, records, "tokens")["pos"].to_pylist()) == {None}
    assert [
        row["subject"]
        for row in rows_of(lake, records, "ops.ledger").to_pylist()
        if row["rule"] == "tagger_not_readable"
    ] == ["tagger of en"]
