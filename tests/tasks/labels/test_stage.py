import json
from dataclasses import replace

import pytest
from support.chains import plan, step_of, walk
from support.label_stage import SETTINGS, rows_of, run_stage
from support.published_labels import Document, labelled_documents, publish_labelled, word_vector_record

from models.labels import storage
from models.labels.parts import PartSettings, parts_of
from tasks.labels.settings import KINDS
from tasks.labels.showing import confusion_rows, curve_rows
from tasks.labels.stage import CHAIN
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import leave_stage
from tasks.lake.steps import Task
from tasks.learning.model_store import read_model

pytestmark = pytest.mark.slow  # a few seconds in all


def part_of(document: Document) -> str:
    return str(parts_of([document.content_sha256], PartSettings())[0])


def trainings(lake: Lake) -> list[Task]:
    """The trainings on what is published."""
    return walk(lake, CHAIN, SETTINGS).tasks(step_of(CHAIN, "fit_classifiers"))


def test_every_labelled_source_has_its_classifiers_scores_and_a_champion(lake: Lake):
    messages, notes = (
        labelled_documents(120),
        labelled_documents(60, source="notes", labels=("health", "weather"), seed=2),
    )
    publish_labelled(lake, messages, notes)
    trained, judged, _, _ = run_stage(lake)
    assert [record.subject for record in trained] == ["messages", "notes"]
    assert [(record.n_rows_in, record.n_rows_out) for record in trained] == [(120, 120), (60, 60)]
    for record in trained:
        models = rows_of(lake, [record], "models")
        assert sorted(row["kind"] for row in models) == sorted(KINDS)
        assert sum(row["is_champion"] for row in models) == 1
        assert {(row["lang"], json.loads(row["settings"])["source"]) for row in models} == {("en", record.subject)}
        scores = {(row["model_id"], row["metric"], row["split"]): row for row in rows_of(lake, [record], "scores")}
        cards = {row["kind"]: read_model(lake, row["model_id"])[1] for row in models}
        for row in models:
            card, of_test = (
                cards[row["kind"]],
                {key[1]: score for key, score in scores.items() if key[::2] == (row["model_id"], "test")},
            )
            n_test = card["notes"]["n_documents"]["test"]
            assert sum(map(sum, card["notes"]["confusion"])) == n_test
            right = sum(card["notes"]["confusion"][label][label] for label in range(2))
            assert of_test["accuracy"]["value"] == pytest.approx(right / n_test)
            assert of_test["macro_f1_low"]["value"] <= of_test["macro_f1_high"]["value"]
            for metric in ("accuracy", "log_loss"):
                assert (
                    of_test[f"{metric}_low"]["value"] <= of_test[metric]["value"] <= of_test[f"{metric}_high"]["value"]
                )
        assert cards["label_logistic"]["scores"][0]["baseline"] == "label_majority"
        assert cards["label_lstm"]["scores"][0]["baseline_value"] == pytest.approx(
            cards["label_logistic"]["scores"][0]["value"]
        )
        assert cards["label_lstm"]["notes"]["peak_memory_bytes"] > 0
        best = max(scores[row["model_id"], "accuracy", "validation"]["value"] for row in models)
        champion = next(row["model_id"] for row in models if row["is_champion"])
        assert scores[champion, "accuracy", "validation"]["value"] == best > 0.8
    assert [record.n_rows_out for record in judged] == [1, 1]
    assert storage.KINDS == KINDS


def test_where_little_is_held_out_the_choice_is_by_cross_validation(lake: Lake):
    publish_labelled(lake, labelled_documents(60))
    (trained,), *_ = run_stage(lake, replace(SETTINGS, parts=PartSettings(n_folds=3)))
    scores = {
        (row["model_id"], row["metric"], row["split"]): row["value"] for row in rows_of(lake, [trained], "scores")
    }
    assert {split for _, _, split in scores} == {"validation", "test", "cross_validation"}
    best = max(
        value for (_, metric, split), value in scores.items() if (metric, split) == ("accuracy", "cross_validation")
    )
    champion = next(row["model_id"] for row in rows_of(lake, [trained], "models") if row["is_champion"])
    assert scores[champion, "accuracy", "cross_validation"] == best > 0.7


