import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from models.hmm import surface as hmm
from models.hmm.storage import HmmCardError, as_tensors, from_tensors

SYMBOLS = np.random.default_rng(1).integers(0, 3, (60, 1))
COUNTS = np.random.default_rng(2).multinomial(5, [0.2, 0.3, 0.5], 60)
ROWS = np.random.default_rng(3).normal(0, 1, (60, 2)) + 4 * np.random.default_rng(4).integers(0, 2, (60, 1))
MODELS = [
    (hmm.CategoricalHMM(2, emissionprob_prior=np.float64(1.5), random_state=1), SYMBOLS),
    (hmm.MultinomialHMM(2, random_state=1), COUNTS),
    (hmm.PoissonHMM(2, random_state=1), COUNTS),
    (hmm.GaussianHMM(2, "spherical", random_state=1), ROWS),
    (hmm.GaussianHMM(2, "tied", means_prior=np.array([1.0, 2.0]), random_state=np.random.RandomState(1)), ROWS),
    (hmm.GMMHMM(2, 2, random_state=1), ROWS),
]


@pytest.mark.parametrize(("model", "X"), MODELS, ids=lambda value: type(value).__name__)
def test_a_model_kept_as_safetensors_and_card_comes_back_the_same(
    model: hmm.GaussianHMM, X: np.ndarray, tmp_path: Path
) -> None:
    model.fit(X, [25, 35])
    tensors, card = as_tensors(model)
    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "card.json").write_text(json.dumps(card))
    again = from_tensors(load_file(tmp_path / "model.safetensors"), json.loads((tmp_path / "card.json").read_text()))
    assert type(again) is type(model)
    assert again.score(X, [25, 35]) == model.score(X, [25, 35])
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert list(again.monitor_.history) == list(model.monitor_.history)


def test_what_is_no_model_is_refused_in_a_sentence() -> None:
    tensors, card = as_tensors(hmm.CategoricalHMM(2, random_state=1).fit(SYMBOLS))
    for wrong_tensors, wrong_card in (
        ({}, card),
        ({**tensors, "startprob_": np.ones(2)}, card),
        ({**tensors, "other_": np.ones(2)}, card),
        (tensors, {**card, "class": "Tagger"}),
        (tensors, {"class": "CategoricalHMM"}),
    ):
        with pytest.raises(HmmCardError, match="hidden Markov model"):
            from_tensors(wrong_tensors, wrong_card)
    with pytest.raises(ValueError, match="call fit first"):
        as_tensors(hmm.CategoricalHMM(2))
