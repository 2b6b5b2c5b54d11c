import json
from dataclasses import replace

import numpy as np
import pytest
from support.embedding_stage import SETTINGS, rows_of, run_stage
from support.published_words import doc_id_of, documents_about, publish_words

from models.embeddings.word2vec import Word2VecError
from tasks.embeddings.corpus import encoded_corpus
from tasks.embeddings.settings import EmbeddingSettings, EmbeddingSettingsError
from tasks.embeddings.stage import corpus_works, loss_curves, plan_embeddings, vector_works, write_corpus_body
from tasks.embeddings.training import train_vectors_body
from tasks.lake.files import TEMPORARY, read_table, write_table
from tasks.lake.layout import Lake
from tasks.learning.model_store import read_model

pytestmark = pytest.mark.slow  # numba compiles the kernel in some seconds

ENGLISH, GERMAN = documents_about("en", 40), documents_about("de", 30, seed=2)


def test_each_language_leaves_vectors_a_model_and_scores(lake: Lake):
    publish_words(lake, [*ENGLISH[:25], *GERMAN], ENGLISH[25:])
    run = run_stage(lake)
    parts, models = run.parts, run.trained
    assert [record.subject for record in models] == ["de", "en"]
    assert sum(part.n_rows_in for part in parts) == sum(part.n_rows_out for part in parts) == 70 * 80
    english = models[1]
    assert english.n_rows_in == 40 * 80
    assert english.n_rows_out + english.set_aside["held_out"] == 40 * 80
    (model,) = rows_of(lake, english, "models")
    assert (model["kind"], model["lang"], model["seed"], model["snapshot_id"]) == ("word2vec", "en", 5, "000001")
    assert json.loads(model["settings"])["word2vec"]["vector_size"] == 16
    vectors = {row["term"]: row for row in rows_of(lake, english, "word_vectors")}
    assert set(vectors) == {
        "sea",
        "tide",
        "wave",
        "harbour",
        "boat",
        "rail",
        "train",
        "station",
        "ticket",
        "delay",
        "the",
        "a",
        "of",
        "and",
    }
    assert {len(row["vector"]) for row in vectors.values()} == {16}
    assert sum(row["n_occurrences"] for row in vectors.values()) == english.n_rows_out
    tensors, card = read_model(lake, model["model_id"])
    words = tensors["words_utf8"].tobytes().decode().split("\n")
    assert tensors["vectors"][words.index("tide")].tolist() == vectors["tide"]["vector"]
    assert card["notes"]["epochs"] == 30
    assert card["notes"]["losses"][-1] < card["notes"]["losses"][0]


def cosine(a, b):
    return float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


def test_words_of_a_topic_are_alike_and_scores_say_so(lake: Lake):
    publish_words(lake, ENGLISH)
    (english,) = run_stage(lake).trained
    vectors = {row["term"]: row["vector"] for row in rows_of(lake, english, "word_vectors")}
    assert cosine(vectors["sea"], vectors["tide"]) > cosine(vectors["sea"], vectors["train"]) + 0.3
    scores = {row["split"]: row for row in rows_of(lake, english, "scores")}
    assert set(scores) == {"training", "held_out"}
    assert scores["training"]["baseline"] == "untrained"
    assert scores["held_out"]["baseline"] == "word_frequencies"
    assert all(row["value"] < row["baseline_value"] for row in scores.values())


def test_the_same_again_stands_and_threads_change_nothing(lake: Lake):
    publish_words(lake, ENGLISH)
    (first,) = run_stage(lake).trained
    assert plan_embeddings(lake, SETTINGS) == []
    more = replace(SETTINGS, threads=3, word2vec=replace(SETTINGS.word2vec, workers=7))
    assert plan_embeddings(lake, more) == []
    assert run_stage(lake, more).n_done == 0
    again = vector_works(lake, run_stage(lake).parts, more)[0]
    vectors = train_vectors_body(lake, again.payload).files[0]
    assert vectors == first.files_of("word_vectors")[0]


def test_document_in_one_language_costs_the_other_nothing(lake: Lake):
    publish_words(lake, [*ENGLISH, *GERMAN[:-1]])
    assert [line.reason for line in plan_embeddings(lake, SETTINGS)] == [
        "new", "hangs on write_corpus", "hangs on train_vectors", "hangs on judge_vectors", "hangs on judge_vectors",
    ]  # fmt: skip
    run_stage(lake)
    publish_words(lake, [*ENGLISH, *GERMAN])
    assert [(line.step, line.subject) for line in plan_embeddings(lake, SETTINGS)] == [
        ("write_corpus", f"tokens from {min(map(doc_id_of, range(70)))}"),
        ("train_vectors", "all"),
        ("judge_vectors", "all"),
        ("score_vectors", "all"),
        ("map_words", "all"),
    ]
    german, english = run_stage(lake).trained
    assert english.was_standing
    assert not german.was_standing


