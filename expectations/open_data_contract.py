"""The contracts in the form of the Open Data Contract Standard (https://bitol.io, version 3.2.0): one document for all
tables, with what suites add to them.

What the standard has no word for is left out, never bent: row rules become options of the logical type, keys and
references their own entries, expectations quality checks by SQL or by Great Expectations' name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from expectations.checks import SQL, Check, checks_of, duckdb_type
from expectations.table_contract import Column, TableContract

API_VERSION = "v3.2.0"
ID = "tidemill"
SEVERITIES = {"critical": "error", "warning": "warning", "info": "info"}


def open_data_contract(contracts: Sequence[TableContract], checks: Mapping[str, Sequence[Check]]) -> dict[str, Any]:
    """The whole document, as JSON or YAML has it. `checks` are all checks of each table, by its qualified name."""
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": ID,
        "name": ID,
        "version": "1.0.0",
        "status": "active",
        "description": {
            "purpose": "The published tables of a Tidemill home.",
            "usage": "Read warehouse.duckdb with any DuckDB client, or the Parquet files that it names.",
        },
        "schema": [_table(contract, checks.get(contract.qualified_name, ())) for contract in contracts],
    }


def _table(contract: TableContract, checks: Sequence[Check]) -> dict[str, Any]:
    table: dict[str, Any] = {
        "name": contract.qualified_name,
        "physicalName": contract.qualified_name,
        "logicalType": "object",
        "physicalType": "view",
        "description": f"One row is {contract.row_is}.",
        "properties": [_column(contract, column) for column in contract.columns],
    }
    quality = [_quality(check) for check in checks if check.rule and not _is_of_contract(contract, check)]
    return {**table, "quality": quality} if quality else table


def _is_of_contract(contract: TableContract, check: Check) -> bool:
    """Whether a check stands among the table's own entries already."""
    return check in checks_of(contract)


def _column(contract: TableContract, column: Column) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": column.name,
        "logicalType": _logical_type(column.type),
        "physicalType": duckdb_type(column.type),
        "required": not column.is_nullable,
        "description": column.comment,
    }
    if column.name in contract.key:
        entry |= {"primaryKey": True, "primaryKeyPosition": contract.key.index(column.name) + 1}
        entry |= {"unique": True} if len(contract.key) == 1 else {}
    options = _options(column)
    if options:
        entry["logicalTypeOptions"] = options
    if column.one_of:
        entry["enum"] = [{"value": value} for value in column.one_of]
    if pa.types.is_list(column.type):
        kind = column.type.value_type
        entry["items"] = {"logicalType": _logical_type(kind), "physicalType": duckdb_type(kind)}
    relations = [
        {"type": "foreignKey", "to": f"{held.table.replace('.', '_')}.{held.to_column}"}
        for held in contract.references
        if held.column == column.name
    ]
    return {**entry, "relationships": relations} if relations else entry


def _options(column: Column) -> dict[str, Any]:
    bounds = {"minimum": column.minimum, "maximum": column.maximum}
    options: dict[str, Any] = {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in bounds.items()
        if value is not None
    }
    return {**options, "pattern": f"^(?:{column.pattern})$"} if column.pattern else options


def _logical_type(kind: pa.DataType) -> str:
    """The standard's name of a type."""
    if pa.types.is_list(kind):
        return "array"
    if pa.types.is_timestamp(kind):
        return "timestamp"
    return {"date32[day]": "date", "bool": "boolean"}.get(
        str(kind), "integer" if pa.types.is_integer(kind) else "number" if pa.types.is_floating(kind) else "string"
    )


def _quality(check: Check) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": check.rule,
        "description": check.meaning,
        "severity": SEVERITIES[check.severity],
        "dimension": "conformity",
    }
    if check.expectation == SQL:
        query = str(check.kwargs["sql"]).replace("{batch}", "${table}").replace("{{", "{").replace("}}", "}")
        return {**entry, "type": "sql", "query": f"SELECT count(*) FROM ({query})", "mustBe": 0}
    engine = "greatExpectations" if check.expectation.startswith("expect_") else "tidemill"
    implementation = {"type": check.expectation, "kwargs": _plain(check.kwargs)}
    return {**entry, "type": "custom", "engine": engine, "implementation": implementation}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value
