from dataclasses import replace

import pytest
from published_words import documents_about, publish_words

from flows.train_embeddings import train_embeddings
from tasks.embedding_settings import EmbeddingSettings
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.stages import STAGE_TABLES, read_stage


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_the_flow_leaves_its_stage_and_a_second_run_does_nothing(lake: Lake) -> None:
    publish_words(lake, [*documents_about("en", 30), *documents_about("de", 30)])
    settings = replace(EmbeddingSettings(), tokens_at_least=20_000)
    first = train_embeddings(str(lake.home), "threads", settings)
    assert read_stage(lake, "embeddings") == first
    assert set(first.tables) == set(STAGE_TABLES["embeddings"])
    assert (first.n_steps_run, first.n_steps_skipped) == (9, 0)
    vectors = read_table(lake, first.tables["word_vectors"])
    assert set(vectors["lang"].to_pylist()) == {"de", "en"}
    assert {len(vector) for vector in vectors["vector"].to_pylist()} == {100}
    second = train_embeddings(str(lake.home), "threads", settings)
    assert (second.n_steps_run, second.n_steps_skipped) == (0, 9)
    assert second.tables == first.tables
