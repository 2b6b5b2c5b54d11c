"""What word vectors are learned from: the published tokens split by language, and a language's corpus as numbers.

Every file of tokens is split by language, then a model is trained on each language's files. So a document that is added
in one language costs the others nothing. Files are read in the order of their first documents, whatever the order in
which they came. A corpus is memory maps, so that any corpus fits.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.embeddings.settings import EmbeddingSettings
from tasks.embeddings.start import Start
from tasks.lake.files import TEMPORARY, FileRef, canonical_json, read_table, write_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.steps import Batch, StepOutput
from tasks.transforms.text.word_columns import WordColumn
from tasks.transforms.text.word_sequences import (
    SEQUENCE_SCHEMA,
    count_words,
    encode_words,
    held_out_tokens,
    split_by_language,
)

CORPUS = "corpus_"  # and the language: the working tables that hold SEQUENCE_SCHEMA
WITHOUT_LANGUAGE = "document_not_published"


@dataclass(frozen=True)
class TokensPart:
    """What `write_corpus` reads: a file of tokens, the documents' languages, and the column that is wanted."""

    tokens: FileRef
    documents: tuple[FileRef, ...]
    column: WordColumn


@dataclass(frozen=True)
class LanguageCorpus:
    """What `train_vectors` reads: a language's files in reading order; the snapshot from which they were made, and its
    word tests; by which function of `tasks.embeddings.learning` the model chosen is learned; the model to start from.
    """

    lang: str
    files: tuple[FileRef, ...]
    tests: tuple[FileRef, ...]
    snapshot_id: str
    settings: EmbeddingSettings
    learn: Callable[..., Any]
    start: Start | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """The digests of its files, in order."""
        return tuple(ref.sha256 for ref in self.files)

    @property
    def n_tokens(self) -> int:
        """How many tokens its files hold."""
        return sum(ref.n_rows for ref in self.files)


@dataclass(frozen=True)
class EncodedText:
    """Text as numbers: places in a vocabulary, and where sentences start; as `models.embeddings.word2vec` takes it."""

    token_ids: np.ndarray
    sentence_starts: np.ndarray


@dataclass(frozen=True)
class EncodedCorpus:
    """A language's text, a part of its sentences held out; `counts` of its vocabulary are of the training part."""

    vocabulary: pa.Array
    counts: np.ndarray
    training: EncodedText
    held_out: EncodedText


def corpus_batches(
    lake: Lake,
    published_documents: tuple[FileRef, ...],
    published_tokens: tuple[FileRef, ...],
    settings: EmbeddingSettings,
) -> list[Batch]:
    """One batch for each file of tokens, by their first documents.

    A file's inputs are its bytes and the languages of the documents that lie between its first and its last.
    """
    languages = read_table(lake, published_documents, ["doc_id", "lang"]).sort_by("doc_id")
    batches = []
    for ref in published_tokens:
        if ref.n_rows:
            first, last = _document_range(lake, ref)
            between = pc.and_(pc.greater_equal(languages["doc_id"], first), pc.less_equal(languages["doc_id"], last))
            digest = hashlib.sha256(canonical_json(languages.filter(between).to_pydict())).hexdigest()
            part = TokensPart(ref, published_documents, settings.column)
            batches.append(Batch(f"tokens from {first}", (ref.sha256, digest), part, {"column": settings.column}))
    return sorted(batches, key=lambda batch: (batch.subject, batch.inputs))


def write_corpus(lake: Lake, part: TokensPart) -> StepOutput:
    """Leave the words of each language of a file of tokens, in reading order. Rows are tokens."""
    tokens = read_table(lake, part.tokens, ["doc_id", "sentence", part.column])
    tokens = tokens.rename_columns(["doc_id", "sentence", "word"])
    by_lang, n_without = split_by_language(tokens, read_table(lake, part.documents, ["doc_id", "lang"]))
    files = tuple(
        write_table(lake, CORPUS + lang, rows, schema=SEQUENCE_SCHEMA) for lang, rows in sorted(by_lang.items())
    )
    set_aside = {WITHOUT_LANGUAGE: n_without} if n_without else {}
    return StepOutput(files, tokens.num_rows, tokens.num_rows - n_without, set_aside)


