"""Training of a PyTorch module by gradient descent: one loop for every network here.

Back propagation through time can be truncated (Williams and Peng 1990, with as many steps back as between two updates):
a batch is cut into chunks of `chunk_length` steps, each chunk is an update of its own, and the state that one chunk
ends with, cut off from its past, is what the next one starts from.

The same module, batches and settings give the same weights, bit for bit on one processor thread: initial state of all
generators comes from `settings.seed`, the global ones are given back as they were, and a checkpoint holds them all.
Nothing here reads a clock or a disk. Deliberately not here: several optimisers, accumulation of gradients over batches,
several devices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import nn

from models.training.checkpoint import Checkpoint, make_checkpoint, restore, weights_of
from models.training.runtime import choose_device, detached, seeded, to_device, torch_threads
from models.training.settings import TrainingSettings, learning_rate

B = TypeVar("B")
B_co = TypeVar("B_co", covariant=True)


class Batches(Protocol[B_co]):
    """Training data: how many batches an epoch has, and those of an epoch, drawn with the loop's own generator."""

    def __len__(self) -> int:
        """How many batches `draw` gives."""

    def draw(self, generator: torch.Generator) -> Iterable[B_co]:
        """The batches of one epoch, in an order that `generator` alone decides."""


@dataclass(frozen=True)
class TensorBatches:
    """Tensors with the same number n of rows, cut into batches (tuples) of `batch_size` rows, anew every epoch."""

    tensors: tuple[torch.Tensor, ...]
    batch_size: int

    def __len__(self) -> int:
        return math.ceil(len(self.tensors[0]) / self.batch_size)

    def draw(self, generator: torch.Generator) -> Iterator[tuple[torch.Tensor, ...]]:
        """The batches of one epoch."""
        order = torch.randperm(len(self.tensors[0]), generator=generator)
        for begin in range(0, len(order), self.batch_size):
            yield tuple(tensor[order[begin : begin + self.batch_size]] for tensor in self.tensors)


@dataclass(frozen=True)
class BatchLoss:
    """Mean loss over `n` samples (with its graph), and the recurrent state after them (None where there is none)."""

    loss: torch.Tensor
    n: int
    state: Any = None


@dataclass(frozen=True)
class Progress:
    """How far a training is: `batch` of `n_batches` in `epoch` (from 0) of `n_epochs`; samples since this call began;
    mean loss of the epoch so far; the last validation.
    """

    epoch: int
    n_epochs: int
    batch: int
    n_batches: int
    n_samples: int
    loss: float
    validation: float | None

    @property
    def share_done(self) -> float:
        """Of all batches of all epochs."""
        return (self.epoch * self.n_batches + self.batch) / max(self.n_epochs * self.n_batches, 1)


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to: mean loss a sample, validation (lower is better; None where there was none, or it was no
    number), learning rate at its end, and norms of the gradients before clipping: mean and largest of all together,
    mean by parameter; share of updates that were clipped by norm.
    """

    epoch: int
    loss: float
    validation: float | None
    learning_rate: float
    gradient_norm: float
    gradient_norm_max: float
    clipped_share: float
    gradient_norms: Mapping[str, float]
    n_samples: int


@dataclass(frozen=True)
class TrainingHistory:
    """All epochs, which of them gave the module its weights (None: none was done), and whether patience ended it."""

    epochs: tuple[Epoch, ...]
    best_epoch: int | None
    is_stopped_early: bool

    def as_notes(self) -> dict[str, Any]:
        """The same as values that JSON has a form for, for a model's card."""
        return {
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "best_epoch": self.best_epoch,
            "is_stopped_early": self.is_stopped_early,
        }


class NonFiniteLossError(ArithmeticError):
    """Training met a loss or gradient that is no number, in `batch` (from 0) of `epoch` (from 0).

    The module has the best weights of the epochs before it (its first ones where there was none); `history` are those
    epochs; `checkpoint` is the state after the last of them, from which training can go on with another learning rate.
    """

    def __init__(self, epoch: int, batch: int, history: TrainingHistory, checkpoint: Checkpoint) -> None:
        super().__init__(
            f"the loss is no number at epoch {epoch}, batch {batch}: lower the learning rate or clip gradients lower"
        )
        self.epoch, self.batch, self.history, self.checkpoint = epoch, batch, history, checkpoint


class _NoNumberError(Exception):
    """Within an epoch: the batch whose loss or gradient is no number."""

    def __init__(self, batch: int) -> None:
        super().__init__(batch)
        self.batch = batch


@dataclass
class _Course:
    """What changes from epoch to epoch beside the weights."""

    epochs: list[Epoch] = field(default_factory=list)
    best: float = math.inf
    best_epoch: int | None = None
    n_worse: int = 0
    n_worse_at_this_rate: int = 0
    plateau_scale: float = 1.0


