"""The stage `embeddings` without Prefect, for the tests of its parts."""

from dataclasses import dataclass

from models.embeddings.word2vec import Word2VecSettings
from tasks.embeddings.comparing import judge_vectors_body
from tasks.embeddings.scoring import score_vectors_body, without_scores
from tasks.embeddings.settings import EmbeddingSettings
from tasks.embeddings.stage import corpus_works, judgement_works, measurement_works, vector_works, write_corpus_body
from tasks.embeddings.training import train_vectors_body
from tasks.embeddings.word_map import map_words_body, map_works
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import leave_stage
from tasks.lake.steps import StepRecord, do
from tasks.learning.champions import without_models

SETTINGS = EmbeddingSettings(
    tokens_at_least=200_000, held_out_share=0.1, threads=1, fewest_known=10,
    word2vec=Word2VecSettings(vector_size=16, sample=0.0, seed=5),
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """The records of one run of the stage."""

    parts: list[StepRecord]
    trained: list[StepRecord]
    judged: list[StepRecord]
    scored: list[StepRecord]
    mapped: list[StepRecord]

    @property
    def n_done(self) -> int:
        """Steps that this run did; the others stood."""
        return sum(
            not record.was_standing for record in (*self.parts, *self.trained, *self.judged, *self.scored, *self.mapped)
        )


def run_stage(lake: Lake, settings: EmbeddingSettings = SETTINGS) -> Run:
    """All steps of the stage, on what is published."""
    parts = [do(lake, work, write_corpus_body) for work in corpus_works(lake, settings)]
    works = vector_works(lake, parts, settings)
    trained = [do(lake, work, train_vectors_body) for work in works]
    judged = [do(lake, work, judge_vectors_body) for work in judgement_works(lake, works, trained, settings)]
    scored = [do(lake, work, score_vectors_body) for work in measurement_works(lake, judged)]
    mapped = [do(lake, work, map_words_body) for work in map_works(lake, judged)]
    return Run(parts, trained, judged, scored, mapped)


def publish_stage(lake: Lake, settings: EmbeddingSettings = SETTINGS) -> Run:
    """The same, published."""
    run = run_stage(lake, settings)
    left = [*run.parts, *without_models(run.trained), *without_scores(run.judged), *run.scored, *run.mapped]
    publish(lake, [leave_stage(lake, "embeddings", left)], "run")
    return run


def rows_of(lake: Lake, record: StepRecord, table: str) -> list:
    """The rows of a table that a step left."""
    files = record.files_of(table)
    return read_table(lake, files).to_pylist() if files else []
