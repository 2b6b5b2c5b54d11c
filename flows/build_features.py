"""The flow `build_features`: tokens, vocabulary and weights of terms of the documents last taken in."""

from __future__ import annotations

from prefect import flow

from tasks.features.stage import (
    count_by_language,
    tfidf_works,
    token_works,
    vocabulary_works,
    write_tfidf,
    write_tokens,
    write_vocabulary,
)
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, leave_stage
from tasks.running.artifacts import show_rows, show_table
from tasks.running.engine import do_all
from tasks.running.places import home_folder
from tasks.running.runs import record_run
from tasks.transforms.text.lexicon import TextSettings

DEFAULTS = TextSettings()


@flow(name="build_features")
def build_features(home: str | None = None, engine: str = "local", settings: TextSettings = DEFAULTS) -> StageRecord:
    """Cut the documents into tokens, count words and terms over all of them, and weigh each document's terms."""
    lake = Lake.open(home_folder(home))
    with record_run(lake, "build_features"):
        parts = do_all(lake, token_works(lake, settings), write_tokens)
        vocabulary = do_all(lake, vocabulary_works(parts), write_vocabulary)
        weights = do_all(lake, tfidf_works(lake, parts, vocabulary), write_tfidf)
        records = [*parts, *vocabulary, *weights]
        show_table(
            "text-by-language",
            count_by_language(lake, records),
            "Documents, tokens, distinct forms and terms of each language",
        )
        show_rows("features", records)
        return leave_stage(lake, "features", records)
