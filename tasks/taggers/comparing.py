"""A new tagger beside the champion: which of them tags more of today's held-out tokens right."""

from __future__ import annotations

import numpy as np

from models.taggers.scores import tag_sentences
from models.taggers.storage import from_tensors
from models.taggers.tagger import TaggerError
from tasks.lake.layout import Lake, LakeError
from tasks.learning.champions import Comparison, Contest, NotComparableError
from tasks.learning.model_store import read_model
from tasks.taggers.data import read_sides


def compare(lake: Lake, contest: Contest, new_id: str, present_id: str) -> list[Comparison]:
    """Both taggers' share of tokens tagged right, on the same sentences; neither has seen them, for words decide what
    is held out.
    """
    _, held_out = read_sides(lake, contest.payload)
    true = [upos for sentence in held_out.sentences for _, upos, _ in sentence]
    values = []
    for model_id in (new_id, present_id):
        try:
            tensors, card = read_model(lake, model_id)
            predicted = tag_sentences(from_tensors(tensors, card["notes"]), held_out.words())
        except (TaggerError, LakeError, FileNotFoundError) as error:
            raise NotComparableError(str(error)) from error
        values.append(float(np.mean([upos == wanted for (upos, _), wanted in zip(predicted, true, strict=True)])))
    return [Comparison("upos_accuracy", "held_out", values[0], values[1])]
