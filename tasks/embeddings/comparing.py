"""A new model of word vectors beside the champion: both asked the same questions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from models.embeddings.word_tests import WordTest, keep_questions, known_questions
from tasks.embeddings.data import LanguageCorpus
from tasks.embeddings.learning import HELD_OUT_LOSS
from tasks.embeddings.scoring import WordVectors, in_column, read_word_tests, score_on, vectors_of
from tasks.lake.files import FileRef, read_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import read_manifest
from tasks.learning.champions import Comparison, Contest, NotComparableError

# How long and how finely a model was trained, and not what its loss is the mean of: losses of models that differ in
# these alone are on one scale.
NOT_OF_THE_LOSS = frozenset({"alpha", "min_alpha", "epochs", "vector_size", "cbow_mean", "cbow_exact", "shards"})
NOT_OF_THE_TEXT = frozenset({"fewest_tokens", "tokens_at_least", "most_epochs", "warm_share"})


def compare(lake: Lake, contest: Contest, new_id: str, present_id: str) -> list[Comparison]:
    """Both models on the questions that both know, and their losses on held-out text where these are on one scale.

    A test counts where both know `fewest_known` of its questions. NotComparableError where the champion is of a form
    that this code does not know.
    """
    corpus: LanguageCorpus = contest.payload
    manifest = read_manifest(lake)
    if manifest is None:
        raise NotComparableError("nothing is published")
    published = [ref for refs in manifest.tables.values() for ref in refs]
    new, champion = _Rows(lake, contest.files, new_id), _Rows(lake, published, present_id)
    try:
        both = new.vectors(corpus.lang), champion.vectors(corpus.lang)
    except (KeyError, ValueError) as error:
        raise NotComparableError(f"the champion {present_id} is of a form that this code does not know") from error
    compared = []
    for test in read_word_tests(lake, corpus.tests, corpus.lang):
        common = _known_to_both(both, test)
        if len(common.questions) >= corpus.settings.fewest_known:
            new_result, present_result = (score_on(known, common) for known in _on_common_words(both))
            compared.append(Comparison(new_result.metric, test.name, new_result.value, present_result.value))
    if new.loss_scale() == champion.loss_scale():
        share, present_share = new.held_out_share(), champion.held_out_share()
        if share is not None and present_share is not None:
            metric = "loss_per_pair_beside_frequencies"
            compared.append(Comparison(metric, "held_out", share, present_share, is_higher_better=False))
    return compared


class _Rows:
    """The rows of one model in some files of `models`, `scores` and `word_vectors`."""

    def __init__(self, lake: Lake, files: Sequence[FileRef], model_id: str) -> None:
        self._lake, self._files, self.model_id = lake, files, model_id
        self.row = self._of("models")[0]
        self.settings: Mapping[str, Any] = json.loads(self.row["settings"])

    def vectors(self, lang: str) -> WordVectors:
        """Its words and vectors. KeyError where its settings name no column."""
        files = [ref for ref in self._files if ref.table == "word_vectors"]
        return vectors_of(self._lake, files, self.model_id, lang, self.settings["column"])

    def loss_scale(self) -> tuple[Any, ...]:
        """What its losses depend on besides how well it learned: kind, text, and what a pair is."""
        settings = {
            name: {inner: one for inner, one in value.items() if inner not in NOT_OF_THE_LOSS}
            if isinstance(value, dict)
            else value
            for name, value in self.settings.items()
            if name not in NOT_OF_THE_TEXT
        }
        return self.row["kind"], self.row["data_sha256"], settings

    def held_out_share(self) -> float | None:
        """Its loss on held-out text, as a share of what word frequencies alone reach; None where not measured."""
        for row in self._of("scores"):
            if (row["metric"], row["split"]) == HELD_OUT_LOSS and row["baseline_value"]:
                return float(row["value"] / row["baseline_value"])
        return None

    def _of(self, table: str) -> list[dict[str, Any]]:
        files = [ref for ref in self._files if ref.table == table]
        return [row for row in read_table(self._lake, files).to_pylist() if row["model_id"] == self.model_id]


def _known_to_both(both: tuple[WordVectors, WordVectors], test: WordTest) -> WordTest:
    """The questions of which both know every word."""
    is_known = [known_questions(known.words, in_column(test, known)) for known in both]
    return keep_questions(test, is_known[0] & is_known[1])


def _on_common_words(both: tuple[WordVectors, WordVectors]) -> tuple[WordVectors, WordVectors]:
    """Both without the words that only one has: among more words an analogy is harder to answer."""
    new, champion = both
    common = set(new.words) & set(champion.words)
    return _among(new, common), _among(champion, common)


def _among(known: WordVectors, words: set[str]) -> WordVectors:
    rows = np.array([row for row, word in enumerate(known.words) if word in words], np.int64)
    return replace(known, words=tuple(known.words[row] for row in rows), vectors=known.vectors[rows])
