"""Hidden Markov models over any emission: forward, backward, posterior, Viterbi, expected counts. Arrays in, arrays out.

Legend (Rabiner 1989, equation numbers in brackets)
    t = 0..T-1      step; several sequences lie one after another, `lengths` says how long each is, T is their sum
    i, j = 0..S-1   state
    pi[i]           start probability, shape (S,)
    A[i, j]         probability of going from i to j, shape (S, S), rows sum to 1
    log_b[t, i]     log-likelihood of what is observed at t, given state i, shape (T, S); 0 everywhere = nothing observed
    alpha, beta     forward and backward variables, scaled at each step (19-20, 24-25, and V.A on scaling)
    gamma[t, i]     posterior probability of state i at t (27), rows sum to 1
    xi[i, j]        expected number of transitions from i to j, summed over all steps (37)

The recursions are alpha[t, j] = (sum_i alpha[t-1, i] * A[i, j]) * b[t, j] and
beta[t, i] = sum_j A[i, j] * b[t+1, j] * beta[t+1, j]; worked figures that add the emission, or turn A round, are wrong.

Scaling: each row of b is divided by its largest value and each alpha row by its sum. Where that sum underflows (the likely states
cannot be reached, the reachable ones are less likely than UNDERFLOW), the sequence is done again in log space, which costs some ten
times more and happens to sequences only that need it. Deliberately not here: emissions, their estimation, priors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

UNDERFLOW = 1e-200
"""A scaled sum below this has lost digits to float64's smallest 2.2e-308 squared away; above it every term that counts has them all."""


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


def posterior(pi: np.ndarray, A: np.ndarray, log_b: np.ndarray, lengths: np.ndarray) -> HmmPosterior:
    """The posterior over states, and the expected counts that Baum-Welch needs, of all sequences.

    ValueError where shapes or lengths do not fit or a value is NaN; ImpossibleSequenceError where a sequence has likelihood 0.
    """
    pi, A, log_b, lengths = _checked(pi, A, log_b, lengths)
    n_states = len(pi)
    gamma = np.empty_like(log_b)
    counts = np.zeros((n_states, n_states))
    start_counts = np.zeros(n_states)
    log_likelihood = np.empty(len(lengths))
    ends = np.cumsum(lengths)
    for sequence, (begin, end) in enumerate(zip(ends - lengths, ends, strict=True)):
        value = _scaled_posterior(pi, A, log_b[begin:end], gamma[begin:end], counts)
        if np.isnan(value):
            value = _log_posterior(_log(pi), _log(A), log_b[begin:end], gamma[begin:end], counts)
        if value == -np.inf:
            raise ImpossibleSequenceError(sequence)
        log_likelihood[sequence] = value
        start_counts += gamma[begin]
    return HmmPosterior(log_likelihood, gamma, start_counts, counts)


