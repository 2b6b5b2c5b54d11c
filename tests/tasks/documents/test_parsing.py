"""Raw items to documents: every record accounted for, faults told, memory bounded, one new item one batch."""

import gzip
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.chains import run_chain, step_of

from expectations.contracts.tables import TABLES
from tasks.documents import parsing as document_parsing
from tasks.documents.parsing import PARSED, DocumentSettings, ParseBatch, parse_batches
from tasks.documents.stage import CHAIN
from tasks.intake.fetch import Fetched
from tasks.intake.kinds import DOCUMENT_KINDS
from tasks.intake.vintages import FetchedSource
from tasks.lake.files import read_table
from tasks.lake.raw import RawItem
from tasks.lake.steps import Task
from tasks.transforms.records.source_format import Source

SETTINGS = DocumentSettings()


def source(
    folder: Path,
    kind: str = "text",
    location: str = "*.txt",
    *,
    unit: str = "file",
    lang: str | None = "en",
    columns=None,
) -> Source:
    return Source("one", kind, location, str(folder), "CC0-1.0", "us", lang, unit, columns or {})


def parse(lake, declared: Source):
    """The records of all batches of a source, and the rows that they left, by table."""
    way = run_chain(lake, CHAIN, SETTINGS, [declared])
    assert way.sources[0].fetched.set_aside == ()
    records = way.records["parse_documents"]
    tables = {}
    for name in (PARSED, "labels", "treebank", "ops.ledger", "ops.quarantine"):
        files = [ref for record in records for ref in record.files_of(name)]
        tables[name] = read_table(lake, files).to_pylist() if files else []
    n_documents = sum(record.n_rows_out for record in records)
    assert n_documents == len(tables[PARSED])
    assert sum(record.n_rows_in for record in records) == len(tables[PARSED]) + sum(
        n for record in records for n in record.set_aside.values()
    )
    return records, tables


def test_text_files_are_documents(lake, tmp_path):
    (tmp_path / "a.txt").write_text("The first one.")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"The second one."))
    _, tables = parse(lake, source(tmp_path, location="*.txt*"))
    assert [(row["uri"], row["text"], row["lang"]) for row in sorted(tables[PARSED], key=lambda row: row["uri"])] == [
        ("a.txt", "The first one.", "en"), ("b.txt.gz", "The second one.", "en"),
    ]  # fmt: skip


def test_bad_files_are_set_aside_by_rule_and_the_others_go_on(lake, tmp_path):
    (tmp_path / "good.txt").write_text("Good.")
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    (tmp_path / "blank.txt").write_text(" \n")
    (tmp_path / "cut.txt").write_bytes(gzip.compress(bytes(range(256)) * 1_000)[:-200])
    (tmp_path / "slip.txt").write_bytes("Überall gute Wörter für schöne Bücher".encode() + b"\xff")
    (record,), tables = parse(lake, source(tmp_path))
    assert record.set_aside == {"empty_file": 1, "binary_content": 1, "no_text": 1, "compressed_stream_truncated": 1}
    assert {(row["uri"], row["rule"]) for row in tables["ops.quarantine"]} == {
        ("empty.txt", "empty_file"),
        ("picture.txt", "binary_content"),
        ("blank.txt", "no_text"),
        ("cut.txt", "compressed_stream_truncated"),
    }
    assert {row["uri"] for row in tables[PARSED]} == {"good.txt", "slip.txt"}
    assert [
        (row["outcome"], row["score"]) for row in tables["ops.ledger"] if row["rule"] == "invalid_bytes_replaced"
    ] == [("changed", 1.0)]
    assert all(
        row["vintage"] and row["source"] == "one" and row["table_name"] == "documents"
        for row in tables["ops.quarantine"]
    )


