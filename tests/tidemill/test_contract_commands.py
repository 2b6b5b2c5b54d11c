"""The commands `contracts` and `profile`."""

from collections.abc import Callable
from pathlib import Path

import yaml
from support.command_line import Ended

from expectations.suite_format import parse_suite

Call = Callable[..., Ended]


def test_contracts_are_given_in_the_standard_and_as_markdown(call: Call) -> None:
    document = yaml.safe_load(call("contracts", "mobility", "policy").out)
    assert [table["name"] for table in document["schema"]] == ["mobility", "policy"]
    assert "## `policy`" in call("contracts", "policy", "--format", "markdown").out
    ended = call("contracts", "mobilty")
    assert (ended.status, "no table is called 'mobilty'" in ended.err) == (2, True)


def test_a_profile_is_a_contract_and_a_suite(call: Call, tmp_path: Path) -> None:
    (tmp_path / "rain.csv").write_text("day,mm\n2020-03-01,1.5\n2020-03-02,2.5\n")
    contract, _, suite = call("profile", str(tmp_path / "rain.csv")).out.partition("\n---\n")
    assert yaml.safe_load(contract)["schema"][0]["name"] == "rain"
    assert parse_suite(suite, "rain.yaml").table == "rain"
    ended = call("profile", str(tmp_path / "snow.csv"))
    assert (ended.status, "snow.csv cannot be read" in ended.err) == (1, True)
