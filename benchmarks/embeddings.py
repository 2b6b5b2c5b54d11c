"""word2vec and GloVe against gensim's word2vec, side by side in one run: words a second of processor time, and scores.

    python benchmarks/embeddings.py [--gensim PYTHON] [--words N] [--scores SEEDS]

Reads film reviews from `../shared/data/corpora`, lower case, cut into sentences at full stops. Both sides get the same tokens, vocabulary and
settings (dim 100, window 5, negative 5, sample 1e-3, min_count 5). Speeds: one epoch over the first N words (2,000,000), in turn, the best of
three rounds, processor time of the whole process, so that gensim's reading thread counts as ours does; and ours with two threads by
the clock. Scores: five epochs over all 5.9 M words, mean over SEEDS seeds. PYTHON is an interpreter that has gensim 4.4.0 (a development
tool, not in the lock); without it ours are measured alone.
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
MODELS = {
    "skip-gram, negatives": {"sg": 1, "hs": 0},
    "CBOW, negatives": {"sg": 0, "hs": 0},
    "skip-gram, tree": {"sg": 1, "hs": 1},
    "CBOW, tree": {"sg": 0, "hs": 1},
}
COMMON = {"vector_size": 100, "window": 5, "min_count": 5, "sample": 1e-3}
SETS = {"WordSim-353": "EN-WS-353-ALL.txt", "SimLex-999": "EN-SIMLEX-999.txt", "MEN": "EN-MEN-TR-3k.txt", "RG-65": "EN-RG-65.txt"}
N_ROUNDS, N_EPOCHS = 3, 5


def read_reviews(path: Path) -> None:
    """Write the corpus to `path`: token ids by falling count, sentence starts, counts, words."""
    word = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
    sentences = []
    with lzma.open(SHARED / "corpora" / "imdb_unsup_25k.txt.xz", "rt", encoding="utf-8") as lines:
        for line in lines:
            found = (word.findall(part) for part in re.split(r"(?<=[.!?])\s+", line.replace("<br />", " ").lower()))
            sentences += [tokens for tokens in found if tokens]
    counts = Counter(token for tokens in sentences for token in tokens)
    words = sorted(counts, key=lambda token: (-counts[token], token))
    number = {token: place for place, token in enumerate(words)}
    np.savez(
        path, ids=np.fromiter((number[token] for tokens in sentences for token in tokens), np.int32),
        starts=np.cumsum([0, *map(len, sentences[:-1])]), counts=np.array([counts[token] for token in words]), words=np.array(words),
    )  # fmt: skip


def first_words(corpus: Any, n: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids, starts and counts of the corpus's first n tokens, or of all."""
    ids = corpus["ids"][:n]
    return ids, corpus["starts"][corpus["starts"] < ids.size], np.bincount(ids, minlength=corpus["words"].size)


def train_gensim(task: dict[str, Any]) -> dict[str, Any]:
    """Seconds of processor and clock for gensim's training; vectors and words go to the file that `task` names."""
    from gensim.models import Word2Vec  # noqa: PLC0415  # only the other interpreter has it

    corpus = np.load(task["corpus"])
    ids, starts, _ = first_words(corpus, task["n"])
    words = corpus["words"].astype(object)
    ends = np.append(starts[1:], ids.size)
    sentences = [list(words[ids[first:end]]) for first, end in zip(starts, ends, strict=True)]
    settings = {**COMMON, **task["model"], "negative": 0 if task["model"]["hs"] else 5}
    model = Word2Vec(**settings, workers=1, seed=task["seed"], epochs=task["epochs"])
    model.build_vocab(sentences)
    began = time.process_time(), time.perf_counter()
    model.train(sentences, total_examples=len(sentences), epochs=task["epochs"])
    seconds = time.process_time() - began[0], time.perf_counter() - began[1]
    np.savez(task["out"], vectors=model.wv.vectors, words=np.array(model.wv.index_to_key))
    return {"cpu": seconds[0], "wall": seconds[1]}


def train_ours(task: dict[str, Any]) -> dict[str, Any]:
    """The same for ours."""
    from models.word2vec import Word2VecSettings, train_word2vec  # noqa: PLC0415  # gensim's interpreter has no numba

    corpus = np.load(task["corpus"])
    settings = Word2VecSettings(**COMMON, **task["model"], seed=task["seed"], epochs=task["epochs"], workers=task.get("workers", 1))
    train_word2vec(*first_words(corpus, 10_000), settings)  # compiled before the clock starts
    text = first_words(corpus, task["n"])
    began = time.process_time(), time.perf_counter()
    model = train_word2vec(*text, settings)
    seconds = time.process_time() - began[0], time.perf_counter() - began[1]
    np.savez(task["out"], vectors=model.vectors, words=corpus["words"][model.token_ids])
    return {"cpu": seconds[0], "wall": seconds[1]}


