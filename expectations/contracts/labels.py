"""The table of predicted labels."""

from __future__ import annotations

from dataclasses import replace

from expectations.contracts.columns import DOC_ID, MODEL_ID, OF_DOCUMENT, OF_MODEL, share, text
from expectations.table_contract import TableContract

OF_ITS_LANGUAGE = "Document: held out from its labelled source, or without a label and of the language of that source"
ROW_IS = "a label predicted for a document that its model has not learned from"

PREDICTIONS = TableContract("predictions", ROW_IS, ("model_id", "doc_id"), (
    MODEL_ID, replace(DOC_ID, meaning=OF_ITS_LANGUAGE), text("label", "Predicted label"),
    share("probability", "Probability of that label, as the model says"),
), references=(OF_MODEL, OF_DOCUMENT))  # fmt: skip
