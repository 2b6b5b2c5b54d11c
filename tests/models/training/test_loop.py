import json
import math
from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from models.training.checkpoint import Checkpoint, CheckpointError
from models.training.loop import BatchLoss, NonFiniteLossError, Progress, TensorBatches, train
from models.training.runtime import seeded
from models.training.settings import TrainingSettings, TrainingSettingsError, learning_rate

SETTINGS = TrainingSettings(epochs=4, learning_rate=0.05, schedule="cosine", warm_up_share=0.2, seed=3, device="cpu")


class Line(nn.Module):
    """Two weights and dropout, so that the global generator matters."""

    def __init__(self, share=0.25):
        super().__init__()
        with seeded(1):
            self.line = nn.Linear(2, 1)
        self.dropout = nn.Dropout(share)

    def forward(self, x):
        return self.line(self.dropout(x))


def squared_error(module, batch, _state):
    x, y = batch
    return BatchLoss(((module(x) - y) ** 2).mean(), len(x))


def points(n=20, seed=5):
    x = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))
    return TensorBatches((x, x @ torch.tensor([[2.0], [-1.0]])), 8)


def weights(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def are_equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_training_is_the_same_again_and_leaves_what_is_global_as_it_was():
    torch.manual_seed(9)
    expected, n_threads = torch.rand(3), torch.get_num_threads()
    torch.manual_seed(9)
    runs = [Line(), Line(), Line()]
    histories = [
        train(module, points(), squared_error, None, replace(SETTINGS, seed=seed))
        for module, seed in zip(runs, (3, 3, 4), strict=True)
    ]
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == n_threads
    assert are_equal(weights(runs[0]), weights(runs[1]))
    assert histories[0] == histories[1]
    assert not are_equal(weights(runs[0]), weights(runs[2]))


@pytest.mark.parametrize(
    "settings", [SETTINGS, replace(SETTINGS, optimiser="sgd", schedule="plateau", warm_up_share=0.0, patience=3)]
)
def test_resumed_training_ends_with_the_same_bytes_and_the_same_history(settings):
    def validate(module):
        return float(module.line.weight.sum()) ** 2

    kept: list[Checkpoint] = []
    whole, half = Line(), Line()
    history = train(whole, points(), squared_error, validate, settings, checkpoint=kept.append)
    as_on_disk = Checkpoint(
        {name: tensor.clone() for name, tensor in kept[1].tensors.items()}, json.loads(json.dumps(kept[1].notes))
    )
    assert train(half, points(), squared_error, validate, settings, resume=as_on_disk) == history
    assert are_equal(weights(whole), weights(half))
    again = Line()
    assert train(again, points(), squared_error, validate, settings, resume=kept[-1]) == history
    assert are_equal(weights(whole), weights(again))


def test_checkpoints_do_not_change_with_what_comes_after_them():
    kept, digests = [], []

    def keep(state):
        kept.append(state)
        digests.append(sum(float(tensor.double().sum()) for tensor in state.tensors.values()))

    train(Line(), points(), squared_error, None, SETTINGS, checkpoint=keep)
    assert [sum(float(tensor.double().sum()) for tensor in state.tensors.values()) for state in kept] == digests


def test_checkpoint_of_another_module_or_other_settings_is_refused():
    kept = []
    train(Line(), points(), squared_error, None, SETTINGS, checkpoint=kept.append)
    with pytest.raises(CheckpointError, match="learning_rate"):
        train(Line(), points(), squared_error, None, replace(SETTINGS, learning_rate=0.1), resume=kept[0])
    with pytest.raises(CheckpointError, match="another module"):
        train(nn.Linear(3, 1), points(), squared_error, None, SETTINGS, resume=kept[0])


def test_early_stopping_brings_the_best_weights_back():
    seen = []
    losses = iter([3.0, 1.0, 2.0, 1.5, 0.5])

    def validate(module):
        assert not module.training
        assert not torch.is_grad_enabled()
        seen.append(weights(module))
        return next(losses)

    module = Line()
    history = train(module, points(), squared_error, validate, replace(SETTINGS, epochs=5, patience=2))
    assert [epoch.validation for epoch in history.epochs] == [3.0, 1.0, 2.0, 1.5]
    assert (history.best_epoch, history.is_stopped_early) == (1, True)
    assert are_equal(weights(module), seen[1])
    assert not are_equal(seen[1], seen[3])


def test_validation_that_is_no_number_is_never_the_best_and_is_told_as_none():
    seen, losses = [], iter([math.nan, 2.0, math.inf, math.nan])

    def validate(module):
        seen.append(weights(module))
        return next(losses)

    module = Line()
    history = train(module, points(), squared_error, validate, SETTINGS)
    assert [epoch.validation for epoch in history.epochs] == [None, 2.0, None, None]
    assert history.best_epoch == 1
    assert are_equal(weights(module), seen[1])


def test_without_validation_the_last_weights_are_kept():
    module, last = Line(), []
    history = train(
        module, points(), squared_error, None, SETTINGS, checkpoint=lambda state: last.append(state.part("module"))
    )
    assert history.best_epoch == 3
    assert are_equal(weights(module), last[-1])


@dataclass
class SteepLoss:
    """A loss whose gradient is (300, -400) whatever the weights."""

    def __call__(self, module, _batch, _state):
        return BatchLoss((module.line.weight * torch.tensor([300.0, -400.0])).sum() + 0 * module.line.bias.sum(), 1)


@pytest.mark.parametrize(
    ("clipping", "step"),
    [
        ({"clip_norm": 0.0}, [300.0, -400.0]),
        ({"clip_norm": 5.0}, [3.0, -4.0]),
        ({"clip_norm": 0.0, "clip_value": 2.0}, [2.0, -2.0]),
        ({"clip_norm": 1.0, "clip_value": 2.0}, [0.5**0.5, -(0.5**0.5)]),
        ({"clip_norm": 1e6}, [300.0, -400.0]),
    ],
)
def test_gradients_are_clipped_by_value_and_then_by_norm(clipping, step):
    module, before = Line(), Line().line.weight.detach().clone()
    settings = TrainingSettings(epochs=1, optimiser="sgd", learning_rate=1.0, device="cpu", **clipping)
    history = train(module, TensorBatches((torch.zeros(1, 2),), 1), SteepLoss(), None, settings)
    # float32 of 300.
    torch.testing.assert_close(before - module.line.weight.detach(), torch.tensor([step]), rtol=1e-5, atol=1e-4)
    (epoch,) = history.epochs
    assert epoch.gradient_norm == pytest.approx(500.0)
    assert epoch.gradient_norms == pytest.approx({"line.weight": 500.0, "line.bias": 0.0})
    assert epoch.clipped_share == float(0 < settings.clip_norm < 500)


class Memory(nn.Module):
    def __init__(self):
        super().__init__()
        with seeded(2):
            self.lstm, self.out = nn.LSTM(2, 3, batch_first=True), nn.Linear(3, 1)


def next_step(module, batch, state):
    x, y = batch
    hidden, state = module.lstm(x, state)
    return BatchLoss(((module.out(hidden) - y) ** 2).mean(), x.shape[0] * x.shape[1], state)


def series(n_batches=1, n_steps=6):
    x = torch.randn(2 * n_batches, n_steps, 2, generator=torch.Generator().manual_seed(1))
    return TensorBatches((x, x.cumsum(1)[..., :1]), 2)


SGD = TrainingSettings(epochs=1, optimiser="sgd", learning_rate=0.1, clip_norm=0.0, device="cpu")


def test_truncated_back_propagation_over_the_whole_sequence_is_full_back_propagation():
    full, truncated = Memory(), Memory()
    train(full, series(), next_step, None, SGD)
    train(truncated, series(), next_step, None, replace(SGD, chunk_length=6))
    assert are_equal(weights(full), weights(truncated))


def test_truncated_back_propagation_carries_the_state_and_cuts_the_gradient():
    (x, y) = series().tensors
    by_hand, trained = Memory(), Memory()
    optimiser = torch.optim.SGD(by_hand.parameters(), lr=0.1)
    state = None
    for begin in (0, 4):
        hidden, state = by_hand.lstm(x[:, begin : begin + 4], state)
        optimiser.zero_grad()
        ((by_hand.out(hidden) - y[:, begin : begin + 4]) ** 2).mean().backward()
        optimiser.step()
        state = tuple(part.detach() for part in state)

    @dataclass(frozen=True)
    class InOrder:
        def __len__(self):
            return 1

        def draw(self, _generator):
            return [(x, y)]

    history = train(trained, InOrder(), next_step, None, replace(SGD, chunk_length=4))
    for name, tensor in weights(by_hand).items():
        torch.testing.assert_close(weights(trained)[name], tensor)
    assert history.epochs[0].n_samples == 2 * 6


@pytest.mark.parametrize("carry_state", [True, False])
def test_state_goes_over_to_the_next_batch_only_where_it_is_asked_to(carry_state):
    given = []

    def loss_of(module, batch, state):
        given.append(state)
        return next_step(module, batch, state)

    train(Memory(), series(n_batches=2), loss_of, None, replace(SGD, carry_state=carry_state, epochs=2))
    assert [state is not None for state in given] == [False, carry_state] * 2
    assert all(not part.requires_grad for state in given if state for part in state)


@pytest.mark.parametrize(("bad_epoch", "n_good"), [(0, 0), (2, 2)])
def test_loss_that_is_no_number_stops_the_training_with_the_best_weights_and_says_where(bad_epoch, n_good):
    calls = iter(range(100))

    def loss_of(module, batch, _state):
        found = squared_error(module, batch, None)
        return BatchLoss(found.loss * math.nan, found.n) if next(calls) == 3 * bad_epoch + 1 else found

    module, kept, fresh = Line(), [], weights(Line())
    with pytest.raises(NonFiniteLossError, match=f"epoch {bad_epoch}, batch 1") as caught:
        train(module, points(), loss_of, None, SETTINGS, checkpoint=kept.append)
    assert (caught.value.epoch, caught.value.batch) == (bad_epoch, 1)
    assert len(caught.value.history.epochs) == len(kept) == n_good
    assert are_equal(weights(module), kept[-1].part("module") if kept else fresh)
    assert are_equal(caught.value.checkpoint.part("module"), weights(module))
    assert len(train(Line(), points(), squared_error, None, SETTINGS, resume=caught.value.checkpoint).epochs) == 4


def test_gradient_that_is_no_number_stops_too():
    def loss_of(module, _batch, _state):
        return BatchLoss(torch.sqrt(0 * module.line.weight.sum()), 1)  # sqrt has no finite slope at 0

    with pytest.raises(NonFiniteLossError, match="epoch 0, batch 0"):
        train(Line(), points(), loss_of, None, SETTINGS)


def test_learning_rates_follow_their_schedules():
    cosine = replace(SETTINGS, learning_rate=2.0)
    assert [learning_rate(cosine, share) for share in (0.0, 0.1, 0.2, 0.6, 1.0)] == pytest.approx(
        [0.0, 1.0, 2.0, 1.0, 0.0], abs=1e-12
    )
    assert learning_rate(TrainingSettings(learning_rate=2.0), 0.9) == 2.0
    assert learning_rate(TrainingSettings(learning_rate=2.0, schedule="plateau"), 0.9, 0.25) == 0.5


def test_plateau_lowers_the_rate_after_so_many_epochs_without_gain():
    losses = iter([3.0, 3.0, 3.0, 3.0, 2.0, 2.5])
    settings = TrainingSettings(
        epochs=6, learning_rate=0.8, schedule="plateau", plateau_patience=2, plateau_factor=0.5, device="cpu"
    )
    history = train(Line(), points(), squared_error, lambda _: next(losses), settings)
    assert [epoch.learning_rate for epoch in history.epochs] == [0.8, 0.8, 0.8, 0.4, 0.4, 0.4]


def test_what_can_be_learned_is_learned_and_progress_is_told_for_every_batch():
    told: list[Progress] = []
    module = Line(share=0.0)
    settings = TrainingSettings(epochs=80, learning_rate=0.1, schedule="cosine", device="cpu")
    history = train(module, points(), squared_error, None, settings, report=told.append)
    assert history.epochs[-1].loss < 1e-3 < history.epochs[0].loss
    # 80 epochs end near it.
    torch.testing.assert_close(module.line.weight.detach(), torch.tensor([[2.0, -1.0]]), rtol=0.0, atol=0.05)
    assert len(told) == 80 * 3
    assert (told[0].share_done, told[-1].share_done) == (1 / 240, 1.0)
    assert told[-1].n_samples == 80 * 20
    assert told[-1].loss == history.epochs[-1].loss
    assert json.loads(json.dumps(history.as_notes()))["epochs"][79]["n_samples"] == 20


def test_no_batch_is_an_error_that_says_so():
    with pytest.raises(ValueError, match="no batch"):
        train(Line(), TensorBatches((torch.zeros(0, 2), torch.zeros(0, 1)), 4), squared_error, None, SETTINGS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"learning_rate": 0.0},
        {"learning_rate": math.inf},
        {"clip_norm": -1.0},
        {"warm_up_share": 1.0},
        {"threads": 0},
        {"plateau_factor": 1.0},
        {"chunk_length": -1},
    ],
)
def test_settings_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(TrainingSettingsError, match=next(iter(wrong))):
        TrainingSettings(**wrong)
