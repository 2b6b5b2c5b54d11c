"""The table of forecasts."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from expectations.contracts.columns import MODEL_ID, OF_MODEL, REGION_ID, day
from expectations.contracts.mobility import CATEGORY, CHANGE_PCT, OF_REGION
from expectations.table_contract import Column, TableContract

KEY = ("model_id", "region_id", "category", "origin_on", "target_on")

FORECASTS = TableContract("forecasts", "a forecast value", KEY, (
    MODEL_ID, REGION_ID, CATEGORY,
    day("origin_on", "Last day that the forecast knew"), day("target_on", "Day that is forecast"),
    Column("horizon_days", pa.int32(), "target_on less origin_on", "days", minimum=1),
    *(replace(CHANGE_PCT, name=f"change_pct_{kind}", meaning=f"Forecast {meaning}", is_nullable=False)
      for kind, meaning in (("mean", "mean"), ("p10", "10 % quantile"), ("p50", "median"), ("p90", "90 % quantile"))),
), references=(OF_MODEL, OF_REGION))  # fmt: skip
