from models.training.loop import Progress
from tasks.lake.progress import Progress as TaskProgress
from tasks.lake.progress import listening
from tasks.learning.training_progress import training_listener


def progress_at(share: float, n_samples: int) -> Progress:
    """Of the second epoch of four of ten batches each."""
    batch = round(share * 40) - 10
    return Progress(epoch=1, n_epochs=4, batch=batch, n_batches=10, n_samples=n_samples, loss=0.25, validation=None)


class Seconds:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def told(reports: list[tuple[float, float, int]], n_trainings: int = 1) -> list[str]:
    """What is heard of reports of (second, share done, samples)."""
    heard: list[TaskProgress] = []
    seconds = Seconds()
    with listening(heard.append):
        listen = training_listener("labels of messages", n_trainings, seconds)
        for seconds.now, share, n_samples in reports:
            listen(progress_at(share, n_samples))
    return [str(progress) for progress in heard]


def test_a_line_every_five_seconds_says_share_epoch_loss_speed_and_time_to_go() -> None:
    reports = [(0.0, 0.25, 0), (4.0, 0.3, 90), (10.0, 0.375, 100), (12.0, 0.4, 110), (25.0, 0.5, 2500)]
    assert told(reports) == [
        "labels of messages: 38 % done, epoch 2 of 4, loss 0.2500, 10 samples/s, 50 s to go",
        "labels of messages: 50 % done, epoch 2 of 4, loss 0.2500, 100 samples/s, 50 s to go",
    ]


def test_what_has_not_moved_has_no_time_to_go() -> None:
    assert told([(20.0, 0.25, 0)]) == [
        "labels of messages: 25 % done, epoch 2 of 4, loss 0.2500, 0 samples/s, time to go unknown"
    ]


def test_trainings_one_after_another_are_one_piece_of_work() -> None:
    reports = [(0.0, 0.25, 10), (10.0, 0.5, 20), (20.0, 0.25, 100), (40.0, 0.5, 300)]
    assert told(reports, n_trainings=2)[1:] == [
        "labels of messages: 62 % done, epoch 2 of 4, loss 0.2500, 10 samples/s, 15 s to go",
        "labels of messages: 75 % done, epoch 2 of 4, loss 0.2500, 10 samples/s, 16 s to go",
    ]
