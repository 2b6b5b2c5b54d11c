"""The best of the classifiers that a source has just taught beside the champion: both asked what is held out today."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.labels.parts import TEST, parts_of
from tasks.labels.applying import predicted, read_classifier
from tasks.labels.data import LabelledSource
from tasks.labels.texts import described_documents, read_words
from tasks.lake.layout import Lake, LakeError
from tasks.learning.champions import Comparison, Contest, NotComparableError


def compare(lake: Lake, contest: Contest, new_id: str, present_id: str) -> list[Comparison]:
    """Accuracy and macro F1 of both on the documents of the source that are held out today, which neither has learned
    from.

    A label that a model does not know is never right. NotComparableError where the champion cannot be read any more.
    """
    from models.labels.scores import confusion, macro_f1  # noqa: PLC0415

    part: LabelledSource = contest.payload
    rows = described_documents(lake, part.documents, part.labels)
    rows = rows.filter(pc.and_(pc.equal(rows["source"], part.source), pc.is_valid(rows["label"])))
    is_test = parts_of(rows["content_sha256"].to_pylist(), part.settings.parts) == TEST
    rows = rows.filter(pa.array(is_test))
    label_of = dict(zip(rows["doc_id"].to_pylist(), rows["label"].to_pylist(), strict=True))
    scores = []
    for model_id in (new_id, present_id):
        try:
            model, column = read_classifier(lake, model_id)
        except (FileNotFoundError, LakeError) as error:
            raise NotComparableError(str(error)) from error
        words = read_words(lake, part.tokens, rows["doc_id"].combine_chunks(), column)
        if not len(words.doc_ids):
            return []
        labels, _ = predicted(model, words)
        truth = [label_of[doc_id] for doc_id in words.doc_ids.to_pylist()]
        names = {name: place for place, name in enumerate(sorted({*truth, *model.labels}))}
        table = confusion(np.array([names[one] for one in truth]), np.array([names[one] for one in labels]), len(names))
        scores.append({"accuracy": float(np.trace(table) / table.sum()), "macro_f1": macro_f1(table)})
    return [Comparison(metric, TEST, scores[0][metric], scores[1][metric]) for metric in scores[0]]
