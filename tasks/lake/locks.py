"""Locks between processes: held on an open file, freed by the kernel when the holder ends, however it ends. Readers
take none.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tasks.lake.layout import Lake, LakeError


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """The exclusive lock on `path` (an empty file that stays), waited for. LakeError where the disk refuses."""
    with ExitStack() as opened:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            opened.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise LakeError(
                f"cannot lock {path} ({error.strerror}): make the folder writable or give another --home"
            ) from error
        yield


def publishing_lock(lake: Lake) -> Path:
    """The lock under which snapshots are claimed, put in force and removed."""
    return lake.snapshots / ".lock"


def log_lock(lake: Lake) -> Path:
    """The lock under which events are appended and volumes are closed; may be taken while holding `publishing_lock`,
    never before it.
    """
    return lake.ops / ".lock"
