"""Tokens split by language, and a corpus as numbers."""

from dataclasses import replace

from support.chains import step_of, walk
from support.embedding_stage import SETTINGS
from support.published_words import documents_about, publish_words

from tasks.embeddings.data import TokensPart, encoded_corpus, write_corpus
from tasks.embeddings.stage import CHAIN
from tasks.lake.files import TEMPORARY, read_table, write_table
from tasks.lake.layout import Lake

ENGLISH = documents_about("en", 40)


def tokens_part(lake: Lake) -> TokensPart:
    """The one file of tokens that is published."""
    (task,) = walk(lake, CHAIN, SETTINGS).tasks(step_of(CHAIN, "write_corpus"))
    return task.batch.payload


def test_tokens_of_a_document_that_is_not_published_are_set_aside(lake: Lake):
    publish_words(lake, ENGLISH)
    part = tokens_part(lake)
    documents = read_table(lake, part.documents)
    fewer = replace(part, documents=(write_table(lake, "documents", documents.slice(1)),))
    output = write_corpus(lake, fewer)
    assert output.set_aside == {"document_not_published": 80}


def test_nothing_is_left_behind_and_a_vacuum_would_find_what_a_kill_leaves(lake: Lake):
    publish_words(lake, ENGLISH)
    files = write_corpus(lake, tokens_part(lake)).files
    with encoded_corpus(lake, files, 0.1, 1) as corpus:
        (folder,) = lake.models.iterdir()
        assert folder.name.endswith(TEMPORARY)
        assert corpus.training.token_ids.size + corpus.held_out.token_ids.size == 3200
        assert corpus.counts.sum() == corpus.training.token_ids.size
    assert list(lake.models.iterdir()) == []
