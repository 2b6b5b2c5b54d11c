from itertools import pairwise

import numpy as np
import pytest
from oracles import word2vec_loops
from support.topic_corpus import SMALL, corpus

from models.embeddings.huffman import huffman_paths
from models.embeddings.word2vec import (
    NothingToLearnError,
    Word2VecError,
    Word2VecSettings,
    frequent_words,
    kept_shares,
    start_matrices,
    train_word2vec,
    word_numbers,
)
from models.embeddings.word2vec_memory import SHARD_TOKENS, TREE_SHARD_TOKENS, cut_into_shards
from models.embeddings.word2vec_shards import train_rounds
from models.kernels.alias_table import make_alias_table

pytestmark = pytest.mark.slow  # numba compiles the kernel in some seconds


def settings_of(**changes):
    return Word2VecSettings(**{**{name: getattr(SMALL, name) for name in SMALL.__dataclass_fields__}, **changes})


def train_by_loops(token_ids, starts, counts, settings, n_v):
    words = frequent_words(counts, settings.min_count)
    kept = counts[words]
    word_of = word_numbers(words, counts.size)
    sentence_of = np.searchsorted(starts, np.arange(token_ids.size), side="right")
    sentences, shards = cut_into_shards(starts, token_ids.size, TREE_SHARD_TOKENS if settings.hs else SHARD_TOKENS)
    ranges = [range(sentences[a], sentences[b]) for a, b in pairwise(shards)]
    table = paths = None
    if settings.hs:
        p = huffman_paths(kept)
        paths = [
            list(zip(p.path_nodes[a:b].tolist(), p.path_signs[a:b].tolist(), strict=True))
            for a, b in pairwise(p.path_starts)
        ]
    else:
        table = make_alias_table(kept.astype(float) ** settings.ns_exponent)
    inputs = start_matrices(words.size, settings)[0][:, : settings.vector_size]
    read = word_of[token_ids].tolist(), sentence_of.tolist(), kept_shares(kept, settings.sample)
    return word2vec_loops.train(read, (table, paths), inputs, settings, n_v=n_v, shards=ranges)


SKIP_GRAM, CBOW = {"sg": 1}, {"sg": 0}
MODELS = [SKIP_GRAM, *({**CBOW, "cbow_mean": mean, "cbow_exact": exact} for mean in (0, 1) for exact in (False, True))]


@pytest.mark.parametrize("model", MODELS, ids=str)
@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("hs", [0, 1])
def test_kernels_come_to_the_weights_of_plain_loops(model, hs, shards):
    settings = settings_of(**model, hs=hs, shards=shards)
    model = train_word2vec(*corpus(), settings)
    inputs, outputs, losses = train_by_loops(*corpus(), settings, shards)
    # float32 against float64 over some ten thousand steps.
    assert model.vectors == pytest.approx(inputs, abs=2e-4)
    assert model.output_vectors == pytest.approx(outputs, abs=2e-4)
    assert model.losses == pytest.approx(losses, rel=1e-5)
    assert np.abs(model.output_vectors).max() > 0.1


@pytest.mark.parametrize(("sg", "hs"), [(1, 0), (0, 0), (1, 1), (0, 1)])
def test_any_number_of_workers_leaves_the_same_bytes(sg, hs):
    models = [
        train_word2vec(*corpus(900), settings_of(sg=sg, hs=hs, shards=8, workers=workers))
        for workers in (1, 2, 3, 8, 1)
    ]
    assert len({model.vectors.tobytes() for model in models}) == 1
    assert len({model.output_vectors.tobytes() for model in models}) == 1
    assert len({model.losses for model in models}) == 1


def test_another_seed_leaves_other_vectors():
    assert not np.array_equal(
        train_word2vec(*corpus(), SMALL).vectors, train_word2vec(*corpus(), settings_of(seed=8)).vectors
    )


@pytest.mark.parametrize(("sg", "hs"), [(1, 0), (0, 0), (1, 1), (0, 1)])
def test_loss_starts_at_that_of_ignorance_and_falls(sg, hs):
    model = train_word2vec(*corpus(1500), settings_of(sg=sg, hs=hs, epochs=8, vector_size=20))
    before = train_word2vec(*corpus(1500), settings_of(sg=sg, hs=hs, epochs=1, vector_size=20, alpha=1e-7, min_alpha=0))
    if not hs:
        assert before.losses[0] == pytest.approx((1 + SMALL.negative) * np.log(2), rel=1e-5)  # every score is 0
    assert model.losses[-1] < model.losses[0] < before.losses[0]


def test_words_of_one_topic_lie_together():
    model = train_word2vec(*corpus(3000), settings_of(epochs=10, vector_size=16))
    unit = model.vectors / np.linalg.norm(model.vectors, axis=1, keepdims=True)
    topic = model.token_ids // 10
    same = topic[:, None] == topic[None, :]
    cosines = unit @ unit.T
    off = ~np.eye(len(topic), dtype=bool)
    assert cosines[same & off].mean() > cosines[~same].mean() + 0.2


def test_words_are_numbered_by_falling_count_and_rare_ones_left_out():
    model = train_word2vec(*corpus(), settings_of(min_count=30))
    assert (np.diff(model.counts) <= 0).all()
    assert model.counts.min() >= 30
    assert model.counts.tolist() == corpus()[2][model.token_ids].tolist()


