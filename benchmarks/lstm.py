"""LSTMs beside torch's: seconds of a training step, and next-step prediction of music by every variant.

    python benchmarks/lstm.py [speed | bfloat16 | music | variants]

speed: one step is forward, the sum of the outputs, and backward to all weights, in thousand tokens a second: medians of
rounds in which the rivals take turns, processor seconds for one thread, the clock for two. nn.LSTM has no peepholes,
ours has; the plain loop has them too and leaves the backward pass to autograd.
music: the 88 keys of the next step of folk tunes (Boulanger-Lewandowski et al. 2012), negative log-likelihood a step;
needs `../shared/data/polymusic`.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from models.lstm.lstm import LSTM  # noqa: E402  # after the path
from models.lstm.variants import VARIANTS  # noqa: E402  # the same
from models.training.loop import BatchLoss, train  # noqa: E402  # the same
from models.training.runtime import seeded, torch_threads  # noqa: E402  # the same
from models.training.settings import TrainingSettings  # noqa: E402  # the same

SHAPES = ((32, 100, 64, 128), (64, 28, 6, 64), (16, 400, 100, 256))
"""Sequences in a batch, steps, inputs, units: issue 5's."""
MUSIC, N_KEYS = ROOT.parent / "shared/data/polymusic/Nottingham.mat", 88
LEAST_ROUNDS, LEAST_SECONDS = 7, 3.0


class PlainLoop(nn.Module):
    """An LSTM with peepholes as one would write it down: a loop over time that autograd goes back through."""

    def __init__(self, n_inputs: int, n_units: int) -> None:
        super().__init__()
        self.lstm = LSTM(n_inputs, n_units, peephole=True)

    def forward(self, steps: Tensor) -> tuple[Tensor, None]:
        """Outputs (T, B, H)."""
        lstm = self.lstm
        y = c = steps.new_zeros(steps.shape[1], lstm.hidden_size)
        p_i, p_f, p_o = lstm.weight_peephole_l0.unbind()
        R = lstm.weight_hh_l0.t()  # noqa: N806  # the paper's letter
        outputs = []
        for bars in nn.functional.linear(steps, lstm.weight_ih_l0, lstm.bias_ih_l0 + lstm.bias_hh_l0).unbind():
            i, f, z, o = torch.addmm(bars, y, R).chunk(4, dim=1)
            i, f, z = torch.sigmoid(i + p_i * c), torch.sigmoid(f + p_f * c), torch.tanh(z)
            c = z * i + c * f
            y = torch.sigmoid(o + p_o * c) * torch.tanh(c)
            outputs.append(y)
        return torch.stack(outputs), None


def train_once(module: nn.Module, steps: Tensor) -> None:
    """Forward and backward."""
    module.zero_grad()
    module(steps)[0].sum().backward()


def rival_seconds(rivals: dict[str, Callable[[], None]], clock: Callable[[], float]) -> dict[str, float]:
    """Median seconds of each, after two calls that warm up; the rivals take turns."""
    for run in rivals.values():
        run()
        run()
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    began = time.perf_counter()
    while len(seconds[next(iter(rivals))]) < LEAST_ROUNDS or time.perf_counter() - began < LEAST_SECONDS:
        for name, run in rivals.items():
            started = clock()
            run()
            seconds[name].append(clock() - started)
    return {name: statistics.median(times) for name, times in seconds.items()}


def compare(rivals_of: Callable[[int, int], dict[str, nn.Module]], title: str) -> None:
    """Print a line by shape and number of threads; ratios are to nn.LSTM."""
    for n_threads in (1, 2):
        for n_sequences, n_steps, n_inputs, n_units in SHAPES:
            torch.manual_seed(0)
            modules = rivals_of(n_inputs, n_units)
            steps = torch.randn(n_steps, n_sequences, n_inputs)
            with torch_threads(n_threads):
                runs = {
                    name: partial(train_once, module, steps.to(next(module.parameters()).dtype))
                    for name, module in modules.items()
                }
                seconds = rival_seconds(runs, time.process_time if n_threads == 1 else time.perf_counter)
            line = "   ".join(
                f"{name} {n_sequences * n_steps / took / 1e3:6.0f} ({seconds['nn.LSTM'] / took:.2f})"
                for name, took in seconds.items()
            )
            print(
                f"{title} {n_threads} thread(s)  {n_sequences:3} x {n_steps:3}, {n_inputs:3} -> {n_units:3}: {line}",
                flush=True,
            )


def speed() -> None:
    """Ours with peepholes, nn.LSTM without, and the plain loop."""
    compare(
        lambda n_inputs, n_units: {
            "nn.LSTM": nn.LSTM(n_inputs, n_units),
            "peepholes": LSTM(n_inputs, n_units, peephole=True),
            "plain loop": PlainLoop(n_inputs, n_units),
        },
        "thousand tokens/s,",
    )


def bfloat16() -> None:
    """What rounded products gain in speed, and cost: relative error of gradients, and of the music score."""
    compare(
        lambda n_inputs, n_units: {
            "nn.LSTM": nn.LSTM(n_inputs, n_units),
            "nn.LSTM bfloat16": nn.LSTM(n_inputs, n_units, dtype=torch.bfloat16),
            "peepholes": LSTM(n_inputs, n_units, peephole=True),
            "products bfloat16": LSTM(n_inputs, n_units, peephole=True, products=torch.bfloat16),
        },
        "thousand tokens/s,",
    )
    torch.manual_seed(0)
    exact, rounded = LSTM(64, 128, peephole=True), LSTM(64, 128, peephole=True, products=torch.bfloat16)
    rounded.load_state_dict(exact.state_dict())
    steps = torch.randn(100, 32, 64)
    for module in (exact, rounded):
        train_once(module, steps)
    for (name, weight), other in zip(exact.named_parameters(), rounded.parameters(), strict=True):
        print(f"gradient of {name}: relative error {float((weight.grad - other.grad).norm() / weight.grad.norm()):.1e}")


