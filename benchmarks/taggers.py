"""The tagger beside the most frequent tag and NLTK's TnT: UPOS on words known and unknown, and tokens a second.

English: UD English EWT's training part, scored on its development part. German has no training part here: of each of
three treebanks every fifth sentence is scored, learned are its other sentences, or those and the other two treebanks.
TnT guesses unknown words by the usual way out in NLTK: taggers of affixes of 4, 3, 2 and 1 last letters that back off
to each other, and to NOUN; it looks at capitals (`C=True`).
"""

from __future__ import annotations

import gzip
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from nltk.tag import AffixTagger, DefaultTagger, TnT

from models.taggers.scores import USUAL_TAG, score_tagger
from models.taggers.tagger import learn_tagger

GERMAN = {"GSD dev": "de_gsd-ud-dev", "PUD": "de_pud-ud-test", "LIT": "de_lit-ud-test"}
N_FOLDS, N_ROUNDS, LONGEST_AFFIX = 5, 5, 4

Sentence = list[tuple[str, str, str]]


def read_conllu(path: Path) -> list[Sentence]:
    """Sentences of (word, UPOS, XPOS)."""
    sentences: list[Sentence] = [[]]
    for line in gzip.decompress(path.read_bytes()).decode().split("\n"):
        fields = line.split("\t")
        if not line:
            sentences.append([])
        elif fields[0].isdigit():
            sentences[-1].append((fields[1], fields[3], fields[4]))
    return [sentence for sentence in sentences if sentence]


def rate(work: Callable[[], Any], n_tokens: int) -> float:
    """Tokens a second of CPU: the median of several rounds, after one that compiles."""
    work()
    took = []
    for _ in range(N_ROUNDS):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return n_tokens / statistics.median(took)


def score_tnt(training: Sequence[Sentence], held_out: Sequence[Sentence]) -> tuple[float, float, float, float]:
    """Shares of tokens tagged right, of all, known and unknown words, and tokens a second."""
    pairs = [[(word, upos) for word, upos, _ in sentence] for sentence in training]
    guess = DefaultTagger(USUAL_TAG)
    for n_letters in range(1, LONGEST_AFFIX + 1):
        guess = AffixTagger(pairs, affix_length=-n_letters, min_stem_length=1, backoff=guess)
    tagger = TnT(unk=guess, Trained=True, C=True)
    tagger.train(pairs)
    words = [[word for word, _, _ in sentence] for sentence in held_out]
    began = time.process_time()
    predicted = [upos for sentence in tagger.tagdata(words) for _, upos in sentence]
    took = time.process_time() - began
    known = {word for sentence in training for word, _, _ in sentence}
    true = [(word, upos) for sentence in held_out for word, upos, _ in sentence]
    is_right = np.array([found == upos for found, (_, upos) in zip(predicted, true, strict=True)])
    is_known = np.array([word in known for word, _ in true])
    return (
        float(is_right.mean()),
        float(is_right[is_known].mean()),
        float(is_right[~is_known].mean()),
        len(predicted) / took,
    )


def compare(title: str, training: Sequence[Sentence], held_out: Sequence[Sentence]) -> None:
    """Print the three side by side."""
    tagger = learn_tagger(training)
    scores = score_tagger(tagger, training, held_out)
    tags = [upos for upos, _, _ in tagger.states]
    sentences = [[word for word, _, _ in sentence] for sentence in held_out]

    def tag() -> list[str]:
        numbers: dict[str, int] = {}
        codes = np.array([numbers.setdefault(word, len(numbers)) for sentence in sentences for word in sentence])
        lengths = np.array([len(sentence) for sentence in sentences])
        return [tags[state] for state in tagger.tag(list(numbers), codes, lengths).tolist()]

    ours = scores.upos, scores.known or 0.0, scores.unknown or 0.0, rate(tag, scores.n_tokens)
    for label, (upos, known, unknown, speed) in {"ours": ours, "TnT": score_tnt(training, held_out)}.items():
        shares = f"UPOS {100 * upos:.2f} %, known {100 * known:.2f}, unknown {100 * unknown:.2f}"
        print(f"{title:30} {label:6} {shares}   {speed / 1e3:7.0f} thousand tokens/s", flush=True)
    print(
        f"{title:30} most frequent tag {100 * scores.most_frequent_tag:.2f} %, {scores.n_tokens:,} tokens scored",
        flush=True,
    )


def measure_taggers(treebanks: Path) -> None:
    """Print all comparisons; nothing where the treebanks are not there."""
    if not treebanks.exists():
        return
    compare(
        "UD English EWT dev", *(read_conllu(treebanks / f"en_ewt-ud-{part}.conllu.gz") for part in ("train", "dev"))
    )
    parts = {name: read_conllu(treebanks / f"{file}.conllu.gz") for name, file in GERMAN.items()}
    for name, sentences in parts.items():
        held_out = sentences[::N_FOLDS]
        own = [sentence for n, sentence in enumerate(sentences) if n % N_FOLDS]
        others = [sentence for other, part in parts.items() if other != name for sentence in part]
        compare(f"UD German {name}", own, held_out)
        compare(f"UD German {name}, all three", own + others, held_out)
