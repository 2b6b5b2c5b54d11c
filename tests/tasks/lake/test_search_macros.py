import math
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import duckdb
import numpy as np
import pytest
from oracles.slow_search import bm25, cosine, tfidf
from support.lake_rows import stage_of, write_rows

from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.warehouse import connect

NOON = datetime(2020, 5, 1, 12, tzinfo=UTC)
TEXTS = {
    "en": {
        "tides": "Tides rise and tides fall at the mill",
        "cities": "A city is more than its mills ; cities rise",
        "long": "The mill grinds " + "grain " * 40,
        "none": "Nothing of the kind",
    },
    "de": {"mühle": "Die Mühle an der Straße steht am Wasser", "rise": "Ein rise ist kein Wort"},
    "zh": {"水": "水车转动"},
}
STEMS = {"tides": "tide", "cities": "citi", "city": "citi", "mills": "mill", "mühle": "muhl", "grinds": "grind"}
STOPS = {"the", "and", "of", "a", "its", "is", "at", "than", "die", "der", "an", "am", "ein"}


def words_of(lang: str, text: str) -> list[str]:
    return list(text) if lang == "zh" else [word for word in text.split() if word != ";"]


def stem_of(word: str) -> str:
    return STEMS.get(word.casefold(), word.casefold())


def stems_of(lang: str) -> dict[str, list[str]]:
    return {doc_id(name): [stem_of(word) for word in words_of(lang, text)] for name, text in TEXTS[lang].items()}


def doc_id(name: str) -> str:
    return name.encode().hex().rjust(16, "0")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    lake = Lake.open(tmp_path_factory.mktemp("search"))
    tables: dict[str, list[Mapping[str, object]]] = {
        name: [] for name in ("documents", "tokens", "vocabulary", "terms", "tfidf", "word_vectors", "models")
    }
    for lang, texts in TEXTS.items():
        indexed = {name: [stem for stem in stems if stem not in STOPS] for name, stems in stems_of(lang).items()}
        for name, text in texts.items():
            words = words_of(lang, text)
            tables["documents"].append(
                {
                    "doc_id": doc_id(name),
                    "source": lang,
                    "uri": f"{name}.txt",
                    "kind": "text",
                    "lang": lang,
                    "lang_confidence": 1.0,
                    "title": name,
                    "text": text,
                    "n_chars": len(text),
                    "n_words": len(words),
                    "content_sha256": "0" * 64,
                    "extractor": "plain",
                    "fetched_at": NOON,
                }
            )
            for position, word in enumerate(words):
                tables["tokens"].append(
                    {
                        "doc_id": doc_id(name),
                        "position": position,
                        "sentence": 0,
                        "token": word,
                        "norm": word.casefold(),
                        "stem": stem_of(word),
                        "lemma": word,
                        "is_stop": word.casefold() in STOPS,
                    }
                )
        norms = Counter(word.casefold() for text in texts.values() for word in words_of(lang, text))
        tables["vocabulary"] += [
            {
                "lang": lang,
                "norm": norm,
                "stem": stem_of(norm),
                "lemma": norm,
                "is_stop": norm in STOPS,
                "n_occurrences": n,
                "n_documents": 1,
            }
            for norm, n in norms.items()
        ]
        for term in {stem for stems in indexed.values() for stem in stems}:
            n_documents = sum(term in stems for stems in indexed.values())
            n_occurrences = sum(stems.count(term) for stems in indexed.values())
            tables["terms"].append(
                {"lang": lang, "term": term, "n_occurrences": n_occurrences, "n_documents": n_documents, "idf": 1.0}
            )
        for name, weights in tfidf(indexed).items():
            for term, weight in weights.items():
                tables["tfidf"].append(
                    {"doc_id": name, "term": term, "n_occurrences": indexed[name].count(term), "weight": weight}
                )
    for model_id, is_champion in (("now", True), ("before", False)):
        tables["models"].append(
            {
                "model_id": model_id,
                "kind": "word2vec",
                "lang": "en",
                "trained_at": NOON,
                "seed": 1,
                "settings": "{}",
                "snapshot_id": "000001",
                "data_sha256": "0" * 64,
                "path": f"models/{model_id}",
                "is_champion": is_champion,
            }
        )
        for term, vector in VECTORS.items():
            tables["word_vectors"].append(
                {"model_id": model_id, "lang": "en", "term": term, "n_occurrences": 3, "vector": vector}
            )
    tables["word_vectors"].append(
        {"model_id": "now", "lang": "de", "term": "tide", "n_occurrences": 3, "vector": [1.0, 0.0, 0.0]}
    )
    publish(lake, [stage_of("features", *(write_rows(lake, name, rows) for name, rows in tables.items()))], "run")
    return connect(lake)


VECTORS = {
    "tide": [1.0, 2.0, 0.5],
    "sea": [1.0, 1.5, 0.0],
    "mill": [-1.0, 0.2, 3.0],
    "void": [0.0, 0.0, 0.0],
    "Mill": [2.0, 0.0, 0.0],
}


def ask(warehouse: duckdb.DuckDBPyConnection, call: str, *values: object) -> list[tuple[object, ...]]:
    return warehouse.execute(f"SELECT * FROM {call}", list(values)).fetchall()


