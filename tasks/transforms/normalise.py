"""Text in one form: what every document's text and every comparison of words is held in.

Removed: control characters but line feed and tab, byte-order marks, soft hyphens, word joiners, marks of writing direction (they order
the display, not the words) and noncharacters. Kept: ZWJ and ZWNJ, which tell words apart in Persian and the Indic scripts and hold
emoji together, and the zero-width space, which parts words in Thai and Khmer.
"""

from __future__ import annotations

import re
import sys
import unicodedata

# Line separators of Unicode (UAX #14, class BK and NL), and carriage returns with or without line feed.
_LINE_END = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_REMOVED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200e\u200f\u202a-\u202e\u2060-\u2069\ufdd0-\ufdef\ufeff\ufffe\uffff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
# UAX #15, section 13 (Stream-Safe Text Format): no more than 30 combining marks in a row, then U+034F. Canonical ordering sorts
# each run of marks by insertion, so that one run of a million marks would take hours.
_MOST_MARKS = 30
_GRAPHEME_JOINER = "\u034f"


def _combining_marks() -> str:
    """Every code point with a canonical combining class, as ranges of a regular expression's set."""
    ranges: list[list[int]] = []
    for code in range(0x300, sys.maxunicode + 1):
        if unicodedata.combining(chr(code)):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


# Below U+0300 there is no mark. This looks ten times as fast, and finds nothing in text whose words are parted by spaces.
_MAYBE_LONG_RUN = re.compile(f"[\u0300-\U0010ffff]{{{_MOST_MARKS + 1}}}")
_LONG_RUN = re.compile(f"([{_combining_marks()}]{{{_MOST_MARKS}}})(?=[{_combining_marks()}])")


def normalise_text(text: str) -> str:
    """`text` in NFC with line feeds as its only line ends and without invisible characters; applying it twice changes nothing more.

    Lone surrogates become U+FFFD; runs of more than 30 combining marks are parted by U+034F. Spaces and blank lines stay. Linear time.
    """
    if text.isascii():
        return _REMOVED.sub("", _LINE_END.sub("\n", text))
    text = _SURROGATE.sub("\ufffd", text)
    text = _REMOVED.sub("", _LINE_END.sub("\n", text))
    # Composing may lengthen a run by one (composition exclusions), hence until none is too long; each round shortens every run.
    while _MAYBE_LONG_RUN.search(text) and _LONG_RUN.search(text):
        text = unicodedata.normalize("NFC", _LONG_RUN.sub(rf"\1{_GRAPHEME_JOINER}", text))
    return unicodedata.normalize("NFC", text)
