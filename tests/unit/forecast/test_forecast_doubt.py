"""Answers of a model that the asset's own past does not bear out."""

import numpy as np
import pytest

from tests.fakes.forecast_assets import load_hours, pv_hours
from wattmesh_forecast.domain.doubt import Plausible, Refusal, bounded, plausible, refusals
from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import Batch, Floats, Rows
from wattmesh_forecast.domain.kinds import MODELLED, Kind

ROWS = Rows.ahead(800, range(801, 825))


def held_and_right(kind: Kind) -> tuple[Plausible, Floats]:
    """What two assets' answers are held against, and answers near what came."""
    make = load_hours if kind is Kind.LOAD else pv_hours
    assets = [make(35, seed=number) for number in range(2)]
    asked = model_input(kind, Batch.of(assets), ROWS)
    middle = np.stack([asset.power_w[ROWS.target] for asset in assets]) / asked.scale_w.reshape(
        2, -1
    )
    said = np.stack([0.7 * middle, middle, 1.3 * middle], axis=-1)
    return plausible(kind, asked, [None, None]), said


@pytest.mark.parametrize("kind", MODELLED)
def test_what_came_is_believed(kind: Kind) -> None:
    held, said = held_and_right(kind)

    assert refusals(said, held) == [None, None]
    assert np.allclose(bounded(said, held), said)


@pytest.mark.parametrize("kind", MODELLED)
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda said: said * 1e6, Refusal.IMPLAUSIBLE),
        (lambda said: said * 0.0, Refusal.IMPLAUSIBLE),
        (lambda said: said[:, ::-1] + 1.0, Refusal.CROSSING),
        (lambda said: said + np.nan, Refusal.MALFORMED),
    ],
)
def test_nonsense_about_one_asset_is_refused_for_that_one(
    kind: Kind, spoil: object, why: Refusal
) -> None:
    held, said = held_and_right(kind)
    said[1] = spoil(said[1])  # type: ignore[operator]

    assert refusals(said, held) == [None, why]


def test_a_plant_never_gives_more_than_its_rating() -> None:
    asked = model_input(Kind.PV, Batch.of([pv_hours(35)]), ROWS)
    held = plausible(Kind.PV, asked, [float(0.9 * asked.scale_w[0])])

    most = bounded(np.full((1, 24, 3), 1.0), held)

    assert np.allclose(most, 0.9)
