import pytest
from prefect import flow, task
from prefect.client.orchestration import get_client

from models.training.loop import Progress
from tasks.learning.training_progress import artifact_key, progress_log


def progress_at(share, n_samples):
    return Progress(
        epoch=1, n_epochs=4, batch=round(share * 40) - 10, n_batches=10, n_samples=n_samples, loss=0.25, validation=None
    )


def test_a_line_every_ten_seconds_says_epoch_loss_speed_and_time_to_go():
    lines = []
    seconds = iter([0.0, 0.0, 9.0, 10.0, 12.0, 25.0])  # when it is made, and at each report
    report = progress_log("labels of messages", lines.append, lambda: next(seconds))
    for share, n_samples in ((0.25, 0), (0.3, 90), (0.375, 100), (0.4, 110), (0.5, 2500)):
        report(progress_at(share, n_samples))
    assert lines == [
        "labels of messages: epoch 2 of 4, loss 0.2500, 10 samples/s, 50 s to go",
        "labels of messages: epoch 2 of 4, loss 0.2500, 100 samples/s, 50 s to go",
    ]


def test_what_has_not_moved_has_no_time_to_go():
    lines = []
    seconds = iter([0.0, 20.0])
    progress_log("x", lines.append, lambda: next(seconds))(progress_at(0.25, 0))
    assert lines == ["x: epoch 2 of 4, loss 0.2500, 0 samples/s, time to go unknown"]


@task
def train_something():
    seconds = iter([0.0, 0.0, 20.0, 40.0])
    report = progress_log("labels of Ünits", clock=lambda: next(seconds))
    for share in (0.25, 0.5, 0.75):
        report(progress_at(share, 10))


@flow
def train_in_a_flow():
    train_something()


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_task_shows_a_progress_artifact_that_moves():
    train_in_a_flow()
    with get_client(sync_client=True) as client:
        shown = [one for one in client.read_artifacts() if one.key == "training-labels-of--nits"]
    assert [(one.type, float(one.data)) for one in shown] == [("progress", 75.0)]
    assert "epoch 2 of 4" in shown[0].description


def test_keys_of_artifacts_hold_what_they_may():
    assert artifact_key("Labels of film_reviews, 2") == "labels-of-film-reviews--2"
