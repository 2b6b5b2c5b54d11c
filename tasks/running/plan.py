"""What a run would do and why, changing nothing: the plans of all stages, joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tasks.documents.stage import plan_documents
from tasks.embeddings.stage import plan_embeddings
from tasks.features.stage import plan_features
from tasks.forecasts.stage import plan_lstm
from tasks.labels.stage import plan_classification
from tasks.lake.layout import Lake
from tasks.lake.stages import STAGE_TABLES
from tasks.lake.steps import PlannedWork
from tasks.mobility.stage import plan_mobility
from tasks.publication.stage import unpublished_stages
from tasks.regimes.stage import plan_hmm
from tasks.taggers.stage import plan_taggers
from tasks.transforms.records.source_format import Source

STAGE_NEEDS: Mapping[str, tuple[str, ...]] = {
    "documents": (),
    "mobility": (),
    "hmm": ("documents", "mobility"),
    "features": ("documents", "hmm"),
    "embeddings": ("documents", "features"),
    "lstm": ("documents", "mobility", "features", "embeddings"),
}
"""For each stage those whose output it reads; the learning ones as the present snapshot publishes it."""

LEARNING_STAGES = ("hmm", "embeddings", "lstm")
PUBLISH = "publish"


def make_plan(lake: Lake, sources: Sequence[Source], only: str | None = None) -> list[PlannedWork]:
    """All work that is due, in the order in which a run would do it; empty where nothing changed.

    With `only`, that stage and the publish. Where a stage reads what is itself due, one line says on what it hangs, because
    whether it will be due cannot be known before.
    """
    unpublished = unpublished_stages(lake)
    lines: list[PlannedWork] = []
    for stage in [only] if only else STAGE_TABLES:
        due = {line.stage for line in lines}
        hanging = [] if only else [need for need in STAGE_NEEDS[stage] if need in due and _is_read(lake, stage, need)]
        unseen = stage in LEARNING_STAGES and not only and any(need in unpublished for need in STAGE_NEEDS[stage])
        if hanging or unseen:
            lines.append(PlannedWork(stage, "all", "all", f"hangs on {', '.join(hanging) or PUBLISH}"))
        else:
            lines += _planners(sources)[stage](lake)
    if lines:
        return [
            *lines,
            PlannedWork(PUBLISH, PUBLISH, "all", f"hangs on {', '.join(dict.fromkeys(line.stage for line in lines))}"),
        ]
    return [PlannedWork(PUBLISH, PUBLISH, stage, "not published yet") for stage in unpublished]


def _is_read(lake: Lake, stage: str, need: str) -> bool:
    """Whether `stage` reads what is due in `need`: of the stage `hmm` the features read the taggers, and new mobility changes none."""
    return (stage, need) != ("features", "hmm") or bool(plan_taggers(lake))


def _planners(sources: Sequence[Source]) -> Mapping[str, Callable[[Lake], list[PlannedWork]]]:
    return {
        "documents": lambda lake: plan_documents(lake, sources),
        "mobility": lambda lake: plan_mobility(lake, sources),
        "features": plan_features,
        "embeddings": plan_embeddings,
        "hmm": lambda lake: [*plan_hmm(lake), *plan_taggers(lake)],
        "lstm": lambda lake: [*plan_lstm(lake), *plan_classification(lake)],
    }
