from dataclasses import replace

import numpy as np
import pytest
from oracles import glove_loops
from support.topic_corpus import corpus

from models.embeddings.cooccurrence import count_cooccurrences
from models.embeddings.glove import N_PARTS, GloveError, GloveSettings, arrange_entries, start_sides, train_glove
from models.embeddings.glove_steps import Learned, step_entry, train_blocks
from models.embeddings.word2vec import NothingToLearnError, Word2VecError, frequent_words, word_numbers

pytestmark = pytest.mark.slow  # numba compiles the kernel in some seconds

SMALL = GloveSettings(vector_size=5, window=4, min_count=3, epochs=4, x_max=20.0, seed=7)


def entries_of(settings):
    token_ids, starts, counts = corpus()
    words = frequent_words(counts, settings.min_count)
    ends = np.append(starts, token_ids.size)
    word_of = word_numbers(words, counts.size)
    (piece,) = count_cooccurrences(token_ids, ends, word_of, window=settings.window, most_entries=10_000)
    return piece, words.size


def test_kernel_comes_to_the_weights_of_plain_loops():
    piece, n_words = entries_of(SMALL)
    entries = arrange_entries([piece], SMALL)
    blocks = [[[] for _ in range(N_PARTS)] for _ in range(N_PARTS)]
    x_of = {(i, j): x for i, j, x in zip(*(column.tolist() for column in piece), strict=True)}
    for i, j in zip(entries.rows.tolist(), entries.columns.tolist(), strict=True):
        weight, log = glove_loops.weight_of(x_of.pop((i, j)), SMALL.x_max, SMALL.alpha)
        blocks[i % N_PARTS][j % N_PARTS].append((i, j, log, weight))
    assert not x_of  # every entry stands in one block
    rows, columns = start_sides(n_words, SMALL)
    w, v = (side.vectors.reshape(n_words, -1)[:, :5].astype(float) for side in (rows, columns))
    b, c = (side.biases.astype(float) for side in (rows, columns))
    losses = glove_loops.train(blocks, (w, v, b, c), SMALL.eta, SMALL.epochs)
    model = train_glove(*corpus(), SMALL)
    assert model.n_entries == piece.rows.size
    # float32 against float64 over some thousand steps.
    assert model.vectors == pytest.approx(w + v, abs=1e-4)
    assert model.losses == pytest.approx(losses, rel=1e-5)


def test_step_is_half_of_the_negative_gradient_of_the_loss():
    draws = np.random.default_rng(3)
    w, v = draws.normal(size=(2, 16)), draws.normal(size=(2, 16))
    b, c = draws.normal(size=2), draws.normal(size=2)
    entry = (1, 0, np.log(7.0), 0.4)
    sides = [
        Learned(
            vectors.astype(np.float32).reshape(-1),
            biases.astype(np.float32),
            np.ones(32, np.float32),
            np.ones(2, np.float32),
        )
        for vectors, biases in ((w, b), (v, c))
    ]
    loss = step_entry(*sides, 1, 0, np.float32(entry[2]), np.float32(0.4), np.float32(0.001), 16)
    assert loss == pytest.approx(glove_loops.entry_loss(w, v, b, c, entry), rel=1e-5)
    for numbers, stepped in ((w, sides[0].vectors), (v, sides[1].vectors), (b, sides[0].biases), (c, sides[1].biases)):
        gradient = np.zeros_like(numbers)
        for place in np.ndindex(numbers.shape):
            here = numbers[place]
            values = []
            for change in (1e-6, -1e-6):
                numbers[place] = here + change
                values.append(glove_loops.entry_loss(w, v, b, c, entry))
            numbers[place] = here
            gradient[place] = (values[0] - values[1]) / 2e-6
        # Differences of float32 numbers of about 1 over a step of 0.001.
        assert (numbers - stepped.reshape(numbers.shape)) / 0.001 == pytest.approx(gradient / 2, abs=5e-4)


