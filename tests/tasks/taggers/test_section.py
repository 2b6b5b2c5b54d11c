from support.chains import publish_chain
from support.sections import section_values
from support.tagger_stage import publish_treebank

from tasks.lake.layout import Lake
from tasks.report.page import build_report
from tasks.taggers.section import confusion_rows
from tasks.taggers.stage import CHAIN


def test_taggers_are_shown_with_what_they_take_for_what(lake: Lake) -> None:
    publish_treebank(lake, 60)
    publish_chain(lake, CHAIN)
    (model,) = section_values(lake, "taggers")["models"]
    assert model["lang"] == "en"
    assert dict(model["facts"])["parts of speech right"] == "1.000 (most frequent tag of each word: 1.000)"
    assert {row["tag"] for row in model["confusions"]} == {"DET", "NOUN", "PUNCT", "VERB"}
    assert "What is taken for what, en" in build_report(lake).read_text()


def test_without_taggers_the_section_says_so(lake: Lake) -> None:
    publish_treebank(lake, 0)
    assert "No tagger is published" in build_report(lake).read_text()


def test_a_row_of_confusions_accounts_for_every_token_of_its_tag() -> None:
    by_tag = [["NOUN", 0.8, 0.7, 10], ["VERB", 0.5, 1.0, 2], ["X", 0.0, None, 0]]
    noun, verb = confusion_rows(by_tag, [["NOUN", "VERB", 2], ["NOUN", "X", 1]])
    assert [cell["n"] for cell in noun["cells"]] == [7, 2]
    assert noun["n_others"] == 1
    assert ([cell["n"] for cell in verb["cells"]], verb["n_others"]) == ([0, 2], 0)
    assert [cell["is_right"] for cell in noun["cells"]] == [True, False]
