"""The stage `embeddings` without Prefect, for the tests of its parts."""

from typing import NamedTuple

from models.embeddings.word2vec import Word2VecSettings
from support.chains import run_chain
from tasks.embeddings.settings import EmbeddingSettings
from tasks.embeddings.stage import CHAIN
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import leave_stage
from tasks.lake.steps import StepRecord
from tasks.running.chains import Walk

SETTINGS = EmbeddingSettings(
    tokens_at_least=200_000,
    held_out_share=0.1,
    threads=1,
    fewest_known=10,
    word2vec=Word2VecSettings(vector_size=16, sample=0.0, seed=5),
)


class Run(NamedTuple):
    """The records of one run of the stage, step by step."""

    parts: list[StepRecord]
    trained: list[StepRecord]
    judged: list[StepRecord]
    scored: list[StepRecord]
    mapped: list[StepRecord]

    @property
    def n_done(self) -> int:
        """Tasks that this run did; the others were reused."""
        return sum(not record.is_reused for records in self for record in records)


def run_of(way: Walk) -> Run:
    """The records of a walk that was gone to its end."""
    return Run(*(way.records[step.name] for step in CHAIN.steps))


def run_stage(lake: Lake, settings: EmbeddingSettings = SETTINGS) -> Run:
    """All steps of the stage, on what is published."""
    return run_of(run_chain(lake, CHAIN, settings))


def publish_stage(lake: Lake, settings: EmbeddingSettings = SETTINGS) -> Run:
    """The same, published."""
    way = run_chain(lake, CHAIN, settings)
    publish(lake, [leave_stage(lake, CHAIN.stage, CHAIN.tables, way.left())], "run")
    return run_of(way)


def rows_of(lake: Lake, record: StepRecord, table: str) -> list:
    """The rows of a table that a step left."""
    files = record.files_of(table)
    return read_table(lake, files).to_pylist() if files else []
