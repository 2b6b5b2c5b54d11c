"""Word2vec by rounds of shards: each learns from the same frozen rows on private copies, which are added in order.

    n_v       shards in a round; round r trains shards r * n_v to r * n_v + n_v - 1, called v = 0 to n_v - 1 within it
    x_v       how far shard v pulled a row towards where it wants it: KAPPA * the learning rates summed over the row's
              scores
    c_v       what shard v added to its copy of the row

Who computes a shard, and when, changes nothing: during a round it reads only what no one writes, its random numbers are
a function of places in the corpus, and sums of several shards are taken in the order of v. So the result depends on
n_v, and not on the number of threads (docs/decisions/0009).

Merging a row that several shards moved. Where each pulls with a spring of strength x_v towards the same point, it
covers the share 1 - exp(-x_v) of the way, and all of them one after another cover 1 - exp(-sum x_v). So the row moves
by

    (1 - exp(-sum x_v)) / sum (1 - exp(-x_v)) * sum c_v

which is the plain sum where steps are few, and the mean where each alone has arrived: the sum would overshoot there and
diverge.
"""

# ruff: noqa: PLR0917  # kernels know no keyword-only arguments
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from models.embeddings import word2vec_window
from models.embeddings.word2vec_memory import N_RESERVED, Bench, Corpus, Outputs, Side
from models.embeddings.word2vec_window import TILE_OUTPUTS, step_window
from models.kernels import alias_table, lanes, random_bits, rendezvous
from models.kernels.alias_table import draw_at
from models.kernels.kernel_cache import kernel, kernel_part
from models.kernels.lanes import LANES_WIDTH, add, fetch_ahead, fma, load, splat, store, subtract
from models.kernels.random_bits import below_at, share_at
from models.kernels.rendezvous import claim, meet, reopen

# Largest curvature of ln(1 + exp(-z)); rows taken to have length 1; scores are flat from 0.1 to 0.25 (0009).
KAPPA = np.float32(0.25)
# Merging asks the cache for rows so early; all in all a tenth faster than without (docs/benchmarks.md).
PLACES_AHEAD = 3
PATHS_AHEAD = 8  # the same for paths


class Plan(NamedTuple):
    """The numbers that steer an epoch. A stream of random numbers is named by its key (`random_bits`)."""

    width: int
    window: int
    is_shrinking: bool
    is_cbow: bool
    is_mean: bool
    is_exact: bool  # CBOW's words around move along the gradient, and not as word2vec.c moves them
    negative: int  # 0: the outputs are paths
    alpha: float
    min_alpha: float
    n_tokens_before: int  # in epochs done
    n_tokens_in_all: int  # in all epochs
    keep_key: np.uint64
    window_key: np.uint64
    pool_key: np.uint64


@kernel_part
def take_in(row: int, place_of: Any, row_at: Any, end: int, rows: Any, width: int) -> tuple[Any, int]:
    """The place of a shard's copy of a row, a new one at `end` if it has none, and the end of its places then.

    The cache is asked for the row, which is to be copied soon.
    """
    place = np.int64(place_of[row])
    if place >= 0:
        return place, end
    place_of[row] = end
    row_at[end] = row
    fetch_row(rows, row, width)
    return np.int64(end), end + 1


@kernel_part
def fetch_row(rows: Any, row: int, width: int) -> None:
    """Ask the cache for a row."""
    at = np.int64(row) * width
    for d in range(0, width, LANES_WIDTH):
        fetch_ahead(rows, at + d)


@kernel_part
def fill_copies(side: Side, v: int, width: int) -> None:
    """Copy the rows of all places that shard v has taken."""
    rows, copies, row_at, pull = side.rows, side.copies, side.row_at, side.pull
    for place in range(side.first[v] + N_RESERVED, side.end[v]):
        pull[place] = 0
        at = np.int64(row_at[place]) * width
        for d in range(0, width, LANES_WIDTH):
            store(copies, place * width + d, load(rows, at + d))


