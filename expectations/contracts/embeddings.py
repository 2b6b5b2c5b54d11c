"""The table of word vectors."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from expectations.contracts.columns import LANGUAGE, MODEL_ID, N_OCCURRENCES, OF_MODEL, TERM
from expectations.table_contract import Column, TableContract

WORD_VECTORS = TableContract("word_vectors", "a word's embedding", ("model_id", "lang", "term"), (
    MODEL_ID, LANGUAGE, replace(TERM, meaning="Word as the model knows it"), N_OCCURRENCES,
    Column("vector", pa.list_(pa.float32()), "Embedding, as many numbers as the model has dimensions"),
), references=(OF_MODEL,))  # fmt: skip
