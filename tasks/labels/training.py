"""What a labelled source teaches: four classifiers, trained and scored on the same documents, the best marked as
champion.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from models.labels.parts import TEST, TRAINING, VALIDATION
from models.labels.words import N_SPECIAL, WordList
from models.settings import settings_of
from tasks.labels.candidates import BASELINES, Candidate, score_rows, shown_documents, trained_model
from tasks.labels.data import Examples, LabelledSource, most_frequent, rare_label_lines, read_examples, vectors_of
from tasks.labels.settings import ClassificationSettings
from tasks.labels.texts import described_documents, documents_of_files
from tasks.lake.decisions import write_decisions, write_skip
from tasks.lake.files import FileRef, canonical_json, read_table
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord
from tasks.lake.steps import Batch, StepOutput, current_task
from tasks.learning.model_store import write_model
from tasks.learning.training_checkpoints import kept_training
from tasks.learning.training_progress import training_listener

if TYPE_CHECKING:  # PyTorch is loaded by the body alone: planning a run never pays its seconds
    from models.labels.scores import ClassificationScores

CROSS_VALIDATION = "cross_validation"
NOTHING_LABELLED = "labelled documents"


def training_batches(
    lake: Lake,
    *,
    published_documents: tuple[FileRef, ...],
    published_labels: tuple[FileRef, ...],
    published_tokens: tuple[FileRef, ...],
    snapshot_id: str,
    embeddings_left: StageRecord | None,
    settings: ClassificationSettings,
) -> list[Batch]:
    """One training for each source with labelled documents. A document without a label changes none of them.

    Where no document is labelled there is one batch, which says so in the ledger.
    """
    deciding = settings_of(settings)
    nothing = LabelledSource(
        source=NOTHING_LABELLED,
        lang="und",
        documents=published_documents,
        labels=published_labels,
        tokens=(),
        word_vectors=(),
        snapshot_id=snapshot_id,
        settings=settings,
    )
    described = described_documents(lake, published_documents, published_labels)
    labelled = described.filter(pc.is_valid(described["label"]))
    if not labelled.num_rows:
        return [Batch(NOTHING_LABELLED, (), nothing, deciding)]
    sources_of = {ref: set(read_table(lake, ref, ["source"])["source"].to_pylist()) for ref in published_documents}
    of_files = documents_of_files(lake, published_tokens)
    batches = []
    for source in sorted(labelled["source"].unique().to_pylist()):
        rows = labelled.filter(pc.equal(labelled["source"], source))
        own, lang = rows["doc_id"].combine_chunks(), most_frequent(rows["lang"])
        documents = tuple(ref for ref, sources in sources_of.items() if source in sources)
        tokens = tuple(ref for ref, inside in of_files.items() if pc.any(pc.is_in(inside, value_set=own)).as_py())
        vectors = vectors_of(lake, embeddings_left, lang)
        part = replace(nothing, source=source, lang=lang, documents=documents, tokens=tokens, word_vectors=vectors)
        told = canonical_json(rows.select(["doc_id", "content_sha256", "label"]).to_pydict())
        digests = (*sorted(ref.sha256 for ref in tokens), *sorted(ref.sha256 for ref in vectors))
        batches.append(Batch(source, (hashlib.sha256(told).hexdigest(), lang, *digests), part, deciding))
    return batches


def train(lake: Lake, part: LabelledSource) -> StepOutput:
    """Leave all classifiers of a source with their scores, the best one as champion. Rows are labelled documents.

    The best one is that of the highest accuracy on the validation part, or, where that is small, by cross-validation;
    never on the test part.

    Set aside are documents without a token and those of labels with too few documents in the training part. Where fewer
    than two labels are left, too few documents, or nothing to hold out, nothing is trained, and the ledger says so.
    """
    examples = read_examples(lake, part)
    lines = write_decisions(lake, rare_label_lines(part, examples.rare_labels))
    n_left, rule = len(examples.labelled), examples.why_nothing(part.settings)
    if rule is not None:
        skip = write_skip(lake, part.source, rule, score=float(n_left), threshold=float(part.settings.fewest_documents))
        set_aside = {**examples.set_aside, **({rule: n_left} if n_left else {})}
        return StepOutput((*skip, *lines), examples.n_labelled, 0, set_aside)
    from models.labels.contest import best_kind  # noqa: PLC0415
    from models.labels.storage import KINDS  # noqa: PLC0415
    from models.training.loop import NonFiniteLossError  # noqa: PLC0415

    vectors, n_known = _start_vectors(lake, part, examples.words)
    candidates: dict[str, Candidate] = {}
    for kind in KINDS:
        try:
            candidates[kind] = _candidate(lake, part, examples, vectors, kind)
        except NonFiniteLossError as error:
            lines += _write_stop(lake, part, (error.epoch, error.batch), "skipped")
    for one in candidates.values():
        if one.stopped_at is not None:
            lines += _write_stop(lake, part, one.stopped_at, "changed")
    crossed = _scores_across(part, examples, vectors, tuple(candidates))
    champion = best_kind(crossed or {kind: one.scores[VALIDATION] for kind, one in candidates.items()})
    files: list[FileRef] = []
    for kind, one in candidates.items():
        scores = {**one.scores, **({CROSS_VALIDATION: crossed[kind]} if kind in crossed else {})}
        rows = score_rows(scores, candidates.get(BASELINES.get(kind, "")))
        model = trained_model(part, examples, one, rows, n_known=n_known)
        files += write_model(lake, model, is_champion=kind == champion)
    return StepOutput((*files, *lines), examples.n_labelled, n_left, examples.set_aside)


def _scores_across(
    part: LabelledSource, examples: Examples, vectors: np.ndarray, kinds: tuple[str, ...]
) -> dict[str, ClassificationScores]:
    """Scores of each of `kinds` by cross-validation over all documents but those of the test part; none where the
    validation part is large enough to choose by. A kind whose training comes to a loss that is no number has none, and
    is not chosen.
    """
    from models.labels.contest import cross_validated  # noqa: PLC0415
    from models.labels.scores import score_labels  # noqa: PLC0415
    from models.training.loop import NonFiniteLossError  # noqa: PLC0415

    settings = part.settings
    if np.sum(examples.part == VALIDATION) >= settings.parts.fewest_to_choose_by:
        return {}
    documents, folds = examples.labelled.take(examples.part != TEST), examples.folds[examples.part != TEST]
    scores = {}
    for kind in kinds:
        with suppress(NonFiniteLossError):
            probabilities = cross_validated(kind, documents, folds, vectors, settings.classifiers)
            scores[kind] = score_labels(documents.labels, probabilities, settings.classifiers.seed)
    return scores


def _candidate(lake: Lake, part: LabelledSource, examples: Examples, vectors: np.ndarray, kind: str) -> Candidate:
    """The classifier of one kind, trained and scored."""
    from models.labels.contest import fit_kind  # noqa: PLC0415
    from models.labels.scores import score_labels  # noqa: PLC0415
    from models.labels.storage import LabelModel  # noqa: PLC0415

    began, settings = time.perf_counter(), part.settings.classifiers
    with kept_training(lake, current_task().fingerprint) as kept:
        fitted = fit_kind(
            kind,
            examples.of(TRAINING),
            examples.of(VALIDATION),
            vectors,
            settings,
            report=training_listener(f"labels of {part.source}"),
            resume=kept.resume,
            checkpoint=kept.save,
        )
    model = LabelModel(examples.words, examples.labels, fitted)
    predicted = {name: model.probabilities(examples.of(name).texts) for name in (TEST, VALIDATION)}
    scores = {name: score_labels(examples.of(name).labels, predicted[name], settings.seed) for name in predicted}
    of_test = examples.doc_ids[examples.part == TEST], examples.of(TEST), predicted[TEST]
    return Candidate(model, scores, shown_documents(*of_test, examples.labels), time.perf_counter() - began)


def _write_stop(lake: Lake, part: LabelledSource, stopped_at: tuple[int, int], outcome: str) -> tuple[FileRef, ...]:
    """Says in the ledger where the LSTM's loss was no number: it was left out, or weights before that kept."""
    epoch, batch = stopped_at
    rule = f"loss_no_number_in_epoch_{epoch + 1}_batch_{batch + 1}"
    return write_decisions(lake, [{"subject": f"LSTM of {part.source}", "outcome": outcome, "rule": rule}])


def _start_vectors(lake: Lake, part: LabelledSource, words: WordList) -> tuple[np.ndarray, int]:
    """What the vectors of `words` start from, (V, E) float32, and how many have one among the word vectors of the
    language.
    """
    from models.labels.classifier import start_vectors  # noqa: PLC0415

    places: dict[int, int] = {}
    known = np.empty((0, 0), np.float32)
    if part.word_vectors:
        rows = read_table(lake, part.word_vectors, ["lang", "term", "vector"])
        number_of = {word: number for number, word in enumerate(words.words, N_SPECIAL)}
        terms = enumerate(zip(rows["lang"].to_pylist(), rows["term"].to_pylist(), strict=True))
        places = {number_of[term]: row for row, (lang, term) in terms if lang == part.lang and term in number_of}
    if places:
        flat = rows["vector"].take(list(places.values())).combine_chunks().flatten().to_numpy(zero_copy_only=False)
        known = flat.astype(np.float32).reshape(len(places), -1)
    numbers = np.array(list(places), np.int64)
    return start_vectors(words.n_ids, known, numbers, part.settings.classifiers.lstm), len(places)
