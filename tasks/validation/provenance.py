"""Where rows of a published table came from: the declared source and its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from expectations.table_contract import TableContract
from tasks.lake.files import FileRef, read_table
from tasks.lake.layout import Lake

Origin = tuple[str, str]
"""A declared source, and a uri as in `documents.uri` and `ops.vintages.uri`."""

DOCUMENTS, VINTAGES = "documents", "ops.vintages"


def tables_of_origins(contract: TableContract) -> tuple[str, ...]:
    """The tables that tell where the rows of a table came from: none where they say so themselves, or nobody knows."""
    names = {column.name for column in contract.columns}
    if {"source", "uri"} <= names:
        return ()
    if "vintage" in names:
        return (VINTAGES,)
    return (DOCUMENTS,) if any(held.table == DOCUMENTS for held in contract.references) else ()


def origins_of(
    lake: Lake, contract: TableContract, rows: pa.Table, files: Mapping[str, Sequence[FileRef]]
) -> list[Origin | None]:
    """The origin of each row: its own `source` and `uri`, else those of its vintage, else of its document; None where
    none of them tells. `files` are those of the tables that `tables_of_origins` names.

    Bytes that were fetched from several places have the first of them, by source and uri.
    """
    if {"source", "uri"} <= set(rows.column_names):
        given = zip(rows["source"].to_pylist(), rows["uri"].to_pylist(), strict=True)
        return [(source, uri) if source and uri else None for source, uri in given]
    for table, refs in files.items():
        key = "vintage" if table == VINTAGES else "doc_id"
        column = key if table == VINTAGES else next(held.column for held in contract.references if held.table == table)
        if refs and column in rows.column_names:
            known = _origins_by(lake, refs, key)
            return [known.get(value) for value in rows[column].to_pylist()]
    return [None] * rows.num_rows


def _origins_by(lake: Lake, refs: Sequence[FileRef], key: str) -> dict[str, Origin]:
    told = read_table(lake, refs, [key, "source", "uri"])
    columns = [told[name].to_pylist() for name in ("source", "uri", key)]
    return {value: (source, uri) for source, uri, value in sorted(zip(*columns, strict=True), reverse=True)}
