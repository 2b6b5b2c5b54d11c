import json
from dataclasses import replace

import numpy as np
import pytest
from support.topic_corpus import SMALL, corpus

from models.embeddings.word2vec import Word2VecError, start_matrices, train_word2vec
from models.embeddings.word2vec_state import TrainingStateError, WarmStart
from models.training.state import TrainingState

pytestmark = pytest.mark.slow  # numba compiles the kernel in some seconds

MODELS = [(1, 0), (0, 0), (1, 1), (0, 1)]


def states_of(settings, text=None, **more):
    """The trained model, and the states that it gave out, as they come back from a disk."""
    states = []

    def keep(state):
        tensors = {
            name: np.frombuffer(tensor.tobytes(), tensor.dtype).reshape(tensor.shape)
            for name, tensor in state.tensors.items()
        }
        states.append(TrainingState(tensors, json.loads(json.dumps(state.notes))))

    return train_word2vec(*(text or corpus()), settings, checkpoint=keep, **more), states


def same(model, other):
    assert model.vectors.tobytes() == other.vectors.tobytes()
    assert model.output_vectors.tobytes() == other.output_vectors.tobytes()
    assert (model.losses, model.n_words_trained) == (other.losses, other.n_words_trained)


@pytest.mark.parametrize(("sg", "hs"), MODELS)
def test_training_goes_on_to_the_same_bytes_from_every_epoch(sg, hs):
    settings = replace(SMALL, sg=sg, hs=hs, epochs=4, shards=2)
    straight, states = states_of(settings)
    assert [len(state.notes["epochs"]) for state in states] == [1, 2, 3, 4]
    same(straight, train_word2vec(*corpus(), settings))
    for state in states:
        same(straight, train_word2vec(*corpus(), replace(settings, workers=2), resume=state))


def test_training_goes_on_to_the_same_bytes_from_the_middle_of_an_epoch(monkeypatch):
    monkeypatch.setattr("models.embeddings.word2vec_epochs.TOKENS_PER_REPORT", 1)  # after every round
    settings = replace(SMALL, shards=2)
    straight, states = states_of(settings, corpus(600))
    assert len(states) > 2 * settings.epochs
    for place in range(0, len(states), len(states) // 5):
        again, later = states_of(settings, corpus(600), resume=states[place])
        same(straight, again)
        assert len(later) == len(states) - place - 1


def test_state_that_is_copied_outlives_the_training():
    states = []
    model = train_word2vec(*corpus(), SMALL, checkpoint=lambda state: states.append(state.copy()))
    same(model, train_word2vec(*corpus(), SMALL, resume=states[0]))
    assert not np.array_equal(states[0].tensors["inputs"], states[-1].tensors["inputs"])


def earlier(model, rows, *, outputs=True):
    return WarmStart(rows, model.vectors, model.output_vectors if outputs else None)


def rows_in(model, n_types):
    rows = np.full(n_types, -1)
    rows[model.token_ids] = np.arange(model.token_ids.size)
    return rows


@pytest.mark.parametrize(
    ("changes", "text", "warm", "named"),
    [({"alpha": 0.2}, {}, False, "settings"), ({}, {"seed": 4}, False, "corpus"), ({}, {}, True, "start vectors")],
)
def test_state_of_another_training_is_refused(changes, text, warm, named):
    model, states = states_of(SMALL)
    token_ids, starts, counts = corpus(**text)
    start = earlier(model, rows_in(model, counts.size)) if warm else None
    with pytest.raises(TrainingStateError, match=named):
        train_word2vec(token_ids, starts, counts, replace(SMALL, **changes), resume=states[0], warm_start=start)


def test_state_with_tensors_of_another_form_is_refused():
    _, (state, _) = states_of(SMALL)
    for tensors in ({"inputs": state.tensors["inputs"]}, {name: tensor[:-1] for name, tensor in state.tensors.items()}):
        with pytest.raises(TrainingStateError, match="another form"):
            train_word2vec(*corpus(), SMALL, resume=TrainingState(tensors, state.notes))


@pytest.mark.parametrize(("sg", "hs"), MODELS)
def test_known_words_start_where_they_were_and_new_ones_as_usual(sg, hs):
    still = replace(SMALL, sg=sg, hs=hs, alpha=0.0, min_alpha=0.0, epochs=1)
    model = train_word2vec(*corpus(), replace(SMALL, sg=sg, hs=hs))
    token_ids, starts, counts = corpus(400, seed=8)
    rows = rows_in(model, counts.size)
    rows[model.token_ids[3]] = -1
    warm = train_word2vec(token_ids, starts, counts, still, warm_start=earlier(model, rows, outputs=not hs))
    usual = start_matrices(warm.token_ids.size, still)[0][:, : SMALL.vector_size]
    known = rows[warm.token_ids] >= 0
    assert known.sum() > 10
    assert not known.all()
    assert warm.vectors[known].tolist() == model.vectors[rows[warm.token_ids[known]]].tolist()
    assert warm.vectors[~known].tolist() == usual[~known].tolist()
    if hs:
        assert not warm.output_vectors.any()
    else:
        assert warm.output_vectors[known].tolist() == model.output_vectors[rows[warm.token_ids[known]]].tolist()
        assert not warm.output_vectors[~known].any()


def test_warm_start_begins_with_less_loss_and_resumes_to_the_same_bytes():
    model = train_word2vec(*corpus(3000), replace(SMALL, epochs=10, vector_size=16))
    settings = replace(SMALL, vector_size=16, alpha=0.01)
    more = corpus(3300)
    start = earlier(model, rows_in(model, more[2].size))
    warm, states = states_of(settings, more, warm_start=start)
    assert warm.losses[0] < train_word2vec(*more, settings).losses[0] - 0.02
    same(warm, train_word2vec(*more, settings, warm_start=start, resume=states[0]))


@pytest.mark.parametrize(
    ("hs", "change", "message"),
    [
        (0, {"vectors": np.zeros((3, 5), np.float32)}, "do not fit"),
        (0, {"rows": np.zeros(2, np.int64)}, "token ids"),
        (0, {"vectors": np.full((90, 5), np.nan, np.float32), "output_vectors": None}, "finite"),
        (1, {"output_vectors": np.zeros((90, 5), np.float32)}, "negatives alone"),
        (0, {"vectors": np.zeros((90, 4), np.float32), "output_vectors": None}, "vector_size"),
    ],
)
def test_warm_start_that_does_not_fit_is_refused(hs, change, message):
    counts = corpus()[2]
    fitting = {"rows": np.arange(counts.size), "vectors": np.zeros((90, 5), np.float32), "output_vectors": None}
    with pytest.raises((TrainingStateError, Word2VecError), match=message):
        train_word2vec(*corpus(), replace(SMALL, hs=hs), warm_start=WarmStart(**{**fitting, **change}))
