"""Suites of users' own: merged with the contract's, refused in a sentence."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from expectations.checks import Check, checks_of
from expectations.contracts.tables import EVENT_TABLES, TABLES
from expectations.suites import OWN_SUITES, SuiteError, checks_of_table, own_checks, suite_of, suites_digest

LENGTHS = {
    "type": "expect_column_value_lengths_to_be_between",
    "kwargs": {"column": "title", "max_value": 3},
    "severity": "warning",
    "meta": {"rule": "title_too_long"},
}  # fmt: skip


def write(folder: Path, *expectations: object) -> Path:
    (folder / "documents.json").write_text(json.dumps({"name": "documents", "expectations": expectations}))
    return folder


def test_expectations_of_ones_own_come_after_the_contracts(tmp_path):
    checks = checks_of_table(TABLES["documents"], write(tmp_path, LENGTHS))
    assert checks[:-1] == checks_of(TABLES["documents"])
    assert (checks[-1].columns, checks[-1].severity, checks[-1].rule) == (("title",), "warning", "title_too_long")
    assert checks_of_table(TABLES["tokens"], tmp_path) == checks_of(TABLES["tokens"])


def test_a_rule_without_a_name_is_named_after_its_expectation(tmp_path):
    (check,) = own_checks("documents", write(tmp_path, {**LENGTHS, "meta": {}}))
    assert check.rule == "fails_expect_column_value_lengths_to_be_between_title"
    assert check.meaning == "expect_column_value_lengths_to_be_between of title."


@pytest.mark.parametrize(
    ("expectation", "sentence"),
    [
        ("not an object", 'expectation 1: it must be an object with "type" and "kwargs"'),
        ({"type": "expect_column_to_exist"}, 'expectation 1: it must be an object with "type" and "kwargs"'),
        ({**LENGTHS, "severity": "fatal"}, "severity must be one of critical, warning, info, not 'fatal'"),
        ({name: value for name, value in LENGTHS.items() if name != "severity"}, "severity must be one of"),
        ({**LENGTHS, "severty": "info"}, "unknown keys severty"),
        ({**LENGTHS, "meta": ["x"]}, "meta must be an object"),
    ],
    ids=["text", "no kwargs", "unknown severity", "no severity", "unknown key", "meta"],
)
def test_a_broken_expectation_is_refused_in_a_sentence_that_names_the_file(tmp_path, expectation, sentence):
    with pytest.raises(SuiteError) as caught:
        own_checks("documents", write(tmp_path, expectation))
    assert sentence in str(caught.value)
    assert "documents.json" in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"expectations": 3}'])
def test_a_broken_file_is_refused_in_a_sentence(tmp_path, text):
    (tmp_path / "documents.json").write_text(text)
    with pytest.raises(SuiteError, match=r"documents\.json is (not readable as JSON|no suite)"):
        own_checks("documents", tmp_path)


def test_the_digest_changes_with_the_file(tmp_path):
    none = suites_digest("documents", tmp_path)
    some = suites_digest("documents", write(tmp_path, LENGTHS))
    assert len({none, some, suites_digest("documents", write(tmp_path, LENGTHS, LENGTHS))}) == 3


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
    files = {path.stem for path in OWN_SUITES.glob("*.json")}
    assert files <= set(TABLES) - set(EVENT_TABLES)
    for table, contract in TABLES.items():
        checks = checks_of_table(contract)
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
        ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT {batch"}),
    ],
    ids=["unknown", "wrong values", "nothing given", "unpaired brace"],
)
def test_what_great_expectations_refuses_is_told_in_a_sentence(expectation, kwargs):
    with pytest.raises(SuiteError, match=rf"^Great Expectations refuses {expectation} on terms .*mend terms\.json$"):
        suite_of("terms", [Check(expectation, (), "info", kwargs, "")])