@contextmanager
def encoded_corpus(lake: Lake, files: Sequence[FileRef], held_out_share: float, seed: int) -> Iterator[EncodedCorpus]:
    """The corpus in `files`, which hold SEQUENCE_SCHEMA, in their order; on disk in the home until the end.

    Each sentence is held out with probability `held_out_share`. Memory: one row group and the distinct words.
    """
    vocabulary = count_words(rows["word"] for rows in _row_groups(lake, files))["word"].combine_chunks()
    with _scratch_folder(lake) as folder:
        training, held_out = _Writer(folder, "training"), _Writer(folder, "held_out")
        counts = np.zeros(len(vocabulary), np.int64)
        draws = np.random.Generator(np.random.Philox(key=seed))
        is_out = False
        for rows in _row_groups(lake, files):
            ids = encode_words(rows["word"], vocabulary)
            is_first = rows["is_first"].to_numpy(zero_copy_only=False)
            out = held_out_tokens(is_first, held_out_share, draws, is_out_before=is_out)
            is_out = bool(out[-1])
            training.add(ids[~out], is_first[~out])
            held_out.add(ids[out], is_first[out])
            counts += np.bincount(ids[~out], minlength=len(vocabulary))
        yield EncodedCorpus(vocabulary, counts, training.finish(), held_out.finish())


@contextmanager
def _scratch_folder(lake: Lake) -> Iterator[Path]:
    """A folder in the home, gone at the end. LakeError where the disk is full or refuses."""
    try:
        with tempfile.TemporaryDirectory(dir=lake.models, prefix=".", suffix=TEMPORARY) as folder:
            yield Path(folder)
    except OSError as error:
        remedy = "free space or give another --home"
        raise LakeError(f"cannot write in {lake.models} ({error.strerror or error}): {remedy}") from error


def _row_groups(lake: Lake, files: Sequence[FileRef]) -> Iterator[pa.Table]:
    for ref in files:
        with pq.ParquetFile(lake.locate(ref.path), read_dictionary=["word"]) as opened:
            for group in range(opened.num_row_groups):
                rows = opened.read_row_group(group)
                if rows.num_rows:
                    yield rows


def _document_range(lake: Lake, ref: FileRef) -> tuple[str, str]:
    """The first and the last document of a file of tokens, from the Parquet file's own statistics."""
    metadata = pq.read_metadata(lake.locate(ref.path))
    column = metadata.schema.names.index("doc_id")
    groups = [metadata.row_group(group).column(column).statistics for group in range(metadata.num_row_groups)]
    return min(group.min for group in groups), max(group.max for group in groups)


class _Writer:
    """Two growing files of numbers."""

    def __init__(self, folder: Path, name: str) -> None:
        self._ids, self._starts = folder / f"{name}.ids", folder / f"{name}.starts"
        self.n_tokens = 0
        for path in (self._ids, self._starts):
            path.touch()

    def add(self, ids: np.ndarray, is_first: np.ndarray) -> None:
        """Write numbers on."""
        _append(self._ids, ids.astype(np.int32))
        _append(self._starts, np.flatnonzero(is_first).astype(np.int64) + self.n_tokens)
        self.n_tokens += ids.size

    def finish(self) -> EncodedText:
        """All numbers written."""
        return EncodedText(_mapped(self._ids, np.int32), _mapped(self._starts, np.int64))


def _append(path: Path, numbers: np.ndarray) -> None:
    with path.open("ab") as opened:
        opened.write(numbers.tobytes())


def _mapped(path: Path, dtype: type) -> np.ndarray:
    if path.stat().st_size == 0:
        return np.zeros(0, dtype)  # nothing can be mapped
    return np.memmap(path, dtype, "r")
