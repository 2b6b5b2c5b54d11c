import hashlib
from dataclasses import replace

import numpy as np
import pytest

from models.labels.contest import best_kind, cross_validated, fit_kind
from models.labels.parts import TEST, TRAINING, VALIDATION, PartSettings, folds_of, parts_of
from models.labels.scores import score_labels
from models.labels.settings import ClassifierSettings, LstmSettings
from models.labels.storage import KINDS, LOGISTIC, LSTM, MAJORITY, NEIGHBOURS
from models.labels.words import N_SPECIAL, Labelled, Texts
from models.training.settings import TrainingSettings

DIGESTS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(4000)]
SETTINGS = ClassifierSettings(
    lstm=LstmSettings(
        hidden_size=3, fewest_updates=0, training=TrainingSettings(epochs=1, learning_rate=0.01, device="cpu")
    )
)
VECTORS = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)


def test_parts_have_their_shares_and_a_text_is_always_in_the_same():
    parts = parts_of(DIGESTS, PartSettings(validation_share=0.1, test_share=0.2))
    assert {name: round(float(np.mean(parts == name)), 1) for name in (TRAINING, VALIDATION, TEST)} == {
        TRAINING: 0.7,
        VALIDATION: 0.1,
        TEST: 0.2,
    }
    assert parts_of(DIGESTS[::-1], PartSettings())[::-1].tolist() == parts.tolist()
    # What was scored on stays out of training when less is held out to choose by.
    assert np.all(parts_of(DIGESTS, PartSettings(validation_share=0.0))[parts == TEST] == TEST)
    assert parts_of([], PartSettings()).tolist() == []


def test_folds_are_alike_in_size_and_have_nothing_to_do_with_parts():
    folds, parts = folds_of(DIGESTS, 4), parts_of(DIGESTS, PartSettings())
    assert np.bincount(folds).min() > 900
    assert np.bincount(folds[parts == TEST]).min() > 160


def unlike_texts(n=40):
    """Documents of a word of their own and one of their label: a prediction tells which documents it comes from."""
    labels = np.arange(n) % 2
    ids = np.stack([N_SPECIAL + labels, np.full(n, 5)], axis=1).astype(np.int32)
    return Labelled(Texts(ids.ravel(), np.arange(0, 2 * n + 1, 2)), labels, 2)


@pytest.mark.parametrize("kind", [NEIGHBOURS, LOGISTIC, LSTM])
def test_what_is_said_of_a_fold_does_not_depend_on_its_labels(kind):
    documents = unlike_texts()
    folds = np.arange(40) // 10
    predicted = cross_validated(kind, documents, folds, VECTORS, SETTINGS)
    turned = Labelled(documents.texts, np.where(folds == 2, 1 - documents.labels, documents.labels), 2)
    again = cross_validated(kind, turned, folds, VECTORS, SETTINGS)
    assert np.array_equal(predicted[folds == 2], again[folds == 2])
    assert not np.array_equal(predicted[folds == 3], again[folds == 3])
    if kind != LSTM:
        assert np.mean(predicted.argmax(axis=1) == documents.labels) == 1.0


def test_every_kind_is_fitted_by_its_name():
    documents = unlike_texts()
    fitted = {kind: fit_kind(kind, documents, documents, VECTORS, SETTINGS) for kind in KINDS}
    assert len({type(model) for model in fitted.values()}) == len(KINDS)
    assert all(model.probabilities(documents.texts).shape == (40, 2) for model in fitted.values())


def test_the_best_kind_has_the_highest_accuracy_then_the_lowest_loss_then_is_the_simplest():
    truth = np.array([0, 1, 1, 0])

    def scored(*right):
        rows = np.array(right)
        return score_labels(truth, np.where(truth[:, None] == [0, 1], rows[:, None], 1 - rows[:, None]))

    three, surer, all_right = scored(0.9, 0.9, 0.9, 0.4), scored(0.9, 0.9, 0.9, 0.45), scored(0.51, 0.51, 0.51, 0.51)
    assert best_kind({MAJORITY: three, LOGISTIC: all_right, LSTM: surer}) == LOGISTIC
    assert best_kind({MAJORITY: three, NEIGHBOURS: surer, LSTM: three}) == NEIGHBOURS
    assert best_kind({MAJORITY: three, LSTM: replace(three)}) == MAJORITY


@pytest.mark.parametrize("wrong", [{"validation_share": 0.5, "test_share": 0.5}, {"test_share": -0.1}, {"n_folds": 2}])
def test_parts_that_leave_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PartSettings(**wrong)
