"""Sums of words, close spellings, files for gensim, and the macro `similar_words`: each equal to the obvious
computation.
"""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from support.lake_rows import stage_of, write_rows

from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.questions.queries import QueryError, ask
from tasks.questions.words import (
    UnknownWordError,
    close_spellings,
    export_vectors,
    languages_of_vectors,
    read_vectors,
    similar_to_sum,
)

ROYAL = {
    "king": [1.0, 1.0, 0.0],
    "queen": [1.0, -1.0, 0.0],
    "man": [0.0, 1.0, 0.1],
    "woman": [0.0, -1.0, 0.1],
    "castle": [1.0, 0.0, 0.3],
    "nothing": [0.0, 0.0, 0.0],
    "Straße": [0.2, 0.1, 1.0],
}


def publish_vectors(lake: Lake, settings: str = "{}", **by_lang: dict) -> None:
    """Publish a model a language, each a mapping of words to vectors, frequent words first."""
    models, rows = [], []
    for number, (lang, vectors) in enumerate(by_lang.items()):
        model_id = f"word2vec-{lang}-{number:012d}"
        models.append(
            {
                "model_id": model_id,
                "kind": "word2vec",
                "lang": lang,
                "trained_at": datetime(2026, 3, 1, tzinfo=UTC),
                "seed": 1,
                "settings": settings,
                "snapshot_id": "000001",
                "data_sha256": "c" * 64,
                "path": f"models/{model_id}",
                "is_champion": True,
            }
        )
        rows += [
            {"model_id": model_id, "lang": lang, "term": term, "n_occurrences": 1000 - place, "vector": vector}
            for place, (term, vector) in enumerate(vectors.items())
        ]
    publish(
        lake,
        [stage_of("embeddings", write_rows(lake, "word_vectors", rows), write_rows(lake, "models", models))],
        "run",
    )


def test_king_less_man_and_woman_is_queen(lake: Lake):
    publish_vectors(lake, en=ROYAL, de={"haus": [1.0, 0.0]})
    near = similar_to_sum(lake, ["KING", "woman"], ["man"], 3)
    units = {word: np.array(vector) / max(np.linalg.norm(vector), 1e-9) for word, vector in ROYAL.items()}
    target = units["king"] + units["woman"] - units["man"]
    assert [word.term for word in near] == ["queen", "castle", "Straße"]
    for word in near:
        assert word.similarity == pytest.approx(units[word.term] @ target / np.linalg.norm(target), abs=2e-6)
    assert {(word.lang, word.model_id) for word in near} == {("en", "word2vec-en-000000000000")}


def test_words_are_found_in_any_case_and_in_the_form_of_the_column(lake: Lake):
    publish_vectors(lake, en=ROYAL)
    known = read_vectors(lake, "en")
    assert [known.terms[known.find(word) or 0] for word in ("Queen", "straße", "STRAßE", "Straße")] == [
        "queen",
        "Straße",
        "Straße",
        "Straße",
    ]
    assert known.find("emperor") is None
    publish_vectors(lake, settings='{"column": "stem"}', en={"sea": [1.0], "harbour": [2.0]})
    stems = read_vectors(lake, "en")
    assert stems.find("harbours") == 1


def test_an_unknown_word_is_told_with_close_spellings(lake: Lake):
    publish_vectors(lake, en=ROYAL, de={"könig": [1.0]})
    with pytest.raises(UnknownWordError, match=r"^no model knows the word 'womann': did you mean woman\?$"):
        similar_to_sum(lake, ["king"], ["womann"], 3)
    with pytest.raises(UnknownWordError, match=r"^no model of en knows the word 'zzzzzz': too rare"):
        similar_to_sum(lake, ["king"], ["zzzzzz"], 3, lang="en")
    assert close_spellings(lake, "KING") == ["king"]
    assert close_spellings(lake, "quene", "en") == ["queen"]


def test_words_that_cancel_out_and_languages_without_vectors_are_told(lake: Lake):
    publish_vectors(lake, en=ROYAL)
    with pytest.raises(QueryError, match="cancel each other out"):
        similar_to_sum(lake, ["king"], ["king"], 3)
    with pytest.raises(QueryError, match=r"no word vectors of the language 'fr' are published: .* \(en\)"):
        similar_to_sum(lake, ["king"], ["man"], 3, lang="fr")
    assert languages_of_vectors(lake) == ["en"]


def test_the_macro_gives_exactly_the_nearest_words(lake: Lake):
    draws = np.random.default_rng(5)
    vectors = draws.normal(size=(400, 12)).astype(np.float32)
    vectors[7], vectors[11] = 2 * vectors[3], 0  # the same direction; no direction
    words = [f"w{number:03d}" for number in range(400)]
    publish_vectors(lake, en=dict(zip(words, vectors.tolist(), strict=True)))
    exact = vectors.astype(np.float64)
    cosines = exact @ exact[3] / np.maximum(np.linalg.norm(exact, axis=1) * np.linalg.norm(exact[3]), 1e-12)
    others = [row for row in range(400) if row not in (3, 11)]
    expected = sorted(others, key=lambda row: (-round(cosines[row], 6), words[row]))[:25]
    with ask(lake, "SELECT term, similarity FROM similar_words('en', 'W003', 25)") as answer:
        rows = list(answer.rows)
    assert [term for term, _ in rows] == [words[row] for row in expected]
    np.testing.assert_allclose([similarity for _, similarity in rows], cosines[expected], atol=1e-6)
    assert [word.term for word in similar_to_sum(lake, ["w003"], [], 25)] == [words[row] for row in expected]
    with ask(lake, "SELECT term FROM similar_words('en', 'w003', 1000)") as answer:
        assert len(list(answer.rows)) == len(others)


@pytest.mark.slow  # gensim takes seconds to import
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_gensim_loads_every_format_and_finds_the_same_neighbours(lake: Lake, tmp_path: Path):
    from gensim.models import KeyedVectors  # noqa: PLC0415

    words = {word: vector for word, vector in ROYAL.items() if any(vector)}  # gensim divides by the length
    publish_vectors(lake, en=words)
    files = {form: tmp_path / f"vectors.{form}" for form in ("text", "binary")}
    for form, path in files.items():
        exported = export_vectors(lake, "en", form, path)
        assert (exported.n_words, exported.left_out) == (6, ())
    export_vectors(lake, "en", "numpy", tmp_path / "vectors.npz")
    loaded = [KeyedVectors.load_word2vec_format(str(path), binary=form == "binary") for form, path in files.items()]
    with np.load(tmp_path / "vectors.npz") as arrays:
        held = KeyedVectors(3)
        held.add_vectors(arrays["words"].tolist(), arrays["vectors"])
    for vectors in (*loaded, held):
        assert vectors.index_to_key == list(words)
        np.testing.assert_array_equal(vectors["Straße"], np.float32([0.2, 0.1, 1.0]))
        assert vectors.most_similar(positive=["king", "woman"], negative=["man"], topn=1)[0][0] == "queen"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "vectors.binary",
        "vectors.npz",
        "vectors.text",
    ]


def test_an_export_that_fails_leaves_the_file_as_it_was(lake: Lake, tmp_path: Path):
    publish_vectors(lake, en=ROYAL)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="irectory"):
        export_vectors(lake, "en", "text", folder)
    assert list(tmp_path.glob(".*.part")) == []
    with pytest.raises(QueryError, match="'fr'"):
        export_vectors(lake, "fr", "text", tmp_path / "x")
    assert not (tmp_path / "x").exists()
