import numpy as np
import pytest
import torch
from torch import nn

from models.training.loop import BatchLoss, TensorBatches, train
from models.training.runtime import seeded
from models.training.settings import TrainingSettings
from tasks.lake.layout import Lake
from tasks.learning.training_checkpoints import kept_training

SETTINGS = TrainingSettings(epochs=4, learning_rate=0.05, device="cpu")


class KilledError(Exception):
    """Here in the place of a kill."""


def fresh():
    with seeded(1):
        return nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.3), nn.Linear(3, 1))


def squared_error(module, batch, _state):
    return BatchLoss((module(batch[0]) ** 2).mean(), len(batch[0]))


def learn(module, kept=None):
    batches = TensorBatches((torch.randn(20, 2, generator=torch.Generator().manual_seed(5)),), 8)
    if kept is None:
        return train(module, batches, squared_error, lambda m: float(m[2].bias ** 2), SETTINGS)
    return train(
        module,
        batches,
        squared_error,
        lambda m: float(m[2].bias ** 2),
        SETTINGS,
        resume=kept.resume,
        checkpoint=kept.save,
    )


def killed_after(save, n):
    calls = iter(range(n))

    def save_or_die(checkpoint):
        save(checkpoint)
        if next(calls, None) == n - 1:
            raise KilledError

    return save_or_die


def test_training_goes_on_after_a_kill_to_the_same_bytes_and_leaves_nothing_behind(lake: Lake):
    whole, interrupted = fresh(), fresh()
    history = learn(whole)
    with pytest.raises(KilledError), kept_training(lake, "a" * 64, every_s=0.0) as kept:
        train(
            fresh(),
            TensorBatches((torch.randn(20, 2, generator=torch.Generator().manual_seed(5)),), 8),
            squared_error,
            lambda m: float(m[2].bias ** 2),
            SETTINGS,
            checkpoint=killed_after(kept.save, 2),
        )
    assert len(list(lake.models.iterdir())) == 1
    with kept_training(lake, "a" * 64, every_s=0.0) as kept:
        assert kept.resume is not None
        assert len(kept.resume.notes["epochs"]) == 2
        assert learn(interrupted, kept) == history
    for name, tensor in whole.state_dict().items():
        assert np.array_equal(tensor.numpy(), interrupted.state_dict()[name].numpy())
    assert list(lake.models.iterdir()) == []


def test_a_checkpoint_that_is_damaged_or_of_another_work_is_none(lake: Lake):
    with pytest.raises(KilledError), kept_training(lake, "a" * 64, every_s=0.0) as kept:
        train(
            fresh(),
            TensorBatches((torch.ones(4, 2),), 8),
            squared_error,
            None,
            SETTINGS,
            checkpoint=killed_after(kept.save, 1),
        )
    with kept_training(lake, "b" * 64) as other:
        assert other.resume is None
    next(lake.models.glob(".a*/*.safetensors")).write_bytes(b"cut")
    with kept_training(lake, "a" * 64) as kept:
        assert kept.resume is None