@kernel_part
def give_up_places(side: Side, v: int) -> None:
    """Take shard v's places back."""
    place_of, row_at = side.place_of[v], side.row_at
    for place in range(side.first[v] + N_RESERVED, side.end[v]):
        place_of[row_at[place]] = -1
    side.end[v] = side.first[v] + N_RESERVED


@kernel_part
def choose_words(corpus: Corpus, plan: Plan, bench: Bench, shard: int, v: int) -> int:
    """How many words of the shard are kept; fills in what they are, where they stand, and their windows within their
    sentences.

    Frequent words are kept with a probability (Mikolov et al. 2013b, section 2.3), and a window reaches 1 to `window`
    kept words.
    """
    words, position, lo, hi = bench.words[v], bench.position[v], bench.lo[v], bench.hi[v]
    token_ids, word_of, keep, sentence_starts = corpus.token_ids, corpus.word_of, corpus.keep, corpus.sentence_starts
    n = 0
    for s in range(corpus.shard_starts[shard], corpus.shard_starts[shard + 1]):
        first = n
        for i in range(sentence_starts[s], sentence_starts[s + 1]):
            word = word_of[token_ids[i]]
            if word >= 0 and share_at(plan.keep_key, i) < keep[word]:
                words[n], position[n] = word, i
                n += 1
        for j in range(first, n):
            reach = plan.window
            if plan.is_shrinking:
                reach = 1 + below_at(plan.window_key, position[j], plan.window)
            lo[j], hi[j] = max(first, j - reach), min(n, j + reach + 1)
    return n


@kernel_part
def choose_negatives(outputs: Outputs, plan: Plan, bench: Bench, side: Side, v: int, n: int) -> None:
    """Give each kept word itself and its negatives as outputs.

    As many words as are kept are drawn into a pool, and the windows take turns in going round it, so that a shard has
    few rows to copy; a drawn word that is the middle word itself is passed over. Each negative of a window is still one
    draw from the table.
    """
    words, position, pool, start = bench.words[v], bench.position[v], bench.pool[v], bench.output_start[v]
    at, sign = bench.output_at[v], bench.output_sign[v]
    place_of, row_at, own, other = side.place_of[v], side.row_at, outputs.own, outputs.other
    taken = side.end[v]
    for i in range(n):
        pool[i], taken = take_in(
            draw_at(plan.pool_key, position[i], own, other), place_of, row_at, taken, side.rows, plan.width
        )
    end = turn = 0
    for j in range(n):
        start[j] = end
        middle, taken = take_in(words[j], place_of, row_at, taken, side.rows, plan.width)
        at[end], sign[end] = middle, 1
        for k in range(1, plan.negative + 1):
            passed = 0
            while pool[turn] == middle and passed < n:
                turn = turn + 1 if turn + 1 < n else 0
                passed += 1
            at[end + k], sign[end + k] = pool[turn], -1
            if passed == n:  # nothing else was drawn: the next word in the vocabulary
                at[end + k], taken = take_in((words[j] + 1) % own.size, place_of, row_at, taken, side.rows, plan.width)
            turn = turn + 1 if turn + 1 < n else 0
        end = fill_up(at, sign, side.first[v], end, end + 1 + plan.negative)
    start[n] = end
    side.end[v] = taken


@kernel_part
def choose_paths(outputs: Outputs, bench: Bench, side: Side, v: int, n: int, width: int) -> None:
    """Give each kept word the nodes on its path as outputs."""
    words, start, at, sign = bench.words[v], bench.output_start[v], bench.output_at[v], bench.output_sign[v]
    place_of, row_at = side.place_of[v], side.row_at
    path_starts, path_nodes, path_signs = outputs.path_starts, outputs.path_nodes, outputs.path_signs
    taken, end = side.end[v], 0
    for j in range(n):
        start[j] = end
        later = path_starts[words[min(j + PATHS_AHEAD, n - 1)]]
        fetch_ahead(path_nodes, later)
        fetch_ahead(path_signs, later)
        for i in range(path_starts[words[j]], path_starts[words[j] + 1]):
            at[end], taken = take_in(path_nodes[i], place_of, row_at, taken, side.rows, width)
            sign[end] = path_signs[i]
            end += 1
        end = fill_up(at, sign, side.first[v], start[j], end)
    start[n] = end
    side.end[v] = taken


