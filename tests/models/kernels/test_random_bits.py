import numpy as np
from oracles import word2vec_loops

from models.kernels.random_bits import below_at, bits_at, share_at, stream_key


def test_stream_begins_as_splitmix64_does():
    # The reference implementation (Vigna, splitmix64.c) with seed 1234567 gives these first.
    first = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [int(bits_at(np.uint64(1234567), i)) for i in (1, 2, 3)] == first


def test_kernels_and_plain_integers_agree():
    key = stream_key(3, 1, 4)
    assert int(key) == word2vec_loops.key_of(3, 1, 4)
    assert [int(bits_at(key, i)) for i in range(50)] == [word2vec_loops.bits_at(int(key), i) for i in range(50)]


def test_streams_of_other_names_differ():
    keys = {int(stream_key(*names)) for names in [(1,), (2,), (1, 0), (0, 1), (1, 1), (1, 0, 0)]}
    assert len(keys) == 6


def test_shares_fill_the_interval_evenly():
    shares = np.array([share_at(stream_key(7), i) for i in range(20_000)])
    assert shares.min() >= 0
    assert shares.max() < 1
    # 2,000 of 20,000 in each tenth: one standard deviation is 42.
    assert np.abs(np.histogram(shares, 10, (0, 1))[0] - 2000).max() < 200


def test_whole_numbers_below_a_bound_reach_both_ends():
    drawn = [below_at(stream_key(9), i, 5) for i in range(500)]
    assert set(drawn) == {0, 1, 2, 3, 4}
