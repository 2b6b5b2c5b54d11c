"""A bidirectional LSTM over the words of a document that predicts its label.

Legend: n documents in a batch, T words of the longest, E vector size, H hidden size of a direction, K labels.

Two LSTMs read each document, one from its beginning and one from its end; the states of both at all words are pooled
into their maximum and their mean (Conneau et al. 2017 found the maximum better than the last state), the mean of the
words' vectors is put beside them, (n, 4H + E), and one linear layer makes K scores of it. Shorter documents are padded
at the end for both readers, so padding never reaches a state that counts: what is predicted of a document does not
depend on its company. The padded form is used, and not PyTorch's packed sequences, because those took nine times as
long (32 x 200 words, 100 to 64, one thread: 238 ms a training step against 26 ms).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models.labels.settings import LstmSettings
from models.labels.tfidf import softmax
from models.labels.words import PADDING, UNKNOWN, Labelled, Texts
from models.lstm.lstm import LSTM
from models.training.checkpoint import Checkpoint
from models.training.loop import BatchLoss, NonFiniteLossError, Progress, TrainingHistory, train
from models.training.runtime import seeded, torch_threads

# Of the numbers of words' vectors: film reviews were told apart at 90.7 % from this on, at 88.6 % from 0.1, where words
# moved far from where they started within an epoch, and were learned by heart.
SPREAD = 0.5
POOLED_BATCHES = 50  # that are sorted by length together: longer runs gain no speed, shorter ones pad more
TOKENS_AT_ONCE = 16_384  # of a batch that is only read: bounds memory (some 100 MB at 64 units a direction)


@dataclass(frozen=True)
class TextBatch:
    """`ids` (n, T) int64, PADDING after each document's end; `lengths` (n,) int64, 1 or more; `labels` (n,) int64."""

    ids: torch.Tensor
    lengths: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True)
class TextBatches:
    """Labelled documents in batches of about the same length: little padding, and still another order every epoch."""

    texts: Texts
    labels: np.ndarray
    batch_size: int

    def __len__(self) -> int:
        return math.ceil(len(self.texts) / self.batch_size)

    def draw(self, generator: torch.Generator) -> Iterator[TextBatch]:
        """The batches of one epoch."""
        order = torch.randperm(len(self.texts), generator=generator).numpy()
        lengths = self.texts.lengths
        pool = self.batch_size * POOLED_BATCHES
        pools = [order[begin : begin + pool] for begin in range(0, len(order), pool)]
        by_length = np.concatenate([part[np.argsort(lengths[part], kind="stable")] for part in pools])
        batches = [by_length[begin : begin + self.batch_size] for begin in range(0, len(by_length), self.batch_size)]
        for place in torch.randperm(len(batches), generator=generator).tolist():
            yield text_batch(self.texts, batches[place], self.labels)


