"""Word vectors measured on the published word tests; scores of published models, renewed where test or model changed.

Conventions as in `models.embeddings.word_tests`: lower case, cosines, questions with an unknown word counted, named and
left out. A question's words are brought into the form of the column that the model was learned from, so that stems are
compared with stems.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from expectations.contracts.learning import SCORES
from models.embeddings.word_tests import ACCURACY, SPEARMAN, TestResult, WordTest, answer_test
from tasks.lake.decisions import write_skip
from tasks.lake.files import FileRef, canonical_json, read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.learning.champions import champion_rows
from tasks.learning.model_store import Score
from tasks.transforms.text.word_columns import WordColumn, word_in_column

RESULTS = "word_test_results"
"""The working table of what was measured: a row a model and test, and one a section of analogies."""
RESULTS_SCHEMA = pa.schema(
    [
        ("model_id", pa.string()),
        ("lang", pa.string()),
        ("test", pa.string()),
        ("section", pa.string()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("n_questions", pa.int64()),
        ("n_known", pa.int64()),
        ("unknown_words", pa.list_(pa.string())),
    ]
)
METRICS = (SPEARMAN, ACCURACY, "n_questions_known", "share_of_questions_known")


@dataclass(frozen=True)
class WordVectors:
    """Words in the form of a column, the more frequent first, and a vector for each."""

    lang: str
    column: WordColumn
    words: tuple[str, ...]
    vectors: np.ndarray


@dataclass(frozen=True)
class PublishedVectors:
    """What is read of a champion: its files, its losses, and the files of the word tests of its language."""

    model_id: str
    lang: str
    column: WordColumn
    files: tuple[FileRef, ...]
    losses: tuple[Mapping[str, Any], ...] = ()
    tests: tuple[FileRef, ...] = ()


def read_word_tests(lake: Lake, files: Sequence[FileRef], lang: str) -> list[WordTest]:
    """The tests of a language, by name."""
    rows = read_table(lake, files).to_pylist() if files else []
    by_name: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["lang"] == lang:
            by_name.setdefault(row["source"], []).append(row)
    return [
        WordTest(
            name,
            tuple(tuple(row["words"]) for row in found),
            np.array([row["rating"] for row in found]) if found[0]["kind"] == "word_pairs" else None,
            tuple(row["section"] for row in found),
        )
        for name, found in sorted(by_name.items())
    ]


def score_on(known: WordVectors, test: WordTest) -> TestResult:
    """How well the vectors answer a test whose words are as its file writes them."""
    return answer_test(known.words, known.vectors, in_column(test, known))


def in_column(test: WordTest, known: WordVectors) -> WordTest:
    """The test with its words in the form that the vectors are of."""
    forms = (tuple(word_in_column(word, known.lang, known.column) for word in question) for question in test.questions)
    return replace(test, questions=tuple(forms))


def scores_of(result: TestResult) -> list[Score]:
    """Rows of `scores`, under the test's name; none where nothing could be measured."""
    if not np.isfinite(result.value):
        return []
    return [
        Score(result.metric, result.name, result.value, "chance", result.chance, better="higher"),
        Score("n_questions_known", result.name, float(result.n_known)),
        Score("share_of_questions_known", result.name, result.n_known / result.n_questions),
    ]


def champions_of(lake: Lake, judged: Sequence[StepRecord]) -> list[PublishedVectors]:
    """The champions that the judgements left, without word tests."""
    champions = []
    for record in judged:
        for row in champion_rows(lake, [record]):
            scores = read_table(lake, record.files_of("scores")).to_pylist()
            losses = tuple(score for score in scores if score["metric"] not in METRICS)
            champion = PublishedVectors(
                model_id=row["model_id"],
                lang=row["lang"],
                column=json.loads(row["settings"])["column"],
                files=record.files_of("word_vectors"),
                losses=losses,
            )
            champions.append(champion)
    return champions


def scoring_batches(
    lake: Lake, judge_vectors: Sequence[StepRecord], published_word_tests: tuple[FileRef, ...]
) -> list[Batch]:
    """One measurement for each champion that the judgements left."""
    by_lang = _tests_by_language(lake, published_word_tests)
    batches = []
    for champion in champions_of(lake, judge_vectors):
        tests = tuple(by_lang.get(champion.lang, ()))
        digest = hashlib.sha256(canonical_json([champion.model_id, *champion.losses])).hexdigest()
        inputs = (digest, *(ref.sha256 for ref in (*champion.files, *tests)))
        batches.append(Batch(champion.lang, inputs, replace(champion, tests=tests)))
    return batches


def score(lake: Lake, published: PublishedVectors) -> StepOutput:
    """Leave all scores of a champion: losses, and today's tests. Rows are questions; unknown ones are set aside.

    A test of which no question is known, or of which nothing can be measured, has no score and a line of the ledger.
    """
    known = vectors_of(lake, published.files, published.model_id, published.lang, published.column)
    results = [score_on(known, test) for test in read_word_tests(lake, published.tests, published.lang)]
    scores = [{"model_id": published.model_id, **vars(score)} for result in results for score in scores_of(result)]
    rows = [
        {
            "model_id": published.model_id,
            "lang": published.lang,
            "test": result.name,
            "section": result.section,
            "metric": result.metric,
            "value": result.value if np.isfinite(result.value) else None,
            "n_questions": result.n_questions,
            "n_known": result.n_known,
            "unknown_words": list(result.unknown_words),
        }
        for whole in results
        for result in (whole, *whole.parts)
    ]
    files = [
        write_table(lake, "scores", pa.Table.from_pylist([*published.losses, *scores], schema=SCORES.arrow_schema())),
        write_table(lake, RESULTS, pa.Table.from_pylist(rows, schema=RESULTS_SCHEMA), schema=RESULTS_SCHEMA),
    ]
    for result in results:
        if not np.isfinite(result.value):
            rule = "too_few_questions_known" if result.n_known else "no_question_known"
            files += write_skip(lake, f"{published.lang}: {result.name}", rule, score=float(result.n_known))
    n_questions, n_known = (sum(getattr(result, name) for result in results) for name in ("n_questions", "n_known"))
    n_unknown = n_questions - n_known
    return StepOutput(tuple(files), n_questions, n_known, {"word_unknown": n_unknown} if n_unknown else {})


def vectors_of(lake: Lake, files: Sequence[FileRef], model_id: str, lang: str, column: WordColumn) -> WordVectors:
    """A model's rows of `word_vectors`, the most frequent word first."""
    rows = read_table(lake, files)
    rows = rows.filter(pc.equal(rows["model_id"], model_id))
    rows = rows.sort_by([("n_occurrences", "descending"), ("term", "ascending")])
    vectors = rows["vector"].combine_chunks().flatten().to_numpy().reshape(rows.num_rows, -1)
    return WordVectors(lang, column, tuple(rows["term"].to_pylist()), vectors)


def word_test_results(lake: Lake, scored: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """What was measured of the champions, a row a model and test, unknown words named."""
    return [row for record in scored for row in read_table(lake, record.files_of(RESULTS)).to_pylist()]


def _tests_by_language(lake: Lake, tests: Sequence[FileRef]) -> dict[str, list[FileRef]]:
    """The files of tests that hold questions of a language, by language: a set in one costs the others nothing."""
    by_lang: dict[str, list[FileRef]] = {}
    for ref in tests:
        for lang in sorted(set(read_table(lake, ref, ["lang"])["lang"].to_pylist())):
            by_lang.setdefault(lang, []).append(ref)
    return by_lang
