"""Threads for kernels that are called between operations of torch.

Torch's own threads (GNU OpenMP's, in its Linux builds) stay awake for a while after every operation, waiting for the
next. Threads of ours beside them would have to wait for their processors, so the shares of a batch are given to torch's
threads where these can be had, else to threads of Python.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch  # loads its OpenMP library, which is then found by its name

_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def _find_parallel() -> Any:
    """GNU OpenMP's `(function, argument, number of threads, flags)` that runs a parallel region; None for another."""
    if "USE_OPENMP=ON" not in torch.__config__.show():
        return None
    try:
        parallel = ctypes.CDLL("libgomp.so.1").GOMP_parallel
    except (OSError, AttributeError):
        return None
    parallel.argtypes, parallel.restype = [_CALLBACK, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint], None
    return parallel


_parallel = _find_parallel()


def run_shares(run: Callable[[int, int], None], shares: list[tuple[int, int]]) -> None:
    """Call `run(first, beyond)` once for each of `shares`, in as many threads, and return when all are done; `run`
    should free the interpreter's lock.

    The first error that one of them raises is raised here.
    """
    if len(shares) == 1:
        run(*shares[0])
    elif _parallel is None:
        with ThreadPoolExecutor(len(shares), "lstm") as threads:
            for done in [threads.submit(run, *share) for share in shares]:
                done.result()
    else:
        _run_in_region(run, shares)


def _run_in_region(run: Callable[[int, int], None], shares: list[tuple[int, int]]) -> None:
    left = [*shares]
    errors: list[BaseException] = []

    def take(_: Any) -> None:
        while True:  # OpenMP may give fewer threads than were asked for
            try:
                share = left.pop()
            except IndexError:  # none is left
                return
            try:
                run(*share)
            except BaseException as error:  # noqa: BLE001  # it cannot pass through OpenMP: raised after it
                errors.append(error)

    _parallel(_CALLBACK(take), None, len(shares), 0)
    if errors:
        raise errors[0]
