import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import COPY, FERRY, MILL, Ended

Call = Callable[..., Ended]


def test_sql_answers_as_table_csv_and_json(call: Call, home: Path) -> None:
    query = ("sql", "--home", str(home), "SELECT doc_id, n_words FROM documents ORDER BY doc_id")
    assert call(*query).out == f"doc_id            n_words\n{MILL}       11\n{FERRY}        5\n"
    assert list(csv.reader(io.StringIO(call(*query, "--format", "csv").out))) == [
        ["doc_id", "n_words"],
        [MILL, "11"],
        [FERRY, "5"],
    ]
    assert json.loads(call(*query, "--format", "json").out) == [
        {"doc_id": MILL, "n_words": 11},
        {"doc_id": FERRY, "n_words": 5},
    ]


def test_sql_of_an_older_snapshot(call: Call, home: Path) -> None:
    ended = call(
        "sql", "--home", str(home), "--as-of", "000001", "--format", "csv", "SELECT count(*) AS n FROM documents"
    )
    assert ended == Ended(0, "n\n1\n", "")


def test_what_came_from_outside_cannot_write_to_the_terminal(call: Call, home: Path) -> None:
    for command in (
        ["sql", "SELECT title FROM documents"],
        ["search", "sea"],
        ["explain", FERRY],
        ["quarantine", "list"],
    ):
        ended = call(*command, "--home", str(home))
        assert ended.status == 0
        assert "\x1b" not in ended.out
        assert "\\x1b" in ended.out


def test_dates_nulls_and_lists_have_a_form_in_every_format(call: Call, home: Path) -> None:
    query = "SELECT DATE '2020-02-29' AS day, NULL AS nothing, [1, 2] AS list, 'nan'::DOUBLE AS nan"
    assert json.loads(call("sql", "--home", str(home), "--format", "json", query).out) == [
        {"day": "2020-02-29", "nothing": None, "list": [1, 2], "nan": "nan"}
    ]
    assert (
        call("sql", "--home", str(home), "--format", "csv", query).out
        == 'day,nothing,list,nan\n2020-02-29,,"[1, 2]",nan\n'
    )


def test_a_long_answer_is_cut_for_people_alone_and_says_so(call: Call, home: Path) -> None:
    query = ("sql", "--home", str(home), "SELECT range AS n FROM range(501)")
    cut = call(*query)
    assert cut.out.count("\n") == 501
    assert cut.err == "only the first 500 rows are shown: --format csv gives all\n"
    assert call(*query, "--format", "csv").out.count("\n") == 502


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("SELEC 1", 'Parser Error: syntax error at or near "SELEC"'),
        ("SELECT x FROM nowhere", "Catalog Error: Table with name nowhere does not exist!"),
        ("SELECT nope FROM documents", 'Binder Error: Referenced column "nope" not found in FROM clause!'),
        ("SELECT error('at run time')", "Invalid Input Error: at run time"),
        ("DROP VIEW documents", "a statement of the kind DROP is refused: snapshots are only read"),
        ("COPY (SELECT 1) TO 'stolen.csv'", "a statement of the kind COPY is refused"),
        ("SET threads = 1", "a statement of the kind SET is refused"),
        ("ATTACH 'other.db'", "a statement of the kind ATTACH is refused"),
        ("SELECT 1; SELECT 2", "2 statements given: give one"),
        ("", "0 statements given: give one"),
        ("SELECT * FROM read_text('/etc/hostname')", 'Permission Error: Cannot access file "/etc/hostname"'),
        (
            "FROM 'https://example.org/x.parquet'",
            'Permission Error: Cannot access file "https://example.org/x.parquet"',
        ),
    ],
)
def test_what_sql_cannot_do_is_told_in_a_sentence(call: Call, home: Path, query: str, sentence: str) -> None:
    ended = call("sql", "--home", str(home), query)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"tidemill: {sentence}")
    assert ended.err.count("\n") == 1


def test_search_finds_by_words_and_says_when_nothing_fits(call: Call, home: Path) -> None:
    found = json.loads(call("search", "--home", str(home), "--json", "the", "MILL").out)
    assert [row["doc_id"] for row in found] == [MILL]
    assert call("search", "--home", str(home), "zeppelin") == Ended(0, "no document holds any of these words\n", "")
    assert call("search", "--home", str(home), "--json", "zeppelin") == Ended(0, "[]\n", "")