def test_model_is_learned_from_the_column_asked_for(lake: Lake):
    publish_words(lake, ENGLISH)
    (english,) = run_stage(lake, replace(SETTINGS, column="stem")).trained
    assert "harb" in {row["term"] for row in rows_of(lake, english, "word_vectors")}


@pytest.mark.parametrize(
    ("documents", "settings", "rule"),
    [
        (ENGLISH[:3], SETTINGS, "fewer_than_2000_tokens"),
        ([("und", sentences) for _, sentences in ENGLISH], SETTINGS, "language_unknown"),
        (
            ENGLISH,
            replace(SETTINGS, word2vec=replace(SETTINGS.word2vec, min_count=5000)),
            "fewer_than_2_words_with_5000_occurrences",
        ),
        ([("en", [["sea"]] * 200)] * 15, SETTINGS, "fewer_than_2_words_with_5_occurrences"),
        ([("en", [["sea"], ["tide"]] * 100)] * 15, SETTINGS, "no_two_words_in_a_window"),
        (ENGLISH, replace(SETTINGS, held_out_share=1.0), "fewer_than_2_words_with_5_occurrences"),
        ([("en", [["sea"]] * 200)] * 15, replace(SETTINGS, model="glove"), "fewer_than_2_words_with_5_occurrences"),
    ],
)
def test_too_little_to_learn_from_is_a_line_in_the_ledger_and_no_model(lake: Lake, documents, settings, rule):
    publish_words(lake, documents)
    run = run_stage(lake, settings)
    (record,) = run.trained
    assert run.judged == run.scored == []
    (line,) = rows_of(lake, record, "ops.ledger")
    assert (line["outcome"], line["rule"], line["subject"]) == ("skipped", rule, record.subject)
    assert record.set_aside == {"language_left_out": record.n_rows_in}
    assert not record.files_of("models")


def test_a_window_longer_than_every_sentence_and_vectors_of_one_number_are_learned(lake: Lake):
    publish_words(lake, ENGLISH)
    (record,) = run_stage(
        lake, replace(SETTINGS, word2vec=replace(SETTINGS.word2vec, window=10_000, vector_size=1))
    ).trained
    assert {len(row["vector"]) for row in rows_of(lake, record, "word_vectors")} == {1}


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"held_out_share": 1.5}, "between 0 and 1, not 1.5"), ({"warm_share": -1.0}, "between 0 and 1"), ({"threads": -1}, "0 or more, not -1"),
     ({"tolerance": float("nan")}, "0 or more, not nan"), ({"fewest_known": 0}, "1 or more, not 0")],
)  # fmt: skip
def test_settings_out_of_range_are_told_in_a_sentence(changed, words):
    with pytest.raises(EmbeddingSettingsError, match=words):
        replace(SETTINGS, **changed)


def test_tokens_of_a_document_that_is_not_published_are_set_aside(lake: Lake):
    publish_words(lake, ENGLISH)
    (work,) = corpus_works(lake, SETTINGS)
    documents = read_table(lake, work.payload.documents)
    fewer = replace(work.payload, documents=(write_table(lake, "documents", documents.slice(1)),))
    output = write_corpus_body(lake, fewer)
    assert output.set_aside == {"document_not_published": 80}


def test_settings_that_run_away_are_the_users_error(lake: Lake):
    publish_words(lake, ENGLISH)
    with pytest.raises(Word2VecError, match="alpha"):
        run_stage(lake, replace(SETTINGS, word2vec=replace(SETTINGS.word2vec, alpha=1e30)))


def test_small_corpora_are_passed_over_more_often():
    settings = EmbeddingSettings()
    assert settings.for_corpus(10_000).epochs == 30
    assert settings.for_corpus(200_000).epochs == 10
    assert settings.for_corpus(10_000_000).epochs == 5


def test_nothing_published_is_nothing_to_do(lake: Lake):
    assert plan_embeddings(lake) == []
    assert corpus_works(lake) == []


def test_loss_curve_has_a_row_an_epoch(lake: Lake):
    publish_words(lake, ENGLISH)
    models = run_stage(lake).trained
    rows = loss_curves(lake, models)
    assert [row["epoch"] for row in rows] == list(range(1, 31))
    assert rows[0]["loss"] > rows[-1]["loss"]


def test_nothing_is_left_behind_and_a_vacuum_would_find_what_a_kill_leaves(lake: Lake):
    publish_words(lake, ENGLISH)
    (work,) = corpus_works(lake, SETTINGS)
    files = write_corpus_body(lake, work.payload).files
    with encoded_corpus(lake, files, 0.1, 1) as corpus:
        (folder,) = lake.models.iterdir()
        assert folder.name.endswith(TEMPORARY)
        assert corpus.training.token_ids.size + corpus.held_out.token_ids.size == 3200
        assert corpus.counts.sum() == corpus.training.token_ids.size
    assert list(lake.models.iterdir()) == []
