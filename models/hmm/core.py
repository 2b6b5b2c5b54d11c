"""Hidden Markov models over any emission: forward, backward, posterior, Viterbi, expected counts; of arrays alone.

Legend (Rabiner 1989, equation numbers in brackets)
    t = 0..T-1      step; several sequences lie one after another, `lengths` says how long each is, T is their sum
    i, j = 0..S-1   state
    pi[i]           start probability, shape (S,)
    A[i, j]         probability of going from i to j, shape (S, S); rows sum to 1, or to 0 where a state is never left
    log_b[t, i]     log-likelihood of what is observed at t, given state i, shape (T, S); 0 everywhere = nothing
                    observed
    alpha, beta     forward and backward variables, scaled (19-20, 24-25, and V.A on scaling)
    gamma[t, i]     posterior probability of state i at t (27), rows sum to 1
    xi[i, j]        expected number of transitions from i to j, summed over all steps (37)

The recursions are alpha[t, j] = (sum_i alpha[t-1, i] * A[i, j]) * b[t, j] and
beta[t, i] = sum_j A[i, j] * b[t+1, j] * beta[t+1, j]; worked figures that add the emission, or turn A round, are wrong.

Eight sequences are done side by side (`models.hmm.lanes`), what has no company of like length by itself, and what
scaling cannot hold in log space (`models.hmm.single`). Sums over sequences are made in parts that depend on the data
alone (`models.hmm.parts`): any number of threads gives the same bytes. Deliberately not here: emissions, their
estimation, priors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.hmm.lanes import SAFE, expect_lanes, scale_rows
from models.hmm.parts import Part, of_parts, parts_of, total
from models.hmm.single import best_path, expect_in_log_space, expect_single
from models.hmm.vectors import N_LANES

LONGEST_SCRATCH = 2**21  # numbers: eight sequences side by side need no more than 8 * 8 times this many bytes, 128 MB
WORTH_LANES = 3  # sequences alone that take as long as eight in lanes (measured for 4 states: 52 ns a step to 19)
STEPS_OF_TABLE = 8  # our choice: a part that sums by kind has so many steps for each number of its sums
UNUSABLE = "pi, A must not be negative, and log-likelihoods must be numbers or -inf: something is NaN or infinite"
EVERY_STEP = np.empty(0, np.int64)
"""The index of kinds where every step is a kind of its own."""


class ImpossibleSequenceError(ValueError):
    """A sequence that the model cannot produce: no path of states has a positive probability."""

    def __init__(self, sequence: int) -> None:
        super().__init__(
            f"sequence {sequence} is impossible under this model: no path of states has a positive probability"
        )
        self.sequence = sequence


@dataclass(frozen=True)
class HmmPosterior:
    """What forward and backward give: `log_likelihood` (n_sequences,), `gamma` (T, S), `start_counts` (S,),
    `transition_counts` (S, S).
    """

    log_likelihood: np.ndarray
    gamma: np.ndarray
    start_counts: np.ndarray
    transition_counts: np.ndarray


def posterior(
    pi: np.ndarray,
    A: np.ndarray,
    log_b: np.ndarray,
    lengths: np.ndarray,
    *,
    n_threads: int = 1,
    first_sequence: int = 0,
) -> HmmPosterior:
    """The posterior over states, and the expected counts that Baum-Welch needs, of all sequences.

    ValueError where shapes or lengths do not fit or a value is NaN; ImpossibleSequenceError where a sequence has
    likelihood 0: it counts from `first_sequence`.
    """
    pi, A, log_b, lengths = _checked(pi, A, log_b, lengths, len(log_b))
    gamma = np.zeros(log_b.shape)

    def expect(part: Part) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = log_b[part.steps]
        return _expect(pi, A, rows, *_scaled(rows), EVERY_STEP, lengths[part.sequences], gamma[part.steps])

    found = of_parts(expect, parts_of(lengths, len(pi)), n_threads)
    return _joined(found, gamma, first_sequence)


def posterior_by_kind(
    pi: np.ndarray, A: np.ndarray, log_table: np.ndarray, index: np.ndarray, lengths: np.ndarray, *, n_threads: int = 1
) -> HmmPosterior:
    """As `posterior`, for steps of K kinds: `index[t]`, int, is the row of `log_table` (K, S) that holds the
    log-likelihoods at t.

    `gamma` is the posterior summed over the steps of each kind, (K, S).
    """
    pi, A, log_table, lengths = _checked(pi, A, log_table, lengths, len(index))
    index = np.ascontiguousarray(index, np.int64)
    if index.min() < 0 or index.max() >= len(log_table):
        raise ValueError(f"kinds go from 0 to {len(log_table) - 1}, there is {int(index.min())} or {int(index.max())}")
    scaled = _scaled(log_table)
    parts = parts_of(lengths, len(pi), STEPS_OF_TABLE * log_table.size)

    def expect(part: Part) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        sums = np.zeros(log_table.shape)
        return sums, _expect(pi, A, log_table, *scaled, index[part.steps], lengths[part.sequences], sums)

    sums, found = zip(*of_parts(expect, parts, n_threads), strict=True)
    return _joined(found, total(sums), 0)


def log_likelihoods(
    pi: np.ndarray,
    A: np.ndarray,
    log_b: np.ndarray,
    lengths: np.ndarray,
    *,
    n_threads: int = 1,
    first_sequence: int = 0,
) -> np.ndarray:
    """Log-likelihood of each sequence, (n_sequences,); -inf where it is impossible. ValueError as in `posterior`."""
    del first_sequence  # taken as by `posterior`; no sequence is refused
    pi, A, log_b, lengths = _checked(pi, A, log_b, lengths, len(log_b))

    def expect(part: Part) -> np.ndarray:
        rows = log_b[part.steps]
        return _expect(pi, A, rows, *_scaled(rows), EVERY_STEP, lengths[part.sequences], None)[0]

    return np.concatenate(of_parts(expect, parts_of(lengths, len(pi)), n_threads))


def most_likely_states(
    pi: np.ndarray, A: np.ndarray, log_b: np.ndarray, lengths: np.ndarray, *, first_sequence: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The most likely path of states of each sequence (Viterbi 1967; Rabiner 32-35): states, int64 (T,), and its log
    probability jointly with what was observed, (n_sequences,). Of equally likely paths the one with the lower states
    last.

    Errors as in `posterior`.
    """
    pi, A, log_b, lengths = _checked(pi, A, log_b, lengths, len(log_b))
    if not log_b.max() < np.inf:
        raise ValueError(UNUSABLE)
    states, log_pi, log_A = np.empty(len(log_b), np.int64), _log(pi), _log(A)
    rows = np.concatenate([log_b.reshape(-1), np.zeros(2 * N_LANES)])  # with room for lanes
    ends = np.cumsum(lengths)
    values = [
        best_path((0,) * len(pi), log_pi, log_A, rows, begin, states[begin:end])
        for begin, end in zip((ends - lengths).tolist(), ends.tolist(), strict=True)
    ]
    log_probability = np.array(values)
    _require_possible(log_probability, first_sequence)
    return states, log_probability


