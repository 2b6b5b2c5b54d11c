"""Champions among word vectors: the worse is kept and not published, once and for all."""

from dataclasses import replace

import numpy as np
import pytest
from support.chains import plan
from support.embedding_stage import SETTINGS, Run, publish_stage, rows_of
from support.published_words import documents_about, pairs_within_topics, publish_words, word_test

from models.embeddings.glove import GloveSettings
from models.embeddings.word_tests import WordTest
from tasks.embeddings.comparing import _known_to_both, _on_common_words
from tasks.embeddings.scoring import WordVectors
from tasks.embeddings.stage import CHAIN
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import read_manifest
from tasks.learning.champions import COMPARISONS

pytestmark = pytest.mark.slow

ENGLISH = documents_about("en", 40)
UNTRAINED = replace(SETTINGS, most_epochs=1, word2vec=replace(SETTINGS.word2vec, alpha=1e-6, min_alpha=0.0, epochs=1))


def publish_english(lake: Lake, questions=None) -> None:
    questions = pairs_within_topics("en") if questions is None else questions
    publish_words(lake, ENGLISH, tests=(word_test(lake, "topics", "en", questions),))


def published(lake: Lake, table: str) -> list:
    manifest = read_manifest(lake)
    assert manifest is not None
    return read_table(lake, manifest.tables[table]).to_pylist()


def verdict_of(lake: Lake, run: Run) -> str:
    (line,) = rows_of(lake, run.judged[0], "ops.ledger")
    return str(line["rule"])


def test_a_worse_model_is_kept_unpublished_and_the_reason_is_written(lake: Lake):
    publish_english(lake)
    first = publish_stage(lake)
    assert verdict_of(lake, first) == "first_champion"
    (champion,) = published(lake, "models")
    vectors, scores = published(lake, "word_vectors"), published(lake, "scores")
    second = publish_stage(lake, UNTRAINED)
    assert verdict_of(lake, second) == "worse_than_champion"
    assert second.judged[0].set_aside == {"worse_than_champion": 1}
    assert (published(lake, "models"), published(lake, "word_vectors"), published(lake, "scores")) == (
        [champion],
        vectors,
        scores,
    )
    (loser,) = rows_of(lake, second.judged[0], "unpublished_models")
    assert loser["model_id"] != champion["model_id"]
    compared = {(row["metric"], row["split"]): row for row in rows_of(lake, second.judged[0], COMPARISONS)}
    assert set(compared) == {("spearman", "topics"), ("loss_per_pair_beside_frequencies", "held_out")}
    assert compared["spearman", "topics"]["value"] < compared["spearman", "topics"]["champion_value"] - 0.02
    assert plan(lake, CHAIN, UNTRAINED) == []
    assert publish_stage(lake, UNTRAINED).n_done == 0


def test_a_better_model_takes_the_place(lake: Lake):
    publish_english(lake)
    publish_stage(lake, UNTRAINED)
    run = publish_stage(lake)
    assert verdict_of(lake, run) == "not_worse_than_champion"
    assert [row["model_id"] for row in published(lake, "models")] == [
        row["model_id"] for row in rows_of(lake, run.trained[0], "models")
    ]
    assert plan(lake, CHAIN, SETTINGS) == []


def test_both_are_asked_what_both_know_among_the_words_that_both_know():
    new = WordVectors("en", "norm", ("sea", "tide", "tram", "whale"), np.eye(4, dtype=np.float32))
    champion = WordVectors("en", "norm", ("Tide", "sea", "tram", "krill"), np.eye(4, dtype=np.float32))
    asked = WordTest(
        "set", (("sea", "tide"), ("sea", "whale"), ("krill", "tram"), ("tram", "Sea")), np.array([1.0, 2.0, 3.0, 4.0])
    )
    common = _known_to_both((new, champion), asked)
    assert common.questions == (("sea", "tide"), ("tram", "Sea"))
    assert common.ratings is not None
    assert common.ratings.tolist() == [1.0, 4.0]
    first, second = _on_common_words((new, replace(champion, words=("tide", "sea", "tram", "krill"))))
    assert (first.words, second.words) == (("sea", "tide", "tram"), ("tide", "sea", "tram"))
    assert first.vectors.tolist() == new.vectors[:3].tolist()


def test_the_newer_wins_where_too_few_questions_are_known_to_both(lake: Lake):
    publish_english(lake, pairs_within_topics("en")[:9])
    publish_stage(lake)
    other_text = replace(
        UNTRAINED, word2vec=replace(UNTRAINED.word2vec, seed=6)
    )  # another part is held out: losses are no answer either
    assert verdict_of(lake, publish_stage(lake, other_text)) == "champion_not_comparable"


def test_a_model_of_another_column_is_for_something_else_and_has_no_rival(lake: Lake):
    publish_english(lake)
    publish_stage(lake)
    run = publish_stage(lake, replace(UNTRAINED, column="stem"))
    assert verdict_of(lake, run) == "first_champion"
    assert [row["model_id"] for row in published(lake, "models")] == [
        row["model_id"] for row in rows_of(lake, run.trained[0], "models")
    ]


def test_models_of_another_kind_are_asked_the_same_questions(lake: Lake):
    publish_english(lake)
    publish_stage(lake)
    glove = replace(SETTINGS, model="glove", tolerance=2.0, glove=GloveSettings(vector_size=8, window=4, epochs=15))
    run = publish_stage(lake, glove)
    assert [(row["metric"], row["split"]) for row in rows_of(lake, run.judged[0], COMPARISONS)] == [
        ("spearman", "topics")
    ]
    assert [row["kind"] for row in published(lake, "models")] == ["glove"]