def test_gradient_beyond_the_clip_is_taken_as_the_clip():
    sides = [
        Learned(np.full(16, 50, np.float32), np.zeros(1, np.float32), np.ones(16, np.float32), np.ones(1, np.float32))
        for _ in "wv"
    ]
    step_entry(*sides, 0, 0, np.float32(0), np.float32(1), np.float32(0.01), 16)
    for side in sides:
        assert side.vectors.tolist() == [49.0] * 16  # 50 - 0.01 * 100
        assert side.vector_squares.tolist() == [2.0] * 16
        assert side.biases.tolist() == [-1.0]


def test_any_number_of_workers_leaves_the_same_bytes():
    models = [train_glove(*corpus(), replace(SMALL, workers=workers)) for workers in (1, 2, 8, 1)]
    assert len({model.vectors.tobytes() for model in models}) == 1
    assert len({model.losses for model in models}) == 1
    assert len(train_blocks.signatures) == 1


def test_counting_in_little_memory_leaves_the_same_bytes():
    few = train_glove(*corpus(), replace(SMALL, most_entries=60))
    assert few.vectors.tobytes() == train_glove(*corpus(), SMALL).vectors.tobytes()


def test_loss_falls_and_words_of_one_topic_lie_together():
    model = train_glove(*corpus(1500), replace(SMALL, vector_size=16, epochs=25))
    assert list(model.losses) == sorted(model.losses, reverse=True)
    unit = model.vectors / np.linalg.norm(model.vectors, axis=1, keepdims=True)
    topic = model.token_ids // 10
    same = topic[:, None] == topic[None, :]
    off = ~np.eye(len(topic), dtype=bool)
    assert (unit @ unit.T)[same & off].mean() > (unit @ unit.T)[~same].mean() + 0.1


def test_progress_tells_every_epoch():
    seen = []
    model = train_glove(*corpus(), SMALL, lambda epoch, loss: seen.append((epoch, loss)))
    assert seen == list(enumerate(model.losses))


def test_one_dimension_and_a_window_longer_than_every_sentence_are_well():
    assert np.isfinite(train_glove(*corpus(), replace(SMALL, vector_size=1, window=900)).vectors).all()


def test_steps_that_run_away_are_refused():
    with pytest.raises(GloveError, match="eta"):
        train_glove(*corpus(), replace(SMALL, eta=1e30))


@pytest.mark.parametrize(
    ("token_ids", "starts", "counts", "rule"),
    [
        ([0, 1] * 5, list(range(10)), [5, 5], "no_two_words_in_a_window"),
        ([0] * 9, [0], [9], "fewer_than_2_words_with_3_occurrences"),
        ([0, 1, 2, 3], [0], [1, 1, 1, 1], "fewer_than_2_words_with_3_occurrences"),
        ([0, 0, 0, 1], [0], [3, 1], "fewer_than_2_words_with_3_occurrences"),
    ],
    ids=["no neighbours", "one word", "min_count leaves none", "min_count leaves one"],
)
def test_corpus_too_small_to_learn_from_is_refused_by_rule(token_ids, starts, counts, rule):
    with pytest.raises(NothingToLearnError) as refused:
        train_glove(np.array(token_ids, np.int32), np.array(starts), np.array(counts), SMALL)
    assert refused.value.rule == rule


def test_empty_corpus_is_refused():
    with pytest.raises(Word2VecError, match="empty"):
        train_glove(np.array([], np.int32), np.array([], np.int64), np.array([5, 5]), SMALL)


@pytest.mark.parametrize(
    "changes", [{"vector_size": 0}, {"x_max": 0.0}, {"eta": float("nan")}, {"alpha": -1.0}, {"workers": 0}]
)
def test_settings_out_of_range_are_named(changes):
    with pytest.raises(GloveError, match=next(iter(changes))):
        replace(SMALL, **changes)
