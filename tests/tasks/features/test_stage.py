import random
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from oracles.slow_tfidf import slow_tfidf
from support.feature_parts import NEWCOMER, PART_ONE, PART_TWO, leave_documents

from expectations.contracts.tables import TABLES
from expectations.table_contract import repeated_key, split_rows
from models.taggers.lemmas import as_tensors as lemma_tensors
from models.taggers.lemmas import learn_lemmas
from models.taggers.storage import as_tensors
from models.taggers.tagger import learn_tagger
from tasks.features import stage as features
from tasks.features.stage import (
    DocumentsPart,
    count_by_language,
    plan_features,
    tfidf_works,
    token_works,
    vocabulary_works,
    write_tfidf_body,
    write_tokens_body,
    write_vocabulary_body,
)
from tasks.lake.files import read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, leave_stage
from tasks.lake.steps import Step, StepOutput, StepRecord, Work, do
from tasks.learning.model_store import TrainedModel, write_model
from tasks.transforms.text.lexicon import TextSettings


def build(lake: Lake, settings: TextSettings | None = None) -> list[StepRecord]:
    parts = [do(lake, work, write_tokens_body) for work in token_works(lake, settings)]
    vocabulary = [do(lake, work, write_vocabulary_body) for work in vocabulary_works(parts)]
    weights = [do(lake, work, write_tfidf_body) for work in tfidf_works(lake, parts, vocabulary)]
    return [*parts, *vocabulary, *weights]


def rows_of(lake: Lake, records: Sequence[StepRecord], table: str) -> pa.Table:
    rows = read_table(lake, [ref for record in records for ref in record.files_of(table)])
    return rows.sort_by([(name, "ascending") for name in TABLES[table].key])


def test_every_table_is_left_in_the_form_of_its_contract(lake: Lake) -> None:
    leave_documents(lake, PART_ONE, PART_TWO)
    records = build(lake)
    for name in ("tokens", "vocabulary", "terms", "tfidf", "ops.ledger"):
        rows = rows_of(lake, records, name)
        assert rows.num_rows
        assert rows.schema.equals(TABLES[name].arrow_schema())
        assert split_rows(TABLES[name], rows)[1].num_rows == 0
        assert not pc.any(repeated_key(TABLES[name], rows)).as_py()


def test_documents_without_tokens_or_terms_are_set_aside_and_told(lake: Lake) -> None:
    leave_documents(lake, PART_ONE, PART_TWO)
    records = build(lake)
    assert [(record.step, record.n_rows_in, record.n_rows_out, record.set_aside) for record in records] == [
        ("write_tokens", 4, 4, {}),
        ("write_tokens", 2, 1, {"no_token": 1}),
        ("write_vocabulary", 6, 6, {}),
        ("write_tfidf", 4, 3, {"no_indexed_term": 1}),
        ("write_tfidf", 2, 1, {"no_indexed_term": 1}),
    ]
    ledger = rows_of(lake, records, "ops.ledger").select(["subject", "stage", "outcome", "rule"]).to_pylist()
    assert [tuple(row.values()) for row in ledger] == [
        ("3".zfill(16), "write_tfidf", "set_aside", "no_indexed_term"),
        ("6".zfill(16), "write_tfidf", "set_aside", "no_indexed_term"),
        ("6".zfill(16), "write_tokens", "set_aside", "no_token"),
    ]


def test_counts_add_up_over_all_tables_and_weights_equal_those_of_dictionaries(lake: Lake) -> None:
    leave_documents(lake, PART_ONE, PART_TWO, NEWCOMER)
    records = build(lake)
    tokens = rows_of(lake, records, "tokens").to_pylist()
    assert sum(rows_of(lake, records, "vocabulary")["n_occurrences"].to_pylist()) == len(tokens)
    lang_of = {doc_id.zfill(16): lang for doc_id, lang, _ in [*PART_ONE, *PART_TWO, *NEWCOMER]}
    words: dict[str, dict[str, list[str]]] = {}
    for doc_id, lang in lang_of.items():
        words.setdefault(lang, {})[doc_id] = [
            token["stem"] for token in tokens if token["doc_id"] == doc_id and not token["is_stop"]
        ]
    expected = {key: weight for documents in words.values() for key, weight in slow_tfidf(documents).items()}
    tfidf = {(row["doc_id"], row["term"]): row["weight"] for row in rows_of(lake, records, "tfidf").to_pylist()}
    assert tfidf == pytest.approx(expected, abs=1e-12)
    terms = {(row["lang"], row["term"]): row["n_documents"] for row in rows_of(lake, records, "terms").to_pylist()}
    assert terms["en", "tide"] == 2
    assert terms["de", "boot"] == 2
    assert ("en", "the") not in terms


def test_how_documents_are_parted_and_ordered_changes_nothing(lake: Lake) -> None:
    documents = [*PART_ONE, *PART_TWO, *NEWCOMER]
    leave_documents(lake, PART_ONE, PART_TWO, NEWCOMER)
    one = build(lake)
    shuffled = random.Random(5).sample(documents, len(documents))
    leave_documents(lake, shuffled[:2], shuffled[2:])
    other = build(lake)
    for name in ("tokens", "vocabulary", "terms", "tfidf"):
        assert rows_of(lake, one, name).equals(rows_of(lake, other, name)), name


