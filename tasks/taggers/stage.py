"""Taggers of parts of speech in the stage `hmm`: one for each language with a published treebank."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from prefect import task

from models.taggers.lemmas import TaggedLemmas, learn_lemmas
from models.taggers.lemmas import as_tensors as lemma_tensors
from models.taggers.scores import TaggerScores, score_tagger, tag_sentences
from models.taggers.storage import as_tensors, from_tensors
from models.taggers.tagger import Tagger, TaggerError, TaggerSettings, learn_tagger
from tasks.lake.files import FileRef, canonical_json, read_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.publishing import Manifest, read_manifest
from tasks.lake.steps import (
    PlannedWork,
    Step,
    StepOutput,
    StepRecord,
    Work,
    do,
    find_records,
    plan_due,
    plan_hanging,
    settings_of,
)
from tasks.learning.champions import Comparison, Contest, NotComparableError, judge, judge_works
from tasks.learning.decisions import write_skip
from tasks.learning.model_store import Score, TrainedModel, read_model, write_model
from tasks.running.artifacts import show_table
from tasks.taggers.applying import KIND
from tasks.transforms.text.lemmas import find_lemma

MODULES = ("models.taggers.storage", "models.taggers.scores", "models.taggers.lemmas")
JUDGING = "judge_tagger"
UNIDENTIFIED = "und"
N_CONFUSIONS = 30  # our choice: what a screen shows

UNLEMMATISED = ("PUNCT", "SYM")  # their lemma is themselves, and our tokens leave them out

Sentence = list[tuple[str, str, str]]


@dataclass(frozen=True)
class TaggingSettings:
    """How taggers are trained: `tagger`; languages with fewer than `min_sentences` have none; one sentence in `held_out_nth` is scored on.

    A new tagger is published where it tags those not worse than the published one by more than `tolerance`, a share of tokens.
    """

    tagger: TaggerSettings = field(default_factory=TaggerSettings)
    min_sentences: int = 20
    held_out_nth: int = 10
    tolerance: float = 0.0


@dataclass(frozen=True)
class TaggedSide:
    """Sentences to learn from, or those to score on, and the lemma of each of their tokens, one after another; None where not given."""

    sentences: list[Sentence]
    lemmas: list[str | None]

    def lemma_rows(self) -> list[tuple[str, str, str | None]]:
        """(token, UPOS, lemma) of each token."""
        tokens = (token for sentence in self.sentences for token in sentence)
        return [(token, upos, lemma) for (token, upos, _), lemma in zip(tokens, self.lemmas, strict=True)]


@dataclass(frozen=True)
class TreebankPart:
    """What a fit reads: files of the treebank, the documents of a language in them, and the snapshot that published them."""

    lang: str
    treebank: tuple[FileRef, ...]
    doc_ids: tuple[str, ...]
    snapshot_id: str
    settings: TaggingSettings


def tagger_works(lake: Lake, settings: TaggingSettings | None = None) -> list[Work]:
    """One fit for each language of the published treebank; none where nothing is published. A text without tags changes none of them."""
    settings = settings or TaggingSettings()
    manifest = read_manifest(lake)
    if manifest is None:
        return []
    of_file = {
        ref: set(read_table(lake, ref, ["doc_id"])["doc_id"].to_pylist())
        for ref in manifest.tables["treebank"]
        if ref.n_rows
    }
    tagged = set().union(*of_file.values())
    if not tagged:
        return []
    works = []
    for lang, doc_ids in sorted(_languages(lake, manifest, tagged).items()):
        files = tuple(ref for ref, inside in of_file.items() if not inside.isdisjoint(doc_ids))
        part = TreebankPart(lang, files, doc_ids, manifest.snapshot_id, settings)
        digest = hashlib.sha256(canonical_json(list(doc_ids))).hexdigest()
        works.append(Work(_step(settings), f"treebank of {lang}", (*sorted(ref.sha256 for ref in files), digest), part))
    return works


def plan_taggers(lake: Lake, settings: TaggingSettings | None = None) -> list[PlannedWork]:
    """Which taggers `train_hmm` would train on the present snapshot, and which it would judge, and why."""
    settings = settings or TaggingSettings()
    works = tagger_works(lake, settings)
    trained = find_records(lake, works)
    if len(trained) < len(works):
        return [*plan_due(lake, "hmm", works), *plan_hanging("hmm", works[0].step.name, JUDGING)]
    return plan_due(lake, "hmm", tagger_judgements(lake, works, trained, settings))


@task(task_run_name="fit_tagger {work.subject}", timeout_seconds=3600)
def fit_tagger(home: str, work: Work) -> StepRecord:
    """The record of a tagger's training."""
    return do(Lake(Path(home)), work, fit_tagger_body)