@dataclass
class _Training(Generic[B]):
    """The parts of one training, so that each can be a function of its own."""

    module: nn.Module
    optimiser: torch.optim.Optimizer
    batches: Batches[B]
    loss_of: Callable[[nn.Module, B, Any], BatchLoss]
    settings: TrainingSettings
    device: torch.device
    generator: torch.Generator
    chunks_of: Callable[[B, int], Iterable[B]]
    report: Callable[[Progress], None] | None
    course: _Course
    n_samples: int = 0  # since this call began


def time_chunks(batch: Sequence[torch.Tensor], length: int) -> Iterator[tuple[torch.Tensor, ...]]:
    """A batch of tensors, all (n, T, ...), cut in time into tuples of (n, `length` or less, ...)."""
    return zip(*(torch.split(tensor, length, dim=1) for tensor in batch), strict=True)


def train(
    module: nn.Module,
    batches: Batches[B],
    loss_of: Callable[[nn.Module, B, Any], BatchLoss],
    validate: Callable[[nn.Module], float] | None,
    settings: TrainingSettings,
    *,
    resume: Checkpoint | None = None,
    checkpoint: Callable[[Checkpoint], None] | None = None,
    report: Callable[[Progress], None] | None = None,
    chunks_of: Callable[[Any, int], Iterable[Any]] = time_chunks,
) -> TrainingHistory:
    """Train `module` in place and return how it went; the module ends with the weights of the best validation, on the
    device it was on.

    `loss_of(module, batch, state)` gives a batch's loss; `state` is None at a sequence's start, else what it returned
    for the chunk before, detached. `validate(module)`, lower is better, is called after each epoch with the module in
    evaluation and without gradients; it must draw no random numbers. Without it the last weights are kept, and plateaus
    and patience go by the training loss. `checkpoint` is handed the state after every epoch, from which `resume` goes
    on to the same bytes. `report` is called after every batch. `chunks_of` cuts a batch in time where
    `settings.chunk_length` asks for it. NonFiniteLossError, CheckpointError.
    """
    home = next(module.parameters()).device
    device = choose_device(settings.device)
    with torch_threads(settings.threads), seeded(settings.seed, device):
        module.to(device)
        try:
            generator = torch.Generator().manual_seed(settings.seed)
            training = _Training(
                module,
                _optimiser(module, settings),
                batches,
                loss_of,
                settings,
                device,
                generator,
                chunks_of,
                report,
                _Course(),
            )
            return _run(training, validate, resume, checkpoint)
        finally:
            module.to(home)
            module.zero_grad(set_to_none=True)


def _run(
    training: _Training[B],
    validate: Callable[[nn.Module], float] | None,
    resume: Checkpoint | None,
    keep: Callable[[Checkpoint], None] | None,
) -> TrainingHistory:
    module, settings = training.module, training.settings
    best: dict[str, torch.Tensor] = {}
    if resume is not None:
        restore(resume, module, training.optimiser, settings)
        best = resume.part("best")
        training.course = _resumed(resume, training)
    course = training.course
    state = _checkpoint(training, best)
    is_stopped = bool(settings.patience) and course.n_worse >= settings.patience
    while len(course.epochs) < settings.epochs and not is_stopped:
        number = len(course.epochs)
        module.train()
        try:
            epoch = _epoch(training, number)
        except _NoNumberError as error:
            module.load_state_dict(best or state.part("module"))
            history = TrainingHistory(tuple(course.epochs), course.best_epoch, is_stopped_early=False)
            raise NonFiniteLossError(number, error.batch, history, state) from None
        value = epoch.loss if validate is None else _validated(module, validate)
        if validate is not None and math.isfinite(value):
            epoch = replace(epoch, validation=value)
        course.epochs.append(epoch)
        if _is_better(course, value, settings):
            best = weights_of(module) if validate is not None else {}
        is_stopped = bool(settings.patience) and course.n_worse >= settings.patience
        state = _checkpoint(training, best)
        if keep is not None:
            keep(state)
    if best:
        module.load_state_dict(best)
    best_epoch = course.best_epoch if best else len(course.epochs) - 1 if course.epochs else None
    return TrainingHistory(tuple(course.epochs), best_epoch, is_stopped)


