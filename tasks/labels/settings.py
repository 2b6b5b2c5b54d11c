"""What can be set of labels, apart from what classifies, so that planning a run never loads PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from models.labels.parts import PartSettings
from models.labels.settings import ClassifierSettings
from models.settings import APPLYING, COMPARING, setting

KINDS = ("label_majority", "label_neighbours", "label_logistic", "label_lstm")
"""Kinds of classifiers, as `models.labels.storage` names them, which loads PyTorch."""


@dataclass(frozen=True)
class ClassificationSettings:
    """How labelled documents are learned from.

    column: the form of a token that is a word here; word vectors are of the same form by default. fewest_documents: a
    source with fewer labelled ones is left out. fewest_of_label: a label with fewer documents in the training part is
    left out. predict_for: what labels are predicted for: documents of the labelled `source`, or those without a label
    in the same `language`, too. tolerance: how far a new champion may fall below the published one (mean of accuracy
    and macro F1, as a share).
    """

    column: Literal["token", "norm", "stem", "lemma"] = "norm"
    fewest_documents: int = 40
    fewest_of_label: int = 3
    predict_for: Literal["source", "language"] = setting("language", decides=(APPLYING,))
    tolerance: float = setting(0.0, decides=(COMPARING,))
    parts: PartSettings = field(default_factory=PartSettings)
    classifiers: ClassifierSettings = field(default_factory=ClassifierSettings)


DEFAULTS = ClassificationSettings()
