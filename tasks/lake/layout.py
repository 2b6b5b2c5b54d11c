"""Where everything lies under one home folder. Knows names, writes nothing but the folders themselves."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


class LakeError(Exception):
    """Something about the home folder that the operator can mend; the message says how, in one sentence."""


@dataclass(frozen=True)
class Lake:
    """A home folder. Every path that is stored anywhere is relative to `home`, in POSIX form."""

    home: Path

    @classmethod
    def open(cls, home: str | os.PathLike[str]) -> Lake:
        """The lake at `home`, its folders made where missing. LakeError where the home cannot be written, or its path
        not be read.
        """
        lake = cls(Path(home).resolve())
        if not _is_readable_path(lake.home):
            raise LakeError(
                f"DuckDB cannot read below {str(lake.home)!r}: "
                "give a --home without backslash and question mark, in Unicode"
            )
        try:
            for folder in (lake.raw, lake.tables, lake.steps, lake.stages, lake.snapshots, lake.models, lake.ops):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LakeError(
                f"cannot write to the home {lake.home} ({error.strerror}): "
                "give a writable folder with --home or TIDEMILL_HOME"
            ) from error
        if not os.access(lake.home, os.W_OK | os.X_OK):
            raise LakeError(
                f"cannot write to the home {lake.home}: give a writable folder with --home or TIDEMILL_HOME"
            )
        return lake

    @property
    def raw(self) -> Path:
        """Raw bytes by content: `raw/<first two hex digits>/<sha256>`, and `raw/vintages/`."""
        return self.home / "raw"

    @property
    def tables(self) -> Path:
        """Parquet files by content: `tables/<table>/<sha256>.parquet`."""
        return self.home / "tables"

    @property
    def steps(self) -> Path:
        """Records of steps done: `steps/<step>/<fingerprint>.json`."""
        return self.home / "steps"

    @property
    def stages(self) -> Path:
        """What each stage last left: `stages/<stage>.json`."""
        return self.home / "stages"

    @property
    def snapshots(self) -> Path:
        """Published states: `snapshots/<id>/` with `manifest.json`, `warehouse.duckdb`, a folder of links a table."""
        return self.home / "snapshots"

    @property
    def models(self) -> Path:
        """Weights and cards: `models/<model_id>/<digest>/`."""
        return self.home / "models"

    @property
    def ops(self) -> Path:
        """Logs of events: `ops/<table>/<volume>/<event>.parquet`."""
        return self.home / "ops"

    @property
    def current(self) -> Path:
        """The link to the folder of the present snapshot: publishing is switching it."""
        return self.home / "current"

    @property
    def warehouse(self) -> Path:
        """The link through `current` by which readers find the present snapshot's DuckDB file."""
        return self.home / "warehouse.duckdb"

    def locate(self, relative: str) -> Path:
        """The path of a stored relative one. LakeError where it would leave the home."""
        path = Path(
            os.path.normpath(self.home / relative)
        )  # not `resolve`: an operator may lay a folder of the home on another disk
        if not path.is_relative_to(self.home):
            raise LakeError(
                f"a stored path leaves the home: {relative!r}; the record that names it was altered, remove it"
            )
        return path


def _is_readable_path(path: Path) -> bool:
    """Whether DuckDB can work below `path`: its patterns have no form for a backslash, it takes what follows a question
    mark for the parameters of a URL, and its strings have no form for bytes that are no UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return not {"\\", "?"} & set(str(path))
