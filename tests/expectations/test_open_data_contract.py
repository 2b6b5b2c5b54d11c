"""The contracts in the Open Data Contract Standard: valid by its own schema, and saying what ours say."""

import json
from importlib import resources, util

import jsonschema
import pytest

from expectations.contracts.tables import TABLES
from expectations.open_data_contract import API_VERSION, open_data_contract
from expectations.suites import checks_of_table

STANDARD = "open_data_contract_standard"
CHECKS = {name: checks_of_table(contract) for name, contract in TABLES.items()}


def exported() -> dict:
    return open_data_contract(list(TABLES.values()), CHECKS)


def table(name: str) -> dict:
    (found,) = [one for one in exported()["schema"] if one["name"] == name]
    return found


@pytest.mark.skipif(util.find_spec(STANDARD) is None, reason="open-data-contract-standard is not installed")
def test_the_document_is_valid_by_the_standards_own_schema():
    schema = json.loads(resources.files(STANDARD).joinpath("schema.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(exported())] == []
    broken = {**exported(), "kind": "Contract"}
    assert list(validator.iter_errors(broken))


def test_every_table_is_there_with_its_columns_in_order():
    document = exported()
    assert (document["apiVersion"], document["kind"]) == (API_VERSION, "DataContract")
    assert [one["name"] for one in document["schema"]] == list(TABLES)
    for one, contract in zip(document["schema"], TABLES.values(), strict=True):
        assert [column["name"] for column in one["properties"]] == [column.name for column in contract.columns]
        keys = [column for column in one["properties"] if column.get("primaryKey")]
        assert (
            tuple(column["name"] for column in sorted(keys, key=lambda key: key["primaryKeyPosition"])) == contract.key
        )


def test_a_column_says_what_its_rules_say():
    columns = {column["name"]: column for column in table("mobility")["properties"]}
    assert columns["change_pct"]["logicalTypeOptions"] == {"minimum": -100.0, "maximum": 10_000.0}
    assert (columns["change_pct"]["logicalType"], columns["change_pct"]["required"]) == ("number", False)
    assert columns["country_code"]["logicalTypeOptions"] == {"pattern": "^(?:[A-Z]{2})$"}
    assert columns["observed_on"]["logicalTypeOptions"] == {"minimum": "2020-01-01"}
    assert {"value": "parks"} in columns["category"]["enum"]
    (reference,) = {column["name"]: column for column in table("tfidf")["properties"]}["doc_id"]["relationships"]
    assert reference == {"type": "foreignKey", "to": "documents.doc_id"}


def test_suites_become_quality_checks():
    (query,) = table("duplicates")["quality"]
    assert query["query"] == "SELECT count(*) FROM (SELECT doc_id FROM ${table} WHERE doc_id = kept_doc_id)"
    assert (query["mustBe"], query["severity"]) == (0, "warning")
    kinds = {one["implementation"]["type"]: one["engine"] for one in table("forecasts")["quality"]}
    assert kinds == {"expect_column_pair_values_a_to_be_greater_than_b": "greatExpectations", "range": "tidemill"}
    assert "quality" not in table("labels")
