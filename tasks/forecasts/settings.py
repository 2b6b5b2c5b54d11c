"""What can be set of forecasts: the learner's own settings."""

from __future__ import annotations

from models.forecasts.settings import ForecastSettings

__all__ = ["DEFAULTS", "ForecastSettings"]

DEFAULTS = ForecastSettings()
