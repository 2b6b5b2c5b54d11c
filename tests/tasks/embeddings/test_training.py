"""Training word vectors: every model and column, resumed after a kill to the same bytes, from an earlier model."""

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.chains import plan, step_of, walk
from support.embedding_stage import SETTINGS, publish_stage, rows_of, run_stage
from support.published_words import TOPICS, documents_about, pairs_within_topics, publish_words, word_test

from models.embeddings.glove import GloveSettings
from models.training.state import TrainingState
from tasks.embeddings.learning import _teller, learn_glove, learn_word2vec
from tasks.embeddings.stage import CHAIN
from tasks.embeddings.training import TRAIN_VECTORS, train
from tasks.lake.checkpoints import Checkpoints
from tasks.lake.files import TEMPORARY
from tasks.lake.fingerprints import Code, place_of
from tasks.lake.layout import Lake
from tasks.lake.progress import Progress, listening
from tasks.lake.steps import Task, do, record_path
from tasks.lake.vacuum import find_temporaries
from tasks.learning.model_store import read_model

pytestmark = pytest.mark.slow

ENGLISH = documents_about("en", 40)
ONCE = replace(SETTINGS, most_epochs=1, word2vec=replace(SETTINGS.word2vec, epochs=2))
CHILD = """
import pickle, sys
from tasks.lake.layout import Lake
from tasks.lake.steps import do
from pathlib import Path
do(Lake(Path(sys.argv[1])), pickle.load(sys.stdin.buffer))
"""


def trainings(lake: Lake, settings) -> list[Task]:
    """The trainings on what is published, not done."""
    way = walk(lake, CHAIN, settings)
    way.records["write_corpus"] = [do(lake, task) for task in way.tasks(step_of(CHAIN, "write_corpus"))]
    return way.tasks(TRAIN_VECTORS)


def card_of(lake: Lake, output) -> dict:
    (path,) = [ref.path for ref in output.files if ref.path.endswith("card.json")]
    return json.loads(lake.locate(path).read_bytes())


@pytest.mark.parametrize(("sg", "hs"), [(1, 0), (0, 0), (1, 1), (0, 1)])
def test_each_model_of_word2vec_is_a_setting(lake: Lake, sg, hs):
    publish_words(lake, ENGLISH)
    settings = replace(ONCE, word2vec=replace(ONCE.word2vec, sg=sg, hs=hs))
    (record,) = run_stage(lake, settings).scored
    scores = {row["split"]: row["value"] for row in rows_of(lake, record, "scores")}
    assert set(scores) == {"training", "held_out"}
    (model,) = rows_of(lake, run_stage(lake, settings).judged[0], "models")
    tensors, _ = read_model(lake, model["model_id"])
    assert tensors["output_vectors"].shape == (14 - hs, 16)


def test_glove_is_a_setting(lake: Lake):
    publish_words(lake, ENGLISH)
    settings = replace(SETTINGS, model="glove", glove=GloveSettings(vector_size=8, window=4, epochs=15, seed=3))
    run = run_stage(lake, settings)
    (model,) = rows_of(lake, run.trained[0], "models")
    assert (model["kind"], model["seed"]) == ("glove", 3)
    assert set(json.loads(model["settings"])) >= {"glove", "column"}
    assert "word2vec" not in json.loads(model["settings"])
    (score,) = rows_of(lake, run.scored[0], "scores")
    assert (score["metric"], score["split"]) == ("loss_per_entry", "training")
    assert score["value"] < score["baseline_value"]
    assert plan(lake, CHAIN, settings) == []
    of_the_other_model = replace(settings, word2vec=replace(settings.word2vec, epochs=9))
    assert plan(lake, CHAIN, of_the_other_model) == []


@pytest.mark.parametrize(
    ("column", "word"), [("token", "Harbour"), ("norm", "harbour"), ("stem", "harb"), ("lemma", "harbour")]
)
def test_each_column_is_a_setting(lake: Lake, column, word):
    publish_words(lake, ENGLISH)
    (record,) = run_stage(lake, replace(ONCE, column=column)).trained
    assert word in {row["term"] for row in rows_of(lake, record, "word_vectors")}


