"""The flow: from declarations to documents, once, again, and after a change."""

import json
from collections import Counter
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from expectations.contracts.tables import TABLES
from expectations.table_contract import repeated_key, split_rows
from flows.ingest_documents import ingest_documents
from tasks.documents.stage import CHAIN
from tasks.intake.sources import load_sources
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, read_stage
from tasks.running.stages import make_plan, tables_of
from tasks.transforms.records.source_format import SourceError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]

DECLARATION = "name: {name}\nkind: {kind}\nlocation: '{location}'\nlang: en\nlicence: CC0-1.0\nproducer: us\n"


@pytest.fixture
def sources(tmp_path) -> Path:
    """Texts with a copy and an empty one among them, a page, labelled rows, word pairs, and a source of nothing."""
    folder = tmp_path / "sources"
    (folder / "texts").mkdir(parents=True)
    for name, text in {
        "a": "Trams run every ten minutes.",
        "b": "The weather is fine.",
        "copy": "Trams run every ten minutes.",
        "none": "",
    }.items():
        (folder / "texts" / f"{name}.txt").write_text(text)
    (folder / "page.html").write_text(
        "<html><body><article><p>" + "A page on the new line to the harbour. " * 9 + "</p></article></body></html>"
    )
    (folder / "labels.csv").write_text("label,text\nham,hello you\nspam,buy now\n")
    (folder / "pairs.tsv").write_text("tram\tweather\t1.5\ntram\n")
    for name, kind, location in (
        ("texts", "text", "texts/*.txt"),
        ("pages", "html", "*.html"),
        ("labels", "labelled", "labels.csv"),
        ("gone", "text", "gone/*"),
        ("pairs", "word_pairs", "pairs.tsv"),
    ):
        (folder / f"{name}.yaml").write_text(DECLARATION.format(name=name, kind=kind, location=location))
    (folder / "mobility.yaml").write_text(
        DECLARATION.format(name="m", kind="mobility", location="x.csv").replace("lang: en\n", "")
    )
    return folder


def ingest(tmp_path: Path, sources: Path) -> tuple[Lake, StageRecord]:
    record = ingest_documents(str(tmp_path / "home"), str(sources), "threads")
    return Lake(tmp_path / "home"), record


def rows(lake: Lake, record: StageRecord, table: str) -> list[dict]:
    return read_table(lake, record.tables[table]).to_pylist()


def test_documents_come_in_and_every_row_is_accounted_for(tmp_path, sources):
    lake, record = ingest(tmp_path, sources)
    assert sorted(row["uri"] for row in rows(lake, record, "documents")) == [
        "labels.csv#line=2", "labels.csv#line=3", "page.html", *sorted(["texts/b.txt", kept_copy(lake, record)]),
    ]  # fmt: skip
    assert {(row["uri"], row["rule"]) for row in rows(lake, record, "ops.quarantine")} == {
        ("texts/none.txt", "empty_file"),
        ("gone/*", "location_matches_nothing"),
        ("pairs.tsv#line=2", "line_no_word_pair"),
    }
    assert len(rows(lake, record, "duplicates")) == 1
    assert [row["label"] for row in rows(lake, record, "labels")].count("ham") == 1
    assert {row["uri"] for row in rows(lake, record, "ops.vintages")} == {
        "texts/a.txt", "texts/b.txt", "texts/copy.txt", "texts/none.txt", "page.html", "labels.csv", "pairs.tsv",
    }  # fmt: skip
    assert set(record.tables) == {*tables_of("documents"), "ops.ledger"}
    for name, files in record.tables.items():
        table = read_table(lake, files)
        assert split_rows(TABLES[name], table)[2] == [], name
        assert not any(repeated_key(TABLES[name], table).to_pylist()), name
    with get_client(sync_client=True) as client:
        (artifact,) = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["documents"])))
    shown = {row["source"]: row for row in json.loads(str(artifact.data))}
    assert (shown["texts"]["records in"], shown["texts"]["rows out"], shown["texts"]["set aside"]) == (
        4,
        2,
        "empty_file: 1, exact_copy: 1",
    )
    assert (shown["pairs"]["records in"], shown["pairs"]["rows out"], shown["pairs"]["set aside"]) == (
        2,
        1,
        "line_no_word_pair: 1",
    )
    assert (shown["gone"]["raw items"], shown["gone"]["set aside"]) == (0, "location_matches_nothing: 1")
    for path in lake.steps.glob("*/*.json"):
        step = json.loads(path.read_bytes())
        assert step["n_rows_in"] == step["n_rows_out"] + sum(step["set_aside"].values())