@pytest.mark.parametrize(
    ("words", "lang", "stems"),
    [
        ("tides", "en", {"tide"}),
        ("TIDES, rising mills!", "en", {"tide", "mill"}),
        ("city grain", "en", {"citi", "grain"}),
        ("citi", "en", {"citi"}),
        ("STRASSE", "de", {"strasse"}),
        ("Mu\u0308hle", "de", {"muhl"}),
    ],
)
def test_search_ranks_as_bm25_by_hand(
    warehouse: duckdb.DuckDBPyConnection, words: str, lang: str, stems: set[str]
) -> None:
    expected = bm25(stems_of(lang), stems)
    found = {row[0]: row[1] for row in ask(warehouse, "search(?, 10)", words)}
    assert found == pytest.approx(expected, abs=1e-6)  # rounded to six places
    assert list(found) == sorted(found, key=lambda name: (-found[name], name))


def test_search_finds_every_form_of_a_stem(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert {row[2] for row in ask(warehouse, "search('mills', 10)")} == {"tides", "cities", "long"}


def test_search_keeps_to_the_language_that_knows_the_word(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert {row[2] for row in ask(warehouse, "search('wasser', 10)")} == {"mühle"}
    found = {
        row[0]: row[1] for row in ask(warehouse, "search('rise', 10)")
    }  # both languages know it, each scores its own
    assert found == pytest.approx(
        bm25(stems_of("en"), {"rise"}) | bm25(stems_of("de"), {"rise"}), abs=1e-6
    )  # rounded to six places


def test_search_finds_words_of_scripts_without_spaces(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert [row[2] for row in ask(warehouse, "search('找水车', 10)")] == ["水"]


def test_search_gives_at_most_k_and_shows_where_the_word_stands(warehouse: duckdb.DuckDBPyConnection) -> None:
    ((name, _score, title, source, uri, snippet),) = ask(warehouse, "search('grain', 1)")
    assert (name, title, source, uri) == (doc_id("long"), "long", "en", "long.txt")
    assert snippet.startswith("The mill grinds grain")
    assert len(snippet) <= 160


@pytest.mark.parametrize("words", ["", "  ", "unheard-of", "the and of", "'; DROP TABLE documents --", None])
def test_search_for_nothing_known_finds_nothing(warehouse: duckdb.DuckDBPyConnection, words: str | None) -> None:
    assert ask(warehouse, "search(?, 10)", words) == []


def test_similar_documents_are_ranked_by_cosine(warehouse: duckdb.DuckDBPyConnection) -> None:
    weights = tfidf({name: [stem for stem in stems if stem not in STOPS] for name, stems in stems_of("en").items()})
    asked = doc_id("tides")
    expected = {name: cosine(weights[asked], weights[name]) for name in weights if name != asked}
    found = {row[0]: row[1] for row in ask(warehouse, "similar_documents(?, 10)", asked)}
    assert found == pytest.approx(
        {name: value for name, value in expected.items() if value > 0}, abs=1e-6
    )  # rounded to six places
    assert list(found) == sorted(found, key=lambda name: (-found[name], name))
    assert [row[0] for row in ask(warehouse, "similar_documents(doc_id := ?, k := 1)", asked)] == list(found)[:1]


def test_a_document_that_is_not_there_has_no_similar_ones(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert ask(warehouse, "similar_documents('0000', 10)") == []


def test_similar_words_are_ranked_by_cosine_in_the_model_in_use(warehouse: duckdb.DuckDBPyConnection) -> None:
    asked = np.array(VECTORS["tide"])
    others = {term: np.array(vector) for term, vector in VECTORS.items() if term not in ("tide", "void")}
    expected = {term: asked @ vector / math.sqrt(asked @ asked * (vector @ vector)) for term, vector in others.items()}
    found = ask(warehouse, "similar_words('en', 'Tide', 10)")
    assert {row[0] for row in found} == {"now"}
    assert {row[1]: row[2] for row in found} == pytest.approx(expected, abs=1e-5)  # vectors are 32-bit
    assert [row[1] for row in found] == sorted(expected, key=lambda term: -expected[term])


def test_a_word_is_taken_as_typed_if_the_model_knows_it_so(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert "mill" in {row[1] for row in ask(warehouse, "similar_words('en', 'Mill', 10)")}
    assert "Mill" in {row[1] for row in ask(warehouse, "similar_words('en', 'MILL', 10)")}


def test_similar_words_of_another_language_are_not_mixed_in(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert ask(warehouse, "similar_words('de', 'tide', 10)") == []
    assert ask(warehouse, "similar_words('en', 'unheard-of', 10)") == []


@pytest.mark.parametrize("word", ["Straße", "ΟΔΟΣ", "İstanbul", "ﬁsh", "Ünïcode", "don't", "ЁЛКА", "ÅNGSTRÖM"])
def test_folding_is_as_in_the_vocabulary_but_for_ligatures(warehouse: duckdb.DuckDBPyConnection, word: str) -> None:
    ((folded,),) = warehouse.execute("SELECT fold_case(?)", [word]).fetchall()
    if word == "ﬁsh":
        assert folded == word  # casefold gives fish: such a letter is searched for as it stands
    elif word == "İstanbul":
        assert folded == "istanbul"  # casefold gives i with a dot above
    else:
        assert folded == word.casefold()
