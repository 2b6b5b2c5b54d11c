import pytest

from tasks.transforms.text.clitics import split_clitics


@pytest.mark.parametrize(
    ("surface", "lang", "words"),
    [
        ("don't", "en", ("do", "n't")),
        ("Can’t", "en", ("Ca", "n't")),
        ("cannot", "en", ("can", "not")),
        ("Cannot", "en", ("Can", "not")),
        ("it's", "en", ("it", "'s")),
        ("THEY'RE", "en", ("THEY", "'RE")),
        ("knot", "en", ("knot",)),
        ("n't", "en", ("n't",)),
        ("o'clock", "en", ("o'clock",)),
        ("im", "de", ("in", "dem")),
        ("Zur", "de", ("Zu", "der")),
        ("don't", "de", ("don't",)),
        ("im", "en", ("im",)),
    ],
)
def test_a_written_word_is_cut_as_treebanks_cut_it(surface, lang, words):
    assert split_clitics(surface, lang) == words