def fit_tagger_body(lake: Lake, part: TreebankPart) -> StepOutput:
    """Leave a tagger and its scores on sentences that it has not seen. Rows are tagged tokens; the model that is scored is the one kept.

    With fewer sentences than `min_sentences` nothing is trained, and the ledger says so.
    """
    began = time.perf_counter()
    settings = part.settings
    training, held_out = _divided(lake, part)
    n_tokens = len(training.lemmas) + len(held_out.lemmas)
    n_sentences = len(training.sentences) + len(held_out.sentences)
    if n_sentences < settings.min_sentences or not training.sentences or not held_out.sentences:
        rule = f"fewer_than_{settings.min_sentences}_sentences"
        skip = write_skip(
            lake,
            _step(settings),
            f"treebank of {part.lang}",
            rule,
            score=float(n_sentences),
            threshold=float(settings.min_sentences),
        )
        return StepOutput((skip,), n_tokens, 0, {rule: n_tokens} if n_tokens else {})
    tagger = learn_tagger(training.sentences, settings.tagger)
    lemmas = learn_lemmas(training.lemma_rows())
    scores = score_tagger(tagger, training.sentences, held_out.sentences)
    tensors, notes = as_tensors(tagger)
    notes |= {
        "by_tag": [[tag, *values] for tag, values in scores.by_tag.items()], "confusions": [list(row) for row in scores.confusions],
        "n_sentences": len(training.sentences), "n_sentences_held_out": len(held_out.sentences), "n_tokens_held_out": scores.n_tokens,
        "seconds": round(time.perf_counter() - began, 3),
    }  # fmt: skip
    inputs = tuple(sorted(ref.sha256 for ref in part.treebank))
    model = TrainedModel(
        KIND, part.lang, settings.tagger.seed, _step(settings).settings, part.snapshot_id, inputs, {**tensors, **lemma_tensors(lemmas)},
        [*_score_rows(scores), *_lemma_scores(part.lang, tagger, lemmas, held_out)], notes,
    )  # fmt: skip
    return StepOutput(write_model(lake, model), n_tokens, n_tokens)


def tagger_judgements(
    lake: Lake, works: Sequence[Work], trained: Sequence[StepRecord], settings: TaggingSettings
) -> list[Work]:
    """One judgement for each tagger that the trainings of `works` left, beside the published one of its language."""
    return judge_works(lake, works, trained, JUDGING, MODULES, same=("held_out_nth",), tolerance=settings.tolerance)


@task(task_run_name="judge_tagger {work.subject}", timeout_seconds=3600)
def judge_tagger(home: str, work: Work) -> StepRecord:
    """The record of a judgement: the files of the tagger that is published."""
    return do(Lake(Path(home)), work, judge_tagger_body)


def judge_tagger_body(lake: Lake, contest: Contest) -> StepOutput:
    """Leave the tagger that tags the held-out sentences of today's treebank better, the new one where they are equal."""
    return judge(lake, contest, compare_taggers)


def compare_taggers(lake: Lake, contest: Contest, new_id: str, present_id: str) -> list[Comparison]:
    """Both taggers' share of tokens tagged right, on the same sentences; neither has seen them, for words decide what is held out."""
    _, held_out = _divided(lake, contest.payload)
    true = [upos for sentence in held_out.sentences for _, upos, _ in sentence]
    words = [[token for token, _, _ in sentence] for sentence in held_out.sentences]
    values = []
    for model_id in (new_id, present_id):
        try:
            tensors, card = read_model(lake, model_id)
            said = tag_sentences(from_tensors(tensors, card["notes"]), words)
        except (TaggerError, LakeError, FileNotFoundError) as error:
            raise NotComparableError(str(error)) from error
        values.append(float(np.mean([upos == wanted for (upos, _), wanted in zip(said, true, strict=True)])))
    return [Comparison("upos_accuracy", "held_out", values[0], values[1])]


def tag_tokens(tagger: Tagger, tokens: pa.Table) -> pa.Array:
    """The UPOS of each row of `tokens` (columns `doc_id`, `sentence`, `token`, in order of reading), as the column `pos` holds it."""
    if not tokens.num_rows:
        return pa.array([], pa.string())
    forms = pc.dictionary_encode(tokens["token"]).combine_chunks()
    codes = forms.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    documents = pc.dictionary_encode(tokens["doc_id"]).combine_chunks().indices.to_numpy(zero_copy_only=False)
    sentences = tokens["sentence"].to_numpy()
    begins = np.flatnonzero(np.concatenate([[True], (np.diff(documents) != 0) | (np.diff(sentences) != 0)]))
    states = tagger.tag(forms.dictionary.to_pylist(), codes, np.diff(begins, append=len(codes)))
    return pa.array([upos for upos, _, _ in tagger.states]).take(pa.array(states))


