import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.labels.classifier import (
    TextBatches,
    TextClassifier,
    TextNetwork,
    fit_classifier,
    readable,
    start_vectors,
    text_batch,
)
from models.labels.settings import LogisticSettings, LstmSettings, NeighbourSettings
from models.labels.storage import KINDS, ClassifierError, LabelModel, as_tensors, from_tensors
from models.labels.tfidf import fit_logistic, fit_majority, fit_neighbours, fit_tfidf
from models.labels.words import UNKNOWN, Labelled, Texts, WordList
from models.training.loop import NonFiniteLossError
from models.training.settings import TrainingSettings

N_IDS = 12
TRAINING = TrainingSettings(epochs=3, learning_rate=0.02, schedule="cosine", patience=3, device="cpu")
SETTINGS = LstmSettings(
    vector_size=6, hidden_size=5, n_head=6, n_tail=4, batch_size=8, fewest_updates=0, training=TRAINING
)


def ordered_texts(n=80, seed=1):
    """Documents of 2 to 12 words whose label is told by the order of two of them alone: no bag of words can know it."""
    draws = np.random.default_rng(seed)
    documents, labels = [], draws.integers(2, size=n)
    for label in labels:
        words = draws.integers(4, N_IDS, size=draws.integers(0, 11)).tolist()
        first, second = sorted(draws.integers(len(words) + 1, size=2))
        pair = (2, 3) if label else (3, 2)
        words.insert(second, pair[1])
        words.insert(first, pair[0])
        documents.append(words)
    ids = np.array([number for words in documents for number in words], np.int32)
    return Labelled(Texts(ids, np.cumsum([0, *map(len, documents)])), labels, 2)


def random_start():
    return start_vectors(N_IDS, np.empty((0, 6), np.float32), np.empty(0, np.int64), SETTINGS)


@pytest.mark.parametrize("has_peepholes", [False, True])
def test_what_is_said_of_a_document_does_not_depend_on_its_company(has_peepholes):
    torch.manual_seed(0)
    network = TextNetwork(torch.from_numpy(random_start()), 2, replace(SETTINGS, has_peepholes=has_peepholes)).eval()
    texts = ordered_texts().texts
    together = text_batch(texts, np.arange(8))
    alone = torch.cat(
        [network(batch.ids, batch.lengths) for batch in (text_batch(texts, np.array([row])) for row in range(8))]
    )
    # float32, other order of sums.
    torch.testing.assert_close(network(together.ids, together.lengths), alone, rtol=1e-4, atol=1e-6)


def test_both_readers_read_every_word_one_from_each_end():
    network = TextNetwork(torch.from_numpy(random_start()), 2, SETTINGS).eval()
    network.back.load_state_dict(network.ahead.state_dict())
    with torch.no_grad():
        # The mean of the second reader's states counts as that of the first does, and so does its maximum; between them
        # are six of the words' own numbers.
        weight = network.out.weight
        weight[:, 5:10], weight[:, 21:] = weight[:, :5], weight[:, 16:21]
    ids = torch.tensor([[2, 3, 4, 5], [6, 7, 8, 0]])
    turned = torch.tensor([[5, 4, 3, 2], [8, 7, 6, 0]])
    lengths = torch.tensor([4, 3])
    torch.testing.assert_close(network(ids, lengths), network(turned, lengths))
    with torch.no_grad():
        network.out.weight[:, 5:10] += 1.0
    assert not torch.allclose(network(ids, lengths), network(turned, lengths))


def test_order_of_words_is_learned_which_no_bag_of_words_can():
    settings = replace(SETTINGS, hidden_size=12, dropout=0.0, training=replace(TRAINING, epochs=10))
    training, other = ordered_texts(n=240), ordered_texts(n=100, seed=2)
    classifier = fit_classifier(training, ordered_texts(n=60, seed=3), random_start(), settings)
    assert np.mean(classifier.probabilities(other.texts).argmax(axis=1) == other.labels) > 0.85
    assert classifier.history.epochs[-1].loss < classifier.history.epochs[0].loss


def test_the_same_again_has_the_same_bytes():
    training, validation = ordered_texts(), ordered_texts(n=20, seed=2)
    first, second = (fit_classifier(training, validation, random_start(), SETTINGS) for _ in range(2))
    assert np.array_equal(first.probabilities(validation.texts), second.probabilities(validation.texts))
    assert first.history == second.history
    third = fit_classifier(training, validation, random_start(), replace(SETTINGS, training=replace(TRAINING, seed=2)))
    assert not np.array_equal(first.probabilities(validation.texts), third.probabilities(validation.texts))


