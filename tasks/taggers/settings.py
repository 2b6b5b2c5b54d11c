"""What can be set of taggers: how they are learned, from how many sentences, and on which they are scored."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.settings import COMPARING, setting
from models.taggers.tagger import TaggerSettings


@dataclass(frozen=True)
class TaggingSettings:
    """How taggers are trained: `tagger`; languages with fewer than `min_sentences` have none; one sentence in
    `held_out_nth` is scored on.

    A new tagger is published where it tags those not worse than the published one by more than `tolerance`, a share of
    tokens.
    """

    tagger: TaggerSettings = field(default_factory=TaggerSettings)
    min_sentences: int = 20
    held_out_nth: int = 10
    tolerance: float = setting(0.0, decides=(COMPARING,))


DEFAULTS = TaggingSettings()
