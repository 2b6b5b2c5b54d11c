"""The vocabulary and the terms over all parts, and the weights of terms in every part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from tasks.features.tokens import documents_output
from tasks.lake.files import FileRef, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.transforms.text.term_counts import merge_counts, with_main_lemma
from tasks.transforms.text.term_weights import part_idf, term_idf, tfidf_rows

COUNTS = ("form_counts", "lemma_counts", "part_terms", "language_counts")
WITHOUT_TERM = "no_indexed_term"  # of a document that is all stop words


@dataclass(frozen=True)
class WeightsPart:
    """What `write_tfidf` reads: a part's terms and counts, and the idf of its languages."""

    part_terms: FileRef
    term_counts: FileRef
    idf: tuple[FileRef, ...]


def vocabulary_batches(write_tokens: Sequence[StepRecord]) -> list[Batch]:
    """The one merge over the counts of all parts; none where there are none."""
    files = tuple(ref for part in write_tokens for name in COUNTS for ref in part.files_of(name))
    return [Batch("words of all documents", tuple(sorted(ref.sha256 for ref in files)), files)] if files else []


def tfidf_batches(
    lake: Lake, write_tokens: Sequence[StepRecord], write_vocabulary: Sequence[StepRecord]
) -> list[Batch]:
    """One batch for each part, on the idf of its languages."""
    idf = {_langs(lake, ref)[0]: ref for record in write_vocabulary for ref in record.files_of("idf")}
    batches = []
    for part in write_tokens:
        (terms,), (counts,), (langs,) = (
            part.files_of(name) for name in ("part_terms", "term_counts", "language_counts")
        )
        of_part = tuple(idf[lang] for lang in _langs(lake, langs) if lang in idf)
        inputs = tuple(ref.sha256 for ref in (terms, counts, *of_part))
        batches.append(Batch(part.subject, inputs, WeightsPart(terms, counts, of_part)))
    return batches


def write_vocabulary(lake: Lake, files: Sequence[FileRef]) -> StepOutput:
    """Leave `vocabulary`, `terms`, and the idf of each language in a file of its own. Rows are documents."""
    forms, lemmas, terms, langs = ([ref for ref in files if ref.table == name] for name in COUNTS)
    main_lemmas = merge_counts((read_table(lake, ref) for ref in lemmas), ("lang", "norm", "lemma"))
    merged = merge_counts((read_table(lake, ref) for ref in forms), ("lang", "norm"))
    n_of_language = merge_counts((read_table(lake, ref) for ref in langs), ("lang",))
    indexed = term_idf(merge_counts((read_table(lake, ref) for ref in terms), ("lang", "term")), n_of_language)
    of_language = (indexed.filter(pc.equal(indexed["lang"], lang)) for lang in pc.unique(indexed["lang"]))
    n_documents = pc.sum(n_of_language["n_documents"]).as_py()
    left = (
        write_table(lake, "vocabulary", with_main_lemma(merged, main_lemmas)),
        write_table(lake, "terms", indexed),
        *(write_table(lake, "idf", rows.select(["lang", "term", "idf"])) for rows in of_language),
    )
    return StepOutput(left, n_documents, n_documents)


def write_tfidf(lake: Lake, part: WeightsPart) -> StepOutput:
    """Leave `tfidf` of a part. Rows are documents; those without an indexed term are set aside."""
    part_terms, term_counts = read_table(lake, part.part_terms), read_table(lake, part.term_counts)
    idf = part_idf(part_terms, read_table(lake, part.idf)) if part.idf else np.zeros(0)
    tfidf = write_table(lake, "tfidf", tfidf_rows(part_terms, term_counts, idf))
    without = term_counts["doc_id"].filter(pc.equal(pc.list_value_length(term_counts["terms"]), 0)).to_pylist()
    return documents_output(lake, (tfidf,), term_counts.num_rows, without, WITHOUT_TERM)


def _langs(lake: Lake, ref: FileRef) -> list[str]:
    """The languages in a working table, in its order."""
    langs: list[str] = pc.unique(read_table(lake, ref, ["lang"])["lang"]).to_pylist()
    return langs
