"""A hidden Markov model as arrays by name and a card that JSON has a form for, and back. Nothing is pickled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.hmm.counts import CategoricalHMM, MultinomialHMM, PoissonHMM
from models.hmm.estimator import HiddenMarkovModel
from models.hmm.gaussian import GaussianHMM
from models.hmm.mixture import GMMHMM

CLASSES: Mapping[str, type[HiddenMarkovModel]] = {
    kind.__name__: kind for kind in (CategoricalHMM, GaussianHMM, GMMHMM, MultinomialHMM, PoissonHMM)
}
FITTED = ("startprob_", "transmat_", "emissionprob_", "lambdas_", "weights_", "means_", "_covars_", "covars_")


class HmmCardError(ValueError):
    """A card or its arrays are not those of a hidden Markov model."""


def as_tensors(model: HiddenMarkovModel) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The fitted arrays by name, float64, and the card: class, settings, log-likelihood by iteration. ValueError where
    not fitted.

    Settings that are arrays go into the card as lists; a numpy RandomState as None.
    """
    model.get_stationary_distribution()  # refuses what is not fitted
    tensors = {name: np.ascontiguousarray(vars(model)[name], np.float64) for name in FITTED if name in vars(model)}
    settings = {name: _plain(value) for name, value in model.get_params(deep=False).items()}
    return tensors, {
        "class": type(model).__name__,
        "settings": settings,
        "log_likelihoods": list(model.monitor_.history),
    }


def from_tensors(tensors: Mapping[str, np.ndarray], card: Mapping[str, Any]) -> HiddenMarkovModel:
    """The model that `as_tensors` took apart. HmmCardError where class, settings or arrays are others'."""
    try:
        model = CLASSES[card["class"]](**card["settings"])
        for name in tensors:
            if name not in FITTED:
                raise HmmCardError(f"no hidden Markov model has an array called {name}")
            setattr(model, name, np.array(tensors[name]))
        for value in card["log_likelihoods"]:
            model.monitor_.report(float(value))
        model.get_stationary_distribution()
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise HmmCardError(f"this is no card of a hidden Markov model, or its arrays are others' ({error})") from error
    return model


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return None if isinstance(value, np.random.RandomState) else value