def test_batches_hold_every_document_once_in_lengths_alike_and_in_another_order_every_time():
    given = ordered_texts()
    generator = torch.Generator().manual_seed(1)
    batches = TextBatches(given.texts, given.labels, 8)
    epochs = [list(batches.draw(generator)) for _ in range(2)]
    for epoch in epochs:
        assert len(epoch) == len(batches) == 10
        seen = sorted(
            (batch.ids[row, : batch.lengths[row]].tolist(), int(batch.labels[row]))
            for batch in epoch
            for row in range(8)
        )
        documents = zip(given.texts.starts[:-1], given.texts.starts[1:], given.labels, strict=True)
        assert seen == sorted((given.texts.ids[begin:end].tolist(), int(label)) for begin, end, label in documents)
        n_padding = sum(int((batch.lengths.max() - batch.lengths).sum()) for batch in epoch)
        assert n_padding < 0.15 * len(given.texts.ids)
    assert [batch.ids.shape for batch in epochs[0]] != [batch.ids.shape for batch in epochs[1]]


def test_known_words_start_from_their_vectors_and_padding_from_nothing():
    known = np.array([[3.0, 4.0], [0.0, 5.0]], np.float32)
    vectors = start_vectors(5, known, np.array([2, 4]), SETTINGS)
    # Of length 5 both: half the root of 2 now.
    np.testing.assert_allclose(vectors[[2, 4]], known / 5.0 * np.sqrt(2) / 2, rtol=1e-6)
    assert vectors[0].tolist() == [0.0, 0.0]
    assert np.all(vectors[[1, 3]] != 0)
    assert start_vectors(500, np.empty((0, 6), np.float32), np.empty(0, np.int64), SETTINGS)[1:].std() == pytest.approx(
        0.5, abs=0.02
    )


def test_long_documents_are_read_as_their_beginning_and_their_end_and_empty_ones_as_an_unknown_word():
    texts = Texts(np.arange(2, 16, dtype=np.int32), np.array([0, 0, 14, 14]))
    cut = readable(texts, SETTINGS)
    assert cut.ids.tolist() == [UNKNOWN, *range(2, 8), *range(12, 16), UNKNOWN]
    assert cut.starts.tolist() == [0, 1, 11, 12]


def test_few_documents_are_passed_over_more_often_in_smaller_batches():
    settings = LstmSettings()
    assert [settings.documents_in_batch(n) for n in (10, 84, 400, 20_000)] == [4, 10, 32, 32]
    courses = [settings.course(n_batches) for n_batches in (3, 20, 5000)]
    assert [course.epochs for course in courses] == [30, 8, 4]
    assert [course.patience for course in courses] == [23, 6, 3]
    assert LstmSettings(batch_size=1).documents_in_batch(500) == 1


def test_loss_that_is_no_number_ends_the_training_and_the_best_weights_before_it_stay():
    training, validation = ordered_texts(), ordered_texts(n=20, seed=2)
    broken = random_start()
    broken[5] = np.nan
    with pytest.raises(NonFiniteLossError, match="epoch 0"):
        fit_classifier(training, validation, broken, SETTINGS)

    def spoil(progress):
        if (progress.epoch, progress.batch) == (1, progress.n_batches):
            training.labels[:] = -100  # which cross entropy leaves out: a mean over no document is no number

    classifier = fit_classifier(training, validation, random_start(), SETTINGS, report=spoil)
    assert classifier.stopped_at == (2, 0)
    assert len(classifier.history.epochs) == 2
    assert np.isfinite(classifier.probabilities(validation.texts)).all()


@pytest.fixture(scope="module")
def models() -> dict[str, LabelModel]:
    training = ordered_texts()
    words, labels = WordList(tuple("abcdefghij")), ("früh", "spät")
    tfidf = fit_tfidf(training.texts, N_IDS)
    fitted = (
        fit_majority(training),
        fit_neighbours(tfidf, training, NeighbourSettings(), 1),
        fit_logistic(tfidf, training, LogisticSettings(), 1),
        fit_classifier(training, ordered_texts(n=20, seed=2), random_start(), SETTINGS),
    )
    return {model.kind: model for model in (LabelModel(words, labels, one) for one in fitted)}


def test_every_kind_is_stored_as_arrays_and_notes_and_read_again(models):
    texts = ordered_texts(n=30, seed=7).texts
    assert tuple(models) == KINDS
    for model in models.values():
        tensors, notes = as_tensors(model)
        again = from_tensors(tensors, json.loads(json.dumps(notes)))
        assert again.words == model.words
        assert again.labels == model.labels
        assert np.array_equal(again.probabilities(texts), model.probabilities(texts))
        if isinstance(model.model, TextClassifier):
            assert again.model.history == model.model.history


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_something_else_are_refused(models, kind):
    tensors, notes = as_tensors(models[kind])
    with pytest.raises(ClassifierError, match="train it again"):
        from_tensors({name: array for name, array in tensors.items() if name in {"words_utf8", "idf"}}, notes)
    with pytest.raises(ClassifierError, match="train it again"):
        from_tensors(tensors, {**notes, "labels": ["a", "b", "c"]})
    with pytest.raises(ClassifierError, match="train it again"):
        from_tensors(tensors, {**notes, "kind": "another"})
