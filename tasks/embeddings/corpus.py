"""A language's corpus on disk as the numbers that embeddings are learned from: memory maps, so that any corpus fits."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.lake.files import TEMPORARY, FileRef
from tasks.lake.layout import Lake, LakeError
from tasks.transforms.text.word_sequences import count_words, encode_words, held_out_tokens


@dataclass(frozen=True)
class EncodedText:
    """Text as numbers: places in a vocabulary, and where its sentences start; as `models.embeddings.word2vec` takes them."""

    token_ids: np.ndarray
    sentence_starts: np.ndarray


@dataclass(frozen=True)
class EncodedCorpus:
    """A language's text, a part of its sentences held out; `counts` are those of the training part, for each word of the vocabulary."""

    vocabulary: pa.Array
    counts: np.ndarray
    training: EncodedText
    held_out: EncodedText


@contextmanager
def encoded_corpus(lake: Lake, files: Sequence[FileRef], held_out_share: float, seed: int) -> Iterator[EncodedCorpus]:
    """The corpus in `files`, which hold SEQUENCE_SCHEMA, in their order; on disk in the home until the end.

    Each sentence is held out with probability `held_out_share`. Memory: one row group and the distinct words.
    """
    vocabulary = count_words(batch["word"] for batch in _batches(lake, files))["word"].combine_chunks()
    with _scratch_folder(lake) as folder:
        training, held_out = _Writer(folder, "training"), _Writer(folder, "held_out")
        counts = np.zeros(len(vocabulary), np.int64)
        draws = np.random.Generator(np.random.Philox(key=seed))
        is_out = False
        for batch in _batches(lake, files):
            ids = encode_words(batch["word"], vocabulary)
            is_first = batch["is_first"].to_numpy(zero_copy_only=False)
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
        raise LakeError(
            f"cannot write in {lake.models} ({error.strerror or error}): free space or give another --home"
        ) from error


def _batches(lake: Lake, files: Sequence[FileRef]) -> Iterator[pa.Table]:
    for ref in files:
        with pq.ParquetFile(lake.locate(ref.path), read_dictionary=["word"]) as opened:
            for group in range(opened.num_row_groups):
                rows = opened.read_row_group(group)
                if rows.num_rows:
                    yield rows


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
