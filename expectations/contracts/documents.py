"""Tables of what the sources of documents hold."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from expectations.contracts.columns import (
    DOC_ID,
    LANGUAGE,
    OF_DOCUMENT,
    SHA256,
    SOURCE,
    VINTAGE,
    count,
    day,
    moment,
    nullable,
    number,
    share,
    text,
)
from expectations.table_contract import Column, TableContract

WORD_TEST_KINDS = ("word_pairs", "analogies")

DOCUMENTS = TableContract("documents", "a document as last published", ("doc_id",), (
    DOC_ID, SOURCE,
    text("uri", "Where it came from: path relative to the source file or URL, then # and the place inside"),
    text("kind", "Kind of source", pattern="[a-z_]+"),
    LANGUAGE, share("lang_confidence", "Confidence of the language; 1 where the source declares it"),
    text("title", "Title; NULL = none found", is_nullable=True),
    text("text", "Main text, NFC, line ends \\n"),
    count("n_chars", "Length of the text", "Unicode code points", minimum=1),
    count("n_words", "Word tokens of the text", "tokens"),
    text("content_sha256", "SHA-256 of the text in UTF-8", pattern=SHA256),
    text("extractor", "What made the text out of the raw bytes"),
    share("extraction_confidence", "How sure the extractor is; NULL = it does not say", is_nullable=True),
    nullable(day("published_on", "Date of publication as the document gives it; NULL = none given")),
    moment("fetched_at", "When these raw bytes were first fetched"),
))  # fmt: skip

DUPLICATES = TableContract("duplicates", "a document set aside as a copy", ("doc_id",), (
    DOC_ID, replace(DOC_ID, name="kept_doc_id", meaning="Document of which it is a copy"),
    share("similarity", "Exact Jaccard similarity of the two"),
    Column("method", pa.string(), "How it was found", one_of=("exact",)),
), references=(replace(OF_DOCUMENT, column="kept_doc_id"),))  # fmt: skip

LABELS = TableContract(
    "labels", "a label given with a document", ("doc_id",), (DOC_ID, text("label", "Label as the source gives it"))
)

TREEBANK = TableContract("treebank", "a token tagged by hand", ("doc_id", "position"), (
    DOC_ID, Column("position", pa.int32(), "Place among the document's tagged tokens, from 0", "tokens", minimum=0),
    Column("sentence", pa.int32(), "Sentence in the document, from 0", "sentences", minimum=0),
    text("token", "Surface form"), text("lemma", "Dictionary form as tagged; NULL = not given", is_nullable=True),
    text("upos", "Universal part of speech", pattern="[A-Z]+"),
    text("xpos", "Part of speech in the treebank's own set; NULL = not given", is_nullable=True),
))  # fmt: skip

WORD_TESTS = TableContract("word_tests", "a question of a test of word vectors", ("source", "uri", "line"), (
    SOURCE,
    text("uri", "File of the set: path relative to the source file or URL, then # and the member of an archive"),
    Column("line", pa.int32(), "Line of that file, from 1", "lines", minimum=1), LANGUAGE,
    Column("kind", pa.string(), "word_pairs: how alike are two words; analogies: a is to b as c to which",
           one_of=WORD_TEST_KINDS),
    text("section", "Part of the set, by its own name; NULL = not in parts", is_nullable=True),
    Column("words", pa.list_(pa.string()),
           "Two words, or four of which the last is to be found, as the set writes them"),
    number("rating", "How alike or related people find the two; NULL = an analogy", "the set's own scale, rising"),
    VINTAGE,
))  # fmt: skip