def test_a_killed_training_goes_on_to_the_same_bytes(lake: Lake, tmp_path: Path):
    publish_words(lake, ENGLISH)
    settings = replace(SETTINGS, most_epochs=600, tokens_at_least=10**7, checkpoint_every_s=0.1)
    (task,) = trainings(lake, settings)
    process = subprocess.Popen([sys.executable, "-c", CHILD, str(lake.home)], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(pickle.dumps(task))
    process.stdin.close()
    (folder,) = await_checkpoint(lake, process)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert folder in set(find_temporaries(lake, time.time() + 1))  # a vacuum would take it, once it is a day old
    resumed = do(lake, task)
    assert 0 < card_of(lake, resumed)["notes"]["n_tokens_resumed"] < 600 * 3200
    assert not folder.exists()
    whole = Lake.open(tmp_path / "other")
    publish_words(whole, ENGLISH)
    (task,) = trainings(whole, settings)
    at_once = do(whole, task)
    assert card_of(whole, at_once)["notes"]["n_tokens_resumed"] == 0
    assert [ref.sha256 for ref in resumed.files if ref.table == "word_vectors" or ref.path.endswith("safetensors")] == [
        ref.sha256 for ref in at_once.files if ref.table == "word_vectors" or ref.path.endswith("safetensors")
    ]
    assert card_of(lake, resumed)["notes"]["losses"] == card_of(whole, at_once)["notes"]["losses"]


def await_checkpoint(lake: Lake, process: subprocess.Popen) -> list[Path]:
    """The folder of checkpoints, once a second one has been written."""
    seen: set[str] = set()
    for _ in range(3000):
        for state in lake.models.glob(f".*{TEMPORARY}/checkpoint.json"):
            seen.add(state.read_text())
            if len(seen) > 1:
                return [state.parent]
        assert process.poll() is None, "the training ended before it could be killed"
        time.sleep(0.02)
    raise AssertionError("no checkpoint within a minute")


def test_a_checkpoint_that_cannot_be_read_or_is_of_another_training_is_passed_over(lake: Lake):
    publish_words(lake, ENGLISH)
    (task,) = trainings(lake, ONCE)
    folder = lake.models / f".{task.fingerprint}{TEMPORARY}"
    folder.mkdir()
    (folder / "checkpoint.json").write_text('{"weights": "gone.safetensors", "notes": {}, "seconds": 1}')
    assert Checkpoints(lake, task.fingerprint, 0.0).load() is None
    expected = do(lake, task).files[0]
    record_path(lake, task.step, task.fingerprint).unlink()
    form = np.zeros((14, 16), np.float32)
    other = TrainingState(
        {"inputs": form, "outputs": form}, {"settings": "0", "corpus": "0", "start": "0", "epochs": []}
    )
    Checkpoints(lake, task.fingerprint, 0.0).save(other)
    assert (folder / "checkpoint.json").exists()
    assert do(lake, task).files[0] == expected
    assert not folder.exists()


def test_progress_tells_share_loss_and_speed(monkeypatch: pytest.MonkeyPatch):
    heard: list[Progress] = []
    monkeypatch.setattr("tasks.lake.progress.SECONDS_BETWEEN_REPORTS", 0.0)
    with listening(heard.append):
        tell = _teller("en", 1000)
        tell(100, 2.0)  # a training that went on from a checkpoint begins here
        tell(400, 1.5)
    assert (heard[-1].subject, heard[-1].share_done) == ("en", 0.4)
    assert re.match(r"en: 40 % done, loss 1\.5000, \d+\.\d\d M tokens/s, ", str(heard[-1]))


def test_languages_that_are_due_share_the_cores(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.cpu_count", lambda: 7)
    shared = replace(ONCE, threads=0)
    publish_words(lake, [*ENGLISH, *documents_about("de", 30, seed=2)])
    german, english = trainings(lake, shared)
    assert [task.batch.payload.settings.threads for task in (german, english)] == [3, 3]
    do(lake, german)
    assert [task.batch.payload.settings.threads for task in trainings(lake, shared)] == [7, 7]
    assert [task.fingerprint for task in trainings(lake, shared)] == [german.fingerprint, english.fingerprint]


def test_the_code_of_the_model_that_is_not_chosen_does_not_count():
    word2vec, glove = (Code().reached([place_of(train), place_of(learn)]) for learn in (learn_word2vec, learn_glove))
    assert ("models.embeddings.glove", "train_glove") in glove - word2vec
    assert ("models.embeddings.word2vec", "train_word2vec") in word2vec - glove


def test_a_warm_start_begins_with_the_published_model_and_converges(lake: Lake):
    warm = replace(SETTINGS, warm_start=True, tolerance=2.0)
    publish_words(lake, ENGLISH[:30])
    first = publish_stage(lake, warm)
    assert plan(lake, CHAIN, warm) == []
    publish_words(lake, ENGLISH)
    second = publish_stage(lake, warm)
    (old,), (new,) = rows_of(lake, first.trained[0], "models"), rows_of(lake, second.trained[0], "models")
    card = card_of(lake, second.trained[0])
    assert card["notes"]["started_from"] == {"model_id": old["model_id"], "path": old["path"]}
    assert card["notes"]["epochs"] == round(SETTINGS.for_corpus(card["notes"]["n_tokens"]).epochs * warm.warm_share)
    assert new["model_id"] != old["model_id"]
    for _ in range(2):
        assert plan(lake, CHAIN, warm) == []
        assert publish_stage(lake, warm).n_done == 0
    cold = run_stage(lake, SETTINGS).trained[0]
    assert card["notes"]["losses"][0] < card_of(lake, cold)["notes"]["losses"][0]


def test_a_warm_start_whose_model_lost_converges_too(lake: Lake):
    tests = (word_test(lake, "topics", "en", pairs_within_topics("en")),)
    warm = replace(SETTINGS, warm_start=True)
    publish_words(lake, ENGLISH[:30], tests=tests)
    publish_stage(lake, warm)
    draws = np.random.default_rng(4)
    words = [*TOPICS["en"][0], *TOPICS["en"][1]]
    blurred = [("en", [[str(word) for word in draws.choice(words, 8)] for _ in range(10)]) for _ in range(90)]
    publish_words(lake, [*ENGLISH[:30], *blurred], tests=tests)
    run = publish_stage(lake, warm)
    assert run.judged[0].set_aside == {"worse_than_champion": 1}
    assert plan(lake, CHAIN, warm) == []


def test_a_warm_start_whose_weights_are_gone_is_none_unless_it_was_done_before(lake: Lake):
    warm = replace(ONCE, warm_start=True, tolerance=2.0)
    publish_words(lake, ENGLISH[:30])
    (old,) = rows_of(lake, publish_stage(lake, warm).trained[0], "models")
    publish_words(lake, ENGLISH)
    (begun,) = trainings(lake, warm)
    assert begun.batch.payload.start.model_id == old["model_id"]
    weights = lake.home / old["path"] / "model.safetensors"
    content = weights.read_bytes()
    weights.unlink()
    (cold,) = trainings(lake, warm)
    assert cold.batch.payload.start is None
    assert cold.fingerprint == trainings(lake, ONCE)[0].fingerprint
    weights.write_bytes(content)
    do(lake, begun)
    weights.unlink()
    assert trainings(lake, warm)[0].fingerprint == begun.fingerprint


def test_weights_of_words_that_are_known_are_taken_over(lake: Lake):
    publish_words(lake, ENGLISH[:30])
    still = replace(SETTINGS, warm_start=True, word2vec=replace(SETTINGS.word2vec, alpha=1e-9, min_alpha=0.0))
    first = publish_stage(lake)
    publish_words(lake, ENGLISH)
    (second,) = run_stage(lake, still).trained
    old, new = (
        {row["term"]: row["vector"] for row in rows_of(lake, record, "word_vectors")}
        for record in (first.trained[0], second)
    )
    np.testing.assert_allclose([new[word] for word in old], list(old.values()), atol=1e-4)
