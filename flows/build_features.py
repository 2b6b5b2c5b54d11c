"""The flow `build_features`: tokens, vocabulary and weights of terms of the documents last taken in."""

from __future__ import annotations

from prefect import flow

from tasks.lake.stages import StageRecord
from tasks.running.stage_runs import run_stage
from tasks.transforms.text.lexicon import TextSettings

DEFAULTS = TextSettings()


@flow(name="build_features")
def build_features(home: str | None = None, engine: str = "local", settings: TextSettings = DEFAULTS) -> StageRecord:
    """Cut the documents into tokens, count words and terms over all of them, and weigh each document's terms."""
    return run_stage("features", home, settings={"features": settings})
