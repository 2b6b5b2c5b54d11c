"""What can be set of regimes: the learner's own settings."""

from __future__ import annotations

from models.regimes.regimes import RegimeSettings

__all__ = ["DEFAULTS", "RegimeSettings"]

DEFAULTS = RegimeSettings()
