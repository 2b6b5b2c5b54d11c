"""The network of the forecaster: an LSTM over the past of all categories together, and one small head for every
category and day ahead.

    h      = last state of the LSTM over the past                                   (n, U)
    x[k]   = value of the target's weekday k weeks back, in spreads from the level  (n, H, C, K), K = W / 7
    z      = GELU(A_c h + E_c e_region + b_c + B a + g_h + D p + L [x, flags, holidays of those days])
    z'     = GELU(M z)
    w      = softmax over the weeks k that have a value, of (O_w z' + r)
    median = sum_k w[k] x[k] + o_1 z' + s_h d    p10 = median - softplus(o_2 z')     p90 = median + softplus(o_3 z')
    mean   = median + o_4 z'

Legend: n windows, H days ahead, C categories, U units, h subscript: one vector a day ahead, c subscript: one matrix a
category; e an embedding of the region (the last one stands for all regions unknown to training), a what the calendar
tells of the target day, p level, spread and drift of the series, d its drift alone. O and s are 0 at first, and r falls
with the age of a week: an untrained network gives the weighted mean of the same weekdays. Deliberately not here:
attention over days of other weekdays.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from models.lstm.lstm import LSTM
from models.series.feature_encodings import WEEK

N_WEEKDAY_AND_HOLIDAYS = WEEK + 3  # the calendar of a target day, as `models.forecasts.windows.Windows.ahead` holds it
N_PLACE = 5  # what is known of a series besides its values: `Windows.place`
N_DRIFTS = 3  # the last of these say where the series has been going
N_OUTPUTS = 4
PRIOR_DECAY = 0.3  # our choice: a week counts e^-0.3 = 0.74 times the week after it before anything is learned
FAR = 30.0  # e^-30: a week without a value has no weight


@dataclass(frozen=True)
class NetworkShape:
    """Sizes that the weights depend on. `n_regions` are those known to training; one more stands for all others.
    `has_peepholes`: whether the gates of the LSTM see its cell.
    """

    n_categories: int
    n_regions: int
    past_days: int
    horizon: int
    hidden_size: int
    head_size: int
    region_size: int
    has_peepholes: bool = False

    def __post_init__(self) -> None:
        if self.past_days % WEEK or self.past_days < WEEK:
            raise ValueError(f"past_days is {self.past_days}: it must be whole weeks")


class ForecastNetwork(nn.Module):
    """Windows in, mean and quantiles out, in spreads from the level: (n, H, C, 4), mean, and p10 <= p50 <= p90."""

    def __init__(self, shape: NetworkShape, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        n_weeks, c, head = shape.past_days // WEEK, shape.n_categories, shape.head_size
        self.lstm = LSTM(2 * c + 5, shape.hidden_size, batch_first=True, peephole=shape.has_peepholes)
        self.from_state = nn.Linear(shape.hidden_size, c * head)
        self.region = nn.Embedding(shape.n_regions + 1, shape.region_size)
        self.from_region = nn.Linear(shape.region_size, c * head, bias=False)
        self.category = nn.Parameter(0.1 * torch.randn(c, head))
        self.horizon = nn.Parameter(0.1 * torch.randn(shape.horizon, head))
        self.from_calendar = nn.Linear(N_WEEKDAY_AND_HOLIDAYS, head)
        self.from_place = nn.Linear(N_PLACE, head)
        self.from_weeks = nn.Linear(3 * n_weeks, head)
        self.from_drift = nn.Parameter(torch.zeros(shape.horizon, N_DRIFTS))
        self.middle = nn.Linear(head, head)
        self.out = nn.Linear(head, n_weeks + N_OUTPUTS)
        self.prior = nn.Parameter(-PRIOR_DECAY * torch.arange(n_weeks - 1.0, -1.0, -1.0))
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.region.weight, std=0.05)  # near nothing: what is not learned of a region shall not matter
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(
        self,
        past: torch.Tensor,
        ahead: torch.Tensor,
        place: torch.Tensor,
        region: torch.Tensor,
        days: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """See `models.forecasts.windows.Windows` for `past`, `ahead`, `place` and `region`. `days` (H',) int64, from 0:
        the days ahead that are wanted and that `ahead` describes, all H unless given.
        """
        shape, n = self.shape, len(past)
        days = torch.arange(shape.horizon, device=past.device) if days is None else days
        state = self.lstm(past)[1][0][-1]
        weeks, is_there, holidays = self._weeks(past)
        # Each weekday once, then laid out over the days ahead: day ahead 8 falls on the weekday of day 1.
        weekday = days % WEEK
        z = self.from_weeks(torch.cat([weeks, is_there, holidays], dim=-1)).index_select(1, weekday)
        of_category = self.from_state(self.dropout(state)) + self.from_region(self.region(region))
        z = z + of_category.view(n, 1, shape.n_categories, -1) + (self.category + self.from_place(place))[:, None]
        z = z + (self.horizon[days] + self.from_calendar(ahead))[:, :, None]
        out = self.out(nn.functional.gelu(self.middle(nn.functional.gelu(z))))
        n_weeks = weeks.shape[-1]
        there = is_there.index_select(1, weekday)  # five times as fast as indexing
        weight = torch.softmax(out[..., :n_weeks] + self.prior + (there - 1.0) * FAR, dim=-1) * there
        drift = place[..., -N_DRIFTS:] @ self.from_drift[days].T
        median = (weight * weeks.index_select(1, weekday)).sum(dim=-1) + out[..., n_weeks] + drift.transpose(1, 2)
        below, above = nn.functional.softplus(out[..., n_weeks + 1]), nn.functional.softplus(out[..., n_weeks + 2])
        return torch.stack([median + out[..., n_weeks + 3], median - below, median, median + above], dim=-1)

    def _weeks(self, past: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Values, flags of presence, holidays by weekday, oldest week first, (n, 7, C, K); weekday 0 is one day on."""
        n, c = len(past), self.shape.n_categories
        by_week = past.view(n, -1, WEEK, past.shape[2])
        values, is_there = (by_week[..., part].permute(0, 2, 3, 1) for part in (slice(c), slice(c, 2 * c)))
        holidays = by_week[..., 2 * c + 2].permute(0, 2, 1)[:, :, None].expand_as(values)
        return values, is_there, holidays


def forecast_loss(predicted: torch.Tensor, truth: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Mean loss of forecasts `predicted` (n, H, C, 4) over the values of `truth` (n, H, C) that are known (not NaN),
    and how many those are.

    Pinball losses of the quantiles, the median's twice; and the squared error of the mean up to `FAR_OUT` spreads, from
    there on its absolute value (Huber): a few days of a festival would otherwise decide everything. With nothing known
    it is 0, and so is its gradient.
    """
    is_known = ~torch.isnan(truth)
    target = torch.nan_to_num(truth)
    loss = MEAN_COUNTS * nn.functional.huber_loss(predicted[..., 0], target, reduction="none", delta=FAR_OUT)
    for place, (quantile, counts) in enumerate(QUANTILE_COUNTS, start=1):
        miss = target - predicted[..., place]
        loss = loss + counts * torch.maximum(quantile * miss, (quantile - 1) * miss)
    n_known = int(is_known.sum())
    return (loss * is_known).sum() / max(n_known, 1), n_known


QUANTILE_COUNTS = ((0.1, 1.0), (0.5, 2.0), (0.9, 1.0))
MEAN_COUNTS = 0.1  # our choice: the mean is an offset from the median and shall not pull at it
FAR_OUT = 5.0  # our choice: five times a usual weekly difference
