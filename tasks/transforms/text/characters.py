"""What each character is to the tokeniser: a small number a code point, for all scripts of Unicode 14 (Python 3.11)."""

from __future__ import annotations

import functools
import unicodedata

import numpy as np

from tasks.transforms.text.token_scan import (
    AMPERSAND,
    APOSTROPHE,
    AT,
    CLAUSE,
    CLUSTER,
    CLUSTER_LEAD,
    CLUSTER_TAIL,
    COLON,
    COMMA,
    CONNECTOR,
    DIGIT,
    DOT,
    EXTEND,
    FULL,
    HYPHEN,
    IDEOGRAPH,
    KATAKANA,
    LETTER,
    LOWER,
    NEWLINE,
    OPENER,
    OTHER,
    REGIONAL,
    SLASH,
    SPACE,
    STACKER,
    STRONG,
    SYMBOL,
    UPPER,
)

_OF_CATEGORY = {
    "Lu": UPPER,
    "Lt": UPPER,
    "Ll": LOWER,
    "Lo": LETTER,
    "Lm": LETTER,
    "Nd": DIGIT,
    "Nl": DIGIT,
    "No": DIGIT,
    "Mn": EXTEND,
    "Mc": EXTEND,
    "Me": EXTEND,
    "Pc": CONNECTOR,
    "Ps": OPENER,
    "Pi": OPENER,
    "Zs": SPACE,
    "Zl": NEWLINE,
    "Zp": NEWLINE,
}
# Blocks whose letters are cut otherwise than by the category; first and last code point, and what a letter in there is.
_LETTERS_OF_BLOCK = (
    (0x0E00, 0x0EFF, CLUSTER),  # Thai, Lao
    (0x1000, 0x109F, CLUSTER),  # Myanmar
    (0x1780, 0x17FF, CLUSTER),  # Khmer
    (0x1950, 0x19DF, CLUSTER),  # Tai Le, New Tai Lue
    (0x1A20, 0x1AAF, CLUSTER),  # Tai Tham
    (0xA9E0, 0xA9FF, CLUSTER),  # Myanmar
    (0xAA60, 0xAADF, CLUSTER),  # Myanmar, Tai Viet
    (0x2E80, 0x2FDF, IDEOGRAPH),  # radicals
    (0x3005, 0x3007, IDEOGRAPH),
    (0x3021, 0x3029, IDEOGRAPH),
    (0x3041, 0x309F, IDEOGRAPH),  # Hiragana
    (0x30A1, 0x30FF, KATAKANA),
    (0x31F0, 0x31FF, KATAKANA),
    (0x3400, 0x9FFF, IDEOGRAPH),
    (0xF900, 0xFAFF, IDEOGRAPH),
    (0xFF66, 0xFF9F, KATAKANA),
    (0x1B000, 0x1B16F, IDEOGRAPH),  # old Hiragana
)
_SINGLE = {
    SPACE: "\t\x1f\u200b",  # the zero-width space parts words in Thai and Khmer
    NEWLINE: "\n\v\f\r\x1c\x1d\x1e\x85",
    EXTEND: "\u200c\u200d々〻ゝゞ\u034f",
    CLUSTER_LEAD: "เแโใไເແໂໃໄ",
    CLUSTER_TAIL: "ะาำๅๆະາຳຽໆ",
    STACKER: "\u17d2\u1039\u1a60",
    CLAUSE: ";；؛፤",
    STRONG: "!?…‽⁇⁈⁉؟՞՜‼",
    FULL: "。｡！？।॥۔።፧։។៕။།༎᙮᭞",
    APOSTROPHE: "'’‘´＇\u05f3\u05f4·‧",
    HYPHEN: "-\u2010\u2011\u058a\u05be－",
    DOT: ".．․",
    COMMA: ",\u066b\u066c，、،፣",
    COLON: ":：",
    SLASH: "/",
    AMPERSAND: "&",
    AT: "@",
}
# Pictographs: dingbats and signs that carry an opinion; arrows, boxes and letterlike signs (™, ©) do not count.
_SYMBOLS = ((0x231A, 0x231B), (0x23E9, 0x23FA), (0x2600, 0x27BF), (0x2B50, 0x2B55), (0x1F000, 0x1FAFF))
# What lies above holds ideographs to 0x3FFFF, and tags and variation selectors from 0xE0020 to 0xE01EF.
_LAST_MIXED = 0x1FFFF


@functools.cache
def character_classes() -> np.ndarray:
    """The class of every code point; shape (0x110000,), uint8, read-only. Made once a process, in 40 ms."""
    classes = np.zeros(0x110000, np.uint8)
    category = unicodedata.category
    classes[: _LAST_MIXED + 1] = [_OF_CATEGORY.get(category(chr(code)), OTHER) for code in range(_LAST_MIXED + 1)]
    is_letter = (classes >= UPPER) & (classes <= LETTER)
    is_letter[0x3005:0x3030] |= classes[0x3005:0x3030] == DIGIT  # 〇 and 〡 to 〩 are numbers by category
    for first, last, block_class in _LETTERS_OF_BLOCK:
        block = slice(first, last + 1)
        classes[block][is_letter[block]] = block_class
    for first, last in _SYMBOLS:
        block = slice(first, last + 1)
        classes[block][(classes[block] == OTHER) | (classes[block] == DIGIT)] = SYMBOL
    classes[0x1F1E6:0x1F200] = REGIONAL
    classes[0x1F3FB:0x1F400] = EXTEND  # skin tones
    classes[0x20000:0x3FFFE] = IDEOGRAPH
    classes[0xE0020:0xE01F0] = EXTEND
    for one_class, characters in _SINGLE.items():
        classes[[ord(character) for character in characters]] = one_class
    classes.flags.writeable = False
    return classes
