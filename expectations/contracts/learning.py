"""Tables of every trained model."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from expectations.contracts.columns import LANGUAGE, MODEL_ID, OF_MODEL, SHA256, SNAPSHOT_ID, moment, number, text
from expectations.table_contract import Column, TableContract

MODELS = TableContract("models", "a trained model", ("model_id",), (
    MODEL_ID, text("kind", "Kind of model"),
    replace(LANGUAGE, is_nullable=True, meaning="Language, ISO 639-1; NULL = not of a language"),
    moment("trained_at", "When training ended"), Column("seed", pa.int64(), "Seed of the random numbers"),
    text("settings", "Settings, JSON"), replace(SNAPSHOT_ID, meaning="Published state that it was trained on"),
    text("data_sha256", "SHA-256 over the digests of the files that it read", pattern=SHA256),
    text("path", "Folder of weights and card, relative to the home"),
    Column("is_champion", pa.bool_(), "Whether it is the one in use for what it is for: its kind, language and data"),
))  # fmt: skip

SCORES = TableContract("scores", "a score of a model", ("model_id", "metric", "split"), (
    MODEL_ID, text("metric", "Metric, with its unit or horizon in the name"),
    text("split", "Part of the data it was measured on"),
    number("value", "The model's score", "as the metric says", is_nullable=False),
    text("baseline", "What it is compared with; NULL = nothing", is_nullable=True),
    number("baseline_value", "The baseline's score; NULL = no baseline", "as the metric says"),
    Column("better", pa.string(), "Which way is better; NULL = no way is, as of a count", is_nullable=True,
           one_of=("higher", "lower", "near")),
    number("target", "Value that the score should be near; NULL = none", "as the metric says"),
), references=(OF_MODEL,))  # fmt: skip
