"""Published treebanks, and the taggers of the stage `hmm`, for the tests of them and of what shows them."""

from datetime import UTC, datetime

import pyarrow as pa

from expectations.contracts.documents import DOCUMENTS, TREEBANK
from support.chains import leave_chain
from tasks.lake.files import write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord
from tasks.taggers.data import is_held_out
from tasks.taggers.stage import CHAIN

NOUNS, VERBS = ("mill", "tide", "river", "city", "wheel"), ("turned", "waited", "opened", "stopped", "moved")


def publish_treebank(
    lake: Lake, n_sentences: int, langs: tuple[str, ...] = ("en",), n_texts: int = 0, *, is_wrong: bool = False
) -> None:
    """Publish a document a language with tagged sentences (The NOUN VERB .), and texts without tags.

    With `is_wrong` what taggers learn from has nouns for verbs, and what they are scored on has not.
    """
    documents, tagged = [], []
    for number, lang in enumerate((*langs, *["en"] * n_texts)):
        doc_id = f"{number:016x}"
        documents.append(
            {
                "doc_id": doc_id,
                "source": "s",
                "uri": doc_id,
                "kind": "conllu",
                "lang": lang,
                "lang_confidence": 1.0,
                "text": "The mill turned.",
                "n_chars": 16,
                "n_words": 3,
                "content_sha256": f"{number:064x}",
                "extractor": "conllu",
                "fetched_at": datetime(2026, 1, 1, tzinfo=UTC),
            }
        )
        for sentence in range(n_sentences if number < len(langs) else 0):
            words = [("The", "DET"), (NOUNS[sentence % 5], "NOUN"), (VERBS[sentence // 5 % 5], "VERB"), (".", "PUNCT")]
            if is_wrong and not is_held_out([(word, upos, "") for word, upos in words], 10):
                words = [(word, {"NOUN": "VERB", "VERB": "NOUN"}.get(upos, upos)) for word, upos in words]
            tagged += [
                {
                    "doc_id": doc_id,
                    "position": sentence * 4 + place,
                    "sentence": sentence,
                    "token": word,
                    "upos": upos,
                    "lemma": word.removesuffix("ed").lower(),
                }
                for place, (word, upos) in enumerate(words)
            ]
    tables = {
        "documents": pa.Table.from_pylist(documents, schema=DOCUMENTS.arrow_schema()),
        "treebank": pa.Table.from_pylist(tagged, schema=TREEBANK.arrow_schema()),
    }
    files = {name: (write_table(lake, name, table),) for name, table in tables.items()}
    publish(lake, [StageRecord("documents", files, (), 1, 0)], "run")


def leave_taggers(lake: Lake) -> StageRecord:
    """The stage `hmm` after training and judging taggers."""
    return leave_chain(lake, CHAIN)