def most_likely_states(pi: np.ndarray, A: np.ndarray, log_b: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most likely path of states of each sequence (Viterbi 1967; Rabiner 32-35): states, int32 (T,), and its log probability
    jointly with what was observed, (n_sequences,). Of equally likely paths the one with the lower states last.

    Errors as in `posterior`.
    """
    pi, A, log_b, lengths = _checked(pi, A, log_b, lengths)
    states = np.empty(len(log_b), np.int32)
    log_probability = np.empty(len(lengths))
    ends = np.cumsum(lengths)
    for sequence, (begin, end) in enumerate(zip(ends - lengths, ends, strict=True)):
        log_probability[sequence] = _viterbi(_log(pi), _log(A), log_b[begin:end], states[begin:end])
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


def _checked(
    pi: np.ndarray,
    A: np.ndarray,
    log_b: np.ndarray,
    lengths: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    pi, A, log_b = (np.ascontiguousarray(array, np.float64) for array in (pi, A, log_b))
    lengths = np.asarray(lengths, np.int64)
    if A.shape != (len(pi), len(pi)) or log_b.ndim != 2 or log_b.shape[1] != len(pi):
        raise ValueError(f"shapes do not fit: pi {pi.shape}, A {A.shape}, log_b {log_b.shape}")
    if len(lengths) == 0 or lengths.min() < 1 or lengths.sum() != len(log_b):
        raise ValueError(f"lengths must be positive and add up to {len(log_b)} steps, they add up to {int(lengths.sum())}")
    if not (np.all(pi >= 0) and np.all(A >= 0)) or np.isnan(log_b).any() or np.any(log_b == np.inf):
        raise ValueError("pi, A must not be negative, and log_b must be a number or -inf: something is NaN or infinite")
    return pi, A, log_b, lengths


def _log(probabilities: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):  # log 0 = -inf is what an impossible step means
        return np.log(probabilities)


@numba.njit(cache=True)
def _scaled_posterior(pi, A, log_b, gamma, counts):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, C901, PLR0912
    """Fill `gamma` (T, S), add to `counts` (S, S); return the log-likelihood, or NaN (nothing added) where a scaled sum underflows."""
    n_steps, n_states = log_b.shape
    alpha = np.empty((n_steps, n_states))
    b = np.empty((n_steps, n_states))
    scale = np.empty(n_steps)
    log_likelihood = 0.0
    for t in range(n_steps):
        largest = log_b[t, 0]
        for i in range(1, n_states):
            largest = max(largest, log_b[t, i])
        if largest == -np.inf:
            return np.nan
        scale[t] = 0.0
        for j in range(n_states):
            b[t, j] = np.exp(log_b[t, j] - largest)
            reach = 0.0
            if t == 0:
                reach = pi[j]
            else:
                for i in range(n_states):
                    reach += alpha[t - 1, i] * A[i, j]
            alpha[t, j] = reach * b[t, j]
            scale[t] += alpha[t, j]
        if not scale[t] > UNDERFLOW:
            return np.nan
        for j in range(n_states):
            alpha[t, j] /= scale[t]
        log_likelihood += np.log(scale[t]) + largest
    beta = np.ones(n_states)
    weighted = np.empty(n_states)
    for t in range(n_steps - 1, -1, -1):
        total = 0.0
        for i in range(n_states):
            gamma[t, i] = alpha[t, i] * beta[i]
            total += gamma[t, i]
        for i in range(n_states):
            gamma[t, i] /= total  # 1 but for rounding, which would add up over 10^6 steps
        if t == 0:
            break
        for j in range(n_states):
            weighted[j] = b[t, j] * beta[j] / scale[t]
        for i in range(n_states):
            beta[i] = 0.0
            for j in range(n_states):
                step = A[i, j] * weighted[j]
                beta[i] += step
                counts[i, j] += alpha[t - 1, i] * step
    return log_likelihood


@numba.njit(cache=True)
def _log_sum(values):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    largest = values.max()
    return largest if largest == -np.inf else largest + np.log(np.sum(np.exp(values - largest)))


@numba.njit(cache=True)
def _log_posterior(log_pi, log_A, log_b, gamma, counts):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """As `_scaled_posterior`, in log space throughout; returns -inf (nothing added) where the sequence is impossible."""
    n_steps, n_states = log_b.shape
    log_alpha = np.empty((n_steps, n_states))
    log_alpha[0] = log_pi + log_b[0]
    for t in range(1, n_steps):
        for j in range(n_states):
            log_alpha[t, j] = _log_sum(log_alpha[t - 1] + log_A[:, j]) + log_b[t, j]
    log_likelihood = _log_sum(log_alpha[-1])
    if log_likelihood == -np.inf:
        return log_likelihood
    log_beta = np.zeros(n_states)
    for t in range(n_steps - 1, -1, -1):
        gamma[t] = np.exp(log_alpha[t] + log_beta - log_likelihood)
        gamma[t] /= gamma[t].sum()
        if t == 0:
            break
        weighted = log_b[t] + log_beta
        for i in range(n_states):
            step = log_A[i] + weighted
            counts[i] += np.exp(log_alpha[t - 1, i] + step - log_likelihood)
            log_beta[i] = _log_sum(step)
    return log_likelihood


@numba.njit(cache=True)
def _viterbi(log_pi, log_A, log_b, states):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Fill `states` (T,) with the most likely path; return its log probability."""
    n_steps, n_states = log_b.shape
    before = np.empty((n_steps, n_states), np.int32)
    score = log_pi + log_b[0]
    new_score = np.empty(n_states)
    for t in range(1, n_steps):
        for j in range(n_states):
            best, best_score = 0, score[0] + log_A[0, j]
            for i in range(1, n_states):
                candidate = score[i] + log_A[i, j]
                if candidate > best_score:
                    best, best_score = i, candidate
            before[t, j] = best
            new_score[j] = best_score + log_b[t, j]
        score, new_score = new_score, score
    states[-1] = np.argmax(score)
    for t in range(n_steps - 1, 0, -1):
        states[t - 1] = before[t, states[t]]
    return score.max()
