"""Text in one form: what every document's text and every comparison of words is held in.

Removed: control characters but line feed and tab, byte-order marks, soft hyphens, word joiners, marks of writing
direction (they order the display, not the words) and noncharacters. Kept: ZWJ and ZWNJ, which tell words apart in
Persian and the Indic scripts and hold emoji together, and the zero-width space, which parts words in Thai and Khmer.
"""

from __future__ import annotations

import functools
import re
import unicodedata

# Line separators of Unicode (UAX #14, class BK and NL), and carriage returns with or without line feed.
_LINE_END = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_REMOVED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200e\u200f\u202a-\u202e\u2060-\u2069"
    "\ufdd0-\ufdef\ufeff\ufffe\uffff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
# UAX #15, section 13 (Stream-Safe Text Format): no more than 30 combining marks in a row, then U+034F. Canonical
# ordering sorts each run of marks by insertion, so that one run of a million marks would take hours.
_MOST_MARKS = 30
_GRAPHEME_JOINER = "\u034f"
_LAST_MARK = 0x1FFFF  # no script above this one has combining marks


# Below U+0300 there is no mark. This looks ten times as fast, and finds nothing in text whose words are parted by
# spaces.
_MAYBE_LONG_RUN = re.compile(f"[\u0300-\U0010ffff]{{{_MOST_MARKS + 1}}}")
_SHARP_S = "ß"
_ONE_FORM = str.maketrans({"’": "'", "‘": "'", "´": "'", "＇": "'", "\u2010": "-", "\u2011": "-", "ẞ": _SHARP_S})
_DOTTED_I = str.maketrans({"I": "ı", "İ": "i"})


@functools.cache
def _long_run() -> re.Pattern[str]:
    """Thirty combining marks before another one: a set of every code point with a canonical combining class."""
    is_mark = [unicodedata.combining(chr(code)) > 0 for code in range(_LAST_MARK + 1)]
    bounds = [code for code in range(1, len(is_mark)) if is_mark[code] != is_mark[code - 1]]
    marks = "".join(f"{chr(first)}-{chr(behind - 1)}" for first, behind in zip(bounds[::2], bounds[1::2], strict=True))
    return re.compile(f"([{marks}]{{{_MOST_MARKS}}})(?=[{marks}])")


def normalise_text(text: str) -> str:
    """`text` in NFC with line feeds as its only line ends and without invisible characters; applying it twice changes
    nothing more.

    Lone surrogates become U+FFFD; runs of more than 30 combining marks are parted by U+034F. Spaces and blank lines
    stay. Linear time.
    """
    if text.isascii():
        return _REMOVED.sub("", _LINE_END.sub("\n", text))
    text = _SURROGATE.sub("\ufffd", text)
    text = _REMOVED.sub("", _LINE_END.sub("\n", text))
    # Composing may lengthen a run by one (composition exclusions), hence until none is too long; each round shortens
    # every run.
    while _MAYBE_LONG_RUN.search(text) and _long_run().search(text):
        text = unicodedata.normalize("NFC", _long_run().sub(rf"\1{_GRAPHEME_JOINER}", text))
    return unicodedata.normalize("NFC", text)


def normalise_word(word: str, lang: str) -> str:
    """The form under which a token is counted: NFC, case-folded, straight apostrophes and hyphens, no full stop at the
    end.

    ß stays (full case folding would make ss of it): Maße are not Masse, and stop lists and dictionaries write it; the
    German stemmer joins both spellings in one term. In Turkish and Azerbaijani, I goes with ı. Never empty where `word`
    is not.
    """
    if lang in ("tr", "az"):
        word = word.translate(_DOTTED_I)
    if word.isascii():
        folded = word.lower()
    else:
        folded = word.translate(_ONE_FORM)
        folded = _SHARP_S.join(part.casefold() for part in folded.split(_SHARP_S))
        folded = unicodedata.normalize("NFC", folded)
    return folded.rstrip(".") or folded
