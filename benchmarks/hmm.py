"""Hidden Markov models beside hmmlearn, and the tagger beside NLTK's TnT, in one run of some minutes.

    python benchmarks/hmm.py

Rates are million observations (tokens) a second, medians of rounds in which the engines take turns, CPU seconds of one
core; with two threads it is the clock, on an otherwise idle machine. An EM step is a fifth of a `fit` with five
iterations from a start set by hand, checks and M steps included, on drawn data of four states; hmmlearn, whose rate
does not depend on it, gets fewer sequences. The kernel is what is left of a step without emission, checks and M step.
The taggers are in `benchmarks/taggers.py`.
"""

from __future__ import annotations

import logging
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hmmlearn import hmm as hmmlearn
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.taggers import measure_taggers  # noqa: E402  # after the path
from models.hmm import core as hmm_core  # noqa: E402  # the same
from models.hmm import surface as hmm  # noqa: E402  # the same

N_SEQUENCES, LENGTH, N_STATES, N_SYMBOLS, N_COLUMNS = 1000, 1000, 4, 16, 3
N_STEPS, N_ROUNDS = 5, 5
N_TAGS, SENTENCE = 45, 20
SHARES = {"hmmlearn scaling": 0.2, "hmmlearn log": 0.05}
logging.getLogger("hmmlearn").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Case:
    """A model and its data: class, settings, the start, observations (T, D), and how long each sequence is."""

    title: str
    kind: str
    settings: Mapping[str, Any]
    start: Mapping[str, np.ndarray]
    X: np.ndarray
    length: int


