"""Declared word tests come in as `word_tests`; every line is accounted for."""

import gzip

import pytest
from support.chains import step_of

from expectations.contracts.tables import TABLES
from expectations.table_contract import split_rows
from tasks.documents.stage import CHAIN
from tasks.documents.word_tests import word_test_batches
from tasks.intake.fetch import fetch_source
from tasks.intake.kinds import SOURCE_KINDS
from tasks.intake.vintages import FetchedSource
from tasks.lake.files import read_table
from tasks.lake.steps import Task, do, find_record
from tasks.transforms.records.source_format import Source, SourceError, parse_source


def task_of(lake, folder, location, kind="word_pairs", lang="de") -> Task:
    source = Source("test_set", kind, location, str(folder), "CC0-1.0", "us", lang)
    (batch,) = word_test_batches([FetchedSource(source, fetch_source(lake, source))])
    return step_of(CHAIN, "write_word_tests").task(batch)


def rows_of(lake, record, table):
    files = record.files_of(table)
    return read_table(lake, files).to_pylist() if files else []


def test_a_set_with_broken_lines_leaves_its_questions_and_a_quarantine(lake, tmp_path):
    (tmp_path / "set.txt.gz").write_bytes(gzip.compress(b"Meer Flut 8\r\nMeer\r\nZug Karte ?\r\nWelle Boot 5.5\r\n"))
    record = do(lake, task_of(lake, tmp_path, "set.txt.gz"))
    assert (record.n_rows_in, record.n_rows_out, record.set_aside) == (
        4,
        2,
        {"line_no_word_pair": 1, "rating_no_number": 1},
    )
    questions = rows_of(lake, record, "word_tests")
    assert [
        (row["source"], row["uri"], row["line"], row["lang"], row["words"], row["rating"]) for row in questions
    ] == [
        ("test_set", "set.txt.gz", 1, "de", ["Meer", "Flut"], 8.0),
        ("test_set", "set.txt.gz", 4, "de", ["Welle", "Boot"], 5.5),
    ]
    assert split_rows(TABLES["word_tests"], read_table(lake, record.files_of("word_tests")))[2] == []
    quarantined = {row["uri"]: row for row in rows_of(lake, record, "ops.quarantine")}
    assert set(quarantined) == {"set.txt.gz#line=2", "set.txt.gz#line=3"}
    assert quarantined["set.txt.gz#line=3"]["message"].startswith("set.txt.gz: line 3 rates the pair '?'")


def test_files_of_a_set_are_told_apart_and_a_damaged_one_does_not_cost_the_others(lake, tmp_path):
    (tmp_path / "a.txt").write_text(": plural\nTag Tage Jahr Jahre\n")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"Tag Tage Woche Wochen\n" * 400)[:-20])
    record = do(lake, task_of(lake, tmp_path, "*.txt*", kind="analogies"))
    first = rows_of(lake, record, "word_tests")[0]
    assert (first["uri"], first["section"], first["rating"]) == ("a.txt", "plural", None)
    assert record.set_aside["compressed_stream_truncated"] == 1
    assert record.n_rows_in == record.n_rows_out + sum(record.set_aside.values())


def test_a_set_is_reused_until_its_bytes_change(lake, tmp_path):
    (tmp_path / "set.txt").write_text("Meer Flut 8\n")
    do(lake, task_of(lake, tmp_path, "set.txt"))
    assert find_record(lake, task_of(lake, tmp_path, "set.txt")) is not None
    (tmp_path / "set.txt").write_text("Meer Flut 9\n")
    assert find_record(lake, task_of(lake, tmp_path, "set.txt")) is None


# How many questions each public set holds, counted by hand with `wc -l`, less headers, comments and sections.
@pytest.mark.parametrize(
    ("name", "kind", "n_questions"),
    [
        ("EN-WS-353-ALL.txt", "word_pairs", 353),
        ("EN-SIMLEX-999.txt", "word_pairs", 999),
        ("EN-MEN-TR-3k.txt", "word_pairs", 3000),
        ("EN-RG-65.txt", "word_pairs", 65),
        ("EN-MTurk-771.txt", "word_pairs", 771),
        ("wordsim353-german.txt", "word_pairs", 350),
        ("de_wortpaare350.gold.pos.txt", "word_pairs", 350),
        ("de_wortpaare30.gold.pos.txt", "word_pairs", 29),
        ("questions-words.txt", "analogies", 19544),
        ("german_semantic_op.questions", "analogies", 300),
    ],
)
def test_public_sets_are_read_whole(lake, shared, name, kind, n_questions):
    record = do(lake, task_of(lake, shared / "data" / "wordsim", name, kind=kind))
    assert (record.n_rows_out, record.set_aside) == (n_questions, {})


def test_a_set_needs_a_language():
    declared = "name: one\nkind: word_pairs\nlocation: a.txt\nlicence: CC0-1.0\nproducer: us\n"
    with pytest.raises(SourceError, match=r"one\.yaml, line 2: `lang` is missing, which the kind word_pairs needs"):
        parse_source(declared, "one.yaml", "/", SOURCE_KINDS)
