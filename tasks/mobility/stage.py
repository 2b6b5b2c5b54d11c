"""The chain of mobility and policy: files parsed, merged by vintage and joined; every row in is out or set aside by a
rule.
"""

from __future__ import annotations

from functools import partial

from tasks.intake.vintages import noting
from tasks.lake.steps import HOUR_S, Step
from tasks.mobility.adjusting import adjusting_batches, event_batches, write_known_events, write_mobility_adjusted
from tasks.mobility.judging import judge_batches, judge_fetches
from tasks.mobility.merging import merge_batches, merge_mobility
from tasks.mobility.naming import name_regions, naming_batches
from tasks.mobility.parsing import parse_batches, parse_mobility
from tasks.mobility.policy import parse_policy
from tasks.mobility.policy_merging import join_batches, policy_batches, write_mobility_policy, write_policy
from tasks.mobility.regions import region_batches, write_regions
from tasks.mobility.revising import (
    mobility_revision_batches,
    policy_revision_batches,
    write_mobility_revisions,
    write_policy_revisions,
)
from tasks.mobility.setting_aside import setting_batches, write_mobility
from tasks.mobility.showing import show
from tasks.running.chains import Chain
from tasks.running.fetches_shown import show_fetches
from tasks.transforms.records.source_format import OBSERVATION_KINDS

WORLD_S = 4 * HOUR_S  # our choice: a batch takes seconds, the world's largest file a minute
ASIDE = ("ops.quarantine",)

CHAIN = Chain(
    subject="mobility",
    stage="mobility",
    flow="ingest_mobility",
    steps=(
        Step("parse_mobility", parse_mobility, partial(parse_batches, "mobility"), leaves=ASIDE, timeout_s=WORLD_S),
        Step("parse_policy", parse_policy, partial(parse_batches, "policy"), leaves=ASIDE, timeout_s=WORLD_S),
        Step("judge_fetches", judge_fetches, judge_batches, leaves=ASIDE, timeout_s=WORLD_S),
        noting("all sources of mobility and policy", judge="judge_fetches"),
        Step("name_regions", name_regions, naming_batches),
        Step("merge_mobility", merge_mobility, merge_batches, hands_over=("mobility",), timeout_s=WORLD_S),
        Step("write_mobility", write_mobility, setting_batches, leaves=("mobility", *ASIDE), timeout_s=WORLD_S),
        Step("write_policy", write_policy, policy_batches, leaves=("policy", *ASIDE)),
        Step(
            "write_mobility_revisions",
            write_mobility_revisions,
            mobility_revision_batches,
            leaves=("mobility_revisions",),
        ),
        Step("write_policy_revisions", write_policy_revisions, policy_revision_batches, leaves=("policy_revisions",)),
        Step("write_regions", write_regions, region_batches, leaves=("regions", "countries", "coverage")),
        Step("write_mobility_policy", write_mobility_policy, join_batches, leaves=("mobility_policy",)),
        Step("write_known_events", write_known_events, event_batches, leaves=("known_events",)),
        Step(
            "write_mobility_adjusted",
            write_mobility_adjusted,
            adjusting_batches,
            leaves=("mobility_adjusted",),
            timeout_s=WORLD_S,
        ),
    ),
    kinds=OBSERVATION_KINDS,
    shows=(show, show_fetches),
)
