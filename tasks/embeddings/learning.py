"""Either model of word vectors, learned from an encoded corpus: word2vec, which can be resumed, and GloVe."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.embeddings.glove import train_glove
from models.embeddings.word2vec import Word2Vec, train_word2vec
from models.embeddings.word2vec_loss import held_out_loss, unigram_loss, untrained_loss
from models.embeddings.word2vec_state import TrainingStateError, WarmStart
from tasks.embeddings.data import EncodedCorpus, LanguageCorpus
from tasks.embeddings.start import Start, read_start
from tasks.lake.checkpoints import Checkpoints
from tasks.lake.layout import Lake
from tasks.lake.progress import reporter
from tasks.learning.model_store import Score

HELD_OUT_LOSS = ("loss_per_pair", "held_out")


@dataclass(frozen=True)
class Learned:
    """What either model leaves: for each word its id in the vocabulary, count and vector; tensors, scores, notes."""

    token_ids: np.ndarray
    counts: np.ndarray
    vectors: np.ndarray
    tensors: Mapping[str, np.ndarray]
    scores: Sequence[Score]
    notes: Mapping[str, Any]
    min_count: int


def learn_word2vec(lake: Lake, corpus: LanguageCorpus, encoded: EncodedCorpus, checkpoints: Checkpoints) -> Learned:
    """The model of word2vec. NothingToLearnError where the corpus is too small."""
    training, start = encoded.training, corpus.start
    settings = corpus.settings.for_corpus(training.token_ids.size, is_warm=start is not None)
    warm = _warm_start(lake, start, encoded.vocabulary, has_outputs=not settings.hs) if start is not None else None
    n_in_all = settings.epochs * training.token_ids.size
    tell = _teller(corpus.lang, n_in_all)
    state = checkpoints.load()
    while True:
        try:
            model = train_word2vec(
                training.token_ids,
                training.sentence_starts,
                encoded.counts,
                settings,
                lambda progress: tell(progress.n_tokens_done, progress.loss),
                warm_start=warm,
                resume=state,
                checkpoint=checkpoints.save,
            )
            break
        except TrainingStateError:
            if state is None:
                raise
            state = None  # a checkpoint that does not fit was not left by this training
    notes = {
        "epochs": settings.epochs,
        "n_words_trained": model.n_words_trained,
        "n_tokens_trained": n_in_all,
        "losses": list(model.losses),
        "loss_is": "mean over pairs, nats",
        "n_tokens_resumed": int(sum(epoch[3] for epoch in state.notes["epochs"])) if state is not None else 0,
    }
    return Learned(
        token_ids=model.token_ids,
        counts=model.counts,
        vectors=model.vectors,
        tensors={"vectors": model.vectors, "output_vectors": model.output_vectors},
        scores=_losses(model, encoded),
        notes=notes,
        min_count=settings.min_count,
    )


def learn_glove(_lake: Lake, corpus: LanguageCorpus, encoded: EncodedCorpus, _checkpoints: Checkpoints) -> Learned:
    """The model of GloVe, which is learned in one go. NothingToLearnError where the corpus is too small."""
    training, settings = encoded.training, corpus.settings.for_glove()
    n_tokens = training.token_ids.size
    tell = _teller(corpus.lang, settings.epochs * n_tokens)
    model = train_glove(
        training.token_ids,
        training.sentence_starts,
        encoded.counts,
        settings,
        lambda epoch, loss: tell((epoch + 1) * n_tokens, loss),
    )
    first, last = model.losses[0], model.losses[-1]
    notes = {
        "epochs": settings.epochs,
        "n_entries": model.n_entries,
        "n_tokens_trained": n_tokens * settings.epochs,
        "losses": list(model.losses),
        "loss_is": "mean of f(X) e^2 over entries",
    }
    return Learned(
        token_ids=model.token_ids,
        counts=model.counts,
        vectors=model.vectors,
        tensors={"vectors": model.vectors},
        scores=[Score("loss_per_entry", "training", last, "first_epoch", first, better="lower")],
        notes=notes,
        min_count=settings.min_count,
    )


def _teller(lang: str, n_tokens_in_all: int) -> Callable[[int, float], None]:
    """Tells of tokens done (over all epochs), and loss; its speed is that since the first call."""
    report, began = reporter(lang), time.monotonic()
    n_at_first: int | None = None

    def tell(n_tokens_done: int, loss: float) -> None:
        nonlocal n_at_first
        n_at_first = n_tokens_done if n_at_first is None else n_at_first
        speed = (n_tokens_done - n_at_first) / max(time.monotonic() - began, 1e-9)
        report(n_tokens_done / n_tokens_in_all, f"loss {loss:.4f}, {speed / 1e6:.2f} M tokens/s")

    return tell


def _losses(model: Word2Vec, encoded: EncodedCorpus) -> list[Score]:
    """Loss a pair: of the last epoch beside an untrained model's, on held-out sentences beside that of frequencies."""
    untrained = "untrained", untrained_loss(model)
    scores = [Score("loss_per_pair", "training", model.losses[-1], *untrained, better="lower")]
    text = encoded.held_out
    if text.token_ids.size:
        loss = held_out_loss(model, text.token_ids, text.sentence_starts)
        if np.isfinite(loss):
            unigram = unigram_loss(model, text.token_ids, text.sentence_starts)
            scores.append(Score(*HELD_OUT_LOSS, loss, "word_frequencies", unigram, better="lower"))
    return scores


def _warm_start(lake: Lake, start: Start, vocabulary: pa.Array, *, has_outputs: bool) -> WarmStart:
    """The earlier model's vectors for the words of the vocabulary that it knew."""
    terms, vectors, outputs = read_start(lake, start)
    rows = pc.fill_null(pc.index_in(vocabulary, pa.array(terms, pa.string())), -1).to_numpy(zero_copy_only=False)
    return WarmStart(rows, vectors, outputs if has_outputs else None)
