"""A new model of regimes beside the champion: under which of them today's days are more likely."""

from __future__ import annotations

from models.regimes.regimes import from_tensors, read_regimes
from tasks.lake.layout import Lake, LakeError
from tasks.learning.champions import Comparison, Contest, NotComparableError
from tasks.learning.model_store import read_model
from tasks.regimes.data import RegimeData, read_grid


def compare(lake: Lake, contest: Contest, new_id: str, present_id: str) -> list[Comparison]:
    """Both models' log-likelihood of all of today's days, a mean a day, columns in percent."""
    data: RegimeData = contest.payload
    grid, _, _ = read_grid(lake, data.mobility, data.settings)
    if grid is None:
        return []
    values = []
    for model_id in (new_id, present_id):
        try:
            values.append(read_regimes(from_tensors(read_model(lake, model_id)[0]), grid).log_likelihood_per_day)
        except (ValueError, LakeError, FileNotFoundError) as error:
            raise NotComparableError(str(error)) from error
    return [Comparison("log_likelihood_per_day", "all_days", values[0], values[1])]