def run(side: str, python: str, task: dict[str, Any]) -> dict[str, Any]:
    """Train in a process of its own, and say what it measured."""
    script = "import runpy, json, sys; b = runpy.run_path(sys.argv[1]); print(json.dumps(b[sys.argv[2]](json.loads(sys.argv[3]))))"
    done = subprocess.run(  # noqa: S603  # our own script
        [python, "-c", script, __file__, f"train_{side}", json.dumps(task)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    if done.returncode:
        sys.exit(f"{side}: {done.stderr}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def score(path: Path) -> dict[str, float]:
    """Agreement with people on all sets, and analogies, of the vectors in a file."""
    from models.word_similarity import parse_analogies, parse_word_pairs, score_analogies, score_pairs  # noqa: PLC0415  # as above

    kept = np.load(path)
    words = kept["words"].tolist()
    tests = {name: parse_word_pairs((SHARED / "wordsim" / file).read_text()) for name, file in SETS.items()}
    scores = {name: score_pairs(kept["vectors"], words, test).spearman for name, test in tests.items()}
    questions = parse_analogies((SHARED / "wordsim" / "questions-words.txt").read_text())
    return {**scores, "analogies": score_analogies(kept["vectors"], words, questions).accuracy}


def compare_speed(corpus: Path, sides: dict[str, str], n_words: int, out: Path) -> None:
    """Print million words a second of processor time of each model on each side."""
    n_read = min(n_words, np.load(corpus)["ids"].size)
    print(f"\nmillion words/s of processor time, one epoch of {n_read:,} words, best of {N_ROUNDS} rounds in turn\n")
    print(f"| model | {' | '.join(sides)} | ratio | ours, 2 threads, by the clock: times one |\n| --- |{' --- |' * (len(sides) + 2)}")
    for name, model in MODELS.items():
        task = {"corpus": str(corpus), "out": str(out), "model": model, "seed": 1, "epochs": 1, "n": n_read}
        seconds: dict[str, float] = dict.fromkeys([*sides, "one", "two"], np.inf)
        for _ in range(N_ROUNDS):
            for side, python in sides.items():
                seconds[side] = min(seconds[side], run(side, python, task)["cpu"])
            for threads, workers in (("one", 1), ("two", 2)):
                seconds[threads] = min(seconds[threads], run("ours", sys.executable, {**task, "workers": workers})["wall"])
        speeds = " | ".join(f"{n_read / seconds[side] / 1e6:.2f}" for side in sides)
        ratio = f"{seconds['gensim'] / seconds['ours']:.1f}" if "gensim" in sides else "–"
        print(f"| {name} | {speeds} | {ratio} | {seconds['one'] / seconds['two']:.2f} |", flush=True)


def compare_scores(corpus: Path, sides: dict[str, str], n_seeds: int, out: Path) -> None:
    """Print the mean scores of each model on each side over all words."""
    print(f"\nscores, {N_EPOCHS} epochs of all words, mean of {n_seeds} seeds\n")
    print(f"| model | side | {' | '.join(SETS)} | analogies |\n| --- | --- |{' --- |' * (len(SETS) + 1)}")
    for name, model in MODELS.items():
        for side, python in sides.items():
            found = []
            for seed in range(1, n_seeds + 1):
                run(side, python, {"corpus": str(corpus), "out": str(out), "model": model, "seed": seed, "epochs": N_EPOCHS, "n": None})
                found.append(score(out))
            means = " | ".join(f"{np.mean([one[kind] for one in found]):.3f}" for kind in found[0])
            print(f"| {name} | {side} | {means} |", flush=True)


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gensim", help="an interpreter that has gensim")
    parser.add_argument("--words", type=int, default=2_000_000)
    parser.add_argument("--scores", type=int, default=0, metavar="SEEDS")
    given = parser.parse_args()
    if not SHARED.is_dir():
        sys.exit("needs the real data in ../shared, which is not here")
    sides = {"ours": sys.executable} | ({"gensim": given.gensim} if given.gensim else {})
    with tempfile.TemporaryDirectory() as folder:
        corpus, out = Path(folder) / "corpus.npz", Path(folder) / "vectors.npz"
        read_reviews(corpus)
        compare_speed(corpus, sides, given.words, out)
        if given.scores:
            compare_scores(corpus, sides, given.scores, out)


if __name__ == "__main__":
    main()
