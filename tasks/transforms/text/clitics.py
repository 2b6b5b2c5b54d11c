"""Words that treebanks cut in two, as a tagger that learned from them knows them: don't is do and n't, im is in and
dem.

Universal Dependencies tags syntactic words (https://universaldependencies.org/u/overview/tokenization.html); our tokens
are written words. Only English and German are here, the languages of which there are treebanks at hand.
"""

from __future__ import annotations

import re

ENGLISH = re.compile(r"(?i)(.+?)(n['’]t|['’](?:s|re|ve|ll|d|m)|(?<=can)not)")
GERMAN = {
    "am": "an dem",
    "ans": "an das",
    "aufs": "auf das",
    "beim": "bei dem",
    "durchs": "durch das",
    "fürs": "für das",
    "hinterm": "hinter dem",
    "im": "in dem",
    "ins": "in das",
    "überm": "über dem",
    "übers": "über das",
    "ums": "um das",
    "unterm": "unter dem",
    "unters": "unter das",
    "vom": "von dem",
    "vorm": "vor dem",
    "vors": "vor das",
    "zum": "zu dem",
    "zur": "zu der",
}


def split_clitics(surface: str, lang: str) -> tuple[str, ...]:
    """The syntactic words of a written one, most often itself; never empty. Capitals stay, apostrophes are straight."""
    if lang == "en" and (found := ENGLISH.fullmatch(surface)):
        return found[1], found[2].replace("’", "'")
    if lang == "de" and (words := GERMAN.get(surface.lower())):
        first, second = words.split()
        return first.capitalize() if surface[0].isupper() else first, second
    return (surface,)