def rates_in_turns(engines: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """The median rate of each engine over rounds in which all take their turn, after one that compiles."""
    for run in engines.values():
        run()
    rounds = [{label: run() for label, run in engines.items()} for _ in range(N_ROUNDS)]
    return {label: statistics.median(rates[label] for rates in rounds) for label in engines}


def show(title: str, rates: Mapping[str, float]) -> None:
    """A line for each engine: its rate, and how many times that ours is."""
    ours = next(iter(rates.values()))
    for label, rate in rates.items():
        print(f"{title:28} {label:20} {rate:8.2f} M/s   ours {ours / rate:6.1f} times", flush=True)


def fit_rate(module: Any, case: Case, share: float, clock: Callable[[], float], **more: Any) -> float:
    """Million observations a second and EM step of one fit."""
    model = getattr(module, case.kind)(
        n_components=N_STATES, n_iter=N_STEPS, tol=-np.inf, init_params="", **case.settings, **more
    )
    for name, value in case.start.items():
        setattr(model, name, value.copy())
    length = min(case.length, int(len(case.X) * share))
    n_steps = int(len(case.X) * share) // length * length
    began = clock()
    model.fit(case.X[:n_steps], [length] * (n_steps // length))
    return n_steps * N_STEPS / (clock() - began) / 1e6


def measure_em(case: Case) -> None:
    """Print what an EM step of `case` takes."""
    cpu, wall = time.process_time, time.perf_counter
    engines = {
        "ours": lambda: fit_rate(hmm, case, 1.0, cpu),
        "ours, two threads": lambda: fit_rate(hmm, case, 1.0, wall, n_jobs=2),
        "hmmlearn scaling": lambda: fit_rate(hmmlearn, case, SHARES["hmmlearn scaling"], cpu, implementation="scaling"),
        "hmmlearn log": lambda: fit_rate(hmmlearn, case, SHARES["hmmlearn log"], cpu, implementation="log"),
    }
    show(case.title, rates_in_turns(engines))


def measure_kernel(chain: Mapping[str, np.ndarray]) -> None:
    """Print what forward, backward and expected counts take by themselves."""
    log_b = np.log(np.random.default_rng(2).uniform(0.01, 1.0, (N_SEQUENCES * LENGTH // 5, N_STATES)))
    kinds = np.random.default_rng(3).integers(0, N_SYMBOLS, len(log_b))
    lengths = np.full(len(log_b) // LENGTH, LENGTH)
    start, moves = chain["startprob_"], chain["transmat_"]

    def rate(work: Callable[[], Any]) -> float:
        began = time.process_time()
        work()
        return len(log_b) / (time.process_time() - began) / 1e6

    engines = {
        "of 16 symbols": lambda: rate(
            lambda: hmm_core.posterior_by_kind(start, moves, log_b[:N_SYMBOLS], kinds, lengths)
        ),
        "of any emission": lambda: rate(lambda: hmm_core.posterior(start, moves, log_b, lengths)),
    }
    for label, found in rates_in_turns(engines).items():
        print(f"{'forward, backward, counts':28} {label:20} {found:8.2f} M/s", flush=True)


def measure_viterbi(n_states: int, length: int) -> None:
    """Print what decoding takes."""
    rng = np.random.default_rng(4)
    symbols = rng.integers(0, 1000, (200_000, 1))
    start = {"startprob_": rng.dirichlet(np.ones(n_states)), "transmat_": rng.dirichlet(np.ones(n_states), n_states)}
    start["emissionprob_"] = rng.dirichlet(np.ones(1000), n_states)

    def rate(module: Any, share: float) -> float:
        model = module.CategoricalHMM(n_states, n_features=1000)
        for name, value in start.items():
            setattr(model, name, value)
        n_steps = int(len(symbols) * share)
        began = time.process_time()
        model.decode(symbols[:n_steps], [length] * (n_steps // length))
        return n_steps / (time.process_time() - began) / 1e6

    engines = {"ours": lambda: rate(hmm, 1.0), "hmmlearn": lambda: rate(hmmlearn, SHARES["hmmlearn scaling"])}
    show(f"Viterbi, {n_states} states", rates_in_turns(engines))


def main() -> None:
    """Print all measurements."""
    rng = np.random.default_rng(1)
    n_steps = N_SEQUENCES * LENGTH
    chain = {"startprob_": rng.dirichlet(np.ones(N_STATES)), "transmat_": rng.dirichlet(np.ones(N_STATES), N_STATES)}
    symbols = {**chain, "emissionprob_": rng.dirichlet(np.ones(N_SYMBOLS), N_STATES)}
    letters = rng.integers(0, N_SYMBOLS, (n_steps, 1))
    rows = rng.normal(0, 1, (n_steps, N_COLUMNS)) + 2 * rng.integers(0, N_STATES, (n_steps, 1))
    means = {**chain, "means_": 2.0 * np.arange(N_STATES)[:, None] + np.zeros(N_COLUMNS)}
    full = {**means, "covars_": np.tile(np.eye(N_COLUMNS) + 0.3, (N_STATES, 1, 1))}
    diagonal = {**means, "covars_": np.ones((N_STATES, N_COLUMNS))}
    with threadpool_limits(1):
        measure_em(Case("categorical", "CategoricalHMM", {}, symbols, letters, LENGTH))
        measure_em(Case("Gaussian, full", "GaussianHMM", {"covariance_type": "full"}, full, rows, LENGTH))
        measure_em(Case("Gaussian, diagonal", "GaussianHMM", {"covariance_type": "diag"}, diagonal, rows, LENGTH))
        measure_em(Case("categorical, one sequence", "CategoricalHMM", {}, symbols, letters, n_steps))
        measure_em(Case("Gaussian full, one sequence", "GaussianHMM", {"covariance_type": "full"}, full, rows, n_steps))
        measure_em(Case("categorical, sentences", "CategoricalHMM", {}, symbols, letters, SENTENCE))
        measure_kernel(chain)
        measure_viterbi(N_STATES, LENGTH)
        measure_viterbi(N_TAGS, SENTENCE)
        measure_taggers(ROOT.parent / "shared/data/ud")


if __name__ == "__main__":
    main()
