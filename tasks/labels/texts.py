"""Published documents as classifiers read them: which are labelled, in which files their words are, and the words
themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.lake.files import FileRef, read_table
from tasks.lake.layout import Lake


@dataclass(frozen=True)
class DocumentWords:
    """Documents with a token or more, by `doc_ids`; the words of document d are `dictionary[codes[starts[d]:starts[d +
    1]]]`.
    """

    doc_ids: pa.Array
    dictionary: Sequence[str]
    codes: np.ndarray
    starts: np.ndarray


def described_documents(lake: Lake, documents: Sequence[FileRef], labels: Sequence[FileRef]) -> pa.Table:
    """All documents by `doc_id`: `doc_id`, `source`, `lang`, `content_sha256`, `label` (NULL = has none). One row a
    document.

    Labels of documents that are not published (copies of others) find no row here.
    """
    described = (
        read_table(lake, documents, ["doc_id", "source", "lang", "content_sha256"]).sort_by("doc_id").combine_chunks()
    )
    given = read_table(lake, labels, ["doc_id", "label"]).combine_chunks()
    place = pc.index_in(described["doc_id"], value_set=given["doc_id"])  # labels have one row a document: their key
    return described.append_column("label", given["label"].take(place))


def documents_of_files(lake: Lake, tokens: Sequence[FileRef]) -> Mapping[FileRef, pa.Array]:
    """For each file of tokens that has rows, the distinct `doc_id`s in it."""
    return {ref: read_table(lake, ref, ["doc_id"])["doc_id"].unique() for ref in tokens if ref.n_rows}


def read_words(lake: Lake, tokens: Sequence[FileRef], doc_ids: pa.Array, column: str) -> DocumentWords:
    """The words (a column of `tokens`) of the documents `doc_ids` that are found in the files, each document's in their
    order.
    """
    ids: list[pa.Array] = []
    words: list[pa.Array] = []
    for ref in tokens:
        rows = read_table(lake, ref, ["doc_id", column])
        rows = rows.filter(pc.is_in(rows["doc_id"], value_set=doc_ids))
        # Encoded file by file: four bytes a token are held, not its text.
        ids += rows["doc_id"].dictionary_encode().chunks
        words += rows[column].dictionary_encode().chunks
    documents, number = _encoded(ids)
    dictionary, codes = _encoded(words)
    # A document's tokens stand together, in their order: that is how files of tokens are sorted.
    begins = np.flatnonzero(np.diff(number, prepend=-1) != 0)
    return DocumentWords(documents, dictionary.to_pylist(), codes, np.append(begins, len(number)).astype(np.int64))


def _encoded(chunks: Sequence[pa.Array]) -> tuple[pa.Array, np.ndarray]:
    """The distinct values of all `chunks`, each a dictionary of its own, and the place of each value among them, (n,)
    int32.
    """
    if not chunks:
        return pa.array([], pa.string()), np.empty(0, np.int32)
    encoded = pa.chunked_array(chunks).unify_dictionaries()
    return encoded.chunks[0].dictionary, np.concatenate(
        [chunk.indices.to_numpy(zero_copy_only=False) for chunk in encoded.chunks]
    )
