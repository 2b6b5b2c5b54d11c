"""The two passes over UTF-8 that cut texts into tokens and tokens into sentences: compiled, linear, no allocations.

All numbers that the passes share with the rest are here, beside them: a compiled pass is kept on disk until this file
changes, and would go on with old numbers if they came from another file.
"""

# Compiled passes know no keyword-only arguments.
# ruff: noqa: FBT001
from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numba import njit

F = TypeVar("F", bound=Callable[..., object])

# Classes of characters, one a code point: what `characters.character_classes` holds.
OTHER = 0  # punctuation and signs that make no word and end no sentence; brackets that close, quotes
SPACE = 1
NEWLINE = 2
# UPPER to DIGIT run together into words, across each other: B2B, 10kGNAD.
UPPER = 3
LOWER = 4
LETTER = 5  # of a script without case; ordinal signs and modifier letters too
DIGIT = 6
EXTEND = 7  # marks, joiners, variation selectors: part of whatever stands before them
IDEOGRAPH = 8  # Han and Hiragana: each a word of its own (UAX #29)
KATAKANA = 9  # runs together with its like only
# Scripts written without spaces (UAX #14, class SA): cut into clusters, a consonant with the marks around it.
CLUSTER = 10
CLUSTER_LEAD = 11  # a vowel written before its consonant
CLUSTER_TAIL = 12  # a vowel or repetition sign written after its consonant
STACKER = 13  # a virama that puts the next consonant under this one
SYMBOL = 14  # emoji and pictographs: each a token
REGIONAL = 15  # letters of flags: two make a token
OPENER = 16
CLAUSE = 17  # semicolon: takes back the end of a sentence that stands right before it, as do COMMA and COLON
STRONG = 18  # ends a sentence unless a lower-case word follows
FULL = 19  # ends a sentence
# Joiners, APOSTROPHE to AT: inside of a word where a word character stands on both sides and `tokens` allows it there.
APOSTROPHE = 20
HYPHEN = 21
CONNECTOR = 22
DOT = 23
COMMA = 24
COLON = 25
SLASH = 26
AMPERSAND = 27
AT = 28

MOST_CHARS = 255  # of a word: Lucene's StandardTokenizer, DEFAULT_MAX_TOKEN_LENGTH
MOST_ADDRESS_CHARS = 2048  # of a web address: what browsers and servers agree on
# A line between these lengths in bytes that ends without a full stop was wrapped by an editor; shorter ones are
# headings or list items, longer ones whole paragraphs. Our choice, around the 60 to 80 columns of mail and plain text.
WRAPPED_LINE_LEAST, WRAPPED_LINE_MOST = 45, 120

# Signs of a token, bits: what stands between it and the token before, and how it begins.
PERIOD = 1  # one full stop right behind the token before
STOP = 2  # any other full stop, and dots in a row
STRONG_END = 4
FULL_END = 8
SPACED = 16  # white space behind the end sign
LINE_END = 32  # a line end that is not one of wrapping
PARAGRAPH_END = 64
FIRST_OF_LINE = 128
IS_LOWER = 256
IS_DIGIT = 512
IS_SYMBOL = 1024

# Traits of a word form, bits: what `sentences` knows of it.
NEVER_ENDS = 1  # an abbreviation that goes before its word: Dr., z.B.
MAY_END = 2  # an abbreviation or initial that ends a sentence only if a typical beginning follows: etc., U.S., J.
IS_ORDINAL = 4  # a number of up to two digits in a language that writes ordinals with a full stop: am 3. Mai
IS_SHORT_NUMBER = 8
BEGINS = 16  # a word that typically begins a sentence, with its capital: The, Der

_QUOTE, _LESS, _GREATER, _SLASH, _DOT, _BLANK, _W, _JOINER = 0x22, 0x3C, 0x3E, 0x2F, 0x2E, 0x20, 0x77, 0x200D
_ENDS = PERIOD | STOP | STRONG_END | FULL_END
_TWO_BYTES, _THREE_BYTES, _FOUR_BYTES = 0x80, 0xE0, 0xF0  # least first byte of so many, in UTF-8
_BEHIND_TOKEN = 255  # stands for the class of the last character of a token
_LONG_SOUND = 0x30FC  # ー, Katakana by script, found behind Hiragana too

