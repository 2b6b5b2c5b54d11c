"""Text core against a loop over tokens and against scikit-learn, on one core, in one run: MB of text a second of
processor time.

    python benchmarks/text.py [MEGABYTES]

Reads film reviews (English) and plays (German) from `../shared/data/corpora`. Every contender sees the same texts, in
turn, for three rounds; the first round is told too, because there our caches of stems and lemmas are empty, as in a
fresh worker.
"""

from __future__ import annotations

import lzma
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import Stemmer
from simplemma.strategies import DefaultStrategy
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a script's own folder is what Python looks in

from benchmarks.chains import run_chain, run_step  # noqa: E402
from expectations.contracts.documents import DOCUMENTS  # noqa: E402
from tasks.features.stage import CHAIN  # noqa: E402
from tasks.lake.files import write_json, write_table  # noqa: E402
from tasks.lake.layout import Lake  # noqa: E402
from tasks.lake.stages import StageRecord  # noqa: E402
from tasks.transforms.text.annotation import annotate_texts  # noqa: E402
from tasks.transforms.text.lexicon import Lexicon, TextSettings  # noqa: E402
from tasks.transforms.text.stems import ALGORITHMS  # noqa: E402
from tasks.transforms.text.stop_words import stop_words  # noqa: E402
from tasks.transforms.text.tokens import cut_tokens  # noqa: E402

CORPORA = ROOT.parent / "shared" / "data" / "corpora"
FILES = {"en": "imdb_unsup_25k.txt.xz", "de": "de_gerdracor_plaintext.txt.xz"}
N_ROUNDS = 3


def read_lines(lang: str, n_bytes: int) -> list[str]:
    """Lines of the corpus of a language, one a document, of about `n_bytes` in all."""
    with lzma.open(CORPORA / FILES[lang], "rt", encoding="utf-8") as lines:
        return [line.strip() for line in lines.readlines(n_bytes) if line.strip()]


def loop_over_tokens(texts: list[str], lang: str) -> int:
    """The plain way: for each token its lower case, stop word, stem and lemma; returns the number of tokens."""
    word, stop, stemmer, lemmatiser = (
        re.compile(r"\w+"),
        stop_words(lang),
        Stemmer.Stemmer(ALGORITHMS[lang], 0),
        DefaultStrategy(),
    )
    n_tokens = 0
    for text in texts:
        rows = []
        for token in word.findall(text):
            norm = token.lower()
            rows.append((token, norm, norm in stop, stemmer.stemWord(norm), lemmatiser.get_lemma(token, lang) or token))
        n_tokens += len(rows)
    return n_tokens


def stemming_analyzer(lang: str) -> Callable[[str], list[str]]:
    """scikit-learn's word analyser with a stop list, its tokens stemmed by PyStemmer, whose cache is on."""
    analyze = CountVectorizer(token_pattern=r"(?u)\b\w+\b").build_analyzer()  # noqa: S106  # no password
    stop = stop_words(lang)
    stemmer = Stemmer.Stemmer(ALGORITHMS[lang], 100_000)
    return lambda text: stemmer.stemWords([word for word in analyze(text) if word not in stop])


def fresh_lake(folder: str, texts: list[str], lang: str) -> Lake:
    """A lake whose stage `documents` left one part with these texts."""
    lake = Lake.open(tempfile.mkdtemp(dir=folder))
    rows = [
        {
            "doc_id": f"{place:016x}",
            "source": "bench",
            "uri": str(place),
            "kind": "text",
            "lang": lang,
            "lang_confidence": 1.0,
            "text": text,
            "n_chars": len(text),
            "n_words": 0,
            "content_sha256": "0" * 64,
            "extractor": "plain",
            "fetched_at": datetime.now(UTC),
        }
        for place, text in enumerate(texts)
    ]
    ref = write_table(lake, "documents", pa.Table.from_pylist(rows, schema=DOCUMENTS.arrow_schema()))
    write_json(lake.stages / "documents.json", asdict(StageRecord("documents", {"documents": (ref,)}, (), 1, 0)))
    return lake


def compare(lang: str, n_bytes: int, folder: str) -> None:
    """Print a table of all contenders on the corpus of one language."""
    texts = read_lines(lang, n_bytes)
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    array, langs = pa.array(texts, pa.large_string()), [lang] * len(texts)
    contenders: dict[str, Callable[[], object]] = {
        "loop: tokens, stop words, stems, lemmas": lambda: loop_over_tokens(texts, lang),
        "scikit-learn: tokens, stop words, stems, counted": lambda: CountVectorizer(
            analyzer=stemming_analyzer(lang)
        ).fit_transform(texts),
        "scikit-learn: the same to TF-IDF": lambda: TfidfVectorizer(analyzer=stemming_analyzer(lang)).fit_transform(
            texts
        ),
        "ours: tokens alone": lambda: cut_tokens(array),
        "ours: tokens, sentences, stop words, stems, lemmas": lambda: annotate_texts(
            array, langs, Lexicon(TextSettings())
        ),
        "ours: write_tokens, Parquet included": lambda: run_step(fresh_lakes.pop(), CHAIN),
        "ours: tokens, vocabulary, TF-IDF, Parquet included": lambda: run_chain(fresh_lakes.pop(), CHAIN),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    annotate_texts(pa.array(["so that all is compiled and the dictionaries are read"]), [lang], Lexicon(TextSettings()))
    for _ in range(N_ROUNDS):
        fresh_lakes = [fresh_lake(folder, texts, lang) for _ in range(2)]
        for name, run in contenders.items():
            began = time.process_time()
            run()
            seconds[name].append(time.process_time() - began)
    print(f"\n{lang}: {megabytes:.1f} MB, {len(texts)} documents{'':24}first     best  MB/s")
    for name, of_rounds in seconds.items():
        print(f"  {name:52}{megabytes / of_rounds[0]:8.1f} {megabytes / min(of_rounds):8.1f}")


if __name__ == "__main__":
    if not CORPORA.is_dir():
        sys.exit(print("the real data in ../shared is not here: nothing to measure on"))
    pa.set_cpu_count(1)
    with tempfile.TemporaryDirectory() as scratch:
        for one_lang in FILES:
            compare(one_lang, int(float(sys.argv[1] if len(sys.argv) > 1 else 16) * 1e6), scratch)
