"""Word tokens of a text in any script."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+(?:['’.\-]\w+)*")


def count_words(text: str) -> int:
    """Number of tokens that `text` is cut into; at least 1 where it holds anything but white space."""
    return sum(1 for _ in _WORD.finditer(text)) or int(bool(text.strip()))
