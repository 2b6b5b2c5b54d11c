from pathlib import Path

import numpy as np
import pytest

from models.hmm import surface as hmm
from models.hmm.storage import HmmCardError
from tasks.learning.hmm_files import load_hmm, save_hmm

X = np.array([[0.0, 1], [1, 0], [4, 5], [5, 4], [0, 0], [5, 5], [1, 1], [4, 4]])


@pytest.mark.parametrize("name", ["CategoricalHMM", "GaussianHMM", "GMMHMM", "MultinomialHMM", "PoissonHMM"])
@pytest.mark.parametrize("covariance_type", ["full", "spherical"])
def test_a_saved_model_comes_back_the_same(name: str, covariance_type: str, tmp_path: Path) -> None:
    rows = X[:, :1] if name == "CategoricalHMM" else X
    more = {"covariance_type": covariance_type} if name in ("GaussianHMM", "GMMHMM") else {}
    model = getattr(hmm, name)(2, random_state=3, **more).fit(rows, [4, 4])
    save_hmm(model, tmp_path / "kept")
    again = load_hmm(tmp_path / "kept")
    assert type(again) is type(model)
    assert again.score(rows, [4, 4]) == model.score(rows, [4, 4])
    assert list(again.monitor_.history) == list(model.monitor_.history)
    assert again.get_params()["n_components"] == 2


def test_damaged_files_are_told_in_a_sentence(tmp_path: Path) -> None:
    save_hmm(hmm.GaussianHMM(1).fit(X), tmp_path)
    (tmp_path / "card.json").write_text('{"class": "Other", "settings": {}, "log_likelihoods": []}')
    with pytest.raises(HmmCardError, match="no card of a hidden Markov model"):
        load_hmm(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(HmmCardError, match="damaged"):
        load_hmm(tmp_path)


def test_a_model_that_was_not_fitted_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="call fit first"):
        save_hmm(hmm.PoissonHMM(2), tmp_path)
