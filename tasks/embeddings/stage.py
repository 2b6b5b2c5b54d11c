"""The chain of word vectors: split tokens by language, train, judge, measure the winners on word tests, map them."""

from __future__ import annotations

from tasks.embeddings.comparing import compare
from tasks.embeddings.data import corpus_batches, write_corpus
from tasks.embeddings.scoring import score, scoring_batches
from tasks.embeddings.settings import DEFAULTS, GLOVE, WORD2VEC
from tasks.embeddings.showing import show
from tasks.embeddings.training import TRAIN_VECTORS
from tasks.embeddings.word_map import map_batches, write_map
from tasks.lake.steps import DAY_S, Step
from tasks.learning.champions import judging
from tasks.running.chains import Chain

CHAIN = Chain(
    subject="embeddings",
    stage="embeddings",
    flow="train_embeddings",
    steps=(
        Step("write_corpus", write_corpus, corpus_batches, timeout_s=DAY_S),
        TRAIN_VECTORS,
        judging(
            "judge_vectors",
            "train_vectors",
            compare,
            kinds=(WORD2VEC, GLOVE),  # a language has one champion
            same=("column",),
            leaves=("models", "word_vectors"),
            hands_over=("scores",),  # `score_vectors` measures them anew
            timeout_s=DAY_S,
        ),
        Step("score_vectors", score, scoring_batches, leaves=("scores",), timeout_s=DAY_S),
        Step("map_words", write_map, map_batches, timeout_s=DAY_S),
    ),
    settings=DEFAULTS,
    shows=(show,),
)