def test_labels_are_predicted_for_what_was_not_learned_from(lake: Lake):
    messages = labelled_documents(90)
    own_unlabelled = labelled_documents(6, labels=(None,), seed=3)
    same_language = labelled_documents(7, source="letters", labels=(None,), seed=4)
    other_language = labelled_documents(5, source="briefe", labels=(None,), seed=5, lang="de")
    others_label = labelled_documents(9, source="notes", labels=("health",), seed=6)
    publish_labelled(lake, [*messages, *own_unlabelled], [*same_language, *other_language, *others_label])
    held_out = {one.doc_id for one in messages if part_of(one) != "training"}
    of_source = held_out | {one.doc_id for one in own_unlabelled}
    for settings, expected in (
        (SETTINGS, of_source | {one.doc_id for one in same_language}),
        (replace(SETTINGS, predict_for="source"), of_source),
    ):
        _, judged, predictions, _ = run_stage(lake, settings)
        rows = rows_of(lake, predictions, "predictions")
        assert {row["doc_id"] for row in rows} == expected
        assert len(rows) == len(expected) == sum(record.n_rows_out for record in predictions)
        assert {row["model_id"] for row in rows} == {
            row["model_id"] for row in rows_of(lake, judged, "models") if row["is_champion"]
        }
        assert {row["label"] for row in rows} == {"weather", "transport"}
        assert all(0.5 <= row["probability"] <= 1 for row in rows)
    truth = {one.doc_id: one.label for one in messages}
    right = [row["label"] == truth[row["doc_id"]] for row in rows if row["doc_id"] in held_out]
    assert sum(right) > 0.8 * len(right)


def test_the_same_again_has_nothing_to_do_and_an_unlabelled_document_trains_nothing_anew(lake: Lake):
    messages, letters = labelled_documents(90), labelled_documents(8, source="letters", labels=(None,), seed=4)
    assert plan(lake, CHAIN, SETTINGS) == []
    publish_labelled(lake, messages, letters[:5])
    assert [(line.step, line.reason) for line in plan(lake, CHAIN, SETTINGS)] == [
        ("fit_classifiers", "new"),
        ("judge_classifier", "waiting for fit_classifiers"),
        ("predict_labels", "waiting for judge_classifier"),
    ]
    *records, stage = run_stage(lake)
    assert plan(lake, CHAIN, SETTINGS) == []
    publish(lake, [stage], "run")
    assert plan(lake, CHAIN, SETTINGS) == []
    publish_labelled(lake, messages, letters)
    assert [line.step for line in plan(lake, CHAIN, SETTINGS)] == ["predict_labels"]
    *again, _ = run_stage(lake)
    assert [[record.is_reused for record in part] for part in again[:2]] == [[True], [True]]
    assert [record.files for record in again[0]] == [record.files for record in records[0]]


