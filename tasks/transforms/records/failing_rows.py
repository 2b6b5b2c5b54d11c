"""Rows that break a rule, taken out of a published table's rows, each with the rule that it breaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from expectations.table_contract import TableContract, breaks_rule, row_rules
from tasks.transforms.records.quarantine import SetAside


def broken_rules(contract: TableContract, rows: pa.Table, named: Mapping[str, pa.Table]) -> pa.ChunkedArray:
    """For each row the first rule that it breaks, NULL where it keeps them all; shape (n_rows,), text.

    The contract's row rules come first, in their order, as far as `rows` has their columns; then the rules of `named`,
    which holds for each the keys of the rows that break it. A key with NULL in it is never found there.
    """
    first = pa.chunked_array([pa.nulls(rows.num_rows, pa.string())])
    masks = [
        (rule.name, breaks_rule(contract, rule, rows))
        for rule in row_rules(contract)
        if rule.column in rows.column_names
    ]
    masks += [(rule, _has_key(contract, rows, keys)) for rule, keys in named.items() if keys.num_rows]
    for rule, is_broken in masks:
        is_new = pc.and_(is_broken, pc.is_null(first))
        if pc.any(is_new).as_py():
            first = pc.if_else(is_new, rule, first)
    return first


def columns_to_read(contract: TableContract, named: Mapping[str, pa.Table], failing: Sequence[str]) -> list[str]:
    """The columns that tell which rows fail, where row rules fail on the columns `failing`, and those of `named`."""
    key = contract.key if any(keys.num_rows for keys in named.values()) else ()
    return [column.name for column in contract.columns if column.name in {*failing, *key}]


def rows_to_set_aside(
    contract: TableContract, rows: pa.Table, rules: Sequence[str], origins: Sequence[tuple[str, str]]
) -> Iterator[SetAside]:
    """Each of `rows` for `ops.quarantine`, with its rule, and its origin: source and uri."""
    for row, rule, (source, uri) in zip(rows.to_pylist(), rules, origins, strict=True):
        yield SetAside(
            contract.qualified_name,
            rule,
            f"{rule}: mend it at its source, or the expectation where it asks too much, and run again",
            row,
            source,
            uri,
            row.get("vintage"),
        )


def _has_key(contract: TableContract, rows: pa.Table, keys: pa.Table) -> pa.ChunkedArray:
    """True for every row whose key stands in `keys`."""
    key = list(contract.key)
    numbered = rows.select(key).append_column("_row", pa.array(range(rows.num_rows), pa.int64()))
    found = numbered.join(keys.select(key), keys=key, join_type="left semi")["_row"]
    return pc.is_in(numbered["_row"], value_set=found.combine_chunks())
