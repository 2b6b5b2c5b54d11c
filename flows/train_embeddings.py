"""The flow `train_embeddings`: word vectors of every language on the published snapshot."""

from __future__ import annotations

from prefect import flow

from tasks.embeddings.settings import EmbeddingSettings
from tasks.lake.stages import StageRecord
from tasks.running.stage_runs import run_stage

DEFAULTS = EmbeddingSettings()


@flow(name="train_embeddings")
def train_embeddings(
    home: str | None = None, engine: str = "local", settings: EmbeddingSettings = DEFAULTS
) -> StageRecord:
    """Split the published tokens by language, train a model on each, and leave the winners' `word_vectors`, models and
    scores.

    A new model that is worse than the published one is kept, and not published.
    """
    return run_stage("embeddings", home, settings={"embeddings": settings})
