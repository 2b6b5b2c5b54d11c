"""Four classifiers of labelled documents side by side: accuracy with its 95 % interval, log loss, processor seconds, on
one thread.

    python benchmarks/labels.py [films|messages|both]

Reads film reviews (25,000, two labels) or short messages (4,170, two labels) from `../shared/data/classify`, as the
pipeline reads them: the same tokens, parts by the text's digest, words and settings. Word vectors are learned from the
training part (word2vec, five epochs), and are what the LSTM's words start from. Films take three minutes on a quiet
machine.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is what Python looks in

from models.embeddings.word2vec import Word2VecSettings, train_word2vec  # noqa: E402
from models.labels.classifier import start_vectors  # noqa: E402
from models.labels.contest import fit_kind  # noqa: E402
from models.labels.parts import TEST, TRAINING, VALIDATION, PartSettings, parts_of  # noqa: E402
from models.labels.scores import ClassificationScores, score_labels  # noqa: E402
from models.labels.settings import ClassifierSettings  # noqa: E402
from models.labels.storage import KINDS  # noqa: E402
from models.labels.words import Labelled, fit_words  # noqa: E402
from tasks.transforms.records.labelled_rows import parse_labelled  # noqa: E402
from tasks.transforms.records.parsed_records import ParsedDocument, ParseLimits  # noqa: E402
from tasks.transforms.text.annotation import annotate_texts, token_rows  # noqa: E402
from tasks.transforms.text.lexicon import Lexicon, TextSettings  # noqa: E402
from tasks.transforms.text.normalise import normalise_text  # noqa: E402

FOLDER = ROOT.parent / "shared" / "data" / "classify"
FILES: dict[str, tuple[str, dict[str, str | int]]] = {
    "films": ("imdb_train.tsv.gz", {"text": "text", "label": "label"}),
    "messages": ("SMSSpamCollection.tsv.gz", {"text": 1, "label": 0}),
}
AT_ONCE = 2_000  # documents annotated together


def read_documents(name: str) -> dict[str, str]:
    """Labels by text; a copy of a text counts once, as in the pipeline."""
    file, columns = FILES[name]
    with gzip.open(FOLDER / file) as stream:
        records = parse_labelled(stream, file.removesuffix(".gz"), columns, ParseLimits())
        found = [
            (normalise_text(one.text).strip(), one.label)
            for one in records
            if isinstance(one, ParsedDocument) and one.label
        ]
    return {text: label for text, label in reversed(found) if text}


def read_words(texts: list[str]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Distinct norms, each token's place among them, and where each document starts."""
    lexicon, number = Lexicon(TextSettings()), {}
    codes, starts = [], [0]
    for begin in range(0, len(texts), AT_ONCE):
        part = pa.array(texts[begin : begin + AT_ONCE])
        ids = pa.array([str(place) for place in range(len(part))])
        rows = token_rows(ids, annotate_texts(part, ["en"] * len(part), lexicon), lexicon)
        codes += [number.setdefault(norm, len(number)) for norm in rows["norm"].to_pylist()]
        n_tokens = np.bincount([int(doc_id) for doc_id in rows["doc_id"].to_pylist()], minlength=len(part))
        starts += (starts[-1] + np.cumsum(n_tokens)).tolist()
    return list(number), np.array(codes), np.array(starts)


@dataclass(frozen=True)
class Contest:
    """The documents of a data set by part, how many ids their words have, how many tokens were read, and the settings
    of all classifiers.
    """

    training: Labelled
    validation: Labelled
    test: Labelled
    n_ids: int
    n_tokens: int
    settings: ClassifierSettings

    def score(self, kind: str, vectors: np.ndarray) -> ClassificationScores:
        """What a classifier of that kind scores on the test part, its words starting from `vectors`."""
        classifier = fit_kind(kind, self.training, self.validation, vectors, self.settings)
        return score_labels(self.test.labels, classifier.probabilities(self.test.texts))

    def vectors(self) -> np.ndarray:
        """Word vectors learned from the training part, for the LSTM to start from."""
        texts = self.training.texts
        counts = np.bincount(texts.ids, minlength=self.n_ids)
        starts = texts.starts[:-1][texts.lengths > 0]
        model = train_word2vec(texts.ids, starts, counts, Word2VecSettings(min_count=2))
        return start_vectors(self.n_ids, model.vectors, model.token_ids, self.settings.lstm)


def read_contest(name: str) -> Contest:
    """A data set cut into parts."""
    of_text = read_documents(name)
    texts, names = list(of_text), sorted(set(of_text.values()))
    parts = parts_of([hashlib.sha256(text.encode()).hexdigest() for text in texts], PartSettings())
    dictionary, codes, starts = read_words(texts)
    settings = ClassifierSettings()
    is_learned = np.repeat(parts == TRAINING, np.diff(starts))
    words = fit_words(dictionary, np.bincount(codes[is_learned], minlength=len(dictionary)), settings.words)
    documents = Labelled(
        words.encode(dictionary, codes, starts),
        np.array([names.index(label) for label in of_text.values()]),
        len(names),
    )
    training, validation, test = (documents.take(parts == part) for part in (TRAINING, VALIDATION, TEST))
    return Contest(training, validation, test, words.n_ids, len(codes), settings)


def compare(name: str) -> None:
    """Print what each classifier scores on one data set."""
    contest = read_contest(name)
    began = time.process_time()
    vectors = contest.vectors()
    n_training, n_validation, n_test = map(len, (contest.training, contest.validation, contest.test))
    used = f"{n_training:,} documents to learn from, {n_validation:,} to stop by, {n_test:,} to score on"
    print(f"{name}: {used}, {contest.n_tokens:,} tokens;")
    print(f"word vectors took {time.process_time() - began:.0f} s of processor time\n")
    print("| classifier | accuracy | 95 % interval | log loss | processor s |\n| --- | --- | --- | --- | --- |")
    for kind in KINDS:
        began = time.process_time()
        scores = contest.score(kind, vectors)
        seconds = time.process_time() - began
        at = scores.accuracy
        print(
            f"| {kind} | {at.value:.4f} | {at.low:.4f}–{at.high:.4f} | {scores.log_loss.value:.4f} | {seconds:.0f} |",
            flush=True,
        )
    print()


def main() -> None:
    """Print a table for each data set asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", choices=[*FILES, "both"], default="both")
    asked = parser.parse_args().data
    if not FOLDER.is_dir():
        print("the real data in ../shared/data is not here: nothing to measure on")
        return
    for name in FILES if asked == "both" else [asked]:
        compare(name)


if __name__ == "__main__":
    main()
