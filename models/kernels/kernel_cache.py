"""numba kernels whose compiled code is kept on disk, and made anew when any module that went into it changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from numba import njit


def kernel(*built_on: ModuleType) -> Callable[[Callable[..., Any]], Any]:
    """A decorator that gives a compiled function, free of the interpreter lock, without checks of bounds.

    It is compiled at its first call. The code is kept beside the module, else in the user's cache folder
    (`NUMBA_CACHE_DIR` names another); where neither can be written, as in a read-only installation, it lives as long as
    the process. Several processes may compile at once: each file is renamed into place. numba notices only changes of
    the module in which a function stands, so `built_on` names the others whose compiled functions it calls.
    """
    sources = [__file__, *(str(module.__file__) for module in built_on)]
    revision = b"".join(hashlib.sha256(Path(source).read_bytes()).digest() for source in sources)

    def compile_lazily(function: Callable[..., Any]) -> Any:
        try:
            compiled = njit(function, nogil=True, cache=True, error_model="numpy")
        except RuntimeError:  # numba found no folder that it can write
            return njit(function, nogil=True, error_model="numpy")
        compiled._cache._cache_file._source_stamp += revision  # noqa: SLF001  # numba's public names know no dependency
        compiled.built_on = tuple(module.__name__ for module in built_on)
        return compiled

    return compile_lazily


def kernel_part(function: Callable[..., Any]) -> Any:
    """`function`, compiled into every kernel that calls it."""
    return njit(function, error_model="numpy", forceinline=True)
