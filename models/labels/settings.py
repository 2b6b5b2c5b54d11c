"""Settings of text classifiers, kept apart so that planning a run never loads PyTorch or scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from models.training.settings import TrainingSettings

FEWEST_IN_BATCH = 4  # our choice: a gradient of fewer is mostly noise


@dataclass(frozen=True)
class WordListSettings:
    """Which words a classifier knows: the `most_words` most frequent of `min_count` occurrences or more in training."""

    min_count: int = 2
    most_words: int = 30_000


@dataclass(frozen=True)
class NeighbourSettings:
    """k nearest neighbours: `ks` that are tried, leaving one out, on at most `most_queries` training documents."""

    ks: tuple[int, ...] = (1, 3, 5, 9, 15, 25, 45)
    most_queries: int = 1_000


@dataclass(frozen=True)
class LogisticSettings:
    """Logistic regression: strengths `cs` (inverses of the penalty) that are tried, by `n_folds` cross-validation."""

    cs: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0)
    n_folds: int = 3
    most_iterations: int = 300


@dataclass(frozen=True)
class LstmSettings:
    """The network: `vector_size` of words (that of the given word vectors where there are any), `hidden_size` of each
    direction, whether its gates have peepholes, `dropout` of words' vectors and of what is pooled. A longer document is
    read as its first `n_head` and last `n_tail` words.

    A batch is a `batches_at_least`-th of the documents, `batch_size` at most and FEWEST_IN_BATCH at least. `training`
    is as it stands but for epochs: so many that `fewest_updates` are made, `training.epochs` at least, `most_epochs` at
    most; patience grows with them.
    """

    vector_size: int = 100
    hidden_size: int = 64
    has_peepholes: bool = False
    dropout: float = 0.5
    n_head: int = 200
    n_tail: int = 200
    batch_size: int = 32
    batches_at_least: int = 8
    fewest_updates: int = 150
    most_epochs: int = 30
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=4, learning_rate=2e-3, schedule="cosine", warm_up_share=0.05, patience=3
        )
    )

    def documents_in_batch(self, n_documents: int) -> int:
        """How many documents are a batch where there are so many in all."""
        return max(min(self.batch_size, n_documents // self.batches_at_least), min(FEWEST_IN_BATCH, self.batch_size))

    def course(self, n_batches: int) -> TrainingSettings:
        """How the network is trained where an epoch has so many batches."""
        enough = -(-self.fewest_updates // max(n_batches, 1))
        epochs = max(self.training.epochs, min(enough, self.most_epochs))
        return replace(
            self.training, epochs=epochs, patience=-(-self.training.patience * epochs // self.training.epochs)
        )


@dataclass(frozen=True)
class ClassifierSettings:
    """Settings of the words and of the three learners; majority has none."""

    words: WordListSettings = field(default_factory=WordListSettings)
    neighbours: NeighbourSettings = field(default_factory=NeighbourSettings)
    logistic: LogisticSettings = field(default_factory=LogisticSettings)
    lstm: LstmSettings = field(default_factory=LstmSettings)
    seed: int = 1
