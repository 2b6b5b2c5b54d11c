"""Tokens of a part, a file of documents, and the counts of its words: what the vocabulary and the weights are made
of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.settings import settings_of
from models.taggers.tagger import TaggerError
from tasks.lake.decisions import write_decisions, write_skip
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord
from tasks.lake.steps import Batch, StepOutput
from tasks.taggers.applying import LanguageTagger, TaggerFiles, open_tagger, present_taggers
from tasks.transforms.text.annotation import annotate_texts, token_rows
from tasks.transforms.text.lexicon import Lexicon, TextSettings
from tasks.transforms.text.term_counts import PartCounts, language_counts

SLICE_BYTES = 2**21  # of text annotated at once: faster than 2**20 and 2**22 to 2**24 on film reviews, by up to a third
WITHOUT_TOKEN = "no_token"  # noqa: S105  # no password: of a document that is all white space or zero-width spaces


@dataclass(frozen=True)
class DocumentsPart:
    """What `write_tokens` reads: one file of documents, and the taggers of its languages."""

    documents: FileRef
    settings: TextSettings
    taggers: tuple[TaggerFiles, ...] = ()


def token_batches(
    lake: Lake, documents_left: StageRecord | None, taggers_left: StageRecord | None, settings: TextSettings
) -> list[Batch]:
    """One batch for each file of documents, with the taggers of its languages; none where there are no documents."""
    taggers = present_taggers(lake, taggers_left)
    batches = []
    for ref in [] if documents_left is None else [ref for ref in documents_left.tables["documents"] if ref.n_rows]:
        rows = read_table(lake, ref, ["doc_id", "lang"])
        of_part = tuple(taggers[lang] for lang in sorted(taggers.keys() & set(pc.unique(rows["lang"]).to_pylist())))
        # A name that stays while others come and go: the first document's. Cards are no inputs: they hold times and
        # seconds.
        subject = f"documents from {pc.min(rows['doc_id']).as_py()}"
        inputs = (ref.sha256, *(tagger.weights.sha256 for tagger in of_part))
        batches.append(Batch(subject, inputs, DocumentsPart(ref, settings, of_part), settings_of(settings)))
    return batches


def write_tokens(lake: Lake, part: DocumentsPart) -> StepOutput:
    """Leave `tokens` of a part and its counts (`transforms.text.term_counts`). Rows are documents; those without a
    token are set aside.
    """
    documents = read_table(lake, part.documents, ["doc_id", "lang", "text"])
    doc_ids = documents["doc_id"].combine_chunks()
    if not pc.all(pc.less(doc_ids[:-1], doc_ids[1:])).as_py():  # a file written as a stream has its own order
        documents = documents.sort_by("doc_id")
        doc_ids = documents["doc_id"].combine_chunks()
    langs = documents["lang"].combine_chunks()
    taggers, skips = _open_taggers(lake, part)
    lexicon = Lexicon(part.settings, taggers)
    counts = PartCounts(lexicon)
    tokens = write_table(lake, "tokens", _token_batches(documents, lexicon, counts))
    part_terms, term_counts = counts.term_tables(doc_ids, langs)
    files = (
        tokens,
        write_table(lake, "form_counts", counts.form_counts()),
        write_table(lake, "lemma_counts", counts.lemma_counts()),
        write_table(lake, "part_terms", part_terms),
        write_table(lake, "term_counts", term_counts),
        write_table(lake, "language_counts", language_counts(langs)),
        *skips,
    )
    without = doc_ids.filter(pa.array(counts.n_tokens() == 0)).to_pylist()
    return documents_output(lake, files, len(doc_ids), without, WITHOUT_TOKEN)


def documents_output(
    lake: Lake, files: tuple[FileRef, ...], n_documents: int, without: Sequence[str], rule: str
) -> StepOutput:
    """Output of a step that set aside the documents `without` by `rule`, with their lines in the ledger."""
    line = {"subject_kind": "document", "outcome": "set_aside", "rule": rule}
    ledger = write_decisions(lake, ({**line, "subject": doc_id} for doc_id in without))
    n_kept, set_aside = n_documents - len(without), {rule: len(without)} if without else {}
    return StepOutput((*files, *ledger), n_documents, n_kept, set_aside)


def _open_taggers(lake: Lake, part: DocumentsPart) -> tuple[dict[str, LanguageTagger], list[FileRef]]:
    """The taggers of the part by language, and a ledger file for each that this code cannot read: its language stays
    untagged.
    """
    taggers: dict[str, LanguageTagger] = {}
    skips: list[FileRef] = []
    for files in part.taggers:
        try:
            taggers[files.lang] = open_tagger(lake, files)
        except TaggerError:
            skips += write_skip(lake, f"tagger of {files.lang}", "tagger_not_readable")
    return taggers, skips


def _token_batches(documents: pa.Table, lexicon: Lexicon, counts: PartCounts) -> Iterator[pa.RecordBatch]:
    """Rows of `tokens`, a slice of the documents after another; takes their words into `lexicon` and counts them in
    `counts`.
    """
    behind = np.cumsum(pc.binary_length(documents["text"]).to_numpy().astype(np.int64))
    first = 0
    while first < documents.num_rows:
        limit = SLICE_BYTES + (behind[first - 1] if first else 0)
        end = max(int(np.searchsorted(behind, limit, side="right")), first + 1)
        rows = documents.slice(first, end - first)
        annotation = annotate_texts(rows["text"].combine_chunks(), rows["lang"].to_pylist(), lexicon)
        counts.add(annotation, rows.num_rows)
        yield from token_rows(rows["doc_id"].combine_chunks(), annotation, lexicon).to_batches()
        first = end
