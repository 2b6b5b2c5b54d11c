"""The flow `train_hmm` between its neighbours: a treebank with a broken line, odd regions, tagged tokens."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from prefect.client.orchestration import get_client
from support.mobility_stage import HEADER, line

from flows.build_features import build_features
from flows.ingest_documents import ingest_documents
from flows.ingest_mobility import ingest_mobility
from flows.publish import publish
from flows.train_hmm import train_hmm
from tasks.intake.sources import load_sources
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord
from tasks.lake.warehouse import connect
from tasks.running.stages import make_plan

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]

NOUNS, VERBS = ("mill", "tide", "river", "city", "wheel"), ("turned", "waited", "opened", "stopped", "moved")
N_SENTENCES, BROKEN = 60, 30


def treebank() -> str:
    """Sentences `The NOUN VERB .`, of six lines each; the one behind 30 others has a line of nine columns."""
    lines = []
    for number in range(N_SENTENCES):
        noun, verb = NOUNS[number % 5], VERBS[number // 5 % 5]
        words = [
            ("The", "the", "DET"),
            (noun, noun, "NOUN"),
            (verb, verb.removesuffix("ed"), "VERB"),
            (".", ".", "PUNCT"),
        ]
        lines.append(f"# sent_id = {number}")
        for place, (word, lemma, upos) in enumerate(words, start=1):
            columns = [str(place), word, lemma, upos, *"______"]
            lines.append("\t".join(columns[:-1] if (number, place) == (BROKEN, 2) else columns))
        lines.append("")
    return "\n".join(lines) + "\n"


def mobility() -> str:
    """Two countries of 70 days, one of a single day, and one of which nothing was ever published."""
    rng = np.random.default_rng(4)
    rows = [HEADER]
    for n in range(70):
        day = str(date(2020, 2, 15) + timedelta(days=n))
        level = np.array([-60, 0, 0, -50, -40, 20]) * (n >= 35)
        for code, name in (("SE", "Sweden"), ("NO", "Norway")):
            rows.append(line(code, name, day, *(level + rng.normal(0, 4, 6)).round().astype(int).tolist()))
        rows.append(line("FI", "Finland", day))
    return "\n".join([*rows, line("DK", "Denmark", "2020-03-01", 1, 2, 3, 4, 5, 6)]) + "\n"


@dataclass(frozen=True)
class Home:
    """A home and its sources, and what the stage `hmm` was after the first run."""

    lake: Lake
    sources: Path
    stage: StageRecord

    def ask(self, query: str) -> list[tuple]:
        with connect(self.lake) as warehouse:
            return warehouse.execute(query).fetchall()


def run(lake: Lake, sources: Path) -> StageRecord:
    """What `refresh` does as far as the second publish."""
    home = str(lake.home)
    ingest_documents(home, str(sources), "threads")
    ingest_mobility(home, str(sources), "threads")
    build_features(home, "threads")
    publish(home)
    stage = train_hmm(home, "threads")
    build_features(home, "threads")
    publish(home)
    return stage


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, prefect_server: None) -> Home:  # noqa: ARG001  # the flows need the server
    folder = tmp_path_factory.mktemp("hmm")
    sources = folder / "sources"
    sources.mkdir()
    (sources / "en.conllu").write_text(treebank())
    (sources / "report.csv").write_text(mobility())
    (sources / "text.txt").write_text("The wheel stopped. The city waited for the tide, and the tide turned the mill.")
    (sources / "german.txt").write_text("Die Mühle steht am Fluss, und das Wasser treibt das Rad, wenn die Flut kommt.")
    for name, kind, location in (
        ("bank", "conllu", "en.conllu\nlang: en"),
        ("report", "mobility", "report.csv"),
        ("text", "text", "text.txt\nlang: en"),
        ("german", "text", "german.txt\nlang: de"),
    ):
        (sources / f"{name}.yaml").write_text(
            f"name: {name}\nkind: {kind}\nlocation: {location}\nlicence: CC0-1.0\nproducer: a test\n"
        )
    lake = Lake.open(folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.lake.progress.SECONDS_BETWEEN_REPORTS", 0.0)
        return Home(lake, sources, run(lake, sources))


def test_a_broken_line_sets_its_sentence_aside_and_the_rest_is_learned(trained: Home) -> None:
    ((rule, message),) = trained.ask("SELECT rule, message FROM ops.quarantine WHERE uri LIKE 'en.conllu%'")
    assert rule == "sentence_no_conllu"
    assert "line 183 has 9 columns, not 10" in message
    assert trained.ask("SELECT count(DISTINCT (doc_id, sentence)) FROM treebank") == [(N_SENTENCES - 1,)]


def test_tokens_of_a_language_with_a_tagger_have_their_part_of_speech_and_lemma(trained: Home) -> None:
    tagged = "SELECT norm, pos, lemma FROM tokens JOIN documents USING (doc_id)"
    assert trained.ask(f"{tagged} WHERE source = 'text' AND sentence = 0 ORDER BY position") == [
        ("the", "DET", "the"),
        ("wheel", "NOUN", "wheel"),
        ("stopped", "VERB", "stopp"),
    ]  # as the treebank has it
    assert trained.ask("SELECT DISTINCT pos FROM tokens JOIN documents USING (doc_id) WHERE source = 'german'") == [
        (None,)
    ]


def test_regimes_are_of_every_long_region_and_of_no_other(trained: Home) -> None:
    assert trained.ask("SELECT region_id, count(*), min(label), max(label) FROM regimes GROUP BY ALL ORDER BY ALL") == [
        ("NO", 70, "baseline", "lockdown"), ("SE", 70, "baseline", "lockdown")
    ]  # fmt: skip
    set_aside = "SELECT stage, n_rows_set_aside, n_rows_in, n_rows_out FROM ops.ledger"
    assert trained.ask(f"{set_aside} WHERE rule = 'fewer_than_60_days' ORDER BY stage") == [
        ("fit_hmm", 1, None, None),
        ("write_regimes", 1, None, None),
    ]


def test_models_have_scores_and_the_ui_shows_how_they_came_about(trained: Home) -> None:
    metrics = {
        (kind, metric) for kind, metric in trained.ask("SELECT kind, metric FROM scores JOIN models USING (model_id)")
    }
    assert metrics >= {
        ("hmm_tagger", "upos_accuracy"), ("hmm_tagger", "lemma_accuracy"), ("hmm_regimes", "log_likelihood_per_day"),
        ("hmm_regimes", "mean_duration_days"), ("hmm_regimes", "share_of_clear_days"),
    }  # fmt: skip
    with get_client(sync_client=True) as client:
        shown = {artifact.key: artifact for artifact in client.read_artifacts()}
    assert set(shown) >= {
        "champions-regimes", "scores-regimes", "regimes-transitions", "regimes-likelihood", "regimes-number-of-states",
        "champions-taggers", "scores-taggers", "tagger-en-tags", "progress-fit-hmm-mobility-of-all-regions",
        "rows-documents", "rows-mobility", "rows-features", "rows-regimes", "rows-taggers",
    }  # fmt: skip
    progress = shown["progress-fit-hmm-mobility-of-all-regions"]
    assert (progress.type, progress.data) == ("progress", 100.0)
    assert "log-likelihood" in str(progress.description)


def test_a_second_run_does_nothing(trained: Home) -> None:
    assert make_plan(trained.lake, load_sources(trained.sources), (), "hmm") == []
    assert make_plan(trained.lake, load_sources(trained.sources), (), "features") == []
    stage = run(trained.lake, trained.sources)
    assert (stage.n_steps_run, stage.tables) == (0, trained.stage.tables)


def test_features_alone_are_built_in_a_home_without_taggers(lake: Lake, trained: Home) -> None:
    ingest_documents(str(lake.home), str(trained.sources), "threads")
    stage = build_features(str(lake.home), "threads")
    assert set(read_table(lake, stage.tables["tokens"])["pos"].to_pylist()) == {None}