def test_similar_takes_words_and_documents(call: Call, home: Path) -> None:
    words = json.loads(call("similar", "--home", str(home), "--json", "mill").out)
    assert [(row["lang"], row["term"]) for row in words] == [("en", "tide"), ("en", "ferry")]
    assert json.loads(call("similar", "--home", str(home), "--json", "mill", "--lang", "de").out) == []
    documents = json.loads(call("similar", "--home", str(home), "--json", MILL).out)
    assert [row["doc_id"] for row in documents] == [FERRY]
    assert "no model knows the word 'zeppelin'" in call("similar", "--home", str(home), "zeppelin").out
    assert "no document is like" in call("similar", "--home", str(home), "9" * 16).out


def test_similar_adds_and_takes_away_words(call: Call, home: Path) -> None:
    near = json.loads(call("similar", "--home", str(home), "--json", "mill", "--minus", "tide", "--plus", "ferry").out)
    assert near == []  # every word of the model is asked for
    (tide,) = json.loads(call("similar", "--home", str(home), "--json", "mill", "--plus", "ferry").out)
    assert (tide["lang"], tide["term"], tide["similarity"]) == ("en", "tide", 0.780869)
    unknown = call("similar", "--home", str(home), "mill", "--minus", "tyde")
    assert unknown == Ended(1, "", "tidemill: no model knows the word 'tyde': did you mean tide?\n")
    assert call("similar", "--home", str(home), MILL, "--plus", "tide").status == 2
    assert "did you mean ferry?" in call("similar", "--home", str(home), "fery").out


def test_vectors_are_written_for_other_programs(call: Call, home: Path, tmp_path: Path) -> None:
    ended = call("vectors", "--home", str(home), str(tmp_path / "en.txt"))
    assert ended == Ended(0, f"3 words of word2vec-en-000000000000 written to {tmp_path / 'en.txt'}\n", "")
    assert (tmp_path / "en.txt").read_text().splitlines()[0] == "3 2"
    told = json.loads(
        call(
            "vectors", "--home", str(home), "--format", "numpy", "--lang", "en", "--json", str(tmp_path / "en.npz")
        ).out
    )
    assert (told["n_words"], told["left_out"]) == (3, [])
    refused = call("vectors", "--home", str(home), "--lang", "fr", str(tmp_path / "fr.txt"))
    assert (refused.status, "give one of those that have some (en)" in refused.err) == (1, True)
    nowhere = call("vectors", "--home", str(home), str(tmp_path / "no" / "en.txt"))
    assert nowhere.status == 1
    assert nowhere.err.startswith("tidemill: cannot use ")
    assert (
        call("vectors", "--home", str(home), "--as-of", "000001", str(tmp_path / "x")).err
        == "tidemill: no word vectors are published\n"
    )


def test_explain_tells_source_vintages_copies_tokens_terms_labels_and_models(call: Call, home: Path) -> None:
    told = json.loads(call("explain", "--home", str(home), "--json", "mill.txt").out)
    assert (told["doc_id"], told["snapshot_id"]) == (MILL, "000002")
    assert told["document"][0]["source"] == "shore"
    assert [(row["vintage"], row["is_present"]) for row in told["vintages"]] == [("a" * 12, True), ("b" * 12, False)]
    assert [(row["relation"], row["doc_id"]) for row in told["duplicates"]] == [("has copy", COPY)]
    assert told["tokens"] == [{"n_tokens": 4, "n_sentences": 1, "n_distinct": 4, "n_stop_words": 1}]
    assert [row["term"] for row in told["terms"]] == ["mill", "sea"]
    assert [row["label"] for row in told["labels"]] == ["trade"]
    assert [row["model_id"] for row in told["models"]] == ["word2vec-en-000000000000"]
    for_people = call("explain", "--home", str(home), "texts/mill.txt").out
    assert for_people.startswith(f"document {MILL} in snapshot 000002\n")
    assert "has copy" in for_people