def show_taggers(lake: Lake, records: Sequence[StepRecord]) -> None:
    """Show for each tagger what it takes for what, and each tag's precision and recall, in the UI of the run that calls."""
    for record in records:
        for row in (
            row for ref in record.files_of("models") for row in read_table(lake, ref, ["model_id", "lang"]).to_pylist()
        ):
            notes = read_model(lake, row["model_id"])[1]["notes"]
            confusions = [
                {"true": true, "tagged as": said, "tokens": n} for true, said, n in notes["confusions"][:N_CONFUSIONS]
            ]
            by_tag = [
                {"tag": tag, "precision": precision, "recall": recall, "tokens": n}
                for tag, precision, recall, n in notes["by_tag"]
            ]
            show_table(
                f"tagger-{row['lang']}-confusions",
                confusions,
                f"What the tagger of {row['lang']} takes for what, held-out sentences",
            )
            show_table(
                f"tagger-{row['lang']}-tags", by_tag, f"Each tag of the tagger of {row['lang']}, held-out sentences"
            )


def _step(settings: TaggingSettings) -> Step:
    return Step(
        "fit_tagger", MODULES, settings_of(replace(settings, tolerance=0.0))
    )  # which says who is published, and trains nothing


def _languages(lake: Lake, manifest: Manifest, tagged: set[str]) -> dict[str, tuple[str, ...]]:
    """The tagged documents by language, sorted; those of no identified language have no tagger."""
    documents = read_table(lake, manifest.tables["documents"], ["doc_id", "lang"])
    documents = documents.filter(pc.is_in(documents["doc_id"], pa.array(sorted(tagged)))).sort_by("doc_id")
    of_lang: dict[str, list[str]] = {}
    for doc_id, lang in zip(documents["doc_id"].to_pylist(), documents["lang"].to_pylist(), strict=True):
        if lang != UNIDENTIFIED:
            of_lang.setdefault(lang, []).append(doc_id)
    return {lang: tuple(doc_ids) for lang, doc_ids in of_lang.items()}


def _divided(lake: Lake, part: TreebankPart) -> tuple[TaggedSide, TaggedSide]:
    """The sentences to learn from and those to score on; a sentence's words decide, so that equal ones are on one side."""
    rows = read_table(lake, part.treebank, ["doc_id", "position", "sentence", "token", "lemma", "upos", "xpos"])
    rows = rows.filter(pc.is_in(rows["doc_id"], pa.array(part.doc_ids))).sort_by(
        [("doc_id", "ascending"), ("position", "ascending")]
    )
    sentences: list[Sentence] = []
    lemmas: list[list[str | None]] = []
    before: tuple[str, int] | None = None
    columns = (rows[name].to_pylist() for name in ("doc_id", "sentence", "token", "lemma", "upos", "xpos"))
    for doc_id, sentence, token, lemma, upos, xpos in zip(*columns, strict=True):
        if (doc_id, sentence) != before:
            sentences.append([])
            lemmas.append([])
            before = doc_id, sentence
        sentences[-1].append((token, upos, xpos or ""))
        lemmas[-1].append(lemma)
    sides = TaggedSide([], []), TaggedSide([], [])
    for words, of_words in zip(sentences, lemmas, strict=True):
        side = sides[_is_held_out(words, part.settings.held_out_nth)]
        side.sentences.append(words)
        side.lemmas.extend(of_words)
    return sides


def _is_held_out(sentence: Sentence, nth: int) -> bool:
    digest = hashlib.sha256("\n".join(token for token, _, _ in sentence).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % nth == 0


def _score_rows(scores: TaggerScores) -> list[Score]:
    values: dict[str, Any] = {"known_words": scores.known, "unknown_words": scores.unknown}
    rows = [Score("upos_accuracy", "held_out", scores.upos, "most_frequent_tag", scores.most_frequent_tag)]
    rows += [Score("upos_accuracy", f"held_out_{split}", value) for split, value in values.items() if value is not None]
    return rows if scores.xpos is None else [*rows, Score("xpos_accuracy", "held_out", scores.xpos)]


def _lemma_scores(lang: str, tagger: Tagger, lemmas: TaggedLemmas, held_out: TaggedSide) -> list[Score]:
    """The share of lemmas found right with the tags that the tagger says, beside the dictionary alone; none without a lemma to find."""
    said = tag_sentences(tagger, [[token for token, _, _ in sentence] for sentence in held_out.sentences])
    rows = [
        (token, upos, lemma)
        for (token, true, lemma), (upos, _) in zip(held_out.lemma_rows(), said, strict=True)
        if lemma is not None and true not in UNLEMMATISED
    ]
    if not rows:
        return []
    by_tag = float(
        np.mean([(lemmas.find(token, upos) or find_lemma(token, lang)) == lemma for token, upos, lemma in rows])
    )
    alone = float(np.mean([find_lemma(token, lang) == lemma for token, _, lemma in rows]))
    return [Score("lemma_accuracy", "held_out", by_tag, "dictionary_alone", alone)]
