import random

import pyarrow.compute as pc
import pytest
from oracles.slow_tfidf import slow_tfidf
from support.chains import plan
from support.feature_parts import NEWCOMER, PART_ONE, PART_TWO, build, leave_documents, rows_of

from expectations.contracts.tables import TABLES
from expectations.table_contract import repeated_key, split_rows
from tasks.features.stage import CHAIN
from tasks.lake.layout import Lake
from tasks.transforms.text.lexicon import TextSettings


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


def test_a_document_added_costs_its_part_and_the_weights_of_its_language(lake: Lake) -> None:
    english, german = [PART_ONE[0]], [PART_ONE[1]]
    leave_documents(lake, english, german)
    build(lake)
    assert plan(lake, CHAIN) == []
    leave_documents(lake, english, german, NEWCOMER)
    assert [(line.step, line.subject, line.reason) for line in plan(lake, CHAIN)] == [
        ("write_tokens", "documents from " + "7".zfill(16), "new"),
        ("write_vocabulary", "all", "waiting for write_tokens"),
        ("write_tfidf", "all", "waiting for write_tokens, write_vocabulary"),
    ]
    records = build(lake)
    # Parts of English, German, the newcomer; the vocabulary; the weights of English, whose idf did not change.
    assert [record.is_reused for record in records] == [True, True, False, False, True, False, False]
    assert plan(lake, CHAIN) == []


def test_stop_lists_are_a_setting_and_changing_one_does_the_tokens_anew(lake: Lake) -> None:
    leave_documents(lake, PART_ONE)
    build(lake)
    settings = TextSettings({"en": ("mill",)})
    assert next(line.reason for line in plan(lake, CHAIN, settings)) == "the settings changed"
    tokens = rows_of(lake, build(lake, settings), "tokens").filter(pc.field("is_stop"))
    assert set(tokens["norm"].to_pylist()) == {"mill", "die", "bei"}


def test_nothing_taken_in_is_nothing_to_do(lake: Lake) -> None:
    assert build(lake) == []
    leave_documents(lake, [])
    assert build(lake) == []
    assert plan(lake, CHAIN) == []
