"""The stage of labels as the flow `train_lstm` runs it, small, for the tests of it and of what shows it."""

from models.labels.parts import PartSettings
from models.labels.settings import ClassifierSettings, LogisticSettings, LstmSettings
from models.training.settings import TrainingSettings
from support.chains import run_chain
from tasks.labels.settings import ClassificationSettings
from tasks.labels.stage import CHAIN
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.stages import leave_stage

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
    way = run_chain(lake, CHAIN, settings)
    stage = leave_stage(lake, CHAIN.stage, CHAIN.tables, way.left())
    return *(way.records[step.name] for step in CHAIN.steps), stage


def rows_of(lake: Lake, records, table):
    return [row for record in records for ref in record.files_of(table) for row in read_table(lake, ref).to_pylist()]
