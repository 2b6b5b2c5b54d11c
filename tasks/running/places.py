"""Where the lake and the declared sources are: as given, else from the environment, else in `data/`."""

from __future__ import annotations

import os
from pathlib import Path


def home_folder(given: str | None = None) -> Path:
    """The home: `given`, else `TIDEMILL_HOME`, else `data` under the working directory."""
    return Path(given or os.environ.get("TIDEMILL_HOME") or "data")


def sources_folder(given: str | None = None) -> Path:
    """The folder of source declarations: `given`, else `TIDEMILL_SOURCES`, else `data/sources` under the working
    directory.
    """
    return Path(given or os.environ.get("TIDEMILL_SOURCES") or "data/sources")
