"""The stage `features`: tokens of every part of the documents, the vocabulary over all of them, weights of terms in every part.

A part is a file of documents. A changed part costs its own tokens; the vocabulary is merged anew from the parts' counts; the weights of a
part are made anew when the idf of one of its languages changed, which a document added to that language does. A new tagger costs the
tokens of the parts with a document of its language.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.contracts.ops import LEDGER
from models.taggers.tagger import TaggerError
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.stages import read_stage
from tasks.lake.steps import (
    PlannedWork,
    Step,
    StepOutput,
    StepRecord,
    Work,
    do,
    find_records,
    plan_due,
    plan_hanging,
    settings_of,
)
from tasks.learning.decisions import write_skip
from tasks.taggers.applying import LanguageTagger, TaggerFiles, open_tagger, present_taggers
from tasks.transforms.text.annotation import annotate_texts, token_rows
from tasks.transforms.text.lexicon import Lexicon, TextSettings
from tasks.transforms.text.term_counts import PartCounts, language_counts, merge_counts, with_main_lemma
from tasks.transforms.text.term_weights import part_idf, term_idf, tfidf_rows

STAGE = "features"
SLICE_BYTES = (
    2**21
)  # of text annotated at once: 2**21 was faster than 2**20 and 2**22 to 2**24 on film reviews, by up to a third
TIMEOUT_S = 3600  # our choice, against what hangs: a part takes seconds to minutes

VOCABULARY_STEP = Step("write_vocabulary", ("tasks.transforms.text.term_counts", "tasks.transforms.text.term_weights"))
TFIDF_STEP = Step("write_tfidf", ("tasks.transforms.text.term_weights",))
COUNTS = ("form_counts", "lemma_counts", "part_terms", "language_counts")

WITHOUT_TOKEN = "no_token"  # noqa: S105  # no password: of a document that is all white space; zero-width spaces count as such
WITHOUT_TERM = "no_indexed_term"  # of a document that is all stop words


@dataclass(frozen=True)
class DocumentsPart:
    """What `write_tokens` reads: one file of documents, and the taggers of its languages."""

    documents: FileRef
    settings: TextSettings
    taggers: tuple[TaggerFiles, ...] = ()


@dataclass(frozen=True)
class WeightsPart:
    """What `write_tfidf` reads: a part's terms and counts, and the idf of its languages."""

    part_terms: FileRef
    term_counts: FileRef
    idf: tuple[FileRef, ...]


def token_works(lake: Lake, settings: TextSettings | None = None) -> list[Work]:
    """One work for each file of documents that the stage `documents` last left, with the taggers of its languages that the stage `hmm` last
    left; none where there are no documents.
    """
    settings = settings or TextSettings()
    documents = read_stage(lake, "documents")
    taggers = present_taggers(lake)
    works = []
    for ref in [] if documents is None else [ref for ref in documents.tables["documents"] if ref.n_rows]:
        rows = read_table(lake, ref, ["doc_id", "lang"])
        of_part = tuple(taggers[lang] for lang in sorted(taggers.keys() & set(pc.unique(rows["lang"]).to_pylist())))
        # A name that stays while others come and go: the first document's. Cards are no inputs: they hold times and seconds.
        subject = f"documents from {pc.min(rows['doc_id']).as_py()}"
        inputs = (ref.sha256, *(tagger.weights.sha256 for tagger in of_part))
        works.append(Work(_tokens_step(settings), subject, inputs, DocumentsPart(ref, settings, of_part)))
    return works


def vocabulary_works(parts: Sequence[StepRecord]) -> list[Work]:
    """The one merge over what `write_tokens` left of all `parts`; none where there are none."""
    files = tuple(ref for part in parts for name in COUNTS for ref in part.files_of(name))
    return (
        [Work(VOCABULARY_STEP, "words of all documents", tuple(sorted(ref.sha256 for ref in files)), files)]
        if files
        else []
    )


