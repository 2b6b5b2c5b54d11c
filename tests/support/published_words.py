"""Small published snapshots of tokens for the tests of what is learned from them."""

import hashlib
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from expectations.contracts.documents import DOCUMENTS, WORD_TESTS
from expectations.contracts.text import TOKENS
from tasks.lake.files import write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord

TOPICS = {
    "en": (
        ["sea", "tide", "wave", "harbour", "boat"],
        ["rail", "train", "station", "ticket", "delay"],
        ["the", "a", "of", "and"],
    ),
    "de": (
        ["meer", "flut", "welle", "hafen", "boot"],
        ["gleis", "zug", "bahnhof", "karte", "verspätung"],
        ["die", "ein", "der", "und"],
    ),
}


def documents_about(lang, n_documents, seed=1):
    """Documents in sentences of eight words of one of two topics, thinned out with small words."""
    draws = np.random.default_rng(seed)
    documents = []
    for _ in range(n_documents):
        *topics, small = TOPICS[lang]
        sentences = []
        for _ in range(10):
            topic = topics[draws.integers(2)]
            sentences.append([str(draws.choice(topic if draws.random() < 0.6 else small)) for _ in range(8)])
        documents.append((lang, sentences))
    return documents


def doc_id_of(number):
    return hashlib.sha256(str(number).encode()).hexdigest()[:16]


def word_test(lake: Lake, name, lang, questions):
    """A file of `word_tests`: pairs (word, word, rating), or analogies (word, word, word, word)."""
    rows = [
        {
            "source": name,
            "uri": f"{name}.txt",
            "line": line,
            "lang": lang,
            "kind": "word_pairs" if len(words) == 3 else "analogies",
            "words": list(words[:2] if len(words) == 3 else words),
            "rating": words[2] if len(words) == 3 else None,
            "vintage": "0" * 12,
        }
        for line, words in enumerate(questions, 1)
    ]
    return write_table(lake, "word_tests", pa.Table.from_pylist(rows, schema=WORD_TESTS.arrow_schema()))


def pairs_within_topics(lang):
    """Pairs of all words of the two topics: rated 9 within a topic, 1 across."""
    one, other, _ = TOPICS[lang]
    words = [*one, *other]
    return [
        (a, b, 9.0 if (a in one) == (b in one) else 1.0) for place, a in enumerate(words) for b in words[place + 1 :]
    ]


def publish_words(lake: Lake, *files, tests=()):
    """Publish documents, each (lang, sentences); a file of tokens for each of `files`, lists of documents, ids in their
    order.

    `tests` are files of `word_tests`.
    """
    number, documents, token_files = 0, [], []
    for file in files:
        rows = []
        ids = sorted(doc_id_of(number + place) for place in range(len(file)))
        for doc_id, (lang, sentences) in zip(ids, file, strict=True):
            documents.append(
                {
                    "doc_id": doc_id,
                    "source": "s",
                    "uri": doc_id,
                    "kind": "text",
                    "lang": lang,
                    "lang_confidence": 1.0,
                    "text": "t",
                    "n_chars": 1,
                    "n_words": 1,
                    "content_sha256": "0" * 64,
                    "extractor": "plain",
                    "fetched_at": datetime(2026, 1, 1, tzinfo=UTC),
                }
            )
            rows += [
                {
                    "doc_id": doc_id,
                    "sentence": s,
                    "token": word.title(),
                    "norm": word,
                    "stem": word[:4],
                    "lemma": word,
                    "is_stop": False,
                }
                for s, sentence in enumerate(sentences)
                for word in sentence
            ]
        number += len(file)
        positions = [{**row, "position": place} for place, row in enumerate(rows)]
        token_files.append(write_table(lake, "tokens", pa.Table.from_pylist(positions, schema=TOKENS.arrow_schema())))
    document_file = write_table(lake, "documents", pa.Table.from_pylist(documents, schema=DOCUMENTS.arrow_schema()))
    stages = {
        "documents": {"documents": (document_file,), "word_tests": tuple(tests)},
        "features": {"tokens": tuple(token_files)},
    }
    publish(lake, [StageRecord(stage, given, (), 1, 0) for stage, given in stages.items()], "run")
