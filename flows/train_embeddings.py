"""The flow `train_embeddings`: word vectors of every language on the published snapshot."""

from __future__ import annotations

from prefect import flow

from tasks.embeddings.scoring import without_scores
from tasks.embeddings.settings import EmbeddingSettings
from tasks.embeddings.stage import (
    corpus_works,
    judge_vectors,
    judgement_works,
    loss_curves,
    map_words,
    measurement_works,
    score_vectors,
    show_tests,
    train_vectors,
    vector_works,
    write_corpus,
)
from tasks.embeddings.word_map import map_works
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, leave_stage
from tasks.learning.champions import show_champions, without_models
from tasks.running.artifacts import show_rows, show_scores, show_table
from tasks.running.engine import do_all
from tasks.running.places import home_folder
from tasks.running.runs import record_run

DEFAULTS = EmbeddingSettings()


@flow(name="train_embeddings")
def train_embeddings(
    home: str | None = None, engine: str = "local", settings: EmbeddingSettings = DEFAULTS
) -> StageRecord:
    """Split the published tokens by language, train a model on each, and leave the winners' `word_vectors`, models and scores.

    A new model that is worse than the published one is kept, and not published.
    """
    lake = Lake.open(home_folder(home))
    with record_run(lake, "train_embeddings"):
        parts = do_all(lake, corpus_works(lake, settings), write_corpus)
        works = vector_works(lake, parts, settings)
        trained = do_all(lake, works, train_vectors)
        judged = do_all(lake, judgement_works(lake, works, trained, settings), judge_vectors)
        scored = do_all(lake, measurement_works(lake, judged), score_vectors)
        mapped = do_all(lake, map_works(lake, judged), map_words)
        show_rows("embeddings", [*parts, *trained, *judged, *scored, *mapped])
        show_table(
            "embedding-losses", loss_curves(lake, trained), "Mean loss by language and epoch, as the model's card says"
        )
        show_champions(lake, "embeddings", judged)
        show_tests(lake, scored)
        show_scores(lake, "embeddings", scored)
        return leave_stage(
            lake, "embeddings", [*parts, *without_models(trained), *without_scores(judged), *scored, *mapped]
        )
