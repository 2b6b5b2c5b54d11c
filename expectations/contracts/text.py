"""Tables of tokens, words and terms."""

from __future__ import annotations

import pyarrow as pa

from expectations.contracts.columns import (
    DOC_ID,
    IS_STOP,
    LANGUAGE,
    LEMMA,
    N_DOCUMENTS,
    N_OCCURRENCES,
    NORM,
    OF_DOCUMENT,
    STEM,
    TERM,
    share,
    text,
)
from expectations.table_contract import Column, TableContract

TOKENS = TableContract("tokens", "a token of a document", ("doc_id", "position"), (
    DOC_ID, Column("position", pa.int32(), "Place in the document, from 0", "tokens", minimum=0),
    Column("sentence", pa.int32(), "Sentence in the document, from 0", "sentences", minimum=0),
    text("token", "Surface form"), NORM, STEM, LEMMA,
    text("pos", "Universal part of speech; NULL = not tagged", is_nullable=True, pattern="[A-Z]+"), IS_STOP,
), references=(OF_DOCUMENT,))  # fmt: skip

VOCABULARY = TableContract("vocabulary", "a distinct normalised form in a language", ("lang", "norm"),
                           (LANGUAGE, NORM, STEM, LEMMA, IS_STOP, N_OCCURRENCES, N_DOCUMENTS))  # fmt: skip

TERMS = TableContract("terms", "an indexed term (stem) in a language", ("lang", "term"), (
    LANGUAGE, TERM, N_OCCURRENCES, N_DOCUMENTS,
    Column("idf", pa.float64(),
           "Inverse document frequency, ln((1 + N) / (1 + n_documents)) + 1, N = documents in the language",
           "nats", minimum=1.0),
))  # fmt: skip

TFIDF = TableContract("tfidf", "a term in a document", ("doc_id", "term"), (
    DOC_ID, TERM, N_OCCURRENCES, share("weight", "n_occurrences times idf, L2-normalised per document"),
), references=(OF_DOCUMENT,))  # fmt: skip
