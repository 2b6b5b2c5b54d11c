"""Every published table. A module of this package is a family of tables; whatever contract it holds is published."""

from __future__ import annotations

import importlib
import pkgutil

from expectations import contracts
from expectations.table_contract import TableContract

EVENT_TABLES = ("ops.runs", "ops.validations", "ops.snapshots")
"""Logs of events, one file an event, read live; every other table belongs to a snapshot."""


def _declared() -> dict[str, TableContract]:
    """All contracts of all families by qualified name: families by name, those of the schema `main` first."""
    families = [found.name for found in pkgutil.iter_modules(contracts.__path__) if found.name != "tables"]
    modules = [importlib.import_module(f"{contracts.__name__}.{family}") for family in sorted(families)]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, TableContract)]
    return {contract.qualified_name: contract for contract in sorted(found, key=lambda one: one.schema != "main")}


TABLES = _declared()
"""Every published table by its qualified name (`documents`, `ops.runs`), in the order in which docs and reports show
them.
"""