def stationary_distribution(A: np.ndarray) -> np.ndarray:
    """The distribution (S,) that A leaves unchanged: p = p A, sum 1; of several (A has closed parts) the least norm."""
    A = np.asarray(A, np.float64)
    n_states = len(A)
    equations = np.vstack([A.T - np.eye(n_states), np.ones(n_states)])
    right = np.append(np.zeros(n_states), 1.0)
    p = np.linalg.lstsq(equations, right, rcond=None)[0]
    p = np.clip(p, 0.0, None)  # lstsq leaves -1e-17 where the probability is 0
    return p / p.sum()


def _require_possible(log_likelihood: np.ndarray, first_sequence: int) -> None:
    impossible = np.flatnonzero(log_likelihood == -np.inf)
    if len(impossible):
        raise ImpossibleSequenceError(first_sequence + int(impossible[0]))


def _joined(
    found: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], gamma: np.ndarray, first_sequence: int
) -> HmmPosterior:
    log_likelihood, start_counts, counts = zip(*found, strict=True)
    result = HmmPosterior(np.concatenate(log_likelihood), gamma, total(start_counts), total(counts))
    _require_possible(result.log_likelihood, first_sequence)
    return result


def _expect(  # noqa: PLR0917  # the model, the observations, and where the posterior goes
    pi: np.ndarray,
    A: np.ndarray,
    log_table: np.ndarray,
    table: np.ndarray,
    largest: np.ndarray,
    index: np.ndarray,
    lengths: np.ndarray,
    rows: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-likelihoods, start and transition counts of the sequences; adds the posterior to `rows` (K, S), if given."""
    n_states, with_counts = len(pi), rows is not None
    states, is_careful = (0,) * n_states, bool(min(pi.min(), A.min()) < SAFE)
    starts = np.cumsum(lengths) - lengths
    log_likelihood, start_counts, counts = np.empty(len(lengths)), np.zeros(n_states), np.zeros((n_states, n_states))
    added = np.empty(0) if rows is None else rows.reshape(-1)
    alone, company = _by_company(lengths, n_states)
    how = is_careful, with_counts, added, start_counts, counts
    for sequence in alone.tolist():
        place = int(starts[sequence]), int(lengths[sequence])
        log_likelihood[sequence] = expect_single(states, pi, A, table, index, *place, *how)
    if len(company):
        values = np.empty(len(company))
        expect_lanes(states, pi, A.ravel(), table, index, starts[company], lengths[company], *how, values)
        log_likelihood[company] = values
    log_likelihood += np.add.reduceat(largest[index] if len(index) else largest, starts)
    for sequence in np.flatnonzero(np.isnan(log_likelihood)):
        steps = np.arange(starts[sequence], starts[sequence] + lengths[sequence])
        steps = index[steps] if len(index) else steps
        gamma = np.zeros(log_table.shape) if rows is None else rows
        log_likelihood[sequence] = expect_in_log_space(
            _log(pi), _log(A), log_table[steps], steps, gamma, start_counts, counts
        )
    return log_likelihood, start_counts, counts


def _by_company(lengths: np.ndarray, n_states: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the sequences to be done alone, and of those in company by falling length: eight share the lanes."""
    order = np.argsort(-lengths, kind="stable")
    groups = np.arange(0, len(lengths), N_LANES)
    longest = lengths[order[groups]]
    is_apart = (np.add.reduceat(lengths[order], groups) < WORTH_LANES * longest) | (
        longest * n_states > LONGEST_SCRATCH
    )
    is_alone = np.repeat(is_apart, N_LANES)[: len(lengths)]
    return order[is_alone], order[~is_alone]


def _scaled(log_table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exp of each row less its largest value, flat, with room for lanes; those values (K,), 0 if all is impossible."""
    n_rows, n_states = log_table.shape
    table, largest = np.empty(log_table.size + N_LANES), np.empty(n_rows)
    table[log_table.size :] = 0.0
    if not scale_rows((0,) * n_states, log_table.reshape(-1), table, largest):
        raise ValueError(UNUSABLE)
    return table, largest


def _checked(
    pi: np.ndarray, A: np.ndarray, log_table: np.ndarray, lengths: np.ndarray, n_steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    pi, A, log_table = (np.ascontiguousarray(array, np.float64) for array in (pi, A, log_table))
    lengths = np.asarray(lengths, np.int64)
    if A.shape != (len(pi), len(pi)) or log_table.ndim != 2 or log_table.shape[1] != len(pi):
        raise ValueError(f"shapes do not fit: pi {pi.shape}, A {A.shape}, log-likelihoods {log_table.shape}")
    if len(lengths) == 0 or lengths.min() < 1 or lengths.sum() != n_steps:
        raise ValueError(f"lengths must be positive and add up to {n_steps} steps, they add up to {int(lengths.sum())}")
    if not (np.all(pi >= 0) and np.all(A >= 0)):
        raise ValueError(UNUSABLE)
    return pi, A, log_table, lengths


def _log(probabilities: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):  # log 0 = -inf is what an impossible step means
        return np.log(probabilities)
