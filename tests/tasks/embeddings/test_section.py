"""The section on word vectors: facts of the card, losses, tests with unknown words, neighbours, the map."""

import pytest
from support.embedding_stage import publish_stage
from support.published_words import documents_about, pairs_within_topics, publish_words, word_test

from tasks.lake.layout import Lake
from tasks.report.page import build_report

pytestmark = pytest.mark.slow


def test_every_published_model_is_shown_with_its_scores_and_map(lake: Lake):
    tests = (word_test(lake, "topics", "en", [*pairs_within_topics("en"), ("sea", "<whale>", 8.0)]),)
    publish_words(lake, [*documents_about("en", 40), *documents_about("de", 30)], tests=tests)
    run = publish_stage(lake)
    page = build_report(lake).read_text()
    assert 'id="words-de"' in page
    assert 'id="words-en"' in page
    assert page.count('class="map"') == 2
    assert page.count("<polyline") == 2  # a loss curve each
    for record in run.trained:
        assert next(ref.path.split("/")[1] for ref in record.files if ref.path.endswith("card.json")) in page
    english = page.partition('id="words-en"')[2]
    assert "topics" in english
    assert "&lt;whale&gt;" in english
    assert "<whale>" not in page
    assert "word2vec, skip-gram, 5 negatives" in english
    for word in ("tide", "harbour", "station"):
        assert f"<title>{word}</title>" in english
    assert "<title>the</title>" not in english  # stop words are left out of the map


def test_a_home_without_word_vectors_says_so_and_a_lost_card_says_less(lake: Lake):
    publish_words(lake, documents_about("en", 40))
    assert "No word vectors are published." in build_report(lake).read_text()
    publish_stage(lake)
    for card in lake.models.rglob("card.json"):
        card.unlink()
    page = build_report(lake).read_text()
    assert 'id="words-en"' in page
    assert "no values" in page
