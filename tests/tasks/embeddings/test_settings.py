"""Settings of word vectors: what is out of range, what follows from the size of a corpus, what decides a model."""

from dataclasses import asdict, replace

import pytest
from support.embedding_stage import SETTINGS

from tasks.embeddings.settings import EmbeddingSettings, EmbeddingSettingsError


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"held_out_share": 1.5}, "between 0 and 1, not 1.5"),
        ({"warm_share": -1.0}, "between 0 and 1"),
        ({"threads": -1}, "0 or more, not -1"),
        ({"tolerance": float("nan")}, "0 or more, not nan"),
        ({"fewest_known": 0}, "1 or more, not 0"),
    ],
)
def test_settings_out_of_range_are_told_in_a_sentence(changed, words):
    with pytest.raises(EmbeddingSettingsError, match=words):
        replace(SETTINGS, **changed)


def test_small_corpora_are_passed_over_more_often():
    settings = EmbeddingSettings()
    assert settings.for_corpus(10_000).epochs == 30
    assert settings.for_corpus(200_000).epochs == 10
    assert settings.for_corpus(10_000_000).epochs == 5


@pytest.mark.parametrize(("model", "other"), [("word2vec", "glove"), ("glove", "word2vec")])
def test_what_decides_is_what_cards_have_always_said(model, other):
    settings = replace(SETTINGS, model=model, threads=7, word2vec=replace(SETTINGS.word2vec, workers=7))
    whole = asdict(settings)
    left_out = {"threads", "checkpoint_every_s", "tolerance", "fewest_known", "warm_start", other}
    expected = {name: value for name, value in whole.items() if name not in left_out}
    expected[model]["workers"] = 1
    assert settings.deciding() == expected
