"""The qualities that have a floor: functions that each measure one on real data, to the same number on every run.

A quality is called as its function; the function's first line says what the number is; its data are files (patterns
from the root of the checkout), by whose digest a floor is known to be of the same data. The quick ones take seconds
each, all together half a minute. Add a quality by writing a function here, then `benchmarks/floors.py --raise`.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SHARED = "../shared/"
PAGES, TREEBANKS, REVIEWS, WORD_TESTS, CLASSIFY = (
    f"{SHARED}data/{place}"
    for place in ("html/article-extraction-benchmark/", "ud/", "corpora/", "wordsim/", "classify/")
)
FOUR_COUNTRIES = (
    f"{SHARED}sources/small/mobility_*.yaml",
    f"{SHARED}sources/small/policy_*.yaml",
    f"{SHARED}data/mobility/2020_*.csv*",
    f"{SHARED}data/mobility/Region_Mobility_Report_CSVs_2021-06.zip",
    f"{SHARED}data/policy/vintage-2020-10/index_*.csv.gz",
)
WORLD = f"{SHARED}sources/large/mobility_world_2021_06.yaml"
SAMPLES = (
    "data/sources/mobility_*.yaml",
    "data/sources/policy_*.yaml",
    "data/samples/mobility/*",
    "data/samples/policy/*",
)
N_SHINGLE = 4  # words, as in the benchmark's own metric (../shared/data/README.md)
# Our choice: with ATEN_CPU_CAPABILITY=default and ONEDNN_MAX_CPU_ISA=AVX2 the LSTM on films gained .0045, forecasts
# lost .0024 of skill and .0018 of coverage. What is made without PyTorch was the same in six digits.
OTHER_SUMS = 0.005
FIRST_REVIEWS = 4_000  # our choice: 0.92 M words are learned from in two seconds


@dataclass(frozen=True)
class Quality:
    """What is measured, and how: `data` are patterns of files from the root; where `target` is given, near it is better
    than high. `margin` is what another processor may change, whose PyTorch adds in another order; two runs on one are
    equal.
    """

    measure: Callable[[], float]
    data: tuple[str, ...]
    is_quick: bool
    margin: float = 0.0
    target: float | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return self.measure.__name__

    @property
    def metric(self) -> str:
        """What the number is."""
        return (self.measure.__doc__ or "").split(".\n")[0].rstrip(".")

    def digest(self, root: Path) -> str | None:
        """SHA-256 over the names and contents of its files; None where a pattern finds none."""
        found = [sorted(root.glob(pattern)) for pattern in self.data]
        if not all(found):
            return None
        digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for paths in found for path in paths}
        lines = [f"{digest}  {path.relative_to(root).as_posix()}\n" for path, digest in digests.items()]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


QUALITIES: dict[str, Quality] = {}


def measured_on(
    *data: str, is_quick: bool = False, margin: float = 0.0, target: float | None = None
) -> Callable[[Callable[[], float]], Callable[[], float]]:
    """Takes a function up among the qualities."""

    def take_up(measure: Callable[[], float]) -> Callable[[], float]:
        quality = Quality(measure, data, is_quick, margin, target)
        QUALITIES[quality.name] = quality
        return measure

    return take_up


@measured_on(f"{PAGES}html/*.html.gz", f"{PAGES}ground-truth.json", is_quick=True)
def extraction_f1() -> float:
    """F1 of mean precision and mean recall of four-word shingles, main text of 80 pages."""
    from tasks.transforms.records.html_text import read_page  # noqa: PLC0415  # trafilatura takes a second to load

    truth = json.loads((ROOT / PAGES / "ground-truth.json").read_text("utf-8"))
    shares = []
    for path in sorted((ROOT / PAGES / "html").glob("*.html.gz")):
        found = shingles(read_page(gzip.decompress(path.read_bytes())).text)
        wanted = shingles(truth[path.name.removesuffix(".html.gz")]["articleBody"])
        n_common = (found & wanted).total()
        shares.append((n_common / found.total(), n_common / wanted.total()))
    precision, recall = np.mean(shares, axis=0).tolist()
    return 2 * precision * recall / (precision + recall)


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """The runs of N_SHINGLE words, or the one shorter run of a text that has fewer."""
    words = re.findall(r"\w+", text)
    return Counter(tuple(words[first : first + N_SHINGLE]) for first in range(max(1, len(words) - N_SHINGLE + 1)))


@measured_on(f"{TREEBANKS}en_ewt-ud-*.conllu.gz", is_quick=True)
def tagger_english() -> float:
    """UPOS accuracy, UD English EWT, train on dev."""
    from benchmarks.taggers import read_conllu  # noqa: PLC0415  # loads NLTK

    training, held_out = (read_conllu(ROOT / TREEBANKS / f"en_ewt-ud-{part}.conllu.gz") for part in ("train", "dev"))
    return _upos_accuracy(training, held_out)


@measured_on(f"{TREEBANKS}de_*.conllu.gz", is_quick=True)
def tagger_german() -> float:
    """UPOS accuracy, every fifth sentence of UD German GSD dev, PUD and LIT, learned from all others."""
    from benchmarks.taggers import GERMAN, N_FOLDS, read_conllu  # noqa: PLC0415  # the same

    parts = [read_conllu(ROOT / TREEBANKS / f"{file}.conllu.gz") for file in GERMAN.values()]
    training = [sentence for part in parts for n, sentence in enumerate(part) if n % N_FOLDS]
    return _upos_accuracy(training, [sentence for part in parts for sentence in part[::N_FOLDS]])


def _upos_accuracy(training: Sequence[Any], held_out: Sequence[Any]) -> float:
    from models.taggers.scores import score_tagger  # noqa: PLC0415
    from models.taggers.tagger import learn_tagger  # noqa: PLC0415

    return score_tagger(learn_tagger(training), training, held_out).upos


_ON_REVIEWS = f"{REVIEWS}imdb_unsup_25k.txt.xz"
_MEN = f"{WORD_TESTS}EN-MEN-TR-3k.txt"


@measured_on(_ON_REVIEWS, _MEN, is_quick=True)
def embeddings_men_of_4000_reviews() -> float:
    """Spearman's rank correlation with MEN, skip-gram with negatives, 0.92 M words of film reviews."""
    return _embedding_score("MEN", n_reviews=FIRST_REVIEWS)


