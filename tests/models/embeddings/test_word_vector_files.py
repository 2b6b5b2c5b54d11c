import io

import numpy as np
import pytest

from models.embeddings.word_vector_files import (
    LONGEST_IN_NPZ,
    WORDS_AT_ONCE,
    WRITERS,
    write_binary,
    write_npz,
    write_text,
)

# Words that tempt a reader: a number, a byte order mark, quotes, right-to-left, combining, outside of the basic plane,
# a comment, a NUL.
ODD = ["the", "3.5", "\ufeffbom", '"', "'s", "שלום", "e\u0301", "😀", "#x", "a_b", "a\0b", "\\n", "nan", "-"]
NO_LINE = ["", "New York", "a\nb", "a\tb", "\u00a0", "x\u2028y", "\ud800", " lead", "trail ", "\r"]


def numbers_for(n, size=7):
    """Float32 of all magnitudes, with the least and the largest, -0 and a subnormal among them."""
    draws = np.random.default_rng(4)
    vectors = (draws.normal(size=(n, size)) * 10.0 ** draws.integers(-30, 30, (n, size))).astype(np.float32)
    finite = np.finfo(np.float32)
    vectors[0, :5] = -0.0, finite.max, finite.tiny, 1e-45, 0.1
    return vectors


def read_by_gensim(path, kind):
    models = pytest.importorskip("gensim.models", reason="gensim is a development tool, and is not installed")
    return models.KeyedVectors.load_word2vec_format(path, binary=kind == "binary")


def written(kind, words, vectors):
    stream = io.BytesIO()
    return WRITERS[kind](stream, words, vectors), stream.getvalue()


@pytest.mark.parametrize("kind", ["text", "binary"])
@pytest.mark.parametrize("size", [1, 7])
def test_gensim_reads_the_same_words_and_numbers(kind, size, tmp_path):
    vectors = numbers_for(len(ODD))[:, 7 - size :]
    left_out, content = written(kind, ODD, vectors)
    (tmp_path / "vectors").write_bytes(content)
    loaded = read_by_gensim(tmp_path / "vectors", kind)
    assert left_out == ()
    assert loaded.index_to_key == ODD
    assert loaded.vectors.tobytes() == np.ascontiguousarray(vectors).tobytes()


@pytest.mark.parametrize("kind", ["text", "binary"])
def test_words_that_would_break_a_line_are_left_out_and_named(kind, tmp_path):
    words = [word for pair in zip(ODD, NO_LINE, strict=False) for word in pair]
    vectors = numbers_for(len(words))
    left_out, content = written(kind, words, vectors)
    assert left_out == tuple(NO_LINE)
    (tmp_path / "vectors").write_bytes(content)
    loaded = read_by_gensim(tmp_path / "vectors", kind)
    assert loaded.index_to_key == ODD[: len(NO_LINE)]
    assert loaded.vectors.tobytes() == vectors[::2].tobytes()


def test_text_is_written_with_the_shortest_numbers():
    assert (
        written("text", ["a", "b"], np.array([[0.1, -2], [1e-7, 3e38]], np.float32))[1]
        == b"2 2\na 0.1 -2\nb 1e-7 3e+38\n"
    )


def test_binary_is_word2vecs_own():
    assert written("binary", ["a", "ß"], np.array([[1], [2]]))[1] == b"2 1\na \x00\x00\x80?\n\xc3\x9f \x00\x00\x00@\n"


def test_numpy_reads_words_and_numbers_without_pickle_and_gensim_takes_them():
    words = [*ODD, "New York", "", "x" * (LONGEST_IN_NPZ + 1), "end\0", "\udfff"]
    vectors = numbers_for(len(words))
    left_out, content = written("npz", words, vectors)
    assert left_out == tuple(words[-3:])
    with np.load(io.BytesIO(content), allow_pickle=False) as loaded:
        names, numbers = loaded["words"].tolist(), loaded["vectors"]
    assert names == words[:-3]
    assert numbers.tobytes() == vectors[:-3].tobytes()
    models = pytest.importorskip("gensim.models", reason="gensim is a development tool, and is not installed")
    keyed = models.KeyedVectors(vector_size=7)
    keyed.add_vectors(names, numbers)
    assert keyed["New York"].tolist() == vectors[words.index("New York")].tolist()


def test_several_blocks_are_written_one_after_another():
    n = WORDS_AT_ONCE + 3
    words, vectors = [f"w{i}" for i in range(n)], np.arange(n, dtype=np.float32)[:, None]
    lines = written("text", words, vectors)[1].decode().splitlines()
    assert lines == [f"{n} 1", *(f"w{i} {i}" for i in range(n))]


@pytest.mark.parametrize("write", [write_text, write_binary, write_npz])
def test_no_words_are_a_file_without_words_and_a_misfit_is_refused(write):
    stream = io.BytesIO()
    assert write(stream, ["\ud800"], np.zeros((1, 3), np.float32)) == ("\ud800",)
    assert stream.getvalue()[:4] in {b"0 3\n", b"PK\x03\x04"}
    with pytest.raises(ValueError, match="do not fit"):
        write(stream, ["a"], np.zeros((2, 3), np.float32))