@kernel_part
def fill_up(at: Any, sign: Any, zero_place: int, start: int, end: int) -> int:
    """The end of a window's outputs after rows of 0 have made them whole tiles."""
    while (end - start) % TILE_OUTPUTS > 0:
        at[end], sign[end] = zero_place, 0
        end += 1
    return end


@kernel_part
def choose_inputs(bench: Bench, side: Side, v: int, n: int, width: int) -> None:
    """Turn the kept words into the places of their input rows."""
    words, place_of, row_at = bench.words[v], side.place_of[v], side.row_at
    taken = side.end[v]
    for j in range(n):
        words[j], taken = take_in(words[j], place_of, row_at, taken, side.rows, width)
    side.end[v] = taken


@kernel_part
def train_shard(
    corpus: Corpus, outputs: Outputs, plan: Plan, bench: Bench, input_side: Side, output_side: Side, shard: int, v: int
) -> None:
    """Train one shard on private copies of all rows that it touches."""
    n = choose_words(corpus, plan, bench, shard, v)
    if plan.negative > 0:
        choose_negatives(outputs, plan, bench, output_side, v, n)
    else:
        choose_paths(outputs, bench, output_side, v, n, plan.width)
    choose_inputs(bench, input_side, v, n, plan.width)
    fill_copies(input_side, v, plan.width)
    fill_copies(output_side, v, plan.width)

    inputs, input_pull = input_side.copies, input_side.pull
    output_rows, output_pull = output_side.copies, output_side.pull
    words, position, lo, hi = bench.words[v], bench.position[v], bench.lo[v], bench.hi[v]
    around, start, at, sign = bench.around[v], bench.output_start[v], bench.output_at[v], bench.output_sign[v]
    h, z = bench.h[v], bench.z[v]
    loss, n_pairs, n_trained = 0.0, 0, 0
    for j in range(n):
        n_around = 0
        for i in range(lo[j], hi[j]):
            if i != j:
                around[n_around] = words[i]
                n_around += 1
        if n_around == 0:
            continue
        first, n_u = start[j], start[j + 1] - start[j]
        n_h = 1 if plan.is_cbow else n_around
        done = (plan.n_tokens_before + position[j]) / plan.n_tokens_in_all
        alpha = np.float32(plan.alpha + (plan.min_alpha - plan.alpha) * done)
        share = np.float32(1 / n_around) if plan.is_mean else np.float32(1)
        back = share if plan.is_exact else np.float32(1 / n_around) / share
        loss += step_window(
            inputs,
            around,
            n_around,
            output_rows,
            at,
            first,
            n_u,
            sign,
            plan.is_cbow,
            share,
            back,
            alpha,
            plan.width,
            h,
            z,
        )
        n_scores = np.float32(0)
        for k in range(first, first + n_u):
            output_pull[at[k]] += alpha * np.float32(n_h)
            n_scores += abs(sign[k])
        for a in range(n_around):
            input_pull[around[a]] += alpha * n_scores * (back if plan.is_cbow else np.float32(1))
        n_pairs += n_h
        n_trained += 1
    bench.loss[v], bench.n_pairs[v], bench.n_trained[v] = loss, n_pairs, n_trained


@kernel_part
def link_copies(side: Side, part: int, n_parts: int) -> None:
    """Chain the copies of every row r with r % n_parts == part, in the order of v."""
    row_at, first_copy, next_copy, first, end = side.row_at, side.first_copy, side.next_copy, side.first, side.end
    for v in range(first.size - 1, -1, -1):
        for place in range(first[v] + N_RESERVED, end[v]):
            row = row_at[place]
            if row % n_parts == part:
                next_copy[place] = first_copy[row]
                first_copy[row] = place