def test_lines_before_a_cut_are_kept_and_the_rest_is_one_record(lake, tmp_path):
    packed = gzip.compress(b"".join(b"sentence number %d\n" % number for number in range(50_000)))
    (tmp_path / "a.txt").write_bytes(packed[: len(packed) // 2])
    (record,), tables = parse(lake, source(tmp_path, unit="line"))
    n_lines = len(tables[PARSED])
    assert (n_lines > 10_000, record.set_aside) == (True, {"compressed_stream_truncated": 1})
    (row,) = tables["ops.quarantine"]
    assert row["uri"] == "a.txt#rest"
    assert f"{n_lines} records were read before, to line={n_lines}" in row["message"]


@pytest.mark.slow
def test_a_bomb_is_set_aside(lake, tmp_path):
    (tmp_path / "bomb.txt.gz").write_bytes(gzip.compress(b"0 " * (140 << 20), 1))
    (record,), _ = parse(lake, source(tmp_path, location="*.gz", unit="line"))
    assert (record.n_rows_in, record.set_aside) == (1, {"unpacked_too_large": 1})


@pytest.mark.slow
def test_pages_are_read_and_bad_ones_set_aside(lake, tmp_path):
    text = "A page that says something worth reading about trams and the weather. " * 3
    (tmp_path / "good.html").write_text(
        f"<html><head><title>Trams</title></head><body><article><p>{text}</p></article></body></html>"
    )
    (tmp_path / "binary.html").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    (tmp_path / "deep.html").write_bytes(b"<div>" * 100_000 + b"x")
    (tmp_path / "large.html").write_bytes(b"<p>" + b"0" * 50_000_000)
    (tmp_path / "empty.html").write_bytes(b"")
    (tmp_path / "script.html").write_bytes(b"<html><body><script>1</script></body></html>")
    records, tables = parse(lake, source(tmp_path, "html", "*.html"))
    assert {(row["uri"], row["rule"]) for row in tables["ops.quarantine"]} == {
        ("binary.html", "binary_content"),
        ("deep.html", "nested_deeper_than_255"),
        ("large.html", "page_over_20_mb"),
        ("empty.html", "empty_file"),
        ("script.html", "no_main_text"),
    }
    (document,) = tables[PARSED]
    assert (document["title"], document["extractor"].split("/")[0], document["kind"]) == (
        "Trams",
        "trafilatura_fast",
        "html",
    )
    assert sum(record.n_rows_in for record in records) == 6


def test_labels_and_tagged_tokens_have_tables_of_their_own(lake, tmp_path):
    (tmp_path / "a.tsv").write_text("ham\tgood morning\nspam\tbuy now\n")
    _, tables = parse(lake, source(tmp_path, "labelled", "a.tsv", columns={"label": 0, "text": 1}))
    assert sorted(row["label"] for row in tables["labels"]) == ["ham", "spam"]
    assert {row["doc_id"] for row in tables["labels"]} == {row["doc_id"] for row in tables[PARSED]}
    (tmp_path / "a.conllu").write_text("1\tHello\thello\tINTJ\tUH\t_\t0\troot\t_\t_\n\n1\tx\n\n")
    (record,), tables = parse(lake, source(tmp_path, "conllu", "a.conllu"))
    assert [(row["token"], row["upos"]) for row in tables["treebank"]] == [("Hello", "INTJ")]
    assert record.set_aside == {"sentence_no_conllu": 1}


def test_json_lines_are_documents(lake, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"body": "one"}\nbroken\n{"body": "three"}\n')
    (record,), tables = parse(lake, source(tmp_path, "jsonl", "a.jsonl", columns={"text": "body"}))
    assert (sorted(row["text"] for row in tables[PARSED]), record.set_aside) == (["one", "three"], {"line_no_json": 1})


def test_a_large_file_leaves_several_files_of_bounded_rows(lake, tmp_path, monkeypatch):
    monkeypatch.setattr(document_parsing, "PART_RECORDS", 100)
    (tmp_path / "a.txt").write_text("".join(f"line {number}\n" for number in range(250)))
    (record,), tables = parse(lake, source(tmp_path, unit="line"))
    assert [ref.n_rows for ref in record.files_of(PARSED)] == [100, 100, 50]
    assert len({row["doc_id"] for row in tables[PARSED]}) == 250


def test_a_parser_that_fails_costs_its_own_file_only(tmp_path):
    class Odd(io.BytesIO):
        def peek(self, _: int = 0) -> bytes:
            raise ValueError("no such thing")

        read = readinto = peek

    batch = ParseBatch(source(tmp_path), tuple(items(["a.txt"])), SETTINGS, DOCUMENT_KINDS["text"].parse)
    (rejected,) = document_parsing._records(batch.items[0], Odd(), batch)
    assert (rejected.rule, rejected.message) == ("parser_failed", "the parser failed (ValueError: no such thing)")


def test_files_of_documents_are_in_the_form_of_their_contract(lake, tmp_path):
    (tmp_path / "a.txt").write_text("text")
    (record,), _ = parse(lake, source(tmp_path))
    (ref,) = record.files_of(PARSED)
    assert ref.path.startswith("tables/documents/")
    assert read_table(lake, ref).schema.equals(TABLES["documents"].arrow_schema())


def items(names: list[str], n_bytes: int = 10, member: str | None = None) -> list[RawItem]:
    return [RawItem("one", name, "0" * 64, member, n_bytes, datetime(2020, 5, 17, tzinfo=UTC)) for name in names]


def tasks_of(declared: Source, given: list[RawItem]) -> list[Task]:
    batches = parse_batches([FetchedSource(declared, Fetched(tuple(given)))], SETTINGS)
    return [step_of(CHAIN, "parse_documents").task(batch) for batch in batches]


def test_a_new_item_makes_one_batch_due_and_no_other(tmp_path):
    declared, names = source(tmp_path), [f"{number:05}.txt" for number in range(2_000)]
    before = {task.fingerprint for task in tasks_of(declared, items(names))}
    after = {task.fingerprint for task in tasks_of(declared, items([*names, "00700b.txt"]))}
    assert len(before) > 8
    assert 1 <= len(after - before) <= 2
    assert len(before - after) == 1


def test_large_items_have_batches_of_their_own(tmp_path):
    tasks = tasks_of(source(tmp_path), [*items(["a", "b"], 5 << 20), *items(["c", "d"])])
    assert sorted(len(task.batch.payload.items) for task in tasks) in ([1, 1, 2], [1, 1, 1, 1])


def test_the_time_of_the_fetch_decides_nothing_but_the_declaration_does(tmp_path):
    (item,) = items(["a"])
    later = RawItem(**{**vars(item), "fetched_at": datetime(2021, 1, 1, tzinfo=UTC)})
    (task,), (same,) = tasks_of(source(tmp_path), [item]), tasks_of(source(tmp_path), [later])
    (other,) = tasks_of(source(tmp_path, lang="de"), [item])
    assert task.fingerprint == same.fingerprint != other.fingerprint


@pytest.mark.slow
def test_every_record_of_the_real_archives_is_accounted_for(lake, shared):
    """Counted by the heads that stand in the files. The rest of the broken one begins with none, but holds a record."""
    declared = source(shared / "data/warc", "warc", "*/*.warc*", lang=None)
    records, tables = parse(lake, declared)
    n_records = 0
    for path in sorted((shared / "data/warc").glob("*/*.warc*")):
        raw = path.read_bytes()
        content = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        n_records += sum(line.startswith((b"WARC/1.0", b"WARC/1.1")) for line in io.BytesIO(content))
    assert sum(record.n_rows_in for record in records) == n_records
    assert {row["rule"] for row in tables["ops.quarantine"]} == {"warc_record_damaged"}
    assert "О компании" in next(row["title"] for row in tables[PARSED] if "01spb.ru" in row["uri"])


@pytest.mark.slow
def test_real_messages_treebanks_and_articles_come_in_whole(lake, shared):
    records, tables = parse(
        lake, source(shared / "data/classify", "labelled", "SMSSpamCollection.tsv.gz", columns={"label": 0, "text": 1})
    )
    assert sum(record.n_rows_in for record in records) == 4_170 == len(tables[PARSED]) == len(tables["labels"])
    records, tables = parse(lake, source(shared / "data/ud", "conllu", "*dev.conllu.gz"))
    assert (len(tables["treebank"]), sum(len(record.set_aside) for record in records)) == (12_480 + 25_147, 0)
    assert len(tables[PARSED]) == 318 + 40
    _, tables = parse(lake, source(shared / "seeds", lang=None))
    assert (len(tables[PARSED]), {row["lang"] for row in tables[PARSED]}) == (4, {"de", "en"})
