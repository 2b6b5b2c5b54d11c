"""Rules by short names: their parameters, as given and by default."""

from datetime import date

import pytest

from expectations.rules import RULES, ParameterError, named_columns, with_defaults

GOOD = {
    "reference": {"columns": ["a"], "table": "t", "to": ["b"]},
    "parts": {"parts": ["a", "b"], "whole": "c"},
    "total": {"column": "a", "by": ["b"], "is": 1},
    "range": {"column": "a", "minimum": "b", "maximum": 3, "when": "c > 0"},
    "distribution": {"column": "a", "by": ["b"]},
    "coverage": {"columns": ["a"], "by": ["b"]},
    "freshness": {"column": "a", "by": ["b"]},
    "age": {"column": "a", "days": 2},
}


def test_every_rule_is_tried_here():
    assert GOOD.keys() == RULES.keys()


@pytest.mark.parametrize("name", RULES)
def test_a_rule_has_its_words_and_the_name_of_what_breaks_it(name):
    parameters = with_defaults(name, GOOD[name])
    assert parameters.keys() == RULES[name].kinds.keys()
    words, broken = RULES[name].words(parameters), RULES[name].broken(parameters)
    assert words.endswith(".")
    assert "a" in named_columns(name, parameters)
    assert not set(broken) & set(" ,/")


def test_columns_are_told_once_in_their_order():
    assert named_columns("range", with_defaults("range", GOOD["range"])) == ("a", "b")
    assert named_columns("parts", with_defaults("parts", GOOD["parts"])) == ("a", "b", "c")
    assert named_columns("coverage", with_defaults("coverage", {"columns": "a", "by": "a"})) == ("a",)
    assert named_columns("reference", with_defaults("reference", GOOD["reference"])) == ("a",)


@pytest.mark.parametrize(
    ("name", "changed", "problem"),
    [
        ("age", {"day": 2}, "takes no `day`, only column, days, by"),
        ("coverage", {"columns": []}, "needs names in `columns`"),
        ("coverage", {"columns": [1]}, "needs names in `columns`"),
        ("coverage", {"least": 1.5}, "needs a share from 0 to 1 in `least`"),
        ("distribution", {"most_spreads": 0}, "needs a number above 0 in `most_spreads`"),
        ("distribution", {"column": ["a"]}, "needs text in `column`"),
        ("freshness", {"days": "two"}, "needs a number in `days`"),
        ("freshness", {"days": True}, "needs a number in `days`"),
        ("freshness", {"days": float("nan")}, "needs a number in `days`"),
        ("range", {"minimum": True}, "needs a number, a day or a column in `minimum`"),
        ("reference", {"to": ["b", "c"]}, "needs as many `to` as `columns`"),
    ],
)
def test_a_wrong_parameter_is_refused(name, changed, problem):
    with pytest.raises(ParameterError) as caught:
        with_defaults(name, {**GOOD[name], **changed})
    assert problem in str(caught.value)


def test_a_range_needs_an_end_and_takes_nought_one_and_days():
    with pytest.raises(ParameterError, match="needs `minimum` or `maximum`"):
        with_defaults("range", {"column": "a"})
    assert with_defaults("range", {"column": "a", "minimum": 0, "maximum": 1})["maximum"] == 1
    assert with_defaults("range", {"column": "a", "minimum": date(2020, 1, 1)})["minimum"] == date(2020, 1, 1)
