import json
from dataclasses import replace

import numpy as np
import pytest
from support.chains import do_batch, plan, run_chain
from support.embedding_stage import SETTINGS, rows_of, run_stage
from support.published_words import doc_id_of, documents_about, publish_words

from models.embeddings.word2vec import Word2VecError
from tasks.embeddings.stage import CHAIN
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


def test_the_same_again_is_reused_and_threads_change_nothing(lake: Lake):
    publish_words(lake, ENGLISH)
    (first,) = run_stage(lake).trained
    assert plan(lake, CHAIN, SETTINGS) == []
    more = replace(SETTINGS, threads=3, word2vec=replace(SETTINGS.word2vec, workers=7))
    assert plan(lake, CHAIN, more) == []
    assert run_stage(lake, more).n_done == 0
    (again,) = run_chain(lake, CHAIN, more).batches["train_vectors"]
    vectors = do_batch(lake, CHAIN, "train_vectors", again.payload).files_of("word_vectors")
    assert vectors == first.files_of("word_vectors")


def test_document_in_one_language_costs_the_other_nothing(lake: Lake):
    publish_words(lake, [*ENGLISH, *GERMAN[:-1]])
    assert [line.reason for line in plan(lake, CHAIN, SETTINGS)] == [
        "new",
        "waiting for write_corpus",
        "waiting for train_vectors",
        "waiting for judge_vectors",
        "waiting for judge_vectors",
    ]
    run_stage(lake)
    publish_words(lake, [*ENGLISH, *GERMAN])
    assert [(line.step, line.subject) for line in plan(lake, CHAIN, SETTINGS)] == [
        ("write_corpus", f"tokens from {min(map(doc_id_of, range(70)))}"),
        ("train_vectors", "all"),
        ("judge_vectors", "all"),
        ("score_vectors", "all"),
        ("map_words", "all"),
    ]
    german, english = run_stage(lake).trained
    assert english.is_reused
    assert not german.is_reused


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


def test_settings_that_run_away_are_the_users_error(lake: Lake):
    publish_words(lake, ENGLISH)
    with pytest.raises(Word2VecError, match="alpha"):
        run_stage(lake, replace(SETTINGS, word2vec=replace(SETTINGS.word2vec, alpha=1e30)))


def test_nothing_published_is_nothing_to_do(lake: Lake):
    assert plan(lake, CHAIN) == []
    assert run_chain(lake, CHAIN).batches["write_corpus"] == []


def test_who_is_published_is_no_matter_of_the_training(lake: Lake):
    publish_words(lake, ENGLISH)
    run_stage(lake)
    for changed in (replace(SETTINGS, tolerance=0.5), replace(SETTINGS, fewest_known=20)):
        due = plan(lake, CHAIN, changed)
        assert [(line.step, line.reason) for line in due[:1]] == [("judge_vectors", "the settings changed")]
        assert [line.step for line in due] == ["judge_vectors", "score_vectors", "map_words"]
