"""Texts as tokens with all that is known of them. Work on words is done once a distinct form, not once a token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.transforms.text.lexicon import Lexicon
from tasks.transforms.text.tagger_input import find_signs, tagger_input
from tasks.transforms.text.token_scan import number_sentences
from tasks.transforms.text.tokens import Tokens, cut_tokens
from tasks.transforms.text.word_forms import index_forms


@dataclass(frozen=True)
class Annotation:
    """Tokens of several texts; `sentence` in its text, from 0, `form`, `reading` in the lexicon: int32 (n_tokens,)."""

    tokens: Tokens
    sentence: np.ndarray
    form: np.ndarray
    reading: np.ndarray


def annotate_texts(texts: pa.Array, langs: Sequence[str], lexicon: Lexicon) -> Annotation:
    """Tokens of an Arrow string array without NULL, a language a text; forms not yet in `lexicon` are taken into it,
    and its taggers tag.

    StopListError where the lexicon's settings name a list that is none; ValueError for 2 GiB of text or more.
    """
    tokens = cut_tokens(texts)
    group_of = {lang: number for number, lang in enumerate(sorted(set(langs)))}
    group = np.array([group_of[lang] for lang in langs], np.int32)
    local_form, first = index_forms(tokens, group)
    utf8 = tokens.utf8.tobytes()
    spans = zip(tokens.start[first].tolist(), tokens.stop[first].tolist(), strict=True)
    surfaces = [utf8[start:stop].decode() for start, stop in spans]
    group_of_form = group[tokens.text[first]]
    numbers = np.empty(first.size, np.int32)
    for lang, number in group_of.items():
        places = np.flatnonzero(group_of_form == number)
        numbers[places] = lexicon.number_forms([surfaces[place] for place in places.tolist()], lang)
    form = numbers[local_form]
    traits = lexicon.forms()["traits"].to_numpy()
    sentence = number_sentences(tokens.text, tokens.signs, traits[form])
    return Annotation(tokens, sentence, form, _readings(texts, langs, tokens, sentence, form, lexicon))


def token_rows(doc_ids: pa.Array, annotation: Annotation, lexicon: Lexicon) -> pa.Table:
    """Rows of `tokens` by text and position; `doc_ids` has one for each text. `pos` is NULL in untagged languages."""
    text = annotation.tokens.text
    first_of_text = np.flatnonzero(np.diff(text, prepend=-1))
    n_of_text = np.diff(first_of_text, append=text.size)
    position = np.arange(text.size) - np.repeat(first_of_text, n_of_text)
    forms, words, readings = lexicon.forms(), lexicon.words(), lexicon.readings()
    form, reading = pa.array(annotation.form), pa.array(annotation.reading)
    word = forms["word"].combine_chunks().take(form)
    return pa.table(
        {
            "doc_id": doc_ids.take(pa.array(text)),
            "position": pa.array(position.astype(np.int32)),
            "sentence": pa.array(annotation.sentence),
            "token": forms["surface"].combine_chunks().take(form),
            "norm": words["norm"].combine_chunks().take(word),
            "stem": words["stem"].combine_chunks().take(word),
            "lemma": readings["lemma"].combine_chunks().take(reading),
            "pos": readings["pos"].combine_chunks().take(reading),
            "is_stop": words["is_stop"].combine_chunks().take(word),
        }
    )


def _readings(  # noqa: PLR0917  # all that is known of the tokens
    texts: pa.Array, langs: Sequence[str], tokens: Tokens, sentence: np.ndarray, form: np.ndarray, lexicon: Lexicon
) -> np.ndarray:
    """The reading of each token: its form's untagged one in languages without a tagger."""
    forms = lexicon.forms()
    reading = forms["reading"].to_numpy()[form]
    tagged = sorted(set(langs) & set(lexicon.taggers))
    if not tagged or not tokens.n_tokens:
        return reading
    surfaces = forms["surface"].combine_chunks()
    signs = find_signs(tokens, pc.binary_length(texts).to_numpy(), sentence)
    sentences = np.cumsum((np.diff(tokens.text, prepend=-1) != 0) | (np.diff(sentence, prepend=-1) != 0))
    for lang in tagged:
        chosen = np.flatnonzero(np.array([of_text == lang for of_text in langs])[tokens.text])
        if chosen.size:
            words = tagger_input(
                signs, sentences, form, chosen, lambda forms: surfaces.take(pa.array(forms)).to_pylist(), lang
            )
            tags = lexicon.taggers[lang].tag(words.words, words.codes, words.lengths)[words.place]
            reading[chosen] = lexicon.number_readings(form[chosen], tags, lang)
    return reading
