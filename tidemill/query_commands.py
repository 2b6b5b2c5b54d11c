"""The commands that ask a snapshot: `sql`, `search`, `similar`, `vectors`, `explain`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Annotated, Any

import typer

from tasks.lake.layout import Lake
from tasks.questions.explanation import SECTIONS, Explanation, explain_document
from tasks.questions.queries import Answer, VectorFormat, ask
from tidemill.options import Home, Json, MisuseError, lake_of
from tidemill.terminal import Format, say, say_json, say_rows, visible, warn

ROWS_SHOWN = 500  # our choice: what a person still scrolls through; csv and json give every row
DOC_ID = re.compile("[0-9a-f]{16}")
WORD_COLUMNS = ("lang", "model_id", "term", "similarity", "n_occurrences")

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="SNAPSHOT", help="An older snapshot, as `tidemill snapshots` lists them."),
]
Most = Annotated[int, typer.Option("-k", "--most", min=1, max=10_000, help="How many.")]


def sql(
    query: Annotated[str, typer.Argument(help="One statement that reads, in DuckDB's SQL.")],
    home: Home = None,
    as_of: AsOf = None,
    form: Annotated[Format, typer.Option("--format", help="How the answer is written.")] = "table",
) -> None:
    """Ask the published tables.

    `SHOW ALL TABLES` lists them, `DESCRIBE documents` their columns; tables of schema ops are asked as ops.runs.
    """
    with ask(lake_of(home), query, as_of=as_of) as answer:
        if answer.columns == ("explain_key", "explain_value") and form == "table":
            for _, plan in answer.rows:
                say(plan)
        else:
            say_answer(answer, form)


def search(
    words: Annotated[list[str], typer.Argument(help="What to look for.")],
    home: Home = None,
    as_of: AsOf = None,
    most: Most = 10,
    *,
    as_json: Json = False,
) -> None:
    """Find documents by words."""
    with ask(lake_of(home), "SELECT * FROM search($1, $2)", [" ".join(words), most], as_of=as_of) as answer:
        _say_found(answer, "no document holds any of these words", as_json=as_json)


def similar(
    name: Annotated[str, typer.Argument(metavar="WORD|DOC", help="A word, or the doc_id of a document.")],
    home: Home = None,
    as_of: AsOf = None,
    most: Most = 10,
    *,
    lang: Annotated[str | None, typer.Option(help="Language of the word; otherwise every one that knows it.")] = None,
    minus: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="A word to take away; may be repeated.")
    ] = None,
    plus: Annotated[list[str] | None, typer.Option(metavar="WORD", help="A word to add; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Find words or documents like a given one.

    With --minus and --plus, words near a sum: `similar KING --minus MAN --plus WOMAN`.
    """
    lake = lake_of(home)
    if minus or plus:
        if DOC_ID.fullmatch(name):
            raise MisuseError("--minus and --plus go with words: a document is asked for alone")
        from tasks.questions.words import similar_to_sum  # noqa: PLC0415  # numpy, which no other query needs

        near = similar_to_sum(lake, [name, *(plus or [])], minus or [], most, lang=lang, as_of=as_of)
        _say_found(
            Answer(WORD_COLUMNS, (astuple(word) for word in near)), "the model knows no other word", as_json=as_json
        )
        return
    if DOC_ID.fullmatch(name):
        with ask(lake, "SELECT * FROM similar_documents($1, $2)", [name, most], as_of=as_of) as answer:
            _say_found(answer, f"no document is like {name}, or none is called so", as_json=as_json)
        return
    rows = [
        (code, *row)
        for code in ([lang] if lang else _languages(lake, as_of))
        for row in _similar_words(lake, code, name, most, as_of)
    ]
    if rows or as_json:
        _say_found(Answer(WORD_COLUMNS, iter(rows)), "", as_json=as_json)
    else:
        from tasks.questions.words import unknown_word  # noqa: PLC0415

        say(unknown_word(lake, name, lang, as_of))


