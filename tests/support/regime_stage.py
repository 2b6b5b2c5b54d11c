"""Settings with which regimes are a matter of a second."""

from models.regimes.regimes import RegimeSettings

SETTINGS = RegimeSettings(categories=("workplaces", "residential"), n_states=2)