class Composer(nn.Module):
    """An LSTM that predicts for each key, as a logit, whether it sounds at the next step. Input (n, T, 88)."""

    def __init__(self, n_units: int, dropout: tuple[float, float], **settings: Any) -> None:
        super().__init__()
        self.lstm = LSTM(N_KEYS, n_units, batch_first=True, forget_bias=1.0, **settings)
        self.dropout_in, self.dropout_out = map(nn.Dropout, dropout)
        self.keys = nn.Linear(n_units, N_KEYS)

    def forward(self, roll: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Logits (n, T, 88), and the state after the last step."""
        outputs, state = self.lstm(self.dropout_in(roll), state)
        return self.keys(self.dropout_out(outputs)), state


@dataclass(frozen=True)
class Tunes:
    """Tunes in batches of like length, each (heard, to come, is there): (n, T, 88) twice and (n, T)."""

    batches: tuple[tuple[Tensor, Tensor, Tensor], ...]

    def __len__(self) -> int:
        return len(self.batches)

    def draw(self, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """All batches in another order."""
        return (self.batches[place] for place in torch.randperm(len(self.batches), generator=generator).tolist())


def batched(rolls: Sequence[np.ndarray], n_tunes: int) -> Tunes:
    """Tunes of any length, sorted by it."""
    rolls = sorted(rolls, key=len)
    batches = []
    for begin in range(0, len(rolls), n_tunes):
        part = [torch.from_numpy(roll.astype(np.float32)) for roll in rolls[begin : begin + n_tunes]]
        padded = nn.utils.rnn.pad_sequence(part, batch_first=True)
        is_there = torch.arange(1, padded.shape[1]) < torch.tensor([len(roll) for roll in part])[:, None]
        batches.append((padded[:, :-1].contiguous(), padded[:, 1:].contiguous(), is_there.float()))
    return Tunes(tuple(batches))


def music_loss(module: nn.Module, batch: tuple[Tensor, Tensor, Tensor], state: Any) -> BatchLoss:
    """Mean negative log-likelihood of a step, in nats summed over the keys."""
    heard, to_come, is_there = batch
    logits, state = module(heard, state)
    by_step = nn.functional.binary_cross_entropy_with_logits(logits, to_come, reduction="none").sum(dim=2)
    return BatchLoss((by_step * is_there).sum() / is_there.sum().clamp(min=1), max(int(is_there.sum()), 1), state)


def music_score(module: nn.Module, tunes: Tunes) -> float:
    """Mean negative log-likelihood of a step over all tunes."""
    module.eval()
    with torch.no_grad():
        losses = [music_loss(module, batch, None) for batch in tunes.batches]
    return sum(found.loss.item() * found.n for found in losses) / sum(found.n for found in losses)


def learn_music(  # noqa: PLR0917  # settings of a training
    title: str, n_units: int, epochs: int, n_tunes: int, dropout: tuple[float, float], rate: float, **settings: Any
) -> float:
    """The test score of an LSTM trained on the training tunes, kept where validation is best; prints a line."""
    rolls = scipy.io.loadmat(MUSIC)
    training, validation, test = (
        batched(list(rolls[name][0]), n_tunes) for name in ("traindata", "validdata", "testdata")
    )
    with seeded(1):
        module = Composer(n_units, dropout, **settings)
    began = time.process_time()
    history = train(
        module,
        training,
        music_loss,
        lambda trained: music_score(trained, validation),
        TrainingSettings(
            epochs=epochs, learning_rate=rate, schedule="cosine", chunk_length=100, clip_norm=1.0, patience=5
        ),
    )
    score = music_score(module, test)
    n_weights = sum(weight.numel() for weight in module.parameters())
    best = history.epochs[history.best_epoch or 0]
    size = f"{n_units} units, {n_weights:,} weights, {len(history.epochs)} epochs"
    losses = f"training {best.loss:.3f}, validation {best.validation:.3f}, test {score:.3f}"
    seconds = f"{time.process_time() - began:.0f} s of CPU"
    print(f"{title}: {size}: negative log-likelihood a step, {losses}; {seconds}", flush=True)
    return score


def music() -> None:
    """The LSTM without and with peepholes, at a published size."""
    for title, settings in {
        "nn.LSTM": {},
        "with peepholes": {"peephole": True},
        "with peepholes, bfloat16": {"peephole": True, "products": torch.bfloat16},
    }.items():
        learn_music(title, 200, 36, 8, (0.1, 0.4), 6e-3, **settings)


def variants() -> None:
    """The eight variants and the vanilla LSTM, all but NP with peepholes, from best to worst."""
    scores = {
        variant: learn_music(variant, 100, 10, 16, (0.3, 0.3), 4e-3, variant=variant, peephole=variant != "NP")
        for variant in VARIANTS
    }
    print(
        "best to worst: "
        + ", ".join(f"{variant} {score:.3f}" for variant, score in sorted(scores.items(), key=lambda item: item[1]))
    )


def main() -> None:
    """Print what was asked for; without a name everything."""
    parts = {"speed": speed, "bfloat16": bfloat16, "music": music, "variants": variants}
    for name in sys.argv[1:] or parts:
        if name in {"music", "variants"} and not MUSIC.exists():
            print(f"{name}: the real data in ../shared is not here: nothing to measure on")
        else:
            parts[name]()


if __name__ == "__main__":
    main()
