"""Hidden Markov models over any emission: forward, backward, posterior, Viterbi, expected counts. Arrays in, arrays out.

Legend (Rabiner 1989, equation numbers in brackets)
    t = 0..T-1      step; several sequences lie one after another, `lengths` says how long each is, T is their sum
    i, j = 0..S-1   state
    pi[i]           start probability, shape (S,)
    A[i, j]         probability of going from i to j, shape (S, S); rows sum to 1, or to 0 where a state is never left
    log_b[t, i]     log-likelihood of what is observed at t, given state i, shape (T, S); 0 everywhere = nothing observed
    alpha, beta     forward and backward variables, scaled (19-20, 24-25, and V.A on scaling)
    gamma[t, i]     posterior probability of state i at t (27), rows sum to 1
    xi[i, j]        expected number of transitions from i to j, summed over all steps (37)

The recursions are alpha[t, j] = (sum_i alpha[t-1, i] * A[i, j]) * b[t, j] and
beta[t, i] = sum_j A[i, j] * b[t+1, j] * beta[t+1, j]; worked figures that add the emission, or turn A round, are wrong.

Eight sequences are done side by side (`models.hmm_lanes`), what is alone or very long by itself, and what scaling cannot hold in log
space (`models.hmm_single`). Sums over sequences are made in parts that hang on the data alone: any number of threads gives the same bytes.
Deliberately not here: emissions, their estimation, priors.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from models.hmm_lanes import SAFE, expect_lanes
from models.hmm_single import best_path, expect_in_log_space, expect_single
from models.hmm_vectors import N_LANES

LONGEST_SCRATCH = 2**21  # numbers: eight sequences side by side need no more than 8 * 8 times this many bytes, 128 MB
N_PARTS = 8  # our choice: enough for eight threads to have the like to do
LARGEST_PARTS = 2**24  # numbers: parts that each need a table of their own are fewer where it is large


class ImpossibleSequenceError(ValueError):
    """A sequence that the model cannot produce: no path of states has a positive probability."""

    def __init__(self, sequence: int) -> None:
        super().__init__(f"sequence {sequence} is impossible under this model: no path of states has a positive probability")
        self.sequence = sequence


@dataclass(frozen=True)
class HmmPosterior:
    """What forward and backward give: `log_likelihood` (n_sequences,), `gamma` (T, S), `start_counts` (S,), `transition_counts` (S, S)."""

    log_likelihood: np.ndarray
    gamma: np.ndarray
    start_counts: np.ndarray
    transition_counts: np.ndarray


def posterior(pi: np.ndarray, A: np.ndarray, log_b: np.ndarray, lengths: np.ndarray, *, n_threads: int = 1) -> HmmPosterior:
    """The posterior over states, and the expected counts that Baum-Welch needs, of all sequences.

    ValueError where shapes or lengths do not fit or a value is NaN; ImpossibleSequenceError where a sequence has likelihood 0.
    """
    return _possible(_expect(pi, A, log_b, None, lengths, n_threads, with_counts=True))


def posterior_by_kind(
    pi: np.ndarray, A: np.ndarray, log_table: np.ndarray, index: np.ndarray, lengths: np.ndarray, *, n_threads: int = 1
) -> HmmPosterior:
    """As `posterior`, for steps of K kinds: `index[t]`, int, is the row of `log_table` (K, S) that holds the log-likelihoods at t.

    `gamma` is the posterior summed over the steps of each kind, (K, S).
    """
    return _possible(_expect(pi, A, log_table, index, lengths, n_threads, with_counts=True))


def log_likelihoods(pi: np.ndarray, A: np.ndarray, log_b: np.ndarray, lengths: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
    """The log-likelihood of each sequence, (n_sequences,); -inf where it is impossible. ValueError as in `posterior`."""
    return _expect(pi, A, log_b, None, lengths, n_threads, with_counts=False).log_likelihood


def most_likely_states(pi: np.ndarray, A: np.ndarray, log_b: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most likely path of states of each sequence (Viterbi 1967; Rabiner 32-35): states, int64 (T,), and its log probability
    jointly with what was observed, (n_sequences,). Of equally likely paths the one with the lower states last.

    Errors as in `posterior`.
    """
    pi, A, log_b, _, lengths = _checked(pi, A, log_b, None, lengths)
    states = np.empty(len(log_b), np.int64)
    log_probability = np.empty(len(lengths))
    ends = np.cumsum(lengths)
    for sequence, (begin, end) in enumerate(zip(ends - lengths, ends, strict=True)):
        log_probability[sequence] = best_path(_log(pi), _log(A), log_b[begin:end], states[begin:end])
        if log_probability[sequence] == -np.inf:
            raise ImpossibleSequenceError(sequence)
    return states, log_probability


def stationary_distribution(A: np.ndarray) -> np.ndarray:
    """The distribution (S,) that A leaves unchanged: p = p A, sum 1. Of several (A has closed parts) the one of least norm."""
    A = np.asarray(A, np.float64)
    n_states = len(A)
    equations = np.vstack([A.T - np.eye(n_states), np.ones(n_states)])
    right = np.append(np.zeros(n_states), 1.0)
    p = np.linalg.lstsq(equations, right, rcond=None)[0]
    p = np.clip(p, 0.0, None)  # lstsq leaves -1e-17 where the probability is 0
    return p / p.sum()


def _possible(result: HmmPosterior) -> HmmPosterior:
    impossible = np.flatnonzero(result.log_likelihood == -np.inf)
    if len(impossible):
        raise ImpossibleSequenceError(int(impossible[0]))
    return result


