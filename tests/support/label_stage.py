"""The stage of labels as the flow `train_lstm` runs it, small, for the tests of it and of what shows it."""

from models.labels.parts import PartSettings
from models.labels.settings import ClassifierSettings, LogisticSettings, LstmSettings
from models.training.settings import TrainingSettings
from tasks.labels.applying import judge_classifier_body, predict_labels_body, prediction_works
from tasks.labels.settings import ClassificationSettings
from tasks.labels.stage import classifier_works, judge_classifier_works
from tasks.labels.training import fit_classifiers_body
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.stages import leave_stage
from tasks.lake.steps import do
from tasks.learning.champions import without_models

LSTM = LstmSettings(
    vector_size=6,
    hidden_size=4,
    batch_size=16,
    fewest_updates=0,
    training=TrainingSettings(epochs=2, learning_rate=0.02),
)
SETTINGS = ClassificationSettings(
    parts=PartSettings(fewest_to_choose_by=5),
    classifiers=ClassifierSettings(lstm=LSTM, logistic=LogisticSettings(cs=(1.0, 10.0))),
)


def run_stage(lake: Lake, settings=SETTINGS):
    """What the flow does: train, judge, predict, leave the stage; the records of each."""
    works = classifier_works(lake, settings)
    trained = [do(lake, work, fit_classifiers_body) for work in works]
    judged = [do(lake, work, judge_classifier_body) for work in judge_classifier_works(lake, works, trained)]
    said = [do(lake, work, predict_labels_body) for work in prediction_works(lake, judged, settings)]
    stage = leave_stage(lake, "lstm", [*without_models(trained), *judged, *said])
    return trained, judged, said, stage


def rows_of(lake: Lake, records, table):
    return [row for record in records for ref in record.files_of(table) for row in read_table(lake, ref).to_pylist()]
