"""Suites from folders: merged with the contract's checks, refused in a sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

from expectations.checks import Check, checks_of
from expectations.contracts.tables import EVENT_TABLES, TABLES
from expectations.rules import RULES
from expectations.suite_format import SuiteError
from expectations.suites import (
    PACKAGE_SUITES,
    checks_of_table,
    is_of_sources,
    own_checks,
    suite_folders,
    suite_of,
    suites_digest,
)

DOCUMENTS = TABLES["documents"]
LENGTHS = """- type: expect_column_value_lengths_to_be_between
  kwargs: {column: title, max_value: 3}
  severity: warning
  rule: title_too_long
"""


def write(folder: Path, *expectations: str, name: str = "own.yaml", head: str = "table: documents") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"{head}\nexpectations:\n{''.join(expectations)}")
    return folder


def reference(table: str, to: str) -> str:
    return f"- {{reference: {{columns: doc_id, table: {table}, to: {to}}}, severity: info}}\n"


def declare(folder: Path, name: str, kind: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(f"name: {name}\nkind: {kind}\nlocation: x\nlicence: x\nproducer: x\n")
    return folder / "expectations"


def test_expectations_of_ones_own_come_after_the_contracts(tmp_path):
    checks = checks_of_table(DOCUMENTS, [write(tmp_path, LENGTHS)])
    assert checks[:-1] == checks_of(DOCUMENTS)
    assert (checks[-1].columns, checks[-1].severity, checks[-1].rule) == (("title",), "warning", "title_too_long")
    assert checks_of_table(TABLES["tokens"], [tmp_path]) == checks_of(TABLES["tokens"])


def test_suites_beside_the_sources_are_found_and_those_of_the_package_too(tmp_path):
    folders = suite_folders(tmp_path)
    write(folders[1], LENGTHS)
    assert [check.rule for check in own_checks(DOCUMENTS, folders)] == ["title_too_long"]
    assert own_checks(TABLES["duplicates"], folders) == own_checks(TABLES["duplicates"], suite_folders(None)) != ()


@pytest.mark.parametrize(
    ("kind", "table"),
    [("mobility", "mobility"), ("policy", "policy"), ("text", "documents"), ("analogies", "word_tests")],
)
def test_a_suite_of_a_source_is_of_the_table_that_its_kind_fills(tmp_path, kind, table):
    folder = declare(tmp_path, "news", kind)
    write(
        folder,
        "- {type: expect_table_row_count_to_be_between, kwargs: {min_value: 1}, severity: info}\n",
        head="source: news",
    )
    assert {name for name, contract in TABLES.items() if own_checks(contract, [folder])} == {table}


def test_a_suite_of_a_source_may_name_another_table(tmp_path):
    folder = write(
        declare(tmp_path, "news", "text"),
        "- {type: t, kwargs: {}, severity: info}\n",
        head="source: news\ntable: tokens",
    )
    assert [check.source for check in own_checks(TABLES["tokens"], [folder])] == ["news"]
    assert is_of_sources(TABLES["tokens"])
    assert not is_of_sources(TABLES["scores"])


@pytest.mark.parametrize(
    ("head", "expectation", "sentence"),
    [
        ("table: document", LENGTHS, "own.yaml, line 1: no table is called 'document'"),
        ("table: ops.runs", LENGTHS, "own.yaml, line 1: no table is called 'ops.runs'"),
        ("source: olds", LENGTHS, "own.yaml, line 1: no source is called 'olds': declared beside it are news"),
        ("source: news\ntable: scores", LENGTHS, "own.yaml, line 2: rows of scores tell no source"),
        ("table: documents", LENGTHS.replace("title,", "titel,"), "own.yaml, line 3: documents has no column 'titel'"),
        ("table: documents", "- {freshness: {column: day}, severity: info}\n", "line 3: documents has no column 'day'"),
        ("table: documents", "- {range: {column: n_words, maximum: n_char}, severity: info}\n", "no column 'n_char'"),
        ("table: documents", reference("toks", "doc_id"), "line 3: no table is called 'toks'"),
        ("table: documents", reference("tokens", "doc"), "line 3: tokens has no column 'doc'"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_an_error_with_its_place(tmp_path, head, expectation, sentence):
    folder = write(declare(tmp_path, "news", "text"), expectation, head=head)
    with pytest.raises(SuiteError) as caught:
        own_checks(TABLES["labels"], [folder])  # whichever table is asked for
    assert sentence in str(caught.value)


def test_two_queries_of_one_name_are_refused(tmp_path):
    query = "- {sql: 'SELECT doc_id FROM {batch}', severity: info, rule: any}\n"
    write(tmp_path, query, name="a.yaml")
    with pytest.raises(SuiteError, match=r"b\.yaml, line 3: the rule any stands in .*a\.yaml, line 3 already"):
        own_checks(DOCUMENTS, [write(tmp_path, query, name="b.yaml")])


@pytest.mark.parametrize(
    ("content", "problem"), [(b"\xff", "line 1: is not in UTF-8"), (b"#" * 1_000_001, "is too large")]
)
def test_a_file_that_is_no_text_is_refused(tmp_path, content, problem):
    (tmp_path / "own.yaml").write_bytes(content)
    with pytest.raises(SuiteError, match=problem):
        own_checks(DOCUMENTS, [tmp_path])


def test_a_broken_declaration_beside_a_suite_is_left_to_who_reads_declarations(tmp_path):
    folder = write(declare(tmp_path, "news", "text"), LENGTHS, head="source: news")
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "list.yaml").write_text("- a")
    assert len(own_checks(DOCUMENTS, [folder])) == 1


def test_the_digest_changes_with_what_is_asked_and_not_with_its_place(tmp_path):
    none = suites_digest(DOCUMENTS, [tmp_path / "none"])
    some = suites_digest(DOCUMENTS, [write(tmp_path / "a", LENGTHS)])
    more = suites_digest(DOCUMENTS, [write(tmp_path / "b", LENGTHS, LENGTHS)])
    assert len({none, some, more}) == 3
    assert suites_digest(DOCUMENTS, [write(tmp_path / "c", "# a remark\n" + LENGTHS, name="other.yml")]) == some
    assert suites_digest(TABLES["labels"], [tmp_path / "a"]) == suites_digest(TABLES["labels"], [tmp_path / "none"])


def test_importing_contracts_and_suites_imports_no_engine():
    code = (
        "import sys, expectations.contracts, expectations.suites\n"
        "engines = {'great_expectations', 'duckdb', 'prefect', 'sqlalchemy', 'pandas'}\n"
        "print(sorted(engines & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_great_expectations_takes_every_suite_that_lies_here():
    assert list(PACKAGE_SUITES.glob("*.yaml"))
    for table in TABLES.keys() - set(EVENT_TABLES):
        checks = [one for one in checks_of_table(TABLES[table]) if one.expectation not in (*RULES, "sql")]
        suite = suite_of(table, checks)
        assert [expectation.meta["check"] for expectation in suite.expectations] == list(range(len(checks)))
        assert [expectation.severity.value for expectation in suite.expectations] == [
            check.severity for check in checks
        ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("expectation", "kwargs"),
    [
        ("expect_the_impossible", {}),
        ("expect_column_values_to_be_between", {"column": 3, "min_value": []}),
        ("expect_column_values_to_be_between", {}),
        ("expect_column_values_to_be_between", {"column": "a", "minvalue": 3}),
    ],
    ids=["unknown", "wrong values", "nothing given", "misspelt"],
)
def test_what_great_expectations_refuses_is_told_in_a_sentence(expectation, kwargs):
    with pytest.raises(SuiteError, match=rf"^own\.yaml, line 3: Great Expectations refuses {expectation} \(.*mend it$"):
        suite_of("terms", [Check(expectation, (), "info", kwargs, "", where="own.yaml, line 3")])
