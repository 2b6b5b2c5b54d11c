import json
from dataclasses import replace

import pytest
from prefect.client.orchestration import get_client
from support.published_words import documents_about, pairs_within_topics, publish_words, word_test

from flows.train_embeddings import train_embeddings
from models.embeddings.word2vec import Word2VecSettings
from tasks.embeddings.settings import EmbeddingSettings
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import read_stage
from tasks.running.stages import tables_of


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_the_flow_leaves_its_stage_and_a_second_run_does_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.lake.progress.SECONDS_BETWEEN_REPORTS", 0.0)
    publish_words(lake, [*documents_about("en", 30), *documents_about("de", 30)])
    settings = replace(EmbeddingSettings(), tokens_at_least=20_000)
    first = train_embeddings(str(lake.home), "threads", settings)
    assert read_stage(lake, "embeddings") == first
    assert set(first.tables) == {*tables_of("embeddings"), "ops.ledger"}
    assert (first.n_steps_run, first.n_steps_skipped) == (9, 0)
    vectors = read_table(lake, first.tables["word_vectors"])
    assert set(vectors["lang"].to_pylist()) == {"de", "en"}
    assert {len(vector) for vector in vectors["vector"].to_pylist()} == {100}
    second = train_embeddings(str(lake.home), "threads", settings)
    assert (second.n_steps_run, second.n_steps_skipped) == (0, 9)
    assert second.tables == first.tables
    with get_client(sync_client=True) as client:
        shown = {artifact.key: artifact for artifact in client.read_artifacts()}
    assert set(shown) >= {
        "progress-train-vectors-de",
        "progress-train-vectors-en",
        "rows-embeddings",
        "embedding-losses",
        "champions-embeddings",
        "scores-embeddings",
    }
    progress = shown["progress-train-vectors-en"]
    assert (progress.type, progress.data) == ("progress", 100.0)
    assert "tokens/s" in str(progress.description)


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_worse_model_is_not_published_and_the_ui_says_why(lake: Lake) -> None:
    publish_words(lake, documents_about("en", 30), tests=(word_test(lake, "topics", "en", pairs_within_topics("en")),))
    good = replace(
        EmbeddingSettings(),
        tokens_at_least=100_000,
        fewest_known=10,
        word2vec=Word2VecSettings(vector_size=16, sample=0.0),
    )
    worse = replace(good, most_epochs=1, word2vec=replace(good.word2vec, alpha=1e-6, min_alpha=0.0, epochs=1))
    first = train_embeddings(str(lake.home), "threads", good)
    publish(lake, [first], "run")
    second = train_embeddings(str(lake.home), "threads", worse)
    assert second.tables["word_vectors"] == first.tables["word_vectors"]
    assert second.tables["models"] == first.tables["models"]
    with get_client(sync_client=True) as client:
        shown = [json.loads(str(one.data)) for one in client.read_artifacts() if one.key == "champions-embeddings"]
    rows = [row for table in shown for row in table if row["verdict"] == "worse than champion"]
    assert {(row["of"], row["score"], row["on"]) for row in rows} >= {("en", "spearman", "topics")}
    assert all(row["new model"] < row["champion"] for row in rows if row["score"] == "spearman")
    publish(lake, [second], "run")
    third = train_embeddings(str(lake.home), "threads", worse)
    assert (third.n_steps_run, third.tables) == (0, second.tables)
