"""The flow `train_lstm` on labelled documents: what it leaves, what the UI shows, and that the same again is reused."""

import pytest
from prefect.client.orchestration import get_client
from support.label_stage import SETTINGS
from support.published_labels import labelled_documents, publish_labelled

from flows.train_lstm import train_lstm
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.running.stages import make_plan

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


def test_labels_are_left_and_shown_and_the_same_again_is_reused(lake: Lake):
    publish_labelled(lake, labelled_documents(60))
    first = train_lstm(str(lake.home), labels=SETTINGS)
    models = read_table(lake, first.tables["models"]).to_pylist()
    assert sum(row["is_champion"] for row in models) == 1
    assert len(models) == 4
    assert read_table(lake, first.tables["predictions"]).num_rows > 10
    with get_client(sync_client=True) as client:
        shown = {one.key for one in client.read_artifacts()}
    assert {
        "labels-messages",
        "labels-messages-epochs",
        "labels-messages-confusions",
        "champions-labels",
        "scores-labels",
    } <= shown
    second = train_lstm(str(lake.home), labels=SETTINGS)
    assert second.n_steps_run == 0
    assert second.tables["predictions"] == first.tables["predictions"]
    others = {line.step for line in make_plan(lake, [], (), "lstm")}  # with the settings of a real run
    assert "fit_classifiers" in others