def test_slices_change_no_byte(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_documents(lake, PART_ONE)
    (work,) = token_works(lake)
    whole = write_tokens_body(lake, work.payload)
    monkeypatch.setattr(features, "SLICE_BYTES", 40)
    assert write_tokens_body(lake, work.payload).files == whole.files


def test_a_part_out_of_order_is_brought_into_order(lake: Lake) -> None:
    leave_documents(lake, PART_ONE)
    (work,) = token_works(lake)
    whole = write_tokens_body(lake, work.payload)
    rows = read_table(lake, work.payload.documents)
    stream = write_table(lake, "documents", rows.take([2, 0, 3, 1]).to_batches())
    assert stream != work.payload.documents
    assert write_tokens_body(lake, DocumentsPart(stream, TextSettings())).files == whole.files


def test_a_document_added_costs_its_part_and_the_weights_of_its_language(lake: Lake) -> None:
    english, german = [PART_ONE[0]], [PART_ONE[1]]
    leave_documents(lake, english, german)
    build(lake)
    assert plan_features(lake) == []
    leave_documents(lake, english, german, NEWCOMER)
    assert [(line.step, line.subject, line.reason) for line in plan_features(lake)] == [
        ("write_tokens", "documents from " + "7".zfill(16), "new"),
        ("write_vocabulary", "all", "hangs on write_tokens"),
        ("write_tfidf", "all", "hangs on write_tokens"),
    ]
    records = build(lake)
    # Parts of English, German, and the newcomer; the vocabulary; the weights of English stand, because its idf did not change.
    assert [record.was_standing for record in records] == [True, True, False, False, True, False, False]
    assert plan_features(lake) == []


def test_stop_lists_are_a_setting_and_changing_one_does_the_tokens_anew(lake: Lake) -> None:
    leave_documents(lake, PART_ONE)
    build(lake)
    settings = TextSettings({"en": ("mill",)})
    assert next(line.reason for line in plan_features(lake, settings)) == "the settings changed"
    tokens = rows_of(lake, build(lake, settings), "tokens").filter(pc.field("is_stop"))
    assert set(tokens["norm"].to_pylist()) == {"mill", "die", "bei"}


def test_tables_by_language_count_what_the_steps_left(lake: Lake) -> None:
    leave_documents(lake, PART_ONE, PART_TWO)
    records = build(lake)
    english, german, unknown = count_by_language(lake, records)
    assert english == {"language": "en", "documents": 4, "tokens": 24, "distinct forms": 13, "terms": 4}
    assert (german["language"], german["documents"], german["tokens"]) == ("de", 1, 8)
    assert unknown == {"language": "und", "documents": 1, "tokens": 2, "distinct forms": 2, "terms": 2}


def test_nothing_taken_in_is_nothing_to_do(lake: Lake) -> None:
    assert build(lake) == []
    leave_documents(lake, [])
    assert build(lake) == []
    assert plan_features(lake) == []
    assert count_by_language(lake, []) == []


def leave_tagger(lake: Lake, lang: str, verb: str) -> StageRecord:
    """Make a tagger of `lang` what the stage `hmm` last left; it has learned that `the <verb>` is a verb, lemma swim."""
    sentences = [[("The", "DET", ""), ("tide", "NOUN", ""), (verb, "VERB", ""), (".", "PUNCT", "")]] * 3
    tensors, notes = as_tensors(learn_tagger(sentences))
    lemmas = lemma_tensors(learn_lemmas([(verb, "VERB", "swim")]))
    model = TrainedModel("hmm_tagger", lang, 1, {}, "000001", (), {**tensors, **lemmas}, (), notes)
    record = do(
        lake, Work(Step("test_tagger", ()), verb, (verb,)), lambda lake, _: StepOutput(write_model(lake, model), 0, 0)
    )
    return leave_stage(lake, "hmm", [record])


def test_tokens_are_tagged_in_languages_with_a_tagger_and_a_new_one_redoes_those_alone(lake: Lake) -> None:
    leave_documents(lake, PART_ONE, [("5", "de", "Die Boote fahren.")])
    plain = build(lake)
    assert set(rows_of(lake, plain, "tokens")["pos"].to_pylist()) == {None}
    leave_tagger(lake, "en", "turned")
    assert [line.subject for line in plan_features(lake)] == ["documents from 0000000000000001", "all", "all"]
    records = build(lake)
    tokens = rows_of(lake, records, "tokens").to_pylist()
    assert {row["doc_id"][-1] for row in tokens if row["pos"] is not None} == {"1", "3"}  # the English ones
    (turned,) = [row for row in tokens if row["norm"] == "turned"]
    assert (turned["pos"], turned["lemma"]) == ("VERB", "swim")
    assert {row["norm"]: row["lemma"] for row in rows_of(lake, records, "vocabulary").to_pylist()}["turned"] == "swim"
    assert [line.reason for line in plan_features(lake)] == []
    leave_tagger(lake, "en", "turned")
    assert plan_features(lake) == []  # the same tagger trained again
    leave_tagger(lake, "en", "left")
    assert [line.subject for line in plan_features(lake)] == ["documents from 0000000000000001", "all", "all"]


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