def test_every_batch_of_the_ledger_accounts_for_its_rows(tmp_path, sources):
    lake, record = ingest(tmp_path, sources)
    lines = [row for row in rows(lake, record, "ops.ledger") if row["subject_kind"] == "batch"]
    set_aside = Counter()
    for line in lines:
        set_aside[line["stage"], line["subject"]] += line["n_rows_set_aside"] or 0
    kept = {(line["stage"], line["subject"]): line for line in lines if line["rule"] == "kept"}
    assert set_aside.keys() == kept.keys()
    assert {step for step, _ in kept} == {step.name for step in CHAIN.steps}
    for batch, line in kept.items():
        assert line["n_rows_in"] == line["n_rows_out"] + set_aside[batch]
    (empty,) = [line for line in lines if line["rule"] == "empty_file"]
    assert (empty["outcome"], empty["n_rows_set_aside"]) == ("set_aside", 1)
    assert (empty["n_rows_in"], empty["n_rows_out"]) == (None, None)


def kept_copy(lake: Lake, record: StageRecord) -> str:
    """The uri of whichever of the two equal texts was kept; the other is the duplicate of it."""
    (duplicate,) = rows(lake, record, "duplicates")
    return next(row["uri"] for row in rows(lake, record, "documents") if row["doc_id"] == duplicate["kept_doc_id"])


def test_the_second_run_does_nothing_and_leaves_the_same(tmp_path, sources):
    _, first = ingest(tmp_path, sources)
    lake, second = ingest(tmp_path, sources)
    assert (second.n_steps_run, second.n_steps_skipped) == (0, first.n_steps_run)
    assert second.tables == first.tables
    assert read_stage(lake, "documents") == second
    assert make_plan(lake, load_sources(sources), (), "documents") == []


def test_a_new_file_does_its_own_batch_and_the_plan_says_so_before(tmp_path, sources):
    lake, first = ingest(tmp_path, sources)
    (sources / "texts" / "new.txt").write_text("A new text about the harbour.")
    before = [path for path in lake.home.rglob("*") if path.is_file()]
    plan = make_plan(lake, load_sources(sources), (), "documents")
    assert sorted(before) == sorted(path for path in lake.home.rglob("*") if path.is_file())
    reasons = [(line.step, line.reason) for line in plan]
    assert (reasons[0][0], reasons[-1]) == ("write_vintages", ("publish", "waiting for documents"))
    assert set(reasons) >= {
        ("write_vintages", "of 16 inputs 1 new, 0 gone"),
        ("parse_documents", "of 5 inputs 1 new, 0 gone"),
        ("write_duplicates", "waiting for parse_documents"),
        ("write_documents", "waiting for parse_documents, write_duplicates"),
    }
    _, second = ingest(tmp_path, sources)
    assert len(rows(lake, second, "documents")) == len(rows(lake, first, "documents")) + 1
    assert first.tables["labels"] == second.tables["labels"]


def test_a_source_that_is_gone_takes_its_documents_along(tmp_path, sources):
    ingest(tmp_path, sources)
    (sources / "pages.yaml").unlink()
    lake, record = ingest(tmp_path, sources)
    assert "page.html" not in {row["uri"] for row in rows(lake, record, "documents")}


def test_a_wrong_declaration_is_one_sentence(tmp_path, sources):
    (sources / "pages.yaml").write_text(DECLARATION.format(name="pages", kind="htlm", location="x"))
    with pytest.raises(SourceError, match=r"pages\.yaml, line 2: unknown kind `htlm`"):
        ingest(tmp_path, sources)


def test_nothing_to_read_leaves_empty_tables(tmp_path, sources):
    for path in sources.glob("*.yaml"):
        if path.stem != "mobility":
            path.unlink()
    _, record = ingest(tmp_path, sources)
    assert {
        name: sum(ref.n_rows for ref in files) for name, files in record.tables.items() if name != "ops.ledger"
    } == dict.fromkeys(tables_of("documents"), 0)
