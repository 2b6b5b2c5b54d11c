"""The chain of mobility and policy: files parsed, merged by vintage and joined; every row in is out or set aside by a
rule.
"""

from __future__ import annotations

from functools import partial

from tasks.intake.kinds import OBSERVATION_KINDS
from tasks.intake.vintages import noting
from tasks.lake.steps import HOUR_S, Step
from tasks.mobility.merging import merge_batches, write_mobility
from tasks.mobility.parsing import parse_batches, parse_mobility
from tasks.mobility.policy import join_batches, parse_policy, write_mobility_policy, write_policy
from tasks.mobility.policy import merge_batches as policy_batches
from tasks.mobility.showing import show
from tasks.running.chains import Chain

WORLD_S = 4 * HOUR_S  # our choice: a batch takes seconds, the world's largest file a minute
ASIDE = ("ops.quarantine",)

CHAIN = Chain(
    subject="mobility",
    stage="mobility",
    flow="ingest_mobility",
    steps=(
        noting("all sources of mobility and policy"),
        Step("parse_mobility", parse_mobility, partial(parse_batches, "mobility"), leaves=ASIDE, timeout_s=WORLD_S),
        Step("parse_policy", parse_policy, partial(parse_batches, "policy"), leaves=ASIDE, timeout_s=WORLD_S),
        Step("write_mobility", write_mobility, merge_batches, leaves=("mobility",), timeout_s=WORLD_S),
        Step("write_policy", write_policy, policy_batches, leaves=("policy",)),
        Step("write_mobility_policy", write_mobility_policy, join_batches, leaves=("mobility_policy",)),
    ),
    kinds=OBSERVATION_KINDS,
    shows=(show,),
)
