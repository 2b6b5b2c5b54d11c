from dataclasses import replace

import numpy as np
import pytest
import torch

from models.forecasts.network import ForecastNetwork, NetworkShape, forecast_loss
from models.training.runtime import seeded

SHAPE = NetworkShape(n_categories=2, n_regions=3, past_days=14, horizon=9, hidden_size=4, head_size=5, region_size=2)


def inputs(n: int = 2) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    past = torch.randn((n, 14, 9), generator=generator)
    past[..., 2:4] = 1.0
    return [
        past,
        torch.randn((n, 9, 10), generator=generator),
        torch.randn((n, 2, 5), generator=generator),
        torch.tensor([0, 3])[:n],
    ]


def test_an_untrained_network_says_the_weighted_mean_of_the_same_weekdays() -> None:
    past, *rest = inputs()
    predicted = ForecastNetwork(SHAPE)(past, *rest)
    weights = np.exp([-0.3, 0.0]) / np.exp([-0.3, 0.0]).sum()
    weekday_by_hand = [weights[0] * past[:, day, :2] + weights[1] * past[:, day + 7, :2] for day in (0, 1)]
    for ahead, expected in ((0, weekday_by_hand[0]), (7, weekday_by_hand[0]), (8, weekday_by_hand[1])):
        torch.testing.assert_close(predicted[:, ahead, :, 2], expected)
    torch.testing.assert_close(predicted[..., 0], predicted[..., 2])


def test_a_week_without_a_value_has_no_weight() -> None:
    past, *rest = inputs()
    past[:, 7, 0] = 99.0
    past[:, 7, 2] = 0.0
    torch.testing.assert_close(ForecastNetwork(SHAPE)(past, *rest)[:, 0, 0, 2], past[:, 0, 0])


@pytest.mark.parametrize("has_peepholes", [False, True])
def test_quantiles_never_cross_and_every_input_counts(has_peepholes: bool) -> None:  # noqa: FBT001
    with seeded(3):
        network = ForecastNetwork(replace(SHAPE, has_peepholes=has_peepholes))
        torch.nn.init.normal_(network.out.weight, std=3.0)
    predicted = network(*inputs())
    assert predicted.shape == (2, 9, 2, 4)
    assert (predicted[..., 1] <= predicted[..., 2]).all()
    assert (predicted[..., 2] <= predicted[..., 3]).all()
    for place, part in enumerate(inputs()):
        changed = inputs()
        changed[place] = part + 1 if part.is_floating_point() else torch.tensor([1, 2])
        assert not torch.allclose(network(*changed), predicted)


def test_some_days_ahead_are_said_as_among_all() -> None:
    with seeded(3):
        network = ForecastNetwork(SHAPE)
        torch.nn.init.normal_(network.out.weight)
    past, ahead, place, region = inputs()
    days = torch.tensor([1, 8])
    torch.testing.assert_close(
        network(past, ahead[:, days], place, region, days), network(past, ahead, place, region)[:, days]
    )


def test_the_loss_counts_what_is_known_alone() -> None:
    predicted = torch.zeros((1, 2, 1, 4), requires_grad=True)
    loss, n = forecast_loss(predicted, torch.tensor([[[2.0], [float("nan")]]]))
    # Huber 0.1 * 0.5 * 2 ** 2, pinball 0.1 * 2, twice 0.5 * 2, 0.9 * 2.
    assert (loss.item(), n) == (pytest.approx(0.2 + 0.2 + 2.0 + 1.8), 1)
    loss.backward()
    assert predicted.grad is not None
    assert torch.equal(predicted.grad[0, 1], torch.zeros((1, 4)))
    loss, n = forecast_loss(torch.zeros((1, 1, 1, 4)), torch.full((1, 1, 1), float("nan")))
    assert (loss.item(), n) == (0.0, 0)


def test_past_days_are_whole_weeks() -> None:
    with pytest.raises(ValueError, match="whole weeks"):
        NetworkShape(2, 3, 15, 9, 4, 5, 2)
