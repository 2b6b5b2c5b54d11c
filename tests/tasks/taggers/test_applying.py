import numpy as np
import pytest
from support.tagger_stage import leave_taggers, publish_treebank

from models.taggers.tagger import TaggerError
from tasks.lake.layout import Lake
from tasks.taggers.applying import open_tagger, present_taggers


def test_where_no_tagger_was_left_there_is_none(lake: Lake) -> None:
    assert present_taggers(lake, None) == {}


def test_a_tagger_tags_words_by_number_and_finds_their_lemmas(lake: Lake) -> None:
    publish_treebank(lake, 60, ("de", "en"))
    taggers = present_taggers(lake, leave_taggers(lake))
    assert list(taggers) == ["de", "en"]
    tagger = open_tagger(lake, taggers["en"])
    tags = tagger.tag(["The", "tide", "mill"], np.array([0, 1, 0, 2]), np.array([2, 2]))
    assert [tagger.tags[tag] for tag in tags] == ["DET", "NOUN", "DET", "NOUN"]
    assert tagger.tag([], np.array([], np.int64), np.array([], np.int64)).tolist() == []
    assert tagger.find_lemma("moved", "VERB") == "mov"
    assert tagger.find_lemma("moved", "NOUN") is None


def test_a_damaged_tagger_says_so(lake: Lake) -> None:
    publish_treebank(lake, 60)
    files = present_taggers(lake, leave_taggers(lake))["en"]
    lake.locate(files.weights.path).write_bytes(b"no weights")
    with pytest.raises(TaggerError, match="the tagger of en cannot be read"):
        open_tagger(lake, files)
