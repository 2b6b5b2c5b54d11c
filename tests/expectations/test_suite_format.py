"""A suite in YAML: what it may say, and how it is refused with its line."""

from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.suite_format import REMEDY, SuiteError, parse_suite

HEAD = "table: documents\nexpectations:\n"


def checks(*expectations: str, head: str = HEAD) -> list:
    return list(parse_suite(head + "".join(f"- {one}\n" for one in expectations), "own.yaml").checks)


def test_an_expectation_of_great_expectations_keeps_its_name_and_arguments():
    (check,) = checks(
        "{type: expect_column_values_to_be_in_set, kwargs: {column: lang, value_set: [de, no]}, severity: info}"
    )
    assert (check.expectation, check.columns, check.severity) == (
        "expect_column_values_to_be_in_set",
        ("lang",),
        "info",
    )
    assert check.kwargs == {"column": "lang", "value_set": ["de", "no"]}  # Norwegian is no truth value
    assert check.rule == "fails_expect_column_values_to_be_in_set_lang"
    assert check.meaning == "expect_column_values_to_be_in_set of lang."
    assert (check.remedy, check.where) == (REMEDY, "own.yaml, line 3")


def test_words_of_ones_own_take_the_place_of_ours():
    (check,) = checks(
        "{type: t, kwargs: {column: a}, severity: critical, rule: r, description: Words., remedy: do this}"
    )
    assert (check.rule, check.meaning, check.remedy, check.severity) == ("r", "Words.", "do this", "critical")


def test_days_become_moments_and_odd_numbers_stay_text():
    (check,) = checks(
        "{type: t, kwargs: {min_value: 2020-03-01, max_value: 1.0e+3, a: 1:30, b: 0o7, c: 007}, severity: info}"
    )
    assert check.kwargs == {"min_value": datetime(2020, 3, 1), "max_value": 1000.0, "a": "1:30", "b": "0o7", "c": "007"}  # noqa: DTZ001


def test_a_query_is_named_by_its_rule():
    (check,) = checks("{sql: 'SELECT doc_id FROM {batch};', severity: warning, rule: any}")
    assert (check.expectation, check.kwargs, check.name) == ("sql", {"sql": "SELECT doc_id FROM {batch}"}, "any")
    (same,) = checks(
        "{type: unexpected_rows_expectation, kwargs: {unexpected_rows_query: 'SELECT doc_id FROM {batch};'}, "
        "severity: warning, rule: any}"
    )
    assert same == check


def test_a_rule_of_ours_is_given_by_its_short_name():
    (check,) = checks("{freshness: {column: fetched_at, by: source}, severity: critical}")
    assert (check.expectation, check.columns) == ("freshness", ("fetched_at", "source"))
    assert check.kwargs == {"column": "fetched_at", "by": ("source",), "days": 0}
    assert check.rule == "fetched_at_older_than_before"


def test_a_suite_of_a_source_marks_its_checks():
    suite = parse_suite("source: letters\nexpectations:\n- {type: t, kwargs: {}, severity: info}\n", "own.yaml")
    assert (suite.source, suite.table, suite.checks[0].source) == ("letters", "", "letters")
    assert suite.checks[0].name == "t of letters"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: holds no suite"),
        ("[]", "line 1: holds no suite"),
        ("{}", "line 1: `table` is missing"),
        ("table: documents\nexpectation: []\n", "line 2: unknown key `expectation`"),
        ("table: a\ntable: b\n", "line 2: `table` is given twice"),
        ("table: [a]\nexpectations: [x]\n", "line 1: `table` is no text"),
        ("table: documents\n", "line 1: `expectations` is no list"),
        (HEAD + "- text\n", "line 3: is no expectation"),
        (HEAD + "- {type: t, kwargs: {}, severty: info}\n", "line 3: unknown key `severty`"),
        (HEAD + "- {type: t, kwargs: {}}\n", "line 3: severity must be one of critical, warning, info, not ''"),
        (HEAD + "- type: t\n  kwargs: {}\n  severity: fatal\n", "line 5: severity must be one of"),
        (HEAD + "- {severity: info}\n", "line 3: asks nothing"),
        (HEAD + "- {type: t, sql: x, kwargs: {}, severity: info}\n", "line 3: asks `type` and `sql`"),
        (HEAD + "- {type: t, severity: info}\n", "line 3: `kwargs` go with `type`"),
        (HEAD + "- {sql: x, kwargs: {}, severity: info}\n", "line 3: `kwargs` go with `type`"),
        (HEAD + "- {type: t, kwargs: [], severity: info}\n", "line 3: `kwargs` is no mapping"),
        (HEAD + "- {sql: SELECT 1, severity: info, rule: r}\n", "line 3: the query does not ask the table"),
        (HEAD + "- {sql: 'FROM {batch}', severity: info}\n", "line 3: `rule` is missing"),
        (HEAD + "- {sql: 'FROM {batch}', severity: info, rule: a b}\n", "line 3: the rule 'a b' holds blanks"),
        (HEAD + "- coverage: x\n  severity: info\n", "line 3: `coverage` is no mapping"),
        (HEAD + "- {coverage: {colums: [a]}, severity: info}\n", "line 3: `coverage` takes no `colums`"),
        (HEAD + "- {coverage: {}, severity: info}\n", "line 3: `coverage` needs `columns`"),
        (HEAD + "- {type: t, kwargs: {a: !!python/name:os.system x}, severity: info}\n", "line 3: holds what no"),
        (HEAD + "- &a {type: t}\n- *a\n", "line 4: holds an alias"),
        (HEAD + "- {type: t\n", "is no YAML"),
        ("\x00", "holds characters that YAML forbids"),
        ("[" * 2_000 + "]" * 2_000, "is nested too deep"),
    ],
)  # fmt: skip
def test_what_is_no_suite_is_refused_with_its_line(text, sentence):
    with pytest.raises(SuiteError) as caught:
        parse_suite(text, "own.yaml")
    assert str(caught.value).startswith("own.yaml, line ")
    assert sentence in str(caught.value)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(st.sampled_from("abtype: {}[]-\n&*!'\"0.|>#%,"), max_size=60))
def test_any_text_is_a_suite_or_refused(text):
    with suppress(SuiteError):
        parse_suite(HEAD + text, "own.yaml")