def test_sentences_are_bounds():
    # 0 and 1 only ever meet across a sentence's end, so no window holds both.
    token_ids, starts = np.tile([0, 0, 1, 1], 50).astype(np.int32), np.arange(0, 200, 2)
    counts = np.array([100, 100])
    apart = train_word2vec(token_ids, starts, counts, settings_of(sample=0, min_count=1, shrink_windows=False))
    together = train_word2vec(token_ids, starts[::2], counts, settings_of(sample=0, min_count=1, shrink_windows=False))
    assert apart.n_words_trained == together.n_words_trained == 2 * 200
    assert not np.array_equal(apart.vectors, together.vectors)


def test_read_only_memory_is_read(tmp_path):
    token_ids, starts, counts = corpus()
    token_ids.tofile(tmp_path / "ids")
    mapped = np.memmap(tmp_path / "ids", np.int32, "r")
    assert (
        train_word2vec(mapped, starts, counts, SMALL).vectors.tobytes()
        == train_word2vec(*corpus(), SMALL).vectors.tobytes()
    )


def test_progress_ends_with_all_tokens_done():
    seen = []
    model = train_word2vec(*corpus(), SMALL, seen.append)
    assert [report.epoch for report in seen] == sorted(report.epoch for report in seen)
    assert seen[-1].n_tokens_done == seen[-1].n_tokens_in_all == SMALL.epochs * corpus()[0].size
    assert seen[-1].loss == model.losses[-1]


def test_kernel_is_compiled_once_whatever_the_settings():
    train_word2vec(*corpus(), settings_of(alpha=0, min_alpha=0, sample=1))
    assert len(train_rounds.signatures) == 1


def test_long_sentences_are_cut_and_all_of_them_read():
    starts, shards = cut_into_shards(np.array([0, 10, 2510]), 2600, 512)
    assert starts.tolist() == [0, 10, 1010, 2010, 2510, 2600]
    assert starts[shards].tolist() == [0, 1010, 2010, 2510, 2600]


@pytest.mark.parametrize(("sg", "hs"), [(1, 0), (0, 0), (1, 1), (0, 1)])
def test_one_dimension_and_a_window_longer_than_every_sentence_are_well(sg, hs):
    model = train_word2vec(*corpus(), settings_of(sg=sg, hs=hs, vector_size=1, window=500))
    assert model.vectors.shape == (model.token_ids.size, 1)
    assert np.isfinite(model.vectors).all()
    assert model.losses[1] < model.losses[0]


def test_two_words_are_well_though_each_can_only_have_the_other_as_negative():
    token_ids = np.tile([0, 1, 0], 100).astype(np.int32)
    model = train_word2vec(token_ids, np.array([0]), np.array([200, 100]), settings_of(sample=0))
    assert np.isfinite(model.vectors).all()


EMPTY = np.array([], np.int32)
NO_START = np.array([], np.int64)


@pytest.mark.parametrize(
    ("token_ids", "starts", "counts", "message"),
    [
        (EMPTY, NO_START, [5, 5], "empty"),
        ([0, 0, 0], [0], [3], "least that can be learned"),
        ([0, 1, 2], [0], [1, 1, 1], "smaller min_count"),
        ([0, 1, 7], [0], [3, 3], "token ids"),
        ([0, -1, 1], [0], [3, 3], "token ids"),
        ([0, 1, 0], [1], [3, 3], "sentence starts"),
        ([0, 1, 0], [0, 2, 1], [3, 3], "sentence starts"),
        ([0, 1, 0], [0, 9], [3, 3], "sentence starts"),
        ([0, 1, 0, 1], [0, 1, 2, 3], [3, 3], "no two words"),
    ],
)
def test_corpus_from_which_nothing_can_be_learned_is_refused(token_ids, starts, counts, message):
    with pytest.raises(Word2VecError, match=message):
        train_word2vec(np.array(token_ids), np.array(starts), np.array(counts), settings_of(sample=0))


@pytest.mark.parametrize(
    ("token_ids", "starts", "counts", "rule"),
    [
        ([0] * 9, [0], [9], "fewer_than_2_words_with_3_occurrences"),
        ([0, 1, 2, 3], [0], [1, 1, 1, 1], "fewer_than_2_words_with_3_occurrences"),
        ([0, 0, 0, 1], [0], [3, 1], "fewer_than_2_words_with_3_occurrences"),
        ([0, 1] * 3, list(range(6)), [3, 3], "no_two_words_in_a_window"),
    ],
    ids=["one word", "min_count leaves none", "min_count leaves one", "sentences of one word"],
)
@pytest.mark.parametrize("hs", [0, 1])
def test_corpus_too_small_to_learn_from_is_refused_by_rule(hs, token_ids, starts, counts, rule):
    with pytest.raises(NothingToLearnError) as refused:
        train_word2vec(np.array(token_ids), np.array(starts), np.array(counts), settings_of(hs=hs, sample=0))
    assert refused.value.rule == rule


@pytest.mark.parametrize("shards", [1, 8])
def test_weights_that_run_away_are_refused(shards):
    with pytest.raises(Word2VecError, match="alpha"):
        train_word2vec(*corpus(), settings_of(alpha=1e30, shards=shards))


@pytest.mark.parametrize(
    "changes",
    [
        {"vector_size": 0},
        {"window": 0},
        {"min_count": 0},
        {"epochs": 0},
        {"workers": 0},
        {"negative": 0},
        {"sample": -1.0},
        {"alpha": float("nan")},
        {"min_alpha": 1.0},
        {"ns_exponent": float("inf")},
        {"sg": 2},
        {"shards": -1},
    ],
)
def test_settings_out_of_range_are_named(changes):
    with pytest.raises(Word2VecError, match=next(iter(changes))):
        settings_of(**changes)