@measured_on(_ON_REVIEWS, f"{WORD_TESTS}EN-WS-353-ALL.txt")
def embeddings_wordsim() -> float:
    """Spearman's rank correlation with WordSim-353, skip-gram with negatives, 5.9 M words of film reviews."""
    return _embedding_score("WordSim-353")


@measured_on(_ON_REVIEWS, f"{WORD_TESTS}EN-SIMLEX-999.txt")
def embeddings_simlex() -> float:
    """Spearman's rank correlation with SimLex-999, skip-gram with negatives, 5.9 M words of film reviews."""
    return _embedding_score("SimLex-999")


@measured_on(_ON_REVIEWS, _MEN)
def embeddings_men() -> float:
    """Spearman's rank correlation with MEN, skip-gram with negatives, 5.9 M words of film reviews."""
    return _embedding_score("MEN")


@measured_on(_ON_REVIEWS, f"{WORD_TESTS}questions-words.txt")
def embeddings_analogies() -> float:
    """Share of English analogies that are right, skip-gram with negatives, 5.9 M words of film reviews."""
    return _embedding_score("analogies")


@measured_on(_ON_REVIEWS, _MEN)
def embeddings_men_by_cbow() -> float:
    """Spearman's rank correlation with MEN, CBOW with negatives, 5.9 M words of film reviews."""
    return _embedding_score("MEN", "CBOW, negatives")


@measured_on(_ON_REVIEWS, _MEN)
def embeddings_men_by_tree() -> float:
    """Spearman's rank correlation with MEN, skip-gram with a tree, 5.9 M words of film reviews."""
    return _embedding_score("MEN", "skip-gram, tree")


@measured_on(_ON_REVIEWS, _MEN)
def embeddings_men_by_glove() -> float:
    """Spearman's rank correlation with MEN, GloVe, 5.9 M words of film reviews."""
    return _embedding_score("MEN", "GloVe")


def _embedding_score(test: str, model: str = "skip-gram, negatives", n_reviews: int | None = None) -> float:
    from benchmarks.embeddings import score  # noqa: PLC0415  # SciPy takes a second to load

    return score(*_vectors(model, n_reviews), test)


@functools.cache
def _vectors(model: str, n_reviews: int | None) -> tuple[np.ndarray, list[str]]:
    """Vectors learned from the first reviews (None: from all) with default settings, and their words."""
    from benchmarks.embeddings import MODELS  # noqa: PLC0415  # the same
    from models.embeddings.glove import GloveSettings, train_glove  # noqa: PLC0415
    from models.embeddings.word2vec import Word2VecSettings, train_word2vec  # noqa: PLC0415

    corpus = _corpus(n_reviews)
    text = corpus["ids"], corpus["starts"], corpus["counts"]
    if model == "GloVe":
        learned: Any = train_glove(*text, GloveSettings(workers=2))
    else:
        learned = train_word2vec(*text, Word2VecSettings(**MODELS[model], workers=2))
    return learned.vectors, corpus["words"][learned.token_ids].tolist()


@functools.cache
def _corpus(n_reviews: int | None) -> dict[str, np.ndarray]:
    from benchmarks.embeddings import read_reviews  # noqa: PLC0415  # the same

    with tempfile.TemporaryDirectory() as folder:
        read_reviews(Path(folder) / "corpus.npz", n_reviews)
        return dict(np.load(Path(folder) / "corpus.npz"))


@measured_on(*SAMPLES, is_quick=True)
def regimes_agreement_on_samples() -> float:
    """Rank correlation of the expected level with the containment and health index, national days of the samples."""
    return _regimes_agreement(ROOT / "data/sources")


