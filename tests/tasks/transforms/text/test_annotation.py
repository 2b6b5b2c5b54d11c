from itertools import pairwise

import pyarrow as pa
import pytest

from tasks.transforms.text.annotation import annotate_texts, token_rows
from tasks.transforms.text.lexicon import Lexicon, TextSettings


def rows_of(texts: list[str], langs: list[str], settings: TextSettings | None = None) -> list[dict[str, object]]:
    lexicon = Lexicon(settings or TextSettings())
    doc_ids = pa.array([f"{number:016x}" for number in range(len(texts))])
    return token_rows(doc_ids, annotate_texts(pa.array(texts, pa.string()), langs, lexicon), lexicon).to_pylist()


def test_the_articles_worked_example_comes_out_to_the_letter():
    raw = (
        "Auf diese Weise können wir die Daten aggregieren und in Subsets analysieren. Wir müssen nicht immer das ganze "
        "Machine Learning in Hadoop und Spark auf dem gesamten Datensatz starten."
    )
    rows = rows_of([raw], ["de"], TextSettings({"de": "article"}))
    assert " ".join(str(row["norm"]) for row in rows) == (
        "auf diese weise können wir die daten aggregieren und in subsets analysieren wir müssen nicht immer das ganze "
        "machine learning in hadoop und spark auf dem gesamten datensatz starten"
    )
    assert " ".join(str(row["norm"]) for row in rows if not row["is_stop"]) == (
        "können daten aggregieren subsets analysieren müssen nicht immer machine learning"
        " hadoop spark datensatz starten"
    )
    assert [row["sentence"] for row in rows] == [0] * 12 + [1] * 17


def test_a_row_holds_all_that_is_known_of_a_token():
    rows = rows_of(["Zwei Häuser. Ja!", "The houses"], ["de", "en"])
    assert rows[1] == {
        "doc_id": "0000000000000000",
        "position": 1,
        "sentence": 0,
        "token": "Häuser",
        "norm": "häuser",
        "stem": "haus",
        "lemma": "Haus",
        "pos": None,
        "is_stop": False,
    }
    assert [(row["doc_id"][-1], row["position"], row["sentence"], row["stem"]) for row in rows] == [
        ("0", 0, 0, "zwei"),
        ("0", 1, 0, "haus"),
        ("0", 2, 1, "ja"),
        ("1", 0, 0, "the"),
        ("1", 1, 0, "hous"),
    ]


def test_an_empty_text_has_no_row_and_an_unknown_language_its_forms():
    rows = rows_of(["", "Ein Wort", " "], ["de", "und", "de"])
    assert [(row["doc_id"][-1], row["stem"], row["lemma"], row["is_stop"]) for row in rows] == [
        ("1", "ein", "ein", False),
        ("1", "wort", "wort", False),
    ]
    assert rows_of([], []) == []


@pytest.mark.parametrize(
    "name", ["000_521ddfa1519856ef", "001_b88346726ef66ec7", "002_2050e93cdb074568", "003_bb6c157a67a62d4a"]
)
def test_the_articles_are_cut_without_a_loss(shared, name):
    text = (shared / "seeds" / f"{name}.txt").read_text(encoding="utf-8")
    rows = rows_of([text], ["de"])
    assert len(rows) > 8_000
    assert [row["position"] for row in rows] == list(range(len(rows)))
    at = 0
    for row in rows:
        at = text.index(str(row["token"]), at) + len(str(row["token"]))
    sentences = [row["sentence"] for row in rows]
    assert all(after - before in (0, 1) for before, after in pairwise(sentences))
