"""Our word2vec beside gensim's in one run: words a second of processor time, what a second thread gains, and scores, in
one table.

    python benchmarks/embeddings.py [--words N] [--seeds S]

Reads film reviews from `../shared/data/corpora`, lower case, cut into sentences at full stops: the first N words
(2,000,000; 0 = all 5.9 M). Both sides get the same tokens, vocabulary and settings (dim 100, window 5, negative 5,
sample 1e-3, min_count 5, five epochs). Each training has a process of its own, the sides take turns, and processor time
counts all threads, gensim's reader too; the best of S seeds (1) is given for speed, the mean for scores. Two threads
are compared with one at eight shards side by side, as in large corpora. Where gensim (a development tool) is not
installed ours are measured alone.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import lzma
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is what Python looks in

from models.embeddings.word2vec import Word2VecSettings, train_word2vec  # noqa: E402
from models.embeddings.word_similarity import WordPairs, score_analogies, score_pairs  # noqa: E402
from tasks.transforms.records.parsed_records import ParseLimits  # noqa: E402
from tasks.transforms.records.word_tests import ParsedQuestion, Question, parse_analogies, parse_word_pairs  # noqa: E402

SHARED = ROOT.parent / "shared" / "data"
MODELS = {
    "skip-gram, negatives": {"sg": 1, "hs": 0},
    "CBOW, negatives": {"sg": 0, "hs": 0},
    "skip-gram, tree": {"sg": 1, "hs": 1},
    "CBOW, tree": {"sg": 0, "hs": 1},
}
COMMON = {"vector_size": 100, "window": 5, "min_count": 5, "sample": 1e-3}
SETS = {
    "WordSim-353": "EN-WS-353-ALL.txt",
    "SimLex-999": "EN-SIMLEX-999.txt",
    "MEN": "EN-MEN-TR-3k.txt",
    "RG-65": "EN-RG-65.txt",
}
ANALOGIES = "analogies"
N_EPOCHS = 5


def read_reviews(path: Path, n_reviews: int | None = None) -> None:
    """Write the corpus to `path`, of the first reviews or of all: token ids by falling count, sentence starts, counts,
    words.
    """
    word = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
    sentences = []
    with lzma.open(SHARED / "corpora" / "imdb_unsup_25k.txt.xz", "rt", encoding="utf-8") as lines:
        for line in islice(lines, n_reviews):
            found = (word.findall(part) for part in re.split(r"(?<=[.!?])\s+", line.replace("<br />", " ").lower()))
            sentences += [tokens for tokens in found if tokens]
    counts = Counter(token for tokens in sentences for token in tokens)
    words = sorted(counts, key=lambda token: (-counts[token], token))
    number = {token: place for place, token in enumerate(words)}
    np.savez(
        path,
        ids=np.fromiter((number[token] for tokens in sentences for token in tokens), np.int32),
        starts=np.cumsum([0, *map(len, sentences[:-1])]),
        counts=np.array([counts[token] for token in words]),
        words=np.array(words),
    )


def first_words(corpus: Any, n: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids, starts and counts of the corpus's first n tokens, or of all."""
    ids = corpus["ids"][:n]
    return ids, corpus["starts"][corpus["starts"] < ids.size], np.bincount(ids, minlength=corpus["words"].size)


def train_gensim(task: dict[str, Any]) -> dict[str, float]:
    """Seconds of processor and clock for gensim's training; vectors and words go to the file that `task` names."""
    from gensim.models import Word2Vec  # noqa: PLC0415  # where it is installed

    corpus = np.load(task["corpus"])
    ids, starts, _ = first_words(corpus, task["n"])
    words = corpus["words"].astype(object)
    ends = np.append(starts[1:], ids.size)
    sentences = [list(words[ids[first:end]]) for first, end in zip(starts, ends, strict=True)]
    settings = {**COMMON, **task["model"], "negative": 0 if task["model"]["hs"] else 5}
    model = Word2Vec(**settings, workers=1, seed=task["seed"], epochs=N_EPOCHS)
    model.build_vocab(sentences)
    began = time.process_time(), time.perf_counter()
    model.train(sentences, total_examples=len(sentences), epochs=N_EPOCHS)
    seconds = time.process_time() - began[0], time.perf_counter() - began[1]
    np.savez(task["out"], vectors=model.wv.vectors, words=np.array(model.wv.index_to_key))
    return {"cpu": seconds[0], "wall": seconds[1]}