@kernel_part
def merge_copies(side: Side, width: int, part: int, n_parts: int) -> None:
    """Move every row r with r % n_parts == part by what the shards learned; see the legend."""
    rows, copies, row_at, pull = side.rows, side.copies, side.row_at, side.pull
    first_copy, next_copy, first, end = side.first_copy, side.next_copy, side.first, side.end
    link_copies(side, part, n_parts)
    places = np.empty(first.size, np.int64)
    for v in range(first.size):
        for place in range(first[v] + N_RESERVED, end[v]):
            ahead = min(place + PLACES_AHEAD, end[v] - 1)
            if row_at[ahead] % n_parts == part:
                fetch_copies(side, ahead, width)
            row = np.int64(row_at[place])
            if row % n_parts == part and first_copy[row] >= 0:
                n = 0
                copy = first_copy[row]
                first_copy[row] = -1
                while copy >= 0:
                    places[n] = copy
                    n += 1
                    copy = next_copy[copy]
                share = covered_share(pull, places, n)
                for d in range(0, width, LANES_WIDTH):
                    before = load(rows, row * width + d)
                    change = splat(np.float32(0))
                    for i in range(n):
                        change = add(change, subtract(load(copies, places[i] * width + d), before))
                    store(rows, row * width + d, fma(change, splat(share), before))


@kernel_part
def fetch_copies(side: Side, place: int, width: int) -> None:
    """Ask for the row that was copied to a place and for all its copies, if it has not been merged yet."""
    row = np.int64(side.row_at[place])
    copy = side.first_copy[row]
    if copy >= 0:
        fetch_row(side.rows, row, width)
    while copy >= 0:
        fetch_row(side.copies, copy, width)
        copy = side.next_copy[copy]


@kernel_part
def covered_share(pull: Any, places: Any, n: int) -> Any:
    """The factor of the legend, float32: 1 for a single shard, and down to 1 / n."""
    one = np.float32(1)
    if n == 1:
        return one
    far = near = np.float32(0)
    for i in range(n):
        x = KAPPA * pull[places[i]]
        far += x
        near += one - np.exp(-x)
    return (one - np.exp(-far)) / near if near > 0 else one


@kernel(alias_table, lanes, random_bits, rendezvous, word2vec_window)
def train_rounds(
    corpus: Corpus,
    outputs: Outputs,
    plan: Plan,
    bench: Bench,
    input_side: Side,
    output_side: Side,
    first_round: int,
    n_rounds: int,
    thread: int,
    n_threads: int,
    gate: np.ndarray,
    totals: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Train some rounds as one of n threads, which all call this with the same arguments but `thread`, each in a thread
    of its own.

    To totals[0] (float64) is added the loss, to counts (int64) the pairs and the middle words trained.
    """
    n_v, n_shards = bench.loss.size, corpus.shard_starts.size - 1
    for a_round in range(first_round, first_round + n_rounds):
        v = claim(gate)
        while v < n_v:
            give_up_places(input_side, v)
            give_up_places(output_side, v)
            bench.loss[v], bench.n_pairs[v], bench.n_trained[v] = 0.0, 0, 0
            shard = a_round * n_v + v
            if shard < n_shards:
                train_shard(corpus, outputs, plan, bench, input_side, output_side, shard, v)
            v = claim(gate)
        meet(gate, n_threads)
        merge_copies(input_side, plan.width, thread, n_threads)
        merge_copies(output_side, plan.width, thread, n_threads)
        if thread == 0:
            reopen(gate)
            for v in range(n_v):
                totals[0] += bench.loss[v]
                counts[0] += bench.n_pairs[v]
                counts[1] += bench.n_trained[v]
        meet(gate, n_threads)
