"""The stage `documents`: sources fetched, records parsed, copies set aside; every record in is a document, a copy or set aside by a rule.

Tests of word vectors come in by the same way: their records are questions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from tasks.documents.copies import document_works, documents_body, duplicate_works, duplicates_body
from tasks.documents.parsing import PARSER_MODULES, DocumentSettings, parse_body, parse_works
from tasks.documents.word_tests import PARSERS as WORD_TEST_PARSERS
from tasks.documents.word_tests import word_test_works, word_tests_body
from tasks.intake.fetch import fetch_source
from tasks.intake.vintages import FetchedSource, vintage_works, vintages_body
from tasks.lake.layout import Lake
from tasks.lake.steps import PlannedWork, StepRecord, Work, do, find_record, find_records, plan_due, plan_hanging
from tasks.running.artifacts import show_table
from tasks.transforms.records.source_format import Source

STEP_SECONDS = 4 * 3600  # our choice, against what hangs: a batch takes seconds, a huge file perhaps an hour

SUBJECT = "all sources of documents"


def document_sources(sources: Sequence[Source]) -> list[Source]:
    """Those sources whose records are documents, or questions of word tests."""
    return [source for source in sources if source.kind in PARSER_MODULES or source.kind in WORD_TEST_PARSERS]


@task(
    task_run_name="fetch {source.name}", cache_policy=NO_CACHE
)  # in threads, where Prefect's time-outs cannot act; downloads have theirs
def fetch_documents(home: str, source: Source) -> FetchedSource:
    """What a source has now, kept in the lake; what cannot be had is logged here, and told in the quarantine by `write_vintages`."""
    fetched = fetch_source(Lake(Path(home)), source)
    for message in (*(fault.message for fault in fetched.set_aside), *fetched.remarks.values()):
        get_run_logger().warning("source %s: %s", source.name, message)
    return FetchedSource(source, fetched)


def fetch_all(lake: Lake, sources: Sequence[Source]) -> list[FetchedSource]:
    """What all sources of documents have now; those behind URLs are waited for together. To be called inside a flow."""
    futures = [fetch_documents.submit(str(lake.home), source) for source in document_sources(sources)]
    return [future.result() for future in futures]


@task(task_run_name="write_vintages {work.subject}", cache_policy=NO_CACHE, timeout_seconds=STEP_SECONDS)
def write_vintages(home: str, work: Work) -> StepRecord:
    """The record of what was fetched."""
    return do(Lake(Path(home)), work, vintages_body)


@task(task_run_name="parse_documents {work.subject}", cache_policy=NO_CACHE, timeout_seconds=STEP_SECONDS)
def parse_documents(home: str, work: Work) -> StepRecord:
    """The record of a parsed batch."""
    return do(Lake(Path(home)), work, parse_body)


@task(task_run_name="write_word_tests {work.subject}", cache_policy=NO_CACHE, timeout_seconds=STEP_SECONDS)
def write_word_tests(home: str, work: Work) -> StepRecord:
    """The record of a test of word vectors."""
    return do(Lake(Path(home)), work, word_tests_body)


@task(task_run_name="write_duplicates {work.subject}", cache_policy=NO_CACHE, timeout_seconds=STEP_SECONDS)
def write_duplicates(home: str, work: Work) -> StepRecord:
    """The record of the search for copies."""
    return do(Lake(Path(home)), work, duplicates_body)


@task(task_run_name="write_documents {work.subject}", cache_policy=NO_CACHE, timeout_seconds=STEP_SECONDS)
def write_documents(home: str, work: Work) -> StepRecord:
    """The record of a file of documents without its copies."""
    return do(Lake(Path(home)), work, documents_body)


def all_parse_works(fetched: Sequence[FetchedSource], settings: DocumentSettings) -> list[Work]:
    """The batches of all sources."""
    of_documents = (one for one in fetched if one.source.kind in PARSER_MODULES)
    return [work for one in of_documents for work in parse_works(one.source, one.fetched.items, settings)]


def plan_documents(
    lake: Lake, sources: Sequence[Source], settings: DocumentSettings | None = None
) -> list[PlannedWork]:
    """What `ingest_documents` would do and why. Looks at the sources as they stand now, URLs included, and keeps nothing."""
    fetched = [FetchedSource(source, fetch_source(lake, source, keep=False)) for source in document_sources(sources)]
    works = all_parse_works(fetched, settings or DocumentSettings())
    lines = plan_due(lake, "documents", [*vintage_works(lake, fetched, SUBJECT), *word_test_works(fetched), *works])
    parsed = find_records(lake, works)
    if len(parsed) < len(works):
        return [*lines, *plan_hanging("documents", "parse_documents", "write_duplicates", "write_documents")]
    (search,) = duplicate_works(parsed)
    found = find_record(lake, search)
    if found is None:
        return [
            *lines,
            *plan_due(lake, "documents", [search]),
            *plan_hanging("documents", "write_duplicates", "write_documents"),
        ]
    return [*lines, *plan_due(lake, "documents", document_works(lake, parsed, found))]


def show_documents(
    fetched: Sequence[FetchedSource], parsed: Sequence[StepRecord], written: Sequence[StepRecord]
) -> None:
    """Show in the UI, by source, what went in, what came out, and what was set aside by which rule."""
    rows = []
    for one in fetched:
        name = one.source.name
        of_source = [record for record in parsed if record.subject.startswith(f"{name}: ")]
        set_aside = Counter(fault.rule for fault in one.fetched.set_aside)
        for record in (*of_source, *(record for record in written if record.subject.startswith(f"{name}: "))):
            set_aside.update(record.set_aside)
        n_out = sum(record.n_rows_out for record in of_source) - set_aside["exact_copy"]
        rows.append({
            "source": name, "kind": one.source.kind, "raw items": len(one.fetched), "records in": sum(record.n_rows_in for record in of_source),
            "rows out": n_out, "set aside": ", ".join(f"{rule}: {n}" for rule, n in sorted(set_aside.items())),
        })  # fmt: skip
    show_table(
        "documents",
        rows,
        "Documents, or questions of word tests, by source: records in = rows out + set aside, by rule",
    )
