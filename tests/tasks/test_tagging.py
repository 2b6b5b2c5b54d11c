from datetime import UTC, datetime

import pyarrow as pa
import pytest

from expectations.contracts import DOCUMENTS, TREEBANK
from models.tagger_storage import from_tensors
from tasks.lake.files import read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import STAGE_TABLES, StageRecord
from tasks.lake.steps import do
from tasks.model_store import read_model
from tasks.tagging import fit_tagger_body, plan_taggers, tag_tokens, tagger_works

NOUNS, VERBS = ("mill", "tide", "river", "city", "wheel"), ("turned", "waited", "opened", "stopped", "moved")


def publish_treebank(lake: Lake, n_sentences: int, langs: tuple[str, ...] = ("en",), n_texts: int = 0) -> None:
    """Publish a document a language with tagged sentences (The NOUN VERB .), and texts without tags."""
    documents, tagged = [], []
    for number, lang in enumerate((*langs, *["en"] * n_texts)):
        doc_id = f"{number:016x}"
        documents.append(
            {
                "doc_id": doc_id, "source": "s", "uri": doc_id, "kind": "conllu", "lang": lang, "lang_confidence": 1.0, "text": "The mill turned.",
                "n_chars": 16, "n_words": 3, "content_sha256": f"{number:064x}", "extractor": "conllu", "fetched_at": datetime(2026, 1, 1, tzinfo=UTC),
            }
        )  # fmt: skip
        for sentence in range(n_sentences if number < len(langs) else 0):
            words = [("The", "DET"), (NOUNS[sentence % 5], "NOUN"), (VERBS[sentence // 5 % 5], "VERB"), (".", "PUNCT")]
            tagged += [
                {"doc_id": doc_id, "position": sentence * 4 + place, "sentence": sentence, "token": word, "upos": upos}
                for place, (word, upos) in enumerate(words)
            ]
    tables = {
        "documents": pa.Table.from_pylist(documents, schema=DOCUMENTS.arrow_schema()),
        "treebank": pa.Table.from_pylist(tagged, schema=TREEBANK.arrow_schema()),
    }
    files = {name: (write_table(lake, name, tables[name]),) if name in tables else () for name in STAGE_TABLES["documents"]}
    publish(lake, [StageRecord("documents", files, (), 1, 0)], "run")


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
    tensors, card = read_model(lake, model["model_id"])
    tokens = pa.table(
        {"doc_id": ["a", "a", "b", "b"], "sentence": pa.array([0, 0, 0, 0], pa.int32()), "token": ["The", "tide", "The", "mill"]}
    )
    assert tag_tokens(from_tensors(tensors, card["notes"]), tokens).to_pylist() == ["DET", "NOUN", "DET", "NOUN"]
    assert tag_tokens(from_tensors(tensors, card["notes"]), tokens[:0]).to_pylist() == []


def test_a_text_without_tags_leaves_the_taggers_alone(lake: Lake) -> None:
    publish_treebank(lake, 60)
    assert [line.reason for line in plan_taggers(lake)] == ["new"]
    do(lake, tagger_works(lake)[0], fit_tagger_body)
    publish_treebank(lake, 60, n_texts=1)
    assert plan_taggers(lake) == []


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