@measured_on(*FOUR_COUNTRIES)
def regimes_agreement() -> float:
    """Rank correlation of the expected level with the containment and health index, national days of four countries."""
    return _regimes_agreement(ROOT / SHARED / "sources/small")


def _regimes_agreement(*places: Path) -> float:
    from tasks.regimes.stage import CHAIN  # noqa: PLC0415
    from tasks.regimes.training import AGREEMENT  # noqa: PLC0415

    return _scores_on_mobility(CHAIN, places)[AGREEMENT, "pooled"]


@measured_on(*FOUR_COUNTRIES, WORLD, margin=OTHER_SUMS, target=0.80)
def forecast_coverage() -> float:
    """Share of days inside the 80 % interval, mean over categories and 1 to 28 days ahead, 3,594 regions, 8 origins."""
    return _forecast_scores()["coverage_80_pct_interval", "backtest"]


@measured_on(*FOUR_COUNTRIES, WORLD, margin=OTHER_SUMS)
def forecast_skill_7_days() -> float:
    """1 - MAE / MAE of the seasonal naive forecast, 7 days ahead, 3,594 regions, 8 origins."""
    return _forecast_scores()["skill_horizon_07_days", "backtest"]


@measured_on(*FOUR_COUNTRIES, WORLD, margin=OTHER_SUMS)
def forecast_skill_14_days() -> float:
    """1 - MAE / MAE of the seasonal naive forecast, 14 days ahead, 3,594 regions, 8 origins."""
    return _forecast_scores()["skill_horizon_14_days", "backtest"]


@functools.cache
def _forecast_scores() -> dict[tuple[str, str], float]:
    from models.forecasts.settings import ForecastSettings  # noqa: PLC0415
    from tasks.forecasts.stage import CHAIN  # noqa: PLC0415

    settings = ForecastSettings(smoothed_series=0)  # the rival of a hundred series is no part of the skill
    return _scores_on_mobility(CHAIN, (ROOT / SHARED / "sources/small", ROOT / WORLD), settings)


def _scores_on_mobility(chain: Any, places: Sequence[Path], settings: Any = None) -> dict[tuple[str, str], float]:
    """What the first step of a chain scores on published mobility, by metric and split."""
    from benchmarks.chains import publish_observations, run_step  # noqa: PLC0415
    from tasks.lake.files import read_table  # noqa: PLC0415
    from tasks.lake.layout import Lake  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as home:
        lake = Lake.open(Path(home))
        publish_observations(lake, places)
        rows = read_table(lake, run_step(lake, chain, settings).files_of("scores")).to_pylist()
    return {(row["metric"], row["split"]): row["value"] for row in rows}


@measured_on(f"{SHARED}data/mobility/Region_Mobility_Report_CSVs_2021-06.zip", is_quick=True)
def gate_damages_noticed() -> float:
    """Of 108 seeded damages to real reports, those that change a value: the share that the gate stops or tells."""
    from benchmarks.gate import mutation_score  # noqa: PLC0415  # loads pandas

    return mutation_score(108)


@measured_on(f"{SHARED}data/mobility/*", f"{SHARED}data/policy/*.gz", f"{SHARED}data/policy/*/*.gz")
def gate_quiet_on_real_vintages() -> float:
    """Share of the pairs of real vintages of mobility and policy over which the gate raises no alarm."""
    from benchmarks.gate import quiet_share  # noqa: PLC0415

    return quiet_share()


@measured_on(f"{CLASSIFY}SMSSpamCollection.tsv.gz", is_quick=True)
def labels_messages_by_logistic() -> float:
    """Accuracy on 771 short messages, logistic regression."""
    return _label_accuracy("messages", "label_logistic")


@measured_on(f"{CLASSIFY}SMSSpamCollection.tsv.gz", is_quick=True, margin=OTHER_SUMS)
def labels_messages_by_lstm() -> float:
    """Accuracy on 771 short messages, LSTM."""
    return _label_accuracy("messages", "label_lstm")


@measured_on(f"{CLASSIFY}imdb_train.tsv.gz")
def labels_films_by_logistic() -> float:
    """Accuracy on 4,860 film reviews, logistic regression."""
    return _label_accuracy("films", "label_logistic")


@measured_on(f"{CLASSIFY}imdb_train.tsv.gz", margin=OTHER_SUMS)
def labels_films_by_lstm() -> float:
    """Accuracy on 4,860 film reviews, LSTM."""
    return _label_accuracy("films", "label_lstm")


def _label_accuracy(name: str, kind: str) -> float:
    contest = _contest(name)
    vectors = contest.vectors() if kind == "label_lstm" else np.zeros((contest.n_ids, 1))  # which reads none
    return contest.score(kind, vectors).accuracy.value


@functools.cache
def _contest(name: str) -> Any:
    from benchmarks.labels import read_contest  # noqa: PLC0415  # loads PyTorch

    return read_contest(name)