def tfidf_works(lake: Lake, parts: Sequence[StepRecord], vocabulary: Sequence[StepRecord]) -> list[Work]:
    """One work for each of `parts`, on the idf of its languages, which `write_vocabulary` left."""
    idf = {_langs(lake, ref)[0]: ref for record in vocabulary for ref in record.files_of("idf")}
    works = []
    for part in parts:
        (terms,), (counts,), (langs,) = (
            part.files_of(name) for name in ("part_terms", "term_counts", "language_counts")
        )
        of_part = tuple(idf[lang] for lang in _langs(lake, langs) if lang in idf)
        inputs = tuple(ref.sha256 for ref in (terms, counts, *of_part))
        works.append(Work(TFIDF_STEP, part.subject, inputs, WeightsPart(terms, counts, of_part)))
    return works


def plan_features(lake: Lake, settings: TextSettings | None = None) -> list[PlannedWork]:
    """What `build_features` would do on the documents as they are, and why; what hangs on due work is one line a step."""
    works = token_works(lake, settings)
    lines = plan_due(lake, STAGE, works)
    if lines:
        return [*lines, *plan_hanging(STAGE, works[0].step.name, VOCABULARY_STEP.name, TFIDF_STEP.name)]
    parts = find_records(lake, works)
    merges = vocabulary_works(parts)
    lines = plan_due(lake, STAGE, merges)
    if lines:
        return [*lines, *plan_hanging(STAGE, VOCABULARY_STEP.name, TFIDF_STEP.name)]
    vocabulary = find_records(lake, merges)
    return plan_due(lake, STAGE, tfidf_works(lake, parts, vocabulary))


@task(task_run_name="write_tokens {work.subject}", cache_policy=NO_CACHE, timeout_seconds=TIMEOUT_S)
def write_tokens(home: str, work: Work) -> StepRecord:
    """The record of a part's tokens and counts."""
    return do(Lake(Path(home)), work, write_tokens_body)


@task(task_run_name="write_vocabulary", cache_policy=NO_CACHE, timeout_seconds=TIMEOUT_S)
def write_vocabulary(home: str, work: Work) -> StepRecord:
    """The record of the vocabulary and the terms."""
    return do(Lake(Path(home)), work, write_vocabulary_body)


@task(task_run_name="write_tfidf {work.subject}", cache_policy=NO_CACHE, timeout_seconds=TIMEOUT_S)
def write_tfidf(home: str, work: Work) -> StepRecord:
    """The record of a part's weights."""
    return do(Lake(Path(home)), work, write_tfidf_body)


def write_tokens_body(lake: Lake, part: DocumentsPart) -> StepOutput:
    """Leave `tokens` of a part and its counts (`transforms.term_counts`). Rows are documents; those without a token are set aside."""
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
        tokens, write_table(lake, "form_counts", counts.form_counts()), write_table(lake, "lemma_counts", counts.lemma_counts()),
        write_table(lake, "part_terms", part_terms), write_table(lake, "term_counts", term_counts),
        write_table(lake, "language_counts", language_counts(langs)), *skips,
    )  # fmt: skip
    without = doc_ids.filter(pa.array(counts.n_tokens() == 0)).to_pylist()
    return _documents_output(lake, files, len(doc_ids), without, (WITHOUT_TOKEN, _tokens_step(part.settings)))


def write_vocabulary_body(lake: Lake, files: Sequence[FileRef]) -> StepOutput:
    """Leave `vocabulary`, `terms`, and the idf of each language in a file of its own. Rows are documents."""
    forms, lemmas, terms, langs = ([ref for ref in files if ref.table == name] for name in COUNTS)
    main_lemmas = merge_counts((read_table(lake, ref) for ref in lemmas), ("lang", "norm", "lemma"))
    vocabulary = with_main_lemma(merge_counts((read_table(lake, ref) for ref in forms), ("lang", "norm")), main_lemmas)
    n_of_language = merge_counts((read_table(lake, ref) for ref in langs), ("lang",))
    indexed = term_idf(merge_counts((read_table(lake, ref) for ref in terms), ("lang", "term")), n_of_language)
    idf = [
        indexed.filter(pc.equal(indexed["lang"], lang)).select(["lang", "term", "idf"])
        for lang in pc.unique(indexed["lang"])
    ]
    n_documents = pc.sum(n_of_language["n_documents"]).as_py()
    left = (
        write_table(lake, "vocabulary", vocabulary),
        write_table(lake, "terms", indexed),
        *(write_table(lake, "idf", rows) for rows in idf),
    )
    return StepOutput(left, n_documents, n_documents)


