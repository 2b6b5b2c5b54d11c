"""Where sentences end: what is known of word forms for it. The pass itself is `token_scan.number_sentences`.

A sentence ends at a blank line; at a line end that is none of wrapping; at 。 । ။ and their like; at ! ? … and dots
in a row unless a lower-case word follows; at a full stop before white space unless a lower-case word follows, or what
is before it is an abbreviation, an initial, a list number or (in German and languages with the same habit) an ordinal.
Some of these may end a sentence all the same: then it takes a typical beginning (The, Der) after them.
"""

from __future__ import annotations

import functools
import re

from tasks.transforms.text.token_scan import BEGINS, IS_ORDINAL, IS_SHORT_NUMBER, MAY_END, NEVER_ENDS

# Without their last full stop, case-folded. Our own lists: what an abbreviation needs behind it is the word that it
# abbreviates a title or a reference for; what closes an enumeration or a name may end a sentence.
_NEVER_END = {
    "en": "mr mrs ms dr prof rev hon st gen col capt lt sgt maj cmdr gov sen rep pres fr sr messrs mt ft vs fig figs"
    " eq eqs sec ch vol pp p ed eds cf viz e.g i.e al approx ca art",
    "de": "dr prof hr fr frl st dipl ing mag hl z.b z d.h d u.a u.ä s.o s.u i.d.r i i.a v.a o.ä bzw sog bspw ggf evtl"
    " ca vgl nr abs art abb tab bd kap rn ziff lit inkl exkl zzgl mind max min tel str abt verf hrsg geb gest gem lt v"
    " n chr jh mio mrd",
}
_MAY_END = {
    "en": "etc inc ltd co corp jr u.s u.k u.n u.s.a a.m p.m b.c a.d ph.d m.d no jan feb mar apr jun jul aug sep sept"
    " oct nov dec dept est ave blvd rd",
    "de": "usw etc uvm u.v.m usf ag gmbh co jan feb mär apr jun jul aug sep sept okt nov dez uhr std tsd pkt",
}
_BEGIN = {
    "en": "the a an this that these those he she it we you they i there here in on at by for from with without after"
    " before when while if as but and or so yet however what who why how where his her its our their my your no not"
    " some many most all one",
    "de": "der die das ein eine einer eines einem einen dieser diese dieses er sie es wir ihr ich man da dort hier in"
    " im an am auf aus bei mit nach vor von zu zum zur für seit bis wenn als weil ob und oder aber doch denn so auch"
    " nur noch was wer wie wo warum sein seine ihre kein keine nicht alle viele einige damit dabei dazu daher deshalb"
    " jedoch",
}
_NEVER_END_ANYWHERE = "dr prof mr mrs st vs cf p pp"
# Languages that write ordinals as a number with a full stop.
_ORDINAL_LANGUAGES = frozenset(
    {"de", "da", "no", "fi", "cs", "sk", "sl", "hr", "sr", "hu", "et", "lv", "pl", "tr", "is", "lb"}
)
_SHORT_NUMBER = re.compile(r"[0-9]{1,2}|[IVX]+")


@functools.cache
def _lists(lang: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Forms that never end a sentence with their full stop, that may, and that begin one."""
    never_end = frozenset(_NEVER_END.get(lang, _NEVER_END_ANYWHERE).split())
    return never_end, frozenset(_MAY_END.get(lang, "").split()), frozenset(_BEGIN.get(lang, "").split())


def sentence_traits(surface: str, norm: str, lang: str) -> int:
    """What the end of sentences needs to know of a form, bits of `token_scan`: NEVER_ENDS, MAY_END, IS_ORDINAL, …."""
    never_end, may_end, begin = _lists(lang)
    traits = 0
    if norm in never_end:
        traits |= NEVER_ENDS
    elif norm in may_end or (len(surface) == 1 and surface.isalpha()):
        traits |= MAY_END
    if _SHORT_NUMBER.fullmatch(surface):
        traits |= IS_SHORT_NUMBER | (IS_ORDINAL if lang in _ORDINAL_LANGUAGES else 0)
    if norm in begin and surface[0].isupper():
        traits |= BEGINS
    return traits