def test_small_files_are_labelled_together_and_large_ones_apart(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    letters = labelled_documents(40, source="letters", labels=(None,), seed=4)
    publish_labelled(lake, labelled_documents(60), *(letters[begin : begin + 2] for begin in range(0, 40, 2)))
    _, judged, together, _ = run_stage(lake)
    assert len(together) == 1
    monkeypatch.setattr("tasks.labels.applying.TOKENS_AT_ONCE", 1)
    way = walk(lake, CHAIN, SETTINGS)
    way.records["judge_classifier"] = judged
    apart = way.tasks(step_of(CHAIN, "predict_labels"))
    assert len(apart) > 10
    assert sum(len(task.batch.payload.doc_ids) for task in apart) == together[0].n_rows_out


def test_a_label_with_too_few_documents_is_set_aside_counted_and_named(lake: Lake):
    messages = labelled_documents(80)
    lonely = [Document("messages", "health", ("flu", "dose")), Document("messages", "sport", ("goal",))]
    empty = Document("messages", "weather", ())
    publish_labelled(lake, [*messages, *lonely, empty])
    (trained,), *_ = run_stage(lake)
    assert (trained.n_rows_in, trained.n_rows_out) == (83, 80)
    assert trained.set_aside == {"fewer_than_3_documents_of_its_label_to_learn_from": 2, "no_token": 1}
    lines = {row["subject"]: row for row in rows_of(lake, [trained], "ops.ledger")}
    assert set(lines) == {"label health of messages", "label sport of messages"}
    assert {(line["outcome"], line["score"], line["threshold"]) for line in lines.values()} == {("set_aside", 1.0, 3.0)}
    card = read_model(lake, rows_of(lake, [trained], "models")[0]["model_id"])[1]
    assert card["notes"]["labels"] == ["transport", "weather"]
    assert card["notes"]["rare_labels"] == {"health": 1, "sport": 1}


@pytest.mark.parametrize(
    ("documents", "rule", "n_in"),
    [
        (labelled_documents(50, labels=(None,)), "no_labelled_documents", 0),
        (labelled_documents(60, labels=("weather",)), "fewer_than_2_labels_to_learn_from", 60),
        (
            [*labelled_documents(60, labels=("weather",)), Document("messages", "sport", ("goal",))],
            "fewer_than_2_labels_to_learn_from",
            61,
        ),
        (labelled_documents(30), "fewer_than_40_labelled_documents", 30),
        (
            [Document("messages", "weather", ()), Document("messages", "sport", ())],
            "fewer_than_2_labels_to_learn_from",
            2,
        ),
        ([one for one in labelled_documents(90) if part_of(one) == "training"], "no_document_held_out", None),
    ],
)
def test_too_little_to_learn_from_is_a_line_in_the_ledger_and_no_model(lake: Lake, documents, rule, n_in):
    publish_labelled(lake, documents)
    (trained,), judged, predictions, _ = run_stage(lake)
    assert (judged, predictions, trained.files_of("models")) == ([], [], ())
    skipped = [row["rule"] for row in rows_of(lake, [trained], "ops.ledger") if row["outcome"] == "skipped"]
    assert skipped == [rule]
    assert trained.n_rows_in == sum(trained.set_aside.values()) == (len(documents) if n_in is None else n_in)
    assert plan(lake, CHAIN, SETTINGS) == []


def test_a_loss_that_is_no_number_leaves_the_lstm_out_and_the_ledger_says_where(lake: Lake):
    publish_labelled(lake, labelled_documents(60))
    lstm = SETTINGS.classifiers.lstm
    wild = replace(lstm, training=replace(lstm.training, learning_rate=1e30, warm_up_share=0.0))
    settings = replace(SETTINGS, parts=PartSettings(), classifiers=replace(SETTINGS.classifiers, lstm=wild))
    (trained,), judged, predictions, _ = run_stage(lake, settings)
    assert sorted(row["kind"] for row in rows_of(lake, [trained], "models")) == sorted(set(KINDS) - {"label_lstm"})
    (line,) = rows_of(lake, [trained], "ops.ledger")
    assert (line["outcome"], line["subject"], line["rule"]) == (
        "skipped",
        "LSTM of messages",
        "loss_no_number_in_epoch_1_batch_2",
    )
    assert len(judged) == len(predictions) == 1


def test_word_vectors_of_the_language_are_where_words_start_from(lake: Lake):
    publish_labelled(lake, labelled_documents(60))
    vectors = {"fog": [1.0, 2.0, 3.0], "rain": [0.5, 0.5, 0.5], "nowhere": [1.0, 0.0, 0.0]}
    german, english = (word_vector_record(lake, lang, vectors) for lang in ("de", "en"))
    leave_stage(lake, "embeddings", ["word_vectors"], [german])
    (before,) = trainings(lake)
    leave_stage(lake, "embeddings", ["word_vectors"], [german, english])
    (after,) = trainings(lake)
    assert len(before.batch.payload.word_vectors) == 0
    assert before.fingerprint != after.fingerprint
    (trained,), *_ = run_stage(lake)
    name = next(row["model_id"] for row in rows_of(lake, [trained], "models") if row["kind"] == "label_lstm")
    tensors, card = read_model(lake, name)
    assert card["notes"]["n_words_with_vectors"] == 2
    assert tensors["network.embedding.weight"].shape[1] == 3


def test_a_worse_champion_is_kept_back_and_the_run_after_finds_nothing_to_do(lake: Lake):
    messages = labelled_documents(120)
    publish_labelled(lake, messages)
    _, (first,), _, stage = run_stage(lake)
    publish(lake, [stage], "run")
    published = {row["model_id"] for row in rows_of(lake, [first], "models") if row["is_champion"]}
    turned = {"weather": "transport", "transport": "weather"}
    # Labels turned round in the training part: whoever learns from them is wrong about what is held out.
    spoiled = [replace(one, label=turned[one.label]) if part_of(one) == "training" else one for one in messages]
    publish_labelled(lake, spoiled)
    _, (second,), predictions, stage = run_stage(lake)
    assert second.set_aside == {"worse_than_champion": 1}
    assert {row["model_id"] for row in rows_of(lake, [second], "models")} == published
    assert {row["model_id"] for row in rows_of(lake, predictions, "predictions")} == published
    (line,) = rows_of(lake, [second], "ops.ledger")
    assert line["score"] < 0.6
    assert line["threshold"] > 0.8
    publish(lake, [stage], "run")
    assert plan(lake, CHAIN, SETTINGS) == []
    assert run_stage(lake)[1][0].is_reused


def test_a_champion_that_cannot_be_read_any_more_gives_way(lake: Lake):
    publish_labelled(lake, labelled_documents(60))
    _, (first,), _, stage = run_stage(lake)
    publish(lake, [stage], "run")
    champion = next(row for row in rows_of(lake, [first], "models") if row["is_champion"])
    card = lake.home / champion["path"] / "card.json"
    card.write_bytes(b"{".ljust(card.stat().st_size))
    publish_labelled(lake, labelled_documents(80))
    _, (second,), _, _ = run_stage(lake)
    assert [row["rule"] for row in rows_of(lake, [second], "ops.ledger")] == ["champion_not_comparable"]
    assert second.n_rows_out == 1


def test_cards_tell_the_course_of_the_training_and_what_is_taken_for_what(lake: Lake):
    publish_labelled(lake, labelled_documents(60))
    (trained,), *_ = run_stage(lake)
    cards = {row["kind"]: read_model(lake, row["model_id"])[1]["notes"] for row in rows_of(lake, [trained], "models")}
    assert [row["epoch"] for row in curve_rows(cards["label_lstm"])] == [1, 2]
    assert sum(row["kept"] for row in curve_rows(cards["label_lstm"])) == 1
    majority = confusion_rows(cards["label_majority"])
    assert sum(row["documents"] for row in majority) == cards["label_majority"]["n_documents"]["test"]
    assert len({row["predicted"] for row in majority}) == 1
    assert majority[0]["true"] != majority[0]["predicted"]
    wrong = cards["label_majority"]["examples"]["wrong"]
    assert all(true != predicted for _, true, predicted, _ in wrong)
    assert [row[3] for row in wrong] == sorted((row[3] for row in wrong), reverse=True)


def test_who_is_published_and_what_is_predicted_is_no_matter_of_the_training(lake: Lake):
    publish_labelled(lake, labelled_documents(60), labelled_documents(7, source="letters", labels=(None,), seed=4))
    run_stage(lake)
    due = plan(lake, CHAIN, replace(SETTINGS, tolerance=0.5))
    assert [(line.step, line.reason) for line in due[:1]] == [("judge_classifier", "the settings changed")]
    assert "fit_classifiers" not in {line.step for line in due}
    due = plan(lake, CHAIN, replace(SETTINGS, predict_for="source"))
    assert {line.step for line in due} == {"predict_labels"}
    assert plan(lake, CHAIN, replace(SETTINGS, fewest_of_label=4))[0].step == "fit_classifiers"


def test_scores_say_which_way_is_better_and_ends_of_intervals_do_not(lake: Lake):
    publish_labelled(lake, labelled_documents(60))
    (trained,), *_ = run_stage(lake)
    better = {row["metric"]: row["better"] for row in rows_of(lake, [trained], "scores")}
    expected = {"accuracy": "higher", "macro_f1": "higher", "log_loss": "lower"}
    assert better == {**expected, **{f"{metric}_{end}": None for metric in expected for end in ("low", "high")}}
