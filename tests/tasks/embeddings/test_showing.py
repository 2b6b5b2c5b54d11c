import pytest
from support.embedding_stage import run_stage
from support.published_words import documents_about, publish_words

from tasks.embeddings.showing import loss_curves
from tasks.lake.layout import Lake

pytestmark = pytest.mark.slow


def test_loss_curve_has_a_row_an_epoch(lake: Lake):
    publish_words(lake, documents_about("en", 40))
    models = run_stage(lake).trained
    rows = loss_curves(lake, models)
    assert [row["epoch"] for row in rows] == list(range(1, 31))
    assert rows[0]["loss"] > rows[-1]["loss"]
