"""The chain of features: tokens of every part of the documents, the vocabulary over all of them, weights of terms in
every part.

A part is a file of documents. A changed part costs its own tokens; the vocabulary is merged anew from the parts'
counts; the weights of a part are made anew when the idf of one of its languages changed, which a document added to that
language does. A new tagger costs the tokens of the parts with a document of its language.
"""

from __future__ import annotations

from tasks.features.showing import show
from tasks.features.terms import tfidf_batches, vocabulary_batches, write_tfidf, write_vocabulary
from tasks.features.tokens import token_batches, write_tokens
from tasks.lake.steps import Step
from tasks.running.chains import Chain
from tasks.transforms.text.lexicon import TextSettings

CHAIN = Chain(
    subject="features",
    stage="features",
    flow="build_features",
    steps=(
        Step("write_tokens", write_tokens, token_batches, leaves=("tokens",)),
        Step("write_vocabulary", write_vocabulary, vocabulary_batches, leaves=("vocabulary", "terms")),
        Step("write_tfidf", write_tfidf, tfidf_batches, leaves=("tfidf",)),
    ),
    settings=TextSettings(),
    shows=(show,),
)
