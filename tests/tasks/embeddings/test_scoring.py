"""Word tests and scores: what is known is measured, what is not is counted and named, and a changed test costs no
training.
"""

import numpy as np
import pytest
from support.chains import plan
from support.embedding_stage import SETTINGS, publish_stage, rows_of, run_stage
from support.published_words import documents_about, pairs_within_topics, publish_words, word_test

from models.embeddings.word_tests import TestResult, WordTest
from tasks.embeddings.scoring import RESULTS, WordVectors, score_on, scores_of
from tasks.embeddings.stage import CHAIN
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import read_manifest

ENGLISH, GERMAN = documents_about("en", 40), documents_about("de", 30, seed=2)
SQUARE = WordVectors(
    "en", "norm", ("tide", "sea", "Tram", "rail"), np.array([[1, 0], [1, 0.1], [0, 1], [0.05, 1]], np.float32)
)


def test_results_are_rows_of_scores():
    test = WordTest(
        "set", (("Tide", "SEA"), ("tide", "rail"), ("tram", "rail"), ("tide", "moon")), np.array([9.0, 1.0, 8.0, 9.0])
    )
    scores = scores_of(score_on(SQUARE, test))
    assert [(score.metric, score.split, score.value, score.baseline) for score in scores] == [
        ("spearman", "set", pytest.approx(0.5), "chance"),
        ("n_questions_known", "set", 3.0, None),
        ("share_of_questions_known", "set", 0.75, None),
    ]
    assert [score.better for score in scores] == ["higher", None, None]


def test_words_are_brought_into_the_form_of_the_column():
    stems = WordVectors("en", "stem", ("tide", "tram"), np.eye(2, dtype=np.float32))
    assert score_on(
        stems, WordTest("set", (("tides", "Trams"), ("tide", "mills")), np.array([1.0, 2.0]))
    ).unknown_words == ("mill",)


def test_a_result_that_is_no_number_gives_no_score():
    assert scores_of(TestResult("set", "spearman", float("nan"), 0.0, 5, 1, ("a",))) == []


@pytest.mark.slow
def test_scores_of_every_set_of_a_language_are_written_and_the_unknown_named(lake: Lake):
    tests = (
        word_test(lake, "topics", "en", [*pairs_within_topics("en"), ("sea", "whale", 8.0)]),
        word_test(lake, "plurals", "en", [("sea", "tide", "rail", "train"), ("sea", "seas", "wave", "waves")]),
        word_test(lake, "nowhere", "en", [("whale", "plankton", 8.0), ("krill", "plankton", 7.0)]),
        word_test(lake, "german", "de", pairs_within_topics("de")),
    )
    publish_words(lake, ENGLISH, GERMAN, tests=tests)
    run = run_stage(lake)
    german, english = run.scored
    scores = {(row["metric"], row["split"]): row["value"] for row in rows_of(lake, english, "scores")}
    assert scores["spearman", "topics"] > 0.6
    assert scores["n_questions_known", "topics"] == 45
    assert scores["share_of_questions_known", "topics"] == pytest.approx(45 / 46)
    assert scores["n_questions_known", "plurals"] == 1
    assert not any(split in ("nowhere", "german") for _, split in scores)
    assert ("loss_per_pair", "held_out") in scores
    assert {row["split"] for row in rows_of(lake, german, "scores")} == {"training", "held_out", "german"}
    (line,) = rows_of(lake, english, "ops.ledger")
    assert (line["subject"], line["outcome"], line["rule"], line["score"]) == (
        "en: nowhere",
        "skipped",
        "no_question_known",
        0.0,
    )
    results = {row["test"]: row for row in rows_of(lake, english, RESULTS)}
    assert results["nowhere"]["unknown_words"] == ["krill", "plankton", "whale"]
    assert (results["topics"]["unknown_words"], results["nowhere"]["value"]) == (["whale"], None)
    assert english.n_rows_in == 46 + 2 + 2
    assert english.set_aside == {"word_unknown": 1 + 1 + 2}


@pytest.mark.slow
def test_a_changed_test_costs_the_scores_of_its_language_and_no_training(lake: Lake):
    german = word_test(lake, "german", "de", pairs_within_topics("de"))
    publish_words(lake, ENGLISH, GERMAN, tests=(word_test(lake, "topics", "en", pairs_within_topics("en")), german))
    publish_stage(lake)
    publish_words(
        lake, ENGLISH, GERMAN, tests=(word_test(lake, "topics", "en", pairs_within_topics("en")[:30]), german)
    )
    assert [(line.step, line.subject) for line in plan(lake, CHAIN, SETTINGS)] == [("score_vectors", "en")]
    assert publish_stage(lake).n_done == 1
    manifest = read_manifest(lake)
    assert manifest is not None
    scores = read_table(lake, manifest.tables["scores"]).to_pylist()
    keys = [(row["model_id"], row["metric"], row["split"]) for row in scores]
    assert len(set(keys)) == len(keys)
    assert {row["value"] for row in scores if (row["metric"], row["split"]) == ("n_questions_known", "topics")} == {
        30.0
    }
    assert plan(lake, CHAIN, SETTINGS) == []