# Without reference counts for arrays: none of the passes makes one, and counting took two thirds of the time (measured
# on film reviews: 62 MB/s with, 158 without).
_compiled: Callable[[F], F] = njit(cache=True, nogil=True, _nrt=False)  # type: ignore[call-overload, unused-ignore]


@_compiled
def code_at(utf8: np.ndarray, at: int) -> tuple[int, int]:
    """Code point that begins at a byte of valid UTF-8, and its length in bytes."""
    first = int(utf8[at])
    if first < _TWO_BYTES:
        return first, 1
    if first < _THREE_BYTES:
        return (first & 0x1F) << 6 | (int(utf8[at + 1]) & 0x3F), 2
    code = (int(utf8[at + 1]) & 0x3F) << 6 | (int(utf8[at + 2]) & 0x3F)
    if first < _FOUR_BYTES:
        return (first & 0x0F) << 12 | code, 3
    return (first & 0x07) << 18 | code << 6 | (int(utf8[at + 3]) & 0x3F), 4


@_compiled
def _is_joined(joiner: int, before: int, after: int, n_segment: int) -> bool:
    """Whether a joiner between these classes holds the word together; `n_segment` characters since the last joiner."""
    if joiner == DOT:
        if before == DIGIT:
            return after == DIGIT
        # example.com, U.S.; not a full stop without its space
        return after == LOWER or (after == UPPER and n_segment == 1)
    if joiner in (COMMA, COLON, SLASH):
        return before == DIGIT and after == DIGIT
    if joiner == AMPERSAND:
        return before == UPPER and after == UPPER
    return True


@_compiled
def _address_stop(utf8: np.ndarray, at: int, end: int, classes: np.ndarray) -> int:
    """Byte behind a web address that goes on at `at`: to white space, quote or mark-up, less final punctuation."""
    stop = at
    for _ in range(MOST_ADDRESS_CHARS):
        if at >= end or utf8[at] in (_QUOTE, _LESS, _GREATER):
            break
        code, width = code_at(utf8, at)
        kind = classes[code]
        if kind in (SPACE, NEWLINE, FULL, IDEOGRAPH):
            break
        at += width
        is_sign = code in (0x23, 0x25, 0x26, 0x3D, 0x7E)  # # % & = ~
        if UPPER <= kind <= EXTEND or kind in (SLASH, HYPHEN, CONNECTOR) or is_sign:
            stop = at
    return stop


@_compiled
def _is_www(utf8: np.ndarray, at: int) -> bool:
    """Whether `www.` stands at `at`, small or capital; bit 0x20 makes ASCII letters small."""
    return utf8[at] | 0x20 == _W and utf8[at + 1] | 0x20 == _W and utf8[at + 2] | 0x20 == _W and utf8[at + 3] == _DOT


@_compiled
def _word_stop(utf8: np.ndarray, start: int, end: int, classes: np.ndarray) -> int:
    """Byte behind the word that begins at `start` with a letter or digit."""
    at = stop = start
    before = OTHER
    n_segment = n_joiners = 0
    is_dotted = False  # single letters parted by full stops: U.S, z.B
    for _ in range(MOST_CHARS):
        if at >= end:
            break
        code, width = code_at(utf8, at)
        kind = classes[code]
        if UPPER <= kind <= DIGIT:
            before = kind
            n_segment += 1
            is_dotted = is_dotted and n_segment == 1
        elif kind != EXTEND:
            if kind < APOSTROPHE or at + width >= end:
                break
            after = classes[code_at(utf8, at + width)[0]]
            if UPPER <= after <= DIGIT and _is_joined(kind, before, after, n_segment):
                is_dotted = kind == DOT and after != DIGIT and n_segment == 1 and (n_joiners == 0 or is_dotted)
                n_segment = 0
                n_joiners += 1
                at += width
                continue
            if kind == COLON and n_joiners == 0 and at + 3 < end and utf8[at + 1] == _SLASH and utf8[at + 2] == _SLASH:
                return _address_stop(utf8, at, end, classes)
            break
        at += width
        stop = at
    if at < end and utf8[at] == _SLASH and stop > start + 4 and _is_www(utf8, start):
        return _address_stop(utf8, at, end, classes)
    if is_dotted and at < end and utf8[at] == _DOT:
        return at + 1  # the full stop belongs to it: U.S., z.B.
    return stop