def _expect(  # noqa: PLR0917  # the model, the observations, and how
    pi: np.ndarray,
    A: np.ndarray,
    log_table: np.ndarray,
    index: np.ndarray | None,
    lengths: np.ndarray,
    n_threads: int,
    *,
    with_counts: bool,
) -> HmmPosterior:
    """The expectations; `index` None where every step is a kind of its own."""
    is_own_row = index is None
    pi, A, log_table, index, lengths = _checked(pi, A, log_table, index, lengths)
    table, largest = _scaled(log_table)
    n_states = len(pi)
    smallest = min(pi.min(), A.min())
    is_careful = bool(smallest < SAFE)
    if is_careful:  # a likelihood that underflowed must be told from one that is 0
        table = np.where((table == 0.0) & (log_table > -np.inf), np.finfo(np.float64).tiny, table)
    starts = np.cumsum(lengths) - lengths
    n_parts = N_PARTS if is_own_row else max(1, min(N_PARTS, LARGEST_PARTS // log_table.size))
    parts = _parts(lengths, n_states, n_parts)
    log_likelihood = np.empty(len(lengths))
    shared = np.zeros(log_table.size) if is_own_row or not with_counts else None  # rows of different sequences never meet

    def do_part(part: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = np.zeros(log_table.size) if shared is None else shared
        start_counts, counts, values = np.zeros(n_states), np.zeros((n_states, n_states)), np.empty(len(part))
        if len(part) == 1:
            place = int(starts[part[0]])
            steps = index[place : place + int(lengths[part[0]])]
            values[0] = expect_single(pi, A, table, steps, is_careful, with_counts, rows.reshape(table.shape), start_counts, counts)
        else:
            expect_lanes(
                pi,
                A.ravel(),
                table.ravel(),
                index,
                starts[part],
                lengths[part],
                is_careful,
                with_counts,
                rows,
                start_counts,
                counts,
                values,
            )
        log_likelihood[part] = values
        return rows, start_counts, counts

    if n_threads > 1 and len(parts) > 1:
        with ThreadPoolExecutor(n_threads) as threads:
            done = list(threads.map(do_part, parts))
    else:
        done = [do_part(part) for part in parts]
    rows = shared if shared is not None else _total([rows for rows, _, _ in done])
    start_counts, counts = _total([starts for _, starts, _ in done]), _total([counts for _, _, counts in done])
    gamma = rows.reshape(log_table.shape)
    log_likelihood += np.add.reduceat(largest[index], starts)
    for sequence in np.flatnonzero(np.isnan(log_likelihood)):
        steps = index[starts[sequence] : starts[sequence] + lengths[sequence]]
        log_likelihood[sequence] = expect_in_log_space(_log(pi), _log(A), log_table[steps], steps, gamma, start_counts, counts)
    return HmmPosterior(log_likelihood, gamma, start_counts, counts)


def _parts(lengths: np.ndarray, n_states: int, n_parts: int) -> list[np.ndarray]:
    """The numbers of the sequences in parts: those too long for company one by one; the others by falling length, dealt by eights into
    at most `n_parts`.
    """
    order = np.argsort(-lengths, kind="stable")
    is_alone = lengths[order] * n_states > LONGEST_SCRATCH
    alone, others = order[is_alone], order[~is_alone]
    group = np.arange(len(others)) // N_LANES
    n_parts = min(n_parts, -(-len(others) // N_LANES))
    return [*alone[:, None], *(others[group % n_parts == part] for part in range(n_parts))]


def _total(arrays: Sequence[np.ndarray]) -> np.ndarray:
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array
    return total


def _scaled(log_table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The exponential of each row less its largest value, and those values (K,), 0 where nothing is possible."""
    largest = log_table[:, 0].copy()
    for i in range(1, log_table.shape[1]):  # five times faster than max(axis=1) for few states
        np.maximum(largest, log_table[:, i], out=largest)
    largest[largest == -np.inf] = 0.0
    table = log_table - largest[:, None]
    with np.errstate(under="ignore"):
        return np.exp(table, out=table), largest


def _checked(
    pi: np.ndarray, A: np.ndarray, log_table: np.ndarray, index: np.ndarray | None, lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    pi, A, log_table = (np.ascontiguousarray(array, np.float64) for array in (pi, A, log_table))
    index = np.arange(len(log_table)) if index is None else np.ascontiguousarray(index, np.int64)
    lengths = np.asarray(lengths, np.int64)
    if A.shape != (len(pi), len(pi)) or log_table.ndim != 2 or log_table.shape[1] != len(pi):
        raise ValueError(f"shapes do not fit: pi {pi.shape}, A {A.shape}, log-likelihoods {log_table.shape}")
    if len(lengths) == 0 or lengths.min() < 1 or lengths.sum() != len(index):
        raise ValueError(f"lengths must be positive and add up to {len(index)} steps, they add up to {int(lengths.sum())}")
    if not (np.all(pi >= 0) and np.all(A >= 0)) or not np.all(log_table < np.inf):
        raise ValueError("pi, A must not be negative, and log-likelihoods must be numbers or -inf: something is NaN or infinite")
    if index.min() < 0 or index.max() >= len(log_table):
        raise ValueError(f"kinds go from 0 to {len(log_table) - 1}, there is {int(index.min())} or {int(index.max())}")
    return pi, A, log_table, index, lengths


def _log(probabilities: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):  # log 0 = -inf is what an impossible step means
        return np.log(probabilities)
