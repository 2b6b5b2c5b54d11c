"""Distinct word forms of many tokens: an open-addressing table over their bytes, so work on words is once a form."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numba import njit

from tasks.transforms.text.tokens import Tokens

F = TypeVar("F", bound=Callable[..., object])

# FNV-1a, 64 bits (Fowler, Noll, Vo), and the last mixing step of MurmurHash3: without it the low bits, which choose the
# slot, are poor.
_FNV_OFFSET, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_MIX, _MIX_SHIFT = np.uint64(0xFF51AFD7ED558CCD), np.uint64(32)
_FIRST_SLOTS = 2**16
_EMPTY = -1

# Without reference counts for arrays, as in `token_scan`.
_compiled: Callable[[F], F] = njit(cache=True, nogil=True, _nrt=False)  # type: ignore[call-overload, unused-ignore]


def index_forms(tokens: Tokens, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The form of each token, and the first token of each form; int32, shapes (n_tokens,) and (n_forms,).

    A form is a run of bytes within a group; `group` is that of each text (its language), int32, shape (n_texts,). Forms
    are numbered in order of their first token. Expected linear time.
    """
    form, first = np.empty(tokens.n_tokens, np.int32), np.empty(tokens.n_tokens, np.int32)
    hashes = np.empty(tokens.n_tokens, np.uint64)
    slots = np.full(_FIRST_SLOTS, _EMPTY, np.int32)
    place = np.zeros(2, np.int64)  # tokens done, forms found
    spans = np.stack((tokens.start, tokens.stop, group[tokens.text]), axis=1)
    while True:
        _index(tokens.utf8, spans, form, first, hashes, slots, place)
        if place[0] == tokens.n_tokens:
            return form, first[: place[1]].copy()
        slots = np.full(4 * slots.size, _EMPTY, np.int32)
        _fill(slots, hashes[: place[1]])


@_compiled
def _fill(slots: np.ndarray, hashes: np.ndarray) -> None:
    """Put every form, by its hash, into the empty `slots`, whose number is a power of two."""
    for form in range(hashes.size):
        slot = hashes[form] & np.uint64(slots.size - 1)
        while slots[slot] != _EMPTY:
            slot = (slot + np.uint64(1)) & np.uint64(slots.size - 1)
        slots[slot] = form


@_compiled
def _is_same(utf8: np.ndarray, one: int, other: int, n_bytes: int) -> bool:
    for place in range(n_bytes):  # noqa: SIM110  # a generator is not compiled
        if utf8[one + place] != utf8[other + place]:
            return False
    return True


@_compiled
def _index(  # noqa: PLR0917  # compiled passes know no keyword-only arguments
    utf8: np.ndarray,
    spans: np.ndarray,
    form: np.ndarray,
    first: np.ndarray,
    hashes: np.ndarray,
    slots: np.ndarray,
    place: np.ndarray,
) -> None:
    """Number the tokens from `place[0]` on, until the last or until half of the `slots` are taken; `place` says how far
    it came.

    `spans` has for each token its first byte, the byte behind its last, and its group.
    """
    token, n_forms = place[0], place[1]
    while token < form.size and 2 * n_forms < slots.size:
        start, stop, group = spans[token, 0], spans[token, 1], spans[token, 2]
        code = (_FNV_OFFSET ^ np.uint64(group)) * _FNV_PRIME
        for at in range(start, stop):
            code = (code ^ np.uint64(utf8[at])) * _FNV_PRIME
        code = (code ^ (code >> _MIX_SHIFT)) * _MIX
        code ^= code >> _MIX_SHIFT
        slot = code & np.uint64(slots.size - 1)
        found = slots[slot]
        while found != _EMPTY:
            model = first[found]
            if (
                hashes[found] == code
                and spans[model, 2] == group
                and spans[model, 1] - spans[model, 0] == stop - start
                and _is_same(utf8, spans[model, 0], start, stop - start)
            ):
                break
            slot = (slot + np.uint64(1)) & np.uint64(slots.size - 1)
            found = slots[slot]
        if found == _EMPTY:
            found = n_forms
            slots[slot] = found
            hashes[found] = code
            first[found] = token
            n_forms += 1
        form[token] = found
        token += 1
    place[0], place[1] = token, n_forms
