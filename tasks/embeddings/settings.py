"""What can be set of word vectors: what they are learned from, and how."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from models.embeddings.glove import GloveSettings
from models.embeddings.word2vec import Word2VecSettings
from models.settings import COMPARING, setting, settings_of
from tasks.transforms.text.word_columns import WordColumn

WORD2VEC, GLOVE = "word2vec", "glove"


class EmbeddingSettingsError(ValueError):
    """Settings that are out of range; the message names the first, and what it must be."""


@dataclass(frozen=True)
class EmbeddingSettings:
    """What to learn from, and how.

    model: word2vec, of which `word2vec.sg` and `word2vec.hs` choose among four, or glove. column: the form of a token
    that is a word here. fewest_tokens: languages with less are left out. held_out_share: of the sentences, not learned
    from, to measure on. tokens_at_least: a small corpus is passed over by word2vec as often as it takes to read so
    many, at most `most_epochs` times, and `word2vec.epochs` times at least. threads: for a language, in the place of
    `workers`; 0 = the processor's cores shared between the languages that are due.

    warm_start: where documents were added, start from the published champion of word2vec instead of from random
    vectors, and pass over the corpus `warm_share` as often. Off by default: with it results depend on what was
    published before (the start is an input), and not on the corpus alone.

    A new model is published if, on the same questions of `word_tests`, it is no more than `tolerance` worse than the
    champion, the mean over the tests of which both know `fewest_known` questions (decision 0016). checkpoint_every_s:
    least time between two checkpoints.
    """

    model: Literal["word2vec", "glove"] = "word2vec"
    column: WordColumn = "norm"
    fewest_tokens: int = 2_000
    held_out_share: float = 0.05
    tokens_at_least: int = 2_000_000
    # On the samples (10,000 tokens a language) unseen text is predicted best after some 30, worse after 50.
    most_epochs: int = 30
    threads: int = setting(0, decides=())
    warm_start: bool = setting(False, decides=())
    warm_share: float = 0.4
    tolerance: float = setting(0.02, decides=(COMPARING,))
    fewest_known: int = setting(200, decides=(COMPARING,))
    checkpoint_every_s: float = setting(30.0, decides=())
    word2vec: Word2VecSettings = field(default_factory=Word2VecSettings)
    glove: GloveSettings = field(default_factory=GloveSettings)

    def __post_init__(self) -> None:
        """EmbeddingSettingsError naming the first setting that is out of range."""
        for name in ("held_out_share", "warm_share"):
            _require(0 <= getattr(self, name) <= 1, f"{name} must lie between 0 and 1, not {getattr(self, name)}")
        for name in ("fewest_tokens", "tokens_at_least", "threads", "tolerance", "checkpoint_every_s"):
            _require(getattr(self, name) >= 0, f"{name} must be 0 or more, not {getattr(self, name)}")
        for name in ("most_epochs", "fewest_known"):
            _require(getattr(self, name) >= 1, f"{name} must be 1 or more, not {getattr(self, name)}")

    def for_corpus(self, n_tokens: int, *, is_warm: bool = False) -> Word2VecSettings:
        """The settings with which word2vec is trained on n_tokens, from an earlier model's vectors or not."""
        enough = min(-(-self.tokens_at_least // max(n_tokens, 1)), self.most_epochs)
        epochs = max(self.word2vec.epochs, enough)
        if is_warm:
            epochs = max(1, round(epochs * self.warm_share))
        return replace(self.word2vec, epochs=epochs, workers=max(self.threads, 1))

    def for_glove(self) -> GloveSettings:
        """The settings with which GloVe is trained."""
        return replace(self.glove, workers=max(self.threads, 1))

    @property
    def seed(self) -> int:
        """The seed of the chosen model, which also says what is held out."""
        return self.glove.seed if self.model == GLOVE else self.word2vec.seed

    def deciding(self) -> dict[str, Any]:
        """The settings on which a model depends, as its card says them: of the model chosen alone."""
        settings = settings_of(self)
        del settings[WORD2VEC if self.model == GLOVE else GLOVE]
        settings[self.model] |= {"workers": 1}  # as cards have said since before threads were left out
        return settings


def _require(holds: bool, message: str) -> None:  # noqa: FBT001  # reads as a sentence
    if not holds:
        raise EmbeddingSettingsError(message)


DEFAULTS = EmbeddingSettings()
