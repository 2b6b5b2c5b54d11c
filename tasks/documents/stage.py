"""The chain of documents: sources noted, records parsed, copies set aside; every record in is a document, a copy or set
aside by a rule.

Tests of word vectors come in by the same way: their records are questions.
"""

from __future__ import annotations

from expectations.contracts.documents import WORD_TEST_KINDS
from tasks.documents.copies import document_batches, duplicate_batches, write_documents, write_duplicates
from tasks.documents.parsing import DocumentSettings, parse_batches, parse_documents
from tasks.documents.showing import show
from tasks.documents.word_tests import word_test_batches, write_word_tests
from tasks.intake.kinds import DOCUMENT_KINDS
from tasks.intake.vintages import noting
from tasks.lake.steps import HOUR_S, Step
from tasks.running.chains import Chain
from tasks.running.fetches_shown import show_fetches

A_HUGE_FILE_S = 4 * HOUR_S  # our choice: a batch takes seconds, a huge file perhaps an hour

CHAIN = Chain(
    subject="documents",
    stage="documents",
    flow="ingest_documents",
    steps=(
        noting("all sources of documents"),
        Step(
            "parse_documents",
            parse_documents,
            parse_batches,
            leaves=("labels", "treebank", "ops.quarantine"),
            timeout_s=A_HUGE_FILE_S,
        ),
        Step(
            "write_duplicates",
            write_duplicates,
            duplicate_batches,
            leaves=("duplicates", "documents"),
            timeout_s=A_HUGE_FILE_S,
        ),
        Step("write_documents", write_documents, document_batches, leaves=("documents",), timeout_s=A_HUGE_FILE_S),
        Step("write_word_tests", write_word_tests, word_test_batches, leaves=("word_tests", "ops.quarantine")),
    ),
    settings=DocumentSettings(),
    kinds=(*DOCUMENT_KINDS, *WORD_TEST_KINDS),
    shows=(show, show_fetches),
)