def test_explain_tells_why_a_document_is_not_published(call: Call, home: Path) -> None:
    told = json.loads(call("explain", "--home", str(home), "--json", COPY).out)
    assert told["document"] == []
    assert [(row["outcome"], row["rule"]) for row in told["decisions"]] == [("set_aside", "exact_copy")]
    assert [(row["relation"], row["doc_id"]) for row in told["duplicates"]] == [("copy of", MILL)]
    assert "not published: set aside, as told below" in call("explain", "--home", str(home), COPY).out


def test_explain_of_an_unknown_document_is_a_sentence(call: Call, home: Path) -> None:
    ended = call("explain", "--home", str(home), "nowhere.txt")
    assert ended == Ended(
        1,
        "",
        "tidemill: no document is called 'nowhere.txt': give a doc_id or a uri, as `tidemill search` shows them\n",
    )


def test_quarantine_lists_rows_with_their_rules_and_remedies(call: Call, home: Path) -> None:
    listed = call("quarantine", "list", "--home", str(home)).out
    assert "report.csv#7" in listed
    assert "too low: mend the file" in listed
    chosen = json.loads(call("quarantine", "list", "--home", str(home), "--table", "mobility", "--json").out)
    assert [row["raw_row"] for row in chosen] == ['{"change_pct": -140}']
    assert call("quarantine", "list", "--home", str(home), "--rule", "none_such").out == "no row was set aside\n"


def test_snapshots_and_what_changed_between_them(call: Call, home: Path) -> None:
    listed = json.loads(call("snapshots", "--home", str(home), "--json").out)
    assert [(row["snapshot_id"], row["run_id"], row["is_present"]) for row in listed] == [
        ("000001", "first", False),
        ("000002", "second", True),
    ]
    assert call("snapshots", "--home", str(home)).out.splitlines()[2].startswith("*  000002")
    changed = {
        row["table"]: row for row in json.loads(call("diff", "--home", str(home), "000001", "000002", "--json").out)
    }
    assert (changed["documents"]["n_rows_added"], changed["documents"]["n_rows_removed"]) == (1, 0)
    assert call("diff", "--home", str(home), "000002", "000002").out == "000002 and 000002 hold the same rows\n"


def test_a_snapshot_that_is_not_there_is_told_with_those_that_are(call: Call, home: Path) -> None:
    for command in (
        ["sql", "SELECT 1", "--as-of", "000009"],
        ["diff", "000001", "000009"],
        ["explain", MILL, "--as-of", "000009"],
    ):
        ended = call(*command, "--home", str(home))
        assert (ended.status, ended.out) == (1, "")
        assert ended.err.startswith("tidemill: no snapshot is called 000009 ")
        assert "000001, 000002" in ended.err


@pytest.mark.parametrize(
    "command",
    [
        ["sql", "SELECT 1"],
        ["search", "x"],
        ["similar", "x"],
        ["vectors", "x"],
        ["explain", "x"],
        ["snapshots"],
        ["diff", "1", "2"],
        ["vacuum"],
        ["report"],
        ["quarantine", "list"],
    ],
)
def test_where_no_lake_is_reading_commands_make_none(call: Call, tmp_path: Path, command: list[str]) -> None:
    ended = call(*command, "--home", str(tmp_path / "nowhere"))
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"tidemill: there is no lake at {tmp_path / 'nowhere'}: give its folder with --home")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command", [[], ["nonsense"], ["sql"], ["serve", "--port", "x"], ["vacuum", "--keep", "0"], ["search"]]
)
def test_misuse_exits_with_2_and_shows_the_usage(call: Call, command: list[str]) -> None:
    ended = call(*command)
    assert ended.status == 2
    assert "Usage: tidemill" in ended.out + ended.err
    assert "Traceback" not in ended.out + ended.err


def test_every_command_has_help(call: Call) -> None:
    commands = [line.split()[0] for line in call("-h").out.partition("Commands:\n")[2].splitlines()]
    assert set(commands) >= {
        "run", "plan", "sql", "search", "similar", "vectors", "explain", "quarantine", "snapshots", "diff", "report",
        "serve", "doctor", "vacuum",
    }  # fmt: skip
    for command in commands:
        ended = call(command, "-h")
        assert ended.status == 0
        assert ended.out.startswith(f"Usage: tidemill {command}")
