"""A declaration becomes the value it says, or is refused with file, line and remedy."""

import pickle
import textwrap

import pytest

from tasks.transforms.records.source_format import Source, SourceError, parse_source

KINDS = ("text", "html", "warc", "jsonl", "conllu", "labelled", "mobility", "policy", "word_pairs", "analogies")
GOOD = textwrap.dedent("""\
    name: example_pages
    kind: html
    location: pages/*.html
    lang: de
    licence: CC0-1.0
    producer: Who made it
""")


def declare(**changes: str) -> str:
    fields = {"name": "one", "kind": "text", "location": "a.txt", "licence": "CC0-1.0", "producer": "us", **changes}
    return "".join(f"{key}: {value}\n" for key, value in fields.items() if value is not None)


def fault_of(text: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        parse_source(text, "pages.yaml", "/somewhere", KINDS)
    return caught.value


def test_every_key_of_a_good_declaration_is_taken():
    assert parse_source(GOOD, "pages.yaml", "/somewhere", KINDS) == Source(
        "example_pages", "html", "pages/*.html", "/somewhere", "CC0-1.0", "Who made it", "de", "file", {}
    )


def test_columns_are_names_or_positions():
    by_position = parse_source(declare(kind="labelled", columns="{label: 0, text: 1}"), "a.yaml", "/", KINDS)
    by_name = parse_source(declare(kind="labelled", columns='{label: "0", text: body}'), "a.yaml", "/", KINDS)
    assert by_position.columns == {"label": 0, "text": 1}
    assert by_name.columns == {"label": "0", "text": "body"}


def test_columns_have_defaults_where_the_kind_needs_them():
    assert parse_source(declare(kind="labelled"), "a.yaml", "/", KINDS).columns == {"text": "text", "label": "label"}
    assert parse_source(declare(kind="jsonl"), "a.yaml", "/", KINDS).columns == {"text": "text"}
    assert parse_source(declare(), "a.yaml", "/", KINDS).columns == {}


@pytest.mark.parametrize("kind", ["mobility", "policy"])
def test_observations_say_which_file_counts_and_how_fresh_they_are(kind):
    plain = parse_source(declare(kind=kind), "a.yaml", "/", KINDS)
    assert (plain.order, plain.fresh_within_days) == ("reach", None)
    for order in ("reach", "fetched", "name"):
        found = parse_source(declare(kind=kind, order=order, fresh_within_days="14"), "a.yaml", "/", KINDS)
        assert (found.order, found.fresh_within_days) == (order, 14)


def test_norwegian_is_not_false():
    assert parse_source(declare(lang="no"), "a.yaml", "/", KINDS).lang == "no"


def test_a_declaration_travels_to_other_processes():
    source = parse_source(GOOD, "pages.yaml", "/somewhere", KINDS)
    assert pickle.loads(pickle.dumps(source)) == source  # noqa: S301  # our own bytes
    assert str(pickle.loads(pickle.dumps(fault_of("")))) == str(fault_of(""))  # noqa: S301


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "holds no declaration"),
        ("- a list\n", 1, "holds no declaration"),
        (GOOD.replace("kind: html", "kind: htlm"), 2, "unknown kind `htlm`: use text, html"),
        (GOOD + "colour: red\n", 7, "unknown key `colour`"),
        (GOOD + "kind: text\n", 7, "given twice (first in line 2)"),
        (GOOD.replace("kind: html\n", ""), 1, "`kind` is missing: add a line `kind: …`"),
        (GOOD.replace("CC0-1.0", ""), 5, "`licence` is empty"),
        (GOOD.replace("example_pages", "Example Pages"), 1, "not in snake_case"),
        (GOOD.replace("example_pages", "../../etc/passwd"), 1, "not in snake_case"),
        (GOOD.replace("lang: de", "lang: german"), 4, "two letters of ISO 639-1"),
        (GOOD + "unit: line\n", 7, "`unit` means nothing for the kind html"),
        (declare(unit="page"), 6, "unknown unit `page`"),
        (GOOD + "columns: {text: a}\n", 7, "`columns` means nothing for the kind html"),
        (declare(kind="labelled", columns="{text: a}"), 6, "the column `label` is missing"),
        (declare(kind="labelled", columns="{text: a, label: 1}"), 6, "by name and by position"),
        (declare(kind="labelled", columns="{text: a, label: b, x: c}"), 6, "unknown column `x`"),
        (declare(kind="labelled", columns="{text: -1, label: 1}"), 6, "positions count from 0"),
        (declare(kind="labelled", columns="text"), 6, "`columns` is no mapping"),
        (declare(kind="jsonl", columns="{text: 0}"), 6, "name the JSON key"),
        (declare(order="reach"), 6, "`order` means nothing for the kind text: remove it"),
        (declare(fresh_within_days="3"), 6, "`fresh_within_days` means nothing for the kind text: remove it"),
        (declare(kind="mobility", order="newest"), 6, "unknown order `newest`: use reach, fetched or name"),
        (declare(kind="policy", fresh_within_days="0"), 6, "`fresh_within_days` is `0`: give a number of days, from 1"),
        (declare(kind="policy", fresh_within_days="-3"), 6, "`fresh_within_days` is `-3`"),
        (declare(kind="policy", fresh_within_days="2.5"), 6, "`fresh_within_days` is `2.5`"),
        (declare(kind="policy", fresh_within_days="soon"), 6, "`fresh_within_days` is `soon`"),
        (declare(kind="policy", fresh_within_days="'3'"), 6, "`fresh_within_days` is `3`"),
        (declare(kind="policy", fresh_within_days="0x10"), 6, "`fresh_within_days` is `0x10`"),
        (declare(kind="policy", fresh_within_days="[3]"), 6, "`fresh_within_days` is a list or a mapping"),
        (declare(name="[a, b]"), 1, "is a list or a mapping"),
        (declare(location="a: b: c"), 3, "is no YAML"),
        (GOOD.replace("html", "html\x07"), 1, "characters that YAML forbids"),
        ("!!python/object/apply:os.system ['true']\n", 1, "holds no declaration"),
    ],
)
def test_a_fault_is_told_with_its_line_and_remedy(text, line, words):
    fault = fault_of(text)
    assert str(fault).startswith(f"pages.yaml, line {line}: ")
    assert words in str(fault)
