import pyarrow as pa
from support.published_labels import Document, labelled_documents, publish_labelled

from tasks.labels.texts import described_documents, documents_of_files, read_words
from tasks.lake.files import read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import read_manifest


def words_by_document(read):
    return {
        doc_id: [read.dictionary[code] for code in read.codes[begin:end]]
        for doc_id, begin, end in zip(read.doc_ids.to_pylist(), read.starts[:-1], read.starts[1:], strict=True)
    }


def test_words_of_chosen_documents_are_read_in_order_from_whatever_files_hold_them(lake: Lake):
    first, second = labelled_documents(7), labelled_documents(5, source="notes", seed=2)
    publish_labelled(lake, first, second)
    tokens = read_manifest(lake).tables["tokens"]
    wanted = [first[4], second[0], first[1], second[3]]
    read = read_words(lake, tokens, pa.array([one.doc_id for one in wanted]), "norm")
    assert words_by_document(read) == {one.doc_id: list(one.words) for one in wanted}
    assert len(set(read.dictionary)) == len(read.dictionary)
    titles = read_words(lake, tokens, pa.array([first[0].doc_id]), "token")
    assert words_by_document(titles) == {first[0].doc_id: [word.title() for word in first[0].words]}
    held = {frozenset(inside.to_pylist()) for inside in documents_of_files(lake, tokens).values()}
    assert held == {frozenset(one.doc_id for one in file) for file in (first, second)}


def test_documents_that_are_not_there_have_no_words(lake: Lake):
    publish_labelled(lake, labelled_documents(3))
    tokens = read_manifest(lake).tables["tokens"]
    for files in (tokens, ()):
        read = read_words(lake, files, pa.array(["0" * 16]), "norm")
        assert (len(read.doc_ids), read.codes.tolist(), read.starts.tolist()) == (0, [], [0])


def test_every_document_is_described_once_and_a_label_of_none_that_is_published_is_left_out(lake: Lake):
    labelled, unlabelled = labelled_documents(4), labelled_documents(2, source="letters", labels=(None,), lang="de")
    publish_labelled(lake, [*labelled, *unlabelled])
    tables = read_manifest(lake).tables
    stray = pa.table({"doc_id": [Document("gone", "x", ("y",)).doc_id], "label": ["x"]})
    labels = (*tables["labels"], write_table(lake, "labels", stray))
    rows = {row["doc_id"]: row for row in described_documents(lake, tables["documents"], labels).to_pylist()}
    assert list(rows) == sorted(one.doc_id for one in (*labelled, *unlabelled))
    for one in (*labelled, *unlabelled):
        expected = {"source": one.source, "lang": one.lang, "content_sha256": one.content_sha256, "label": one.label}
        assert {name: rows[one.doc_id][name] for name in expected} == expected
    assert read_table(lake, labels).num_rows == 5