def write_tfidf_body(lake: Lake, part: WeightsPart) -> StepOutput:
    """Leave `tfidf` of a part. Rows are documents; those without an indexed term are set aside."""
    part_terms, term_counts = read_table(lake, part.part_terms), read_table(lake, part.term_counts)
    idf = part_idf(part_terms, read_table(lake, part.idf)) if part.idf else np.zeros(0)
    tfidf = write_table(lake, "tfidf", tfidf_rows(part_terms, term_counts, idf))
    without = term_counts["doc_id"].filter(pc.equal(pc.list_value_length(term_counts["terms"]), 0)).to_pylist()
    return _documents_output(lake, (tfidf,), term_counts.num_rows, without, (WITHOUT_TERM, TFIDF_STEP))


def count_by_language(lake: Lake, records: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """For each language its documents, tokens, distinct forms and terms, as the steps' `records` left them; most tokens first."""
    files = {
        name: [ref for record in records for ref in record.files_of(name)]
        for name in ("language_counts", "vocabulary", "terms")
    }
    if not files["vocabulary"]:
        return []
    documents = merge_counts((read_table(lake, ref) for ref in files["language_counts"]), ("lang",))
    words = (
        read_table(lake, files["vocabulary"], ["lang", "n_occurrences"])
        .group_by("lang")
        .aggregate([("n_occurrences", "sum"), ([], "count_all")])
    )
    terms = read_table(lake, files["terms"], ["lang"]).group_by("lang").aggregate([([], "count_all")])
    of_words = {row["lang"]: row for row in words.to_pylist()}
    n_terms = {row["lang"]: row["count_all"] for row in terms.to_pylist()}
    rows = [
        {
            "language": row["lang"], "documents": row["n_documents"], "tokens": of_words.get(row["lang"], {}).get("n_occurrences_sum", 0),
            "distinct forms": of_words.get(row["lang"], {}).get("count_all", 0), "terms": n_terms.get(row["lang"], 0),
        }
        for row in documents.to_pylist()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row["tokens"], row["language"]))


def _open_taggers(lake: Lake, part: DocumentsPart) -> tuple[dict[str, LanguageTagger], list[FileRef]]:
    """The taggers of the part by language, and a ledger file for each that this code cannot read: its language stays untagged."""
    taggers: dict[str, LanguageTagger] = {}
    skips = []
    for files in part.taggers:
        try:
            taggers[files.lang] = open_tagger(lake, files)
        except TaggerError:
            skips.append(
                write_skip(lake, _tokens_step(part.settings), f"tagger of {files.lang}", "tagger_not_readable")
            )
    return taggers, skips


def _token_batches(documents: pa.Table, lexicon: Lexicon, counts: PartCounts) -> Iterator[pa.RecordBatch]:
    """Rows of `tokens`, a slice of the documents after another; takes their words into `lexicon` and counts them in `counts`."""
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


def _documents_output(
    lake: Lake, files: tuple[FileRef, ...], n_documents: int, without: Sequence[str], decision: tuple[str, Step]
) -> StepOutput:
    """Output of a step that set aside the documents `without` by the rule and step of `decision`, with their lines in the ledger."""
    if not without:
        return StepOutput(files, n_documents, n_documents)
    rule, step = decision
    line = {
        "subject_kind": "document",
        "stage": step.name,
        "outcome": "set_aside",
        "rule": rule,
        "code_version": step.code_version,
    }
    ledger = pa.Table.from_pylist([{**line, "subject": doc_id} for doc_id in without], schema=LEDGER.arrow_schema())
    return StepOutput(
        (*files, write_table(lake, "ops.ledger", ledger)), n_documents, n_documents - len(without), {rule: len(without)}
    )


def _tokens_step(settings: TextSettings) -> Step:
    modules = (
        "tasks.transforms.text.annotation",
        "tasks.transforms.text.term_counts",
        "models.taggers.storage",
        "models.taggers.lemmas",
    )
    return Step("write_tokens", modules, settings_of(settings))


def _langs(lake: Lake, ref: FileRef) -> list[str]:
    """The languages in a working table, in its order."""
    langs: list[str] = pc.unique(read_table(lake, ref, ["lang"])["lang"]).to_pylist()
    return langs