def train_ours(task: dict[str, Any]) -> dict[str, float]:
    """The same for ours, with as many threads and shards side by side as `task` says."""
    corpus = np.load(task["corpus"])
    settings = Word2VecSettings(
        **COMMON, **task["model"], seed=task["seed"], epochs=N_EPOCHS, workers=task["workers"], shards=task["shards"]
    )
    train_word2vec(*first_words(corpus, 10_000), settings)  # compiled before the clock starts
    text = first_words(corpus, task["n"])
    began = time.process_time(), time.perf_counter()
    model = train_word2vec(*text, settings)
    seconds = time.process_time() - began[0], time.perf_counter() - began[1]
    np.savez(task["out"], vectors=model.vectors, words=corpus["words"][model.token_ids])
    return {"cpu": seconds[0], "wall": seconds[1]}


def run(side: str, task: dict[str, Any]) -> dict[str, float]:
    """Train in a process of its own, and say what it measured."""
    script = (
        "import runpy, json, sys; b = runpy.run_path(sys.argv[1]);"
        " print(json.dumps(b[sys.argv[2]](json.loads(sys.argv[3]))))"
    )
    done = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, "-c", script, __file__, f"train_{side}", json.dumps(task)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if done.returncode:
        sys.exit(f"{side}: {done.stderr}")
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def questions_of(
    file: str, parse: Callable[[BinaryIO, ParseLimits], Iterator[ParsedQuestion]]
) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """The words of every question of a set, in lower case, and the ratings (NaN for analogies)."""
    with (SHARED / "wordsim" / file).open("rb") as stream:
        found = [question for question in parse(stream, ParseLimits()) if isinstance(question, Question)]
    return [tuple(word.lower() for word in one.words) for one in found], np.array(
        [one.rating for one in found], np.float64
    )


def score(vectors: np.ndarray, words: list[str], name: str) -> float:
    """Agreement with people on one of SETS, or the share of analogies that are right."""
    if name == ANALOGIES:
        questions, _ = questions_of("questions-words.txt", parse_analogies)
        return score_analogies(vectors, words, [(a, b, c, d) for a, b, c, d in questions]).accuracy
    pairs, ratings = questions_of(SETS[name], parse_word_pairs)
    return score_pairs(vectors, words, WordPairs(tuple((a, b) for a, b in pairs), ratings)).spearman


def score_all(path: Path) -> dict[str, float]:
    """All scores of the vectors in a file."""
    kept = np.load(path)
    words = kept["words"].tolist()
    return {name: score(kept["vectors"], words, name) for name in (*SETS, ANALOGIES)}


def compare(name: str, task: dict[str, Any], sides: list[str], n_seeds: int, n_words: int) -> None:
    """Print a model's line for each side."""
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    gains, scores = [], {side: list[dict[str, float]]() for side in sides}
    for seed in range(1, n_seeds + 1):
        one = {**task, "seed": seed, "workers": 1, "shards": 0}
        for side in sides:
            measured = run(side, one)
            seconds[side].append(measured["cpu"])
            scores[side].append(score_all(Path(task["out"])))
            if side == "ours":
                walls = [run("ours", {**one, "shards": 8, "workers": workers})["wall"] for workers in (1, 2)]
                gains.append(walls[0] / walls[1])
    for side in sides:
        ratio = f"{min(seconds['gensim']) / min(seconds[side]):.1f}" if "gensim" in sides else ""
        gain = f"{max(gains):.2f}" if side == "ours" else ""
        means = " | ".join(f"{np.mean([found[kind] for found in scores[side]]):.3f}" for kind in scores[side][0])
        print(
            f"| {name} | {side} | {n_words * N_EPOCHS / min(seconds[side]) / 1e6:.2f} | {ratio} | {gain} | {means} |",
            flush=True,
        )


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--words", type=int, default=2_000_000)
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args()
    if not SHARED.is_dir():
        print("the real data in ../shared is not here: nothing to measure on")
        return
    sides = ["ours"]
    if importlib.util.find_spec("gensim"):
        sides.append("gensim")
    else:
        print("gensim is not installed (pip install gensim==4.4.0): ours alone")
    with tempfile.TemporaryDirectory() as folder:
        corpus, out = Path(folder) / "corpus.npz", Path(folder) / "vectors.npz"
        read_reviews(corpus)
        n_all = np.load(corpus)["ids"].size
        n_words = min(given.words or n_all, n_all)
        size = f"{n_words:,} words, {N_EPOCHS} epochs, {given.seeds} seed(s)"
        print(f"\n{size}; speed in million words/s of processor time\n")
        print(f"| model | side | speed | times gensim's | two threads by the clock | {' | '.join(SETS)} | analogies |")
        print(f"| --- | --- |{' --- |' * (len(SETS) + 4)}")
        for name, model in MODELS.items():
            compare(
                name,
                {"corpus": str(corpus), "out": str(out), "model": model, "n": n_words},
                sides,
                given.seeds,
                n_words,
            )


if __name__ == "__main__":
    main()
