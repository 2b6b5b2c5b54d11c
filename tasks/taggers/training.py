"""The training of a tagger on a language's treebank, and its scores on sentences that it has not seen."""

from __future__ import annotations

import hashlib
import time

import numpy as np

from models.settings import settings_of
from models.taggers.lemmas import TaggedLemmas, learn_lemmas
from models.taggers.lemmas import as_tensors as lemma_tensors
from models.taggers.scores import TaggerScores, score_tagger, tag_sentences
from models.taggers.storage import as_tensors
from models.taggers.tagger import Tagger, learn_tagger
from tasks.lake.decisions import write_skip
from tasks.lake.files import FileRef, canonical_json, read_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput
from tasks.learning.model_store import Score, TrainedModel, all_settings, write_model
from tasks.taggers.data import KIND, TaggedSide, TreebankPart, read_sides, tagged_languages
from tasks.taggers.settings import TaggingSettings
from tasks.transforms.text.lemmas import find_lemma

UNLEMMATISED = ("PUNCT", "SYM")  # their lemma is themselves, and our tokens leave them out


def training_batches(
    lake: Lake,
    published_treebank: tuple[FileRef, ...],
    published_documents: tuple[FileRef, ...],
    snapshot_id: str,
    settings: TaggingSettings,
) -> list[Batch]:
    """One fit for each language of the published treebank. A text without tags changes none of them."""
    filled = [ref for ref in published_treebank if ref.n_rows]
    of_file = {ref: set(read_table(lake, ref, ["doc_id"])["doc_id"].to_pylist()) for ref in filled}
    if not of_file:
        return []
    batches = []
    for lang, doc_ids in sorted(tagged_languages(lake, published_documents, set().union(*of_file.values())).items()):
        files = tuple(ref for ref, inside in of_file.items() if not inside.isdisjoint(doc_ids))
        part = TreebankPart(lang, files, doc_ids, snapshot_id, settings)
        digest = hashlib.sha256(canonical_json(list(doc_ids))).hexdigest()
        inputs = (*sorted(ref.sha256 for ref in files), digest)
        batches.append(Batch(part.subject, inputs, part, settings_of(settings)))
    return batches


def train(lake: Lake, part: TreebankPart) -> StepOutput:
    """Leave a tagger and its scores on sentences that it has not seen. Rows are tagged tokens; the model that is scored
    is the one kept.

    With fewer sentences than `min_sentences` nothing is trained, and the ledger says so.
    """
    began = time.perf_counter()
    settings = part.settings
    training, held_out = read_sides(lake, part)
    n_tokens = len(training.lemmas) + len(held_out.lemmas)
    n_sentences = len(training.sentences) + len(held_out.sentences)
    if n_sentences < settings.min_sentences or not training.sentences or not held_out.sentences:
        rule = f"fewer_than_{settings.min_sentences}_sentences"
        skip = write_skip(lake, part.subject, rule, score=float(n_sentences), threshold=float(settings.min_sentences))
        return StepOutput(skip, n_tokens, 0, {rule: n_tokens} if n_tokens else {})
    tagger = learn_tagger(training.sentences, settings.tagger)
    lemmas = learn_lemmas(training.lemma_rows())
    scores = score_tagger(tagger, training.sentences, held_out.sentences)
    tensors, notes = as_tensors(tagger)
    notes |= {
        "by_tag": [[tag, *values] for tag, values in scores.by_tag.items()],
        "confusions": [list(row) for row in scores.confusions],
        "n_sentences": len(training.sentences),
        "n_sentences_held_out": len(held_out.sentences),
        "n_tokens_held_out": scores.n_tokens,
        "seconds": round(time.perf_counter() - began, 3),
    }
    model = TrainedModel(
        kind=KIND,
        lang=part.lang,
        seed=settings.tagger.seed,
        settings=all_settings(settings),
        snapshot_id=part.snapshot_id,
        inputs=tuple(sorted(ref.sha256 for ref in part.treebank)),
        tensors={**tensors, **lemma_tensors(lemmas)},
        scores=[*_tag_scores(scores), *_lemma_scores(part.lang, tagger, lemmas, held_out)],
        notes=notes,
    )
    return StepOutput(write_model(lake, model), n_tokens, n_tokens)


def _tag_scores(scores: TaggerScores) -> list[Score]:
    baseline = "most_frequent_tag", scores.most_frequent_tag
    parts = [
        ("upos_accuracy", "held_out_known_words", scores.known),
        ("upos_accuracy", "held_out_unknown_words", scores.unknown),
        ("xpos_accuracy", "held_out", scores.xpos),
    ]
    known = [Score(metric, split, value, better="higher") for metric, split, value in parts if value is not None]
    return [Score("upos_accuracy", "held_out", scores.upos, *baseline, better="higher"), *known]


def _lemma_scores(lang: str, tagger: Tagger, lemmas: TaggedLemmas, held_out: TaggedSide) -> list[Score]:
    """The share of lemmas found right with the tags that the tagger predicts, beside the dictionary alone; none without
    a lemma to find.
    """
    predicted = tag_sentences(tagger, held_out.words())
    rows = [
        (token, upos, lemma)
        for (token, true, lemma), (upos, _) in zip(held_out.lemma_rows(), predicted, strict=True)
        if lemma is not None and true not in UNLEMMATISED
    ]
    if not rows:
        return []
    found = [(lemmas.find(token, upos) or find_lemma(token, lang)) == lemma for token, upos, lemma in rows]
    alone = [find_lemma(token, lang) == lemma for token, _, lemma in rows]
    baseline = "dictionary_alone", float(np.mean(alone))
    return [Score("lemma_accuracy", "held_out", float(np.mean(found)), *baseline, better="higher")]