@_compiled
def _cluster_stop(utf8: np.ndarray, start: int, end: int, classes: np.ndarray) -> int:
    """Byte behind the cluster at `start`: vowels before, a consonant, those under it, vowels and marks behind."""
    at = start
    has_consonant = is_stacked = False
    for _ in range(MOST_CHARS):
        if at >= end:
            break
        code, width = code_at(utf8, at)
        kind = classes[code]
        if kind == CLUSTER_LEAD:
            if has_consonant:
                break
        elif kind == CLUSTER:
            if has_consonant and not is_stacked:
                break
            has_consonant = True
        elif kind not in (CLUSTER_TAIL, EXTEND, STACKER):
            break
        else:
            has_consonant = True
        is_stacked = kind == STACKER
        at += width
    return at


@_compiled
def _run_stop(utf8: np.ndarray, start: int, end: int, classes: np.ndarray) -> int:
    """Byte behind the ideograph, Katakana run, pictograph or flag that begins at `start`."""
    code, width = code_at(utf8, start)
    first = classes[code]
    at = start + width
    n_like = 1
    is_bound = False  # by a zero-width joiner, as emoji of families are
    for _ in range(MOST_CHARS):
        if at >= end:
            break
        code, width = code_at(utf8, at)
        kind = classes[code]
        if kind == first and (first == KATAKANA or is_bound or (first == REGIONAL and n_like == 1)):
            n_like += 1
        elif kind != EXTEND and not (first == IDEOGRAPH and code == _LONG_SOUND):
            break
        is_bound = code == _JOINER and first == SYMBOL
        at += width
    return at


@_compiled
def _same_stop(utf8: np.ndarray, start: int, end: int, classes: np.ndarray) -> int:
    """Byte behind the run of one and the same character (and marks on it) that begins at `start`."""
    first, width = code_at(utf8, start)
    at = start + width
    for _ in range(MOST_CHARS):
        if at >= end:
            break
        code, width = code_at(utf8, at)
        if code != first and classes[code] != EXTEND:
            break
        at += width
    return at


@_compiled
def _token_stop(utf8: np.ndarray, start: int, end: int, kind: int, classes: np.ndarray) -> int:
    """Byte behind the token that begins at `start` with a character of class `kind`; `start` where none begins."""
    if UPPER <= kind <= DIGIT:
        return _word_stop(utf8, start, end, classes)
    if CLUSTER <= kind <= STACKER:
        return _cluster_stop(utf8, start, end, classes)
    if kind in (IDEOGRAPH, KATAKANA, SYMBOL, REGIONAL):
        return _run_stop(utf8, start, end, classes)
    return start


@_compiled
def _signs_with_mark(signs: int, kind: int, last: int, is_tight: bool) -> int:
    """Signs of a gap after a mark of class `kind` behind one of class `last`; `is_tight` until it has white space."""
    if kind == DOT:
        if signs & PERIOD:
            return signs & ~PERIOD | STOP
        return signs | (PERIOD if last == _BEHIND_TOKEN else STOP)
    if kind == STRONG and last != OPENER:  # (!) and (?) are remarks
        return signs | STRONG_END
    if kind == FULL:
        return signs | FULL_END
    if is_tight and kind in (COMMA, COLON, CLAUSE):  # etc., and
        return signs & ~(PERIOD | STOP | STRONG_END)
    return signs


@_compiled
def _signs_with_line_end(signs: int, n_bytes: int) -> int:
    """Signs of a gap after the end of a line of `n_bytes`."""
    if signs & FIRST_OF_LINE:
        signs |= PARAGRAPH_END
    if not WRAPPED_LINE_LEAST <= n_bytes <= WRAPPED_LINE_MOST:
        signs |= LINE_END
    return signs | FIRST_OF_LINE | SPACED


