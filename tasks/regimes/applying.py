"""The champion at work: the state of every region on every day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import safetensors.numpy

from models.regimes.regimes import from_tensors, read_regimes
from models.settings import APPLYING, settings_of
from tasks.lake.files import FileRef, write_table
from tasks.lake.layout import Lake
from tasks.lake.steps import Batch, StepOutput, StepRecord
from tasks.learning.champions import champion_rows
from tasks.learning.model_store import weights_of
from tasks.regimes.data import SUBJECT, read_grid
from tasks.regimes.settings import RegimeSettings


@dataclass(frozen=True)
class RegimesPart:
    """What is read: the champion's weights, and the published mobility."""

    model_id: str
    weights: FileRef
    mobility: tuple[FileRef, ...]
    settings: RegimeSettings


def applying_batches(
    lake: Lake, judge_hmm: Sequence[StepRecord], published_mobility: tuple[FileRef, ...], settings: RegimeSettings
) -> list[Batch]:
    """The one writing of `regimes` with the model that won; none without a model."""
    batches = []
    for record in judge_hmm:
        for row in champion_rows(lake, [record]):
            weights = weights_of(record, row)
            inputs = (row["model_id"], weights.sha256, *sorted(ref.sha256 for ref in published_mobility))
            part = RegimesPart(row["model_id"], weights, published_mobility, settings)
            batches.append(Batch(SUBJECT, inputs, part, settings_of(settings, APPLYING)))
    return batches


def apply(lake: Lake, part: RegimesPart) -> StepOutput:
    """Leave `regimes`: the state of every present day, by the champion. Rows are region-days, as in the training."""
    grid, regions, set_aside = read_grid(lake, part.mobility, part.settings)
    n_short = sum(set_aside.values())
    if grid is None:
        return StepOutput((), n_short, 0, set_aside)
    model = from_tensors(safetensors.numpy.load_file(lake.locate(part.weights.path)))
    reading = read_regimes(model, grid)
    is_observed = grid.is_observed
    state = pa.array(reading.state[is_observed])
    regimes = pa.table(
        {
            "model_id": pa.array([part.model_id] * int(is_observed.sum())),
            "region_id": regions.take(pa.array(grid.region[is_observed])),
            "observed_on": pa.array(grid.day[is_observed].astype("datetime64[D]")),
            "state": state,
            "label": pa.array(model.names).take(state),
            "probability": pa.array(reading.probability[is_observed]),
        }
    )
    return StepOutput((write_table(lake, "regimes", regimes),), regimes.num_rows + n_short, regimes.num_rows, set_aside)
