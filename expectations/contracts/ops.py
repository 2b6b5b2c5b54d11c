"""Tables of the runs themselves: what was done, decided, set aside, published."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from expectations.contracts.columns import (
    CODE_VERSION,
    RUN_ID,
    SHA256,
    SNAPSHOT_ID,
    SOURCE,
    VINTAGE,
    count,
    day,
    moment,
    nullable,
    number,
    text,
)
from expectations.table_contract import Column, TableContract

RUNS = TableContract("runs", "a run", ("run_id",), (
    RUN_ID, text("flow", "Flow that ran"), moment("started_at", "When it started"),
    moment("finished_at", "When it ended"),
    Column("status", pa.string(), "How it ended", one_of=("completed", "partial", "unchanged", "failed", "refused")),
    replace(SNAPSHOT_ID, meaning="Snapshot in force at its end; NULL = none yet", is_nullable=True),
    count("n_steps_run", "Steps done", "steps"), count("n_steps_skipped", "Steps skipped, unchanged", "steps"),
    text("message", "What an operator should know, one sentence; NULL = nothing", is_nullable=True),
), schema="ops")  # fmt: skip

DECISION = "a decision on a document or a batch at a stage"

LEDGER = TableContract("ledger", DECISION, ("subject", "stage", "outcome", "rule"), (
    text("subject", "doc_id of a document, or name of a batch"),
    Column("subject_kind", pa.string(), "What the subject is", one_of=("document", "batch")),
    text("stage", "Step that decided"),
    Column("outcome", pa.string(), "Decision", one_of=("kept", "changed", "set_aside", "skipped")),
    text("rule", "Rule that decided: what is true of the subject"),
    number("score", "Measured value; NULL = the rule has none", "as the rule says"),
    number("threshold", "Value that it was held against; NULL = none", "as the rule says"),
    count("n_rows_in", "Rows in; NULL = a document, or a rule for some of a batch's rows", "rows", is_nullable=True),
    count("n_rows_out", "Rows out; NULL = a document, or a rule for some of a batch's rows", "rows", is_nullable=True),
    count("n_rows_set_aside", "Rows set aside by the rule; NULL = none is", "rows", is_nullable=True),
    count("n_bytes_before", "Bytes before", "bytes", is_nullable=True),
    count("n_bytes_after", "Bytes after", "bytes", is_nullable=True), CODE_VERSION,
), schema="ops")  # fmt: skip

QUARANTINE = TableContract("quarantine", "a row set aside", ("quarantine_id",), (
    text("quarantine_id", "First 16 hex digits of SHA-256 over table, rule, uri and row", pattern="[0-9a-f]{16}"),
    text("table_name", "Table for which it was meant"), text("rule", "Rule that it breaks: what is true of the row"),
    text("message", "What is wrong and how to mend it, one sentence"),
    text("raw_row", "The row as it came, JSON"), SOURCE,
    text("uri", "File, then # and line or member; as in documents.uri"),
    nullable(VINTAGE),
), schema="ops")  # fmt: skip

VALIDATIONS = TableContract("validations", "an outcome of an expectation", (
    "run_id", "table_name", "expectation", "column_name", "validated_at",  # a run may publish twice
), (
    RUN_ID, text("table_name", "Table, with its schema unless main"),
    text("expectation", "Great Expectations' name of the rule"),
    text("column_name", "Column, or columns joined with a comma; empty = the table"),
    Column("severity", pa.string(), "critical stops the publish, warning sets rows aside, info is told",
           one_of=("critical", "warning", "info")),
    Column("is_success", pa.bool_(), "Whether the expectation held"),
    count("n_rows", "Rows looked at", "rows"), count("n_unexpected", "Rows that break it", "rows", is_nullable=True),
    text("observed", "What was observed, JSON; NULL = nothing to tell", is_nullable=True),
    moment("validated_at", "When"),
), schema="ops")  # fmt: skip

SNAPSHOTS = TableContract("snapshots", "a published state", ("snapshot_id",), (
    SNAPSHOT_ID,
    replace(SNAPSHOT_ID, name="parent_id", meaning="Snapshot before it; NULL = the first", is_nullable=True),
    moment("published_at", "When"), RUN_ID, count("n_files", "Files of all tables", "files"),
    count("n_rows", "Rows of all tables", "rows"), count("n_bytes", "Bytes of all files", "bytes"),
    text("manifest_sha256", "SHA-256 of the manifest", pattern=SHA256),
), schema="ops")  # fmt: skip

VERDICTS = ("accepted", "warned", "refused", "released")

VINTAGES = TableContract("vintages", "raw bytes as once fetched", ("source", "uri", "vintage"), (
    SOURCE, text("uri", "Path relative to the source file, or URL"), VINTAGE,
    text("raw_sha256", "SHA-256 of the raw bytes, under which they are kept", pattern=SHA256),
    count("n_bytes", "Size", "bytes"), moment("fetched_at", "When these bytes were first fetched"),
    Column("verdict", pa.string(), "What the gate said of it, released = a person let it in; NULL = never judged",
           is_nullable=True, one_of=VERDICTS),
    text("rule", "Rules that it breaks, joined with a comma; NULL = none", is_nullable=True),
    text("message", "What the gate found, one sentence; NULL = nothing", is_nullable=True),
    nullable(replace(VINTAGE, name="against", meaning="Vintage that it was held against; NULL = none was in force")),
    nullable(day("last_on", "Last day of its observations; NULL = it has none")),
    Column("is_trusted", pa.bool_(), "Whether it was ever let in; NULL = unknown", is_nullable=True),
    Column("is_in_force", pa.bool_(), "Whether the tables are made from it; NULL = unknown", is_nullable=True),
    Column("is_offered", pa.bool_(), "Whether its place gave these bytes when last looked at; NULL = unknown",
           is_nullable=True),
    text("trouble", "Why its place lives on an old vintage, or on none; NULL = all is well", is_nullable=True),
    moment("trouble_since", "Since when; NULL = all is well", is_nullable=True),
), schema="ops")  # fmt: skip
