"""Tokens by definition: whether each character belongs to a word, looking left and right; quadratic, no addresses."""

from tasks.transforms.text.characters import character_classes
from tasks.transforms.text.token_scan import (
    AMPERSAND,
    APOSTROPHE,
    COLON,
    COMMA,
    DIGIT,
    DOT,
    EXTEND,
    LOWER,
    SLASH,
    UPPER,
)


def slow_words(text: str) -> list[str]:
    """The words of `text`, of scripts with letters and spaces."""
    kinds = [int(character_classes()[ord(character)]) for character in text]
    words, word = [], ""
    for place, character in enumerate(text):
        belongs = (
            UPPER <= kinds[place] <= DIGIT
            or (kinds[place] == EXTEND and bool(word))
            or (bool(word) and _is_inner_joiner(kinds, place))
        )
        if belongs:
            word += character
            continue
        if word:
            words.append(word + "." if character == "." and _is_dotted(word) else word)
        word = ""
    return [*words, word] if word else words


def _is_base(kind: int) -> bool:
    return UPPER <= kind <= DIGIT


def _is_inner_joiner(kinds: list[int], place: int) -> bool:
    if kinds[place] < APOSTROPHE or place + 1 == len(kinds) or not _is_base(kinds[place + 1]):
        return False
    left = [kind for kind in kinds[:place] if kind != EXTEND]
    before, after = left[-1], kinds[place + 1]
    if not _is_base(before):
        return False
    n_segment = 0
    while n_segment < len(left) and _is_base(left[-1 - n_segment]):
        n_segment += 1
    allowed = {
        DOT: after == DIGIT if before == DIGIT else after == LOWER or (after == UPPER and n_segment == 1),
        **dict.fromkeys((COMMA, COLON, SLASH), before == after == DIGIT),
        AMPERSAND: before == after == UPPER,
    }
    return allowed.get(kinds[place], True)


def _is_dotted(word: str) -> bool:
    parts = word.split(".")
    return len(parts) > 1 and all(len(part) == 1 and part.isalpha() for part in parts)