def _epoch(training: _Training[B], number: int) -> Epoch:
    """One pass over the batches. _NoNumberError, before the update, where a loss or gradient is no number."""
    settings, course, n_batches = training.settings, training.course, len(training.batches)
    total, n_seen, rate = 0.0, 0, 0.0
    norms: list[list[float]] = []
    state: Any = None
    last = course.epochs[-1].validation if course.epochs else None
    for place, batch in enumerate(training.batches.draw(training.generator)):
        # Half of this batch counts as done: at 0 and at 1 the rate may be 0, and the update would be for nothing.
        rate = learning_rate(
            settings, (number * n_batches + place + 0.5) / (settings.epochs * n_batches), course.plateau_scale
        )
        for group in training.optimiser.param_groups:
            group["lr"] = rate
        state = state if settings.carry_state else None
        moved = to_device(batch, training.device)
        for chunk in training.chunks_of(moved, settings.chunk_length) if settings.chunk_length else (moved,):
            found = training.loss_of(training.module, chunk, state)
            loss = found.loss.item()
            if not math.isfinite(loss):
                raise _NoNumberError(place)
            training.optimiser.zero_grad(set_to_none=True)
            found.loss.backward()  # type: ignore[no-untyped-call]  # torch's own
            norms.append(_clip(training.module, settings))
            if not math.isfinite(norms[-1][0]):
                raise _NoNumberError(place)
            training.optimiser.step()
            state = detached(found.state)
            total, n_seen = total + loss * found.n, n_seen + found.n
            training.n_samples += found.n
        if training.report is not None:
            done = Progress(
                number, settings.epochs, place + 1, n_batches, training.n_samples, total / max(n_seen, 1), last
            )
            training.report(done)
    if not norms:
        raise ValueError("there is no batch to train on")
    names = [name for name, parameter in training.module.named_parameters() if parameter.requires_grad]
    by_update = torch.tensor(norms, dtype=torch.float64)
    mean = by_update.mean(0).tolist()
    clipped = float((by_update[:, 0] > settings.clip_norm).double().mean()) if settings.clip_norm else 0.0
    by_name = dict(zip(names, mean[1:], strict=True))
    return Epoch(
        number, total / max(n_seen, 1), None, rate, mean[0], float(by_update[:, 0].max()), clipped, by_name, n_seen
    )


def _clip(module: nn.Module, settings: TrainingSettings) -> list[float]:
    """Clip the gradients, first by value, then by norm; returns the norms before: of all together, then of each
    parameter (0 where it has no gradient).
    """
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norms = [
        torch.zeros(()) if parameter.grad is None else torch.linalg.vector_norm(parameter.grad)
        for parameter in parameters
    ]
    by_parameter = torch.stack([norm.to("cpu", torch.float64) for norm in norms])
    total = float(torch.linalg.vector_norm(by_parameter))
    if settings.clip_value:
        nn.utils.clip_grad_value_(parameters, settings.clip_value)
        clipped = float(
            torch.linalg.vector_norm(
                torch.stack([torch.linalg.vector_norm(g).to("cpu", torch.float64) for g in gradients])
            )
        )
    else:
        clipped = total
    if settings.clip_norm and clipped > settings.clip_norm:
        for gradient in gradients:
            gradient.mul_(settings.clip_norm / clipped)
    return [total, *by_parameter.tolist()]


def _optimiser(module: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """The optimiser over all parameters that want gradients; fused, as unfused steps cost more than small networks."""
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if settings.optimiser == "sgd":
        return torch.optim.SGD(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True)
    kind = torch.optim.AdamW if settings.optimiser == "adamw" else torch.optim.Adam
    return kind(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True)


def _validated(module: nn.Module, validate: Callable[[nn.Module], float]) -> float:
    module.eval()
    with torch.no_grad():
        return float(validate(module))


def _is_better(course: _Course, value: float, settings: TrainingSettings) -> bool:
    """Whether `value` makes the last epoch the best so far; counts in `course` what patience and plateaus go by."""
    if value < course.best:
        course.best, course.best_epoch, course.n_worse, course.n_worse_at_this_rate = (
            value,
            course.epochs[-1].epoch,
            0,
            0,
        )
        return True
    course.n_worse += 1
    course.n_worse_at_this_rate += 1
    if course.n_worse_at_this_rate >= settings.plateau_patience:
        course.plateau_scale *= settings.plateau_factor
        course.n_worse_at_this_rate = 0
    return False


def _checkpoint(training: _Training[Any], best: Mapping[str, torch.Tensor]) -> Checkpoint:
    generators = {"draws": training.generator.get_state(), "cpu": torch.get_rng_state()}
    if training.device.type == "cuda":
        generators["cuda"] = torch.cuda.get_rng_state(training.device)
    course = asdict(training.course)
    # JSON has no infinity: before the first epoch there is no best.
    notes = {
        **course,
        "best": None if math.isinf(training.course.best) else training.course.best,
        "settings": asdict(training.settings),
    }
    return make_checkpoint(training.module, training.optimiser, generators, best, notes)


def _resumed(checkpoint: Checkpoint, training: _Training[Any]) -> _Course:
    """The course of `checkpoint`, with all generators in its states."""
    generators = checkpoint.part("generator")
    training.generator.set_state(generators["draws"])
    torch.set_rng_state(generators["cpu"])
    if training.device.type == "cuda" and "cuda" in generators:
        torch.cuda.set_rng_state(generators["cuda"], training.device)
    kept = {**checkpoint.notes, "epochs": [Epoch(**epoch) for epoch in checkpoint.notes["epochs"]]}
    kept["best"] = math.inf if kept["best"] is None else kept["best"]
    return _Course(**{name: value for name, value in kept.items() if name != "settings"})
