"""Hidden Markov models beside hmmlearn, and the tagger: million observations (tokens) a second, best of several rounds, in one run.

    python benchmarks/hmm.py

An EM step is a fifth of a `fit` with five iterations from a start set by hand, checks and M steps included, on drawn data of one million steps in
1,000 sequences; CPU seconds of one core. With two threads it is the clock, on an otherwise idle machine. hmmlearn's log mode has a tenth of the steps.
The tagger is trained on UD English EWT's training part and tags its development part, words mapped to numbers and tags to names each time;
without `../shared/data/ud` that part is left out.
"""

from __future__ import annotations

import gzip
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from hmmlearn import hmm as hmmlearn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from models import hmm  # noqa: E402  # after the path
from models.tagger import learn_tagger  # noqa: E402  # the same
from models.tagger_scores import score_tagger  # noqa: E402  # the same
from tasks.tagging import tag_tokens  # noqa: E402  # the same

N_SEQUENCES, LENGTH, N_STATES, N_SYMBOLS, N_COLUMNS, N_ROUNDS, N_STEPS = 1000, 1000, 4, 16, 3, 3, 5
TREEBANK = ROOT.parent / "shared/data/ud"
logging.getLogger("hmmlearn").setLevel(logging.ERROR)


def seconds(work: Callable[[], Any], clock: Callable[[], float]) -> float:
    """The least of several rounds, after one that compiles."""
    work()
    times = []
    for _ in range(N_ROUNDS):
        began = clock()
        work()
        times.append(clock() - began)
    return min(times)


def set_start(model: Any, start: dict[str, np.ndarray]) -> Any:
    """`model` with its parameters set."""
    for name, value in start.items():
        setattr(model, name, value.copy())
    return model


def compare(name: str, start: dict[str, np.ndarray], X: np.ndarray, **settings: Any) -> None:  # noqa: N803  # hmmlearn's name
    """Print a line for each engine that does one EM step of the class `name`."""
    rates: dict[str, float] = {}
    settings |= {"n_components": N_STATES, "n_iter": N_STEPS, "tol": -np.inf, "init_params": ""}
    for label, module, share, more, clock in (
        ("ours", hmm, 1.0, {}, time.process_time),
        ("ours, two threads", hmm, 1.0, {"n_jobs": 2}, time.perf_counter),
        ("hmmlearn scaling", hmmlearn, 1.0, {"implementation": "scaling"}, time.process_time),
        ("hmmlearn log", hmmlearn, 0.1, {"implementation": "log"}, time.process_time),
    ):
        model = getattr(module, name)(**settings, **more)
        n_sequences = int(N_SEQUENCES * share)
        rows, lengths = X[: n_sequences * LENGTH], [LENGTH] * n_sequences
        took = seconds(lambda model=model, rows=rows, lengths=lengths: set_start(model, start).fit(rows, lengths), clock)
        rates[label] = len(rows) * N_STEPS / took / 1e6
    for label, rate in rates.items():
        print(f"{name:16} {label:18} {rate:8.2f} M observations/s   ours {rates['ours'] / rate:6.1f} times")


def read_conllu(path: Path) -> list[list[tuple[str, str, str]]]:
    """Sentences of (word, UPOS, XPOS)."""
    sentences: list[list[tuple[str, str, str]]] = [[]]
    for line in gzip.decompress(path.read_bytes()).decode().split("\n"):
        fields = line.split("\t")
        if not line:
            sentences.append([])
        elif fields[0].isdigit():
            sentences[-1].append((fields[1], fields[3], fields[4]))
    return [sentence for sentence in sentences if sentence]


def measure_tagger() -> None:
    """Print how well and how fast the tagger is."""
    training, held_out = (read_conllu(TREEBANK / f"en_ewt-ud-{part}.conllu.gz") for part in ("train", "dev"))
    began = time.process_time()
    tagger = learn_tagger(training)
    print(f"tagger: learned {sum(map(len, training)):,} tokens in {time.process_time() - began:.1f} s of CPU")
    scores = score_tagger(tagger, training, held_out)
    print(
        f"UD English EWT dev: UPOS {100 * scores.upos:.2f} %, known {100 * (scores.known or 0):.2f}, unknown {100 * (scores.unknown or 0):.2f}, "
        f"XPOS {100 * (scores.xpos or 0):.2f}; most frequent tag {100 * scores.most_frequent_tag:.2f}"
    )
    numbers = np.repeat(np.arange(len(held_out)), [len(sentence) for sentence in held_out])
    words = [word for sentence in held_out for word, _, _ in sentence]
    tokens = pa.table({"doc_id": ["d"] * len(words), "sentence": numbers, "token": words})
    took = seconds(lambda: tag_tokens(tagger, tokens), time.process_time)
    print(f"tagging: {len(words) / took / 1e6:.2f} M tokens/s on one core")


def main() -> None:
    """Print all measurements."""
    rng = np.random.default_rng(1)
    chain = {"startprob_": rng.dirichlet(np.ones(N_STATES)), "transmat_": rng.dirichlet(np.ones(N_STATES), N_STATES)}
    symbols = rng.integers(0, N_SYMBOLS, (N_SEQUENCES * LENGTH, 1))
    compare("CategoricalHMM", {**chain, "emissionprob_": rng.dirichlet(np.ones(N_SYMBOLS), N_STATES)}, symbols)
    rows = rng.normal(0, 1, (N_SEQUENCES * LENGTH, N_COLUMNS)) + 2 * rng.integers(0, N_STATES, (N_SEQUENCES * LENGTH, 1))
    means = 2.0 * np.arange(N_STATES)[:, None] + np.zeros(N_COLUMNS)
    gaussian = {"means_": means, "covars_": np.tile(np.eye(N_COLUMNS) + 0.3, (N_STATES, 1, 1))}
    compare("GaussianHMM", {**chain, **gaussian}, rows, covariance_type="full")
    if TREEBANK.exists():
        measure_tagger()


if __name__ == "__main__":
    main()