def vectors(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to write them; a file that is there is replaced.")
    ],
    home: Home = None,
    as_of: AsOf = None,
    lang: Annotated[
        str | None, typer.Option(help="Language of the words; may be left out where there is but one.")
    ] = None,
    form: Annotated[
        VectorFormat, typer.Option("--format", help="word2vec's text or binary format, or NumPy's .npz.")
    ] = "text",
    *,
    as_json: Json = False,
) -> None:
    """Write a language's word vectors for other programs.

    gensim reads all three: text and binary with KeyedVectors.load_word2vec_format, numpy (words, vectors) with
    add_vectors.
    """
    lake = lake_of(home)
    from tasks.questions.words import export_vectors, languages_of_vectors  # noqa: PLC0415  # numpy, which no other query needs

    if lang is None:
        languages = languages_of_vectors(lake, as_of)
        if len(languages) != 1:
            known = ", ".join(languages)
            raise MisuseError(
                f"there are word vectors in {known}: say which with --lang"
                if known
                else "no word vectors are published"
            )
        (lang,) = languages
    exported = export_vectors(lake, lang, form, file, as_of)
    if as_json:
        say_json({"file": str(file), **asdict(exported)})
        return
    say(f"{exported.n_words} words of {exported.model_id} written to {file}")
    if exported.left_out:
        warn(
            f"{len(exported.left_out)} words have no form in this format and are left out: "
            f"{', '.join(exported.left_out[:10])}"
        )


def explain(
    name: Annotated[str, typer.Argument(metavar="DOC", help="A doc_id, a uri, or the end of one.")],
    home: Home = None,
    as_of: AsOf = None,
    *,
    as_json: Json = False,
) -> None:
    """Tell everything about one document.

    Where it came from, every decision taken about it, and what was made of it.
    """
    explanation = explain_document(lake_of(home), name, as_of)
    if as_json:
        say_json({"doc_id": explanation.doc_id, "snapshot_id": explanation.snapshot_id, **explanation.sections})
    else:
        _say_explanation(explanation)


def say_answer(answer: Answer, form: Format) -> None:
    """Print an answer; of a table for people the first rows, and that there are more."""
    if form != "table":
        say_rows(answer.columns, answer.rows, form)
        return
    shown = list(itertools.islice(answer.rows, ROWS_SHOWN))
    say_rows(answer.columns, shown)
    if next(answer.rows, None) is not None:
        warn(f"only the first {ROWS_SHOWN} rows are shown: --format csv gives all")


def _say_found(answer: Answer, sentence: str, *, as_json: bool) -> None:
    rows = list(answer.rows)
    if as_json or rows:
        say_rows(answer.columns, rows, "json" if as_json else "table")
    else:
        say(sentence)


def _languages(lake: Lake, as_of: str | None) -> list[str]:
    with ask(lake, "SELECT DISTINCT lang FROM word_vectors ORDER BY lang", as_of=as_of) as answer:
        return [lang for (lang,) in answer.rows]


def _similar_words(lake: Lake, lang: str, word: str, most: int, as_of: str | None) -> list[Sequence[Any]]:
    with ask(lake, "SELECT * FROM similar_words($1, $2, $3)", [lang, word, most], as_of=as_of) as answer:
        return list(answer.rows)


def _say_explanation(explanation: Explanation) -> None:
    say(f"document {explanation.doc_id} in snapshot {explanation.snapshot_id}")
    if not explanation.sections["document"]:
        say("not published: set aside, as told below")
    for section in SECTIONS:
        rows = explanation.sections[section]
        if not rows:
            continue
        say(f"\n{section}")
        if len(rows) == 1 and section in ("document", "tokens"):
            width = max(len(column) for column in rows[0])
            for column, value in rows[0].items():
                say(f"  {column.ljust(width)}  {visible(value)}")
        else:
            say_rows(list(rows[0]), [list(row.values()) for row in rows])
