"""The flow `train_embeddings`: word vectors of every language on the published snapshot."""

from __future__ import annotations

from prefect import flow

from tasks.artifacts import show_rows, show_scores, show_table
from tasks.embeddings import EmbeddingSettings, corpus_works, loss_curves, train_vectors, vector_works, write_corpus
from tasks.engine import do_all
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, leave_stage
from tasks.places import home_folder
from tasks.runs import record_run

DEFAULTS = EmbeddingSettings()


@flow(name="train_embeddings")
def train_embeddings(home: str | None = None, engine: str = "local", settings: EmbeddingSettings = DEFAULTS) -> StageRecord:
    """Split the published tokens by language, train a model on each, and leave `word_vectors`, models and scores."""
    lake = Lake.open(home_folder(home))
    with record_run(lake, "train_embeddings"):
        parts = do_all(lake, corpus_works(lake, settings), write_corpus)
        models = do_all(lake, vector_works(lake, parts, settings), train_vectors)
        show_rows("embeddings", [*parts, *models])
        show_table("embedding-losses", loss_curves(lake, models), "Mean loss of a pair in nats, by language and epoch")
        show_scores(lake, "embeddings", models)
        return leave_stage(lake, "embeddings", [*parts, *models])