@_compiled
def _cut_text(
    utf8: np.ndarray, span: tuple[int, int], classes: np.ndarray, found: np.ndarray, is_fallback: bool
) -> int:
    """Fill `found`, from row 0 on, with the tokens of the text between two bytes, and return their number.

    Columns: first byte, byte behind the last, signs. With `is_fallback` every sign but white space is a token.
    """
    n = 0
    at, end = span
    line_start = at
    signs, is_tight, last = FIRST_OF_LINE, True, NEWLINE
    while at < end:
        code, width = code_at(utf8, at)
        kind = int(classes[code])
        if is_fallback and kind not in (SPACE, NEWLINE):
            stop = _same_stop(utf8, at, end, classes)
        else:
            stop = _token_stop(utf8, at, end, kind, classes)
        if stop > at:
            begins = IS_LOWER * (kind == LOWER) + IS_DIGIT * (kind == DIGIT) + IS_SYMBOL * (kind in (SYMBOL, REGIONAL))
            found[n, 0], found[n, 1], found[n, 2] = at, stop, signs | begins
            n += 1
            at = stop
            signs = PERIOD if utf8[at - 1] == _DOT else 0
            is_tight, last = True, _BEHIND_TOKEN
            continue
        if kind == NEWLINE:
            signs = _signs_with_line_end(signs, at - line_start)
            line_start = at + width
            is_tight = False
        elif kind == SPACE:
            is_tight = False
            if signs & _ENDS:
                signs |= SPACED
        else:
            is_bullet = last == NEWLINE and kind in (OTHER, HYPHEN) and at + width < end and utf8[at + width] == _BLANK
            if is_bullet:
                signs |= PARAGRAPH_END if signs & LINE_END else LINE_END
            signs = _signs_with_mark(signs, kind, last, is_tight)
        last = NEWLINE if kind == SPACE and last == NEWLINE else kind
        at += width
    return n


@_compiled
def _cut(utf8: np.ndarray, offsets: np.ndarray, classes: np.ndarray, found: np.ndarray, text: np.ndarray) -> int:
    """Fill `found` as `_cut_text` does, and `text` with each token's text; return their number."""
    n_before = 0
    for index in range(offsets.size - 1):
        span = (offsets[index], offsets[index + 1])
        n = _cut_text(utf8, span, classes, found[n_before:], False)
        if n == 0:
            n = _cut_text(utf8, span, classes, found[n_before:], True)
        text[n_before : n_before + n] = index
        n_before += n
    return n_before


def cut(
    utf8: np.ndarray, offsets: np.ndarray, classes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Index of the text, first byte, byte behind the last, and signs of each token, in order; all int32 (n_tokens,).

    Text i is `utf8[offsets[i] : offsets[i + 1]]`, valid UTF-8; all texts together have less than 2 GiB.
    """
    # More tokens than bytes there cannot be; what is never written takes no memory.
    found, text = np.empty((utf8.size, 3), np.int32), np.empty(utf8.size, np.int32)
    n_tokens = _cut(utf8, offsets, classes, found, text)
    start, stop, signs = np.ascontiguousarray(found[:n_tokens].T)
    return text[:n_tokens].copy(), start, stop, signs


@_compiled
def _ends_sentence(signs: int, before: int, after: int) -> bool:
    """Whether a sentence ends between two words, by the gap's `signs`, the later word, and traits of both words."""
    is_lower = signs & IS_LOWER != 0
    if signs & (PARAGRAPH_END | FULL_END):
        return True
    if signs & LINE_END and (not is_lower or signs & _ENDS):
        return True
    is_spaced = signs & SPACED != 0
    if signs & STRONG_END:
        return not is_lower and (is_spaced or signs & IS_DIGIT == 0)
    if is_lower or not is_spaced or not signs & (PERIOD | STOP):
        return False
    if signs & STOP or not before & (NEVER_ENDS | MAY_END | IS_ORDINAL):
        return True
    return before & NEVER_ENDS == 0 and after & BEGINS != 0


def number_sentences(text: np.ndarray, signs: np.ndarray, traits: np.ndarray) -> np.ndarray:
    """Number of its sentence in its text for each token, from 0; shape (n_tokens,), int32.

    `text` and `signs` are from `cut`, `traits` of each token's form. A pictograph belongs to the sentence before it.
    """
    sentence = np.empty(text.size, np.int32)
    _number_sentences(text, signs, traits, sentence)
    return sentence


@_compiled
def _number_sentences(text: np.ndarray, signs: np.ndarray, traits: np.ndarray, sentence: np.ndarray) -> None:
    pending = before = number = 0
    for token in range(text.size):
        if token == 0 or text[token] != text[token - 1]:
            pending = number = 0
        elif signs[token] & IS_SYMBOL and not signs[token] & (LINE_END | PARAGRAPH_END):
            pending |= signs[token] & ~(IS_SYMBOL | FIRST_OF_LINE)
            sentence[token] = number
            continue
        else:
            number += _ends_sentence(signs[token] | pending, before, traits[token])
            pending = 0
        sentence[token] = number
        before = traits[token]
        if before & IS_SHORT_NUMBER and signs[token] & FIRST_OF_LINE:
            before |= NEVER_ENDS  # 1. is the number of a list item
