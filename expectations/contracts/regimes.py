"""The table of hidden states."""

from __future__ import annotations

import pyarrow as pa

from expectations.contracts.columns import MODEL_ID, OBSERVED_ON, OF_MODEL, REGION_ID, share, text
from expectations.contracts.mobility import OF_REGION
from expectations.table_contract import Column, TableContract

REGIMES = TableContract("regimes", "a region's hidden state on a day", ("model_id", "region_id", "observed_on"), (
    MODEL_ID, REGION_ID, OBSERVED_ON,
    Column("state", pa.int32(), "State, from 0 (nearest to the baseline) on", "states", minimum=0),
    text("label", "Name of the state by its mean level, from baseline to lockdown"),
    share("probability", "Posterior probability of that state on that day"),
), references=(OF_MODEL, OF_REGION))  # fmt: skip