class TextNetwork(nn.Module):
    """The network of the legend. Words' vectors start as given; the rest starts as PyTorch has it."""

    def __init__(self, vectors: torch.Tensor, n_labels: int, settings: LstmSettings) -> None:
        super().__init__()
        vector_size, hidden_size = vectors.shape[1], settings.hidden_size
        self.embedding = nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=PADDING)  # type: ignore[no-untyped-call]
        self.ahead = LSTM(vector_size, hidden_size, batch_first=True, peephole=settings.has_peepholes)
        self.back = LSTM(vector_size, hidden_size, batch_first=True, peephole=settings.has_peepholes)
        self.dropout = nn.Dropout(settings.dropout)
        self.out = nn.Linear(4 * hidden_size + vector_size, n_labels)

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Scores (n, K) of documents `ids` (n, T) of `lengths` (n,) words."""
        vectors = self.dropout(self.embedding(ids))
        place = torch.arange(ids.shape[1], device=ids.device)
        is_word = place < lengths[:, None]
        from_end = torch.where(is_word, lengths[:, None] - 1 - place, place)
        row = torch.arange(len(ids), device=ids.device)[:, None]
        states = torch.cat([self.ahead(vectors)[0], self.back(vectors[row, from_end])[0]], dim=2)
        # The readers' words are in opposite order, which neither pooling minds.
        mean = (torch.cat([states, vectors], dim=2) * is_word[..., None]).sum(1) / lengths[:, None]
        most = states.masked_fill(~is_word[..., None], -torch.inf).amax(1)
        return self.out(self.dropout(torch.cat([mean, most], dim=1)))


@dataclass(frozen=True)
class TextClassifier:
    """A trained network, the `history` of its training, and `stopped_at`, epoch and batch of a loss of no number."""

    network: TextNetwork
    settings: LstmSettings
    history: TrainingHistory
    stopped_at: tuple[int, int] | None = None

    def probabilities(self, texts: Texts) -> np.ndarray:
        """(n, K) float64. A document without words is read as one unknown word."""
        cut = readable(texts, self.settings)
        order = np.argsort(cut.lengths, kind="stable")
        predicted = np.empty((len(texts), self.network.out.out_features))
        self.network.eval()
        with torch.no_grad(), torch_threads(self.settings.training.threads):
            for rows in _parts(order, cut.lengths):
                batch = text_batch(cut, rows)
                predicted[rows] = self.network(batch.ids, batch.lengths).double().numpy()
        return softmax(predicted)


def fit_classifier(
    training: Labelled,
    validation: Labelled,
    vectors: np.ndarray,
    settings: LstmSettings,
    *,
    report: Callable[[Progress], None] | None = None,
    resume: Checkpoint | None = None,
    checkpoint: Callable[[Checkpoint], None] | None = None,
) -> TextClassifier:
    """A classifier trained on `training` and stopped by the log loss on `validation`.

    `vectors` (V, E) float32 are what words' vectors start from (`start_vectors`). The same arguments give the same
    weights. A loss that is no number ends the training: the best weights before it stay. NonFiniteLossError where that
    happens in the first epoch. `report`, `resume` and `checkpoint` are those of `models.training.loop.train`.
    """
    with seeded(settings.training.seed):
        network = TextNetwork(torch.from_numpy(vectors.copy()), training.n_labels, settings)
    batches = TextBatches(
        readable(training.texts, settings), training.labels, settings.documents_in_batch(len(training))
    )
    held_out = readable(validation.texts, settings)
    parts = [
        text_batch(held_out, rows, validation.labels)
        for rows in _parts(np.argsort(held_out.lengths, kind="stable"), held_out.lengths)
    ]

    def log_loss(module: nn.Module) -> float:
        device = next(module.parameters()).device
        total = 0.0
        for batch in parts:
            scores = module(batch.ids.to(device), batch.lengths.to(device))
            total += nn.functional.cross_entropy(scores, batch.labels.to(device), reduction="sum").item()
        return total / len(held_out)

    try:
        history = train(
            network,
            batches,
            _loss,
            log_loss,
            settings.course(len(batches)),
            report=report,
            resume=resume,
            checkpoint=checkpoint,
        )
    except NonFiniteLossError as error:
        if not error.history.epochs:
            raise
        return TextClassifier(network, settings, error.history, (error.epoch, error.batch))
    return TextClassifier(network, settings, history)


def start_vectors(n_ids: int, known: np.ndarray, places: np.ndarray, settings: LstmSettings) -> np.ndarray:
    """What words' vectors start from, (n_ids, E) float32: `known` (m, E) at `places` (m,), scaled to a mean length of
    SPREAD · √E; numbers drawn with the standard deviation SPREAD elsewhere; 0 for the padding.
    """
    size = known.shape[1] if len(known) else settings.vector_size
    draws = np.random.default_rng(settings.training.seed)
    vectors = draws.normal(0.0, SPREAD, (n_ids, size)).astype(np.float32)
    if len(known):
        mean_length = float(np.linalg.norm(known.astype(np.float64), axis=1).mean()) or 1.0
        vectors[places] = known * (SPREAD * math.sqrt(size) / mean_length)
    vectors[PADDING] = 0.0
    return vectors


def readable(texts: Texts, settings: LstmSettings) -> Texts:
    """The documents cut as the settings say, and an unknown word in each that has none."""
    cut = texts.cut(settings.n_head, settings.n_tail)
    lengths = cut.lengths
    if lengths.size and lengths.min() == 0:
        ids = np.insert(cut.ids, cut.starts[:-1][lengths == 0], UNKNOWN)
        return Texts(ids, np.concatenate([[0], np.cumsum(np.maximum(lengths, 1))]))
    return cut


def text_batch(texts: Texts, rows: np.ndarray, labels: np.ndarray | None = None) -> TextBatch:
    """The documents `rows`, padded to the longest of them; without `labels` all have label 0."""
    lengths = texts.lengths[rows]
    place = np.arange(lengths.max())
    is_word = place < lengths[:, None]
    ids = np.full(is_word.shape, PADDING, np.int64)
    ids[is_word] = texts.take(rows).ids
    given = np.zeros(len(rows), np.int64) if labels is None else labels[rows].astype(np.int64)
    return TextBatch(torch.from_numpy(ids), torch.from_numpy(lengths), torch.from_numpy(given))


def _loss(module: nn.Module, batch: TextBatch, _state: None) -> BatchLoss:
    return BatchLoss(nn.functional.cross_entropy(module(batch.ids, batch.lengths), batch.labels), len(batch.labels))


def _parts(order: np.ndarray, lengths: np.ndarray) -> Iterator[np.ndarray]:
    """`order` (by rising length) in parts of TOKENS_AT_ONCE words or less with their padding; one document at least."""
    begin = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or (end + 1 - begin) * lengths[order[end]] > TOKENS_AT_ONCE:
            yield order[begin:end]
            begin = end
