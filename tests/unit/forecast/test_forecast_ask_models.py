"""Each asset's answer stands for itself, whatever the model says of another."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.fakes.forecast_assets import load_hours
from wattmesh_forecast.app.ask_models import Believed, ask_model
from wattmesh_forecast.app.ports import Answer, BadAnswer
from wattmesh_forecast.domain.doubt import Refusal
from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import Batch, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.load_input import LAG_CHANNELS
from wattmesh_forecast.domain.model_input import Float32s, ModelInput

HOURS = 24
VALUE = LAG_CHANNELS.index("value")


class SpoilingServer:
    """Answers what came yesterday; of an asset that begins with a marked value, something else."""

    def __init__(self, marked: Float32s, spoil: Callable[[Float32s], Float32s]) -> None:
        self._marked, self._spoil = marked, spoil
        self.calls = 0

    async def predict(self, model: str, asked: ModelInput, version: int | None = None) -> Answer:
        self.calls += 1
        lags = asked.tensors["lags"]
        said = lags[:, 0, VALUE, None] * np.array([0.7, 1.0, 1.4], dtype=np.float32)
        for first in range(0, len(asked), HOURS):
            if np.isin(lags[first, 0, VALUE], self._marked):
                said[first : first + HOURS] = self._spoil(said[first : first + HOURS])
        return Answer(version=7, quantiles=said)

    async def available_versions(self, model: str) -> frozenset[int]:
        return frozenset({7})

    def is_away(self, model: str) -> bool:
        return False


def broken(said: Float32s) -> Float32s:
    raise BadAnswer("odd")


def asked_about(assets: int) -> ModelInput:
    batch = Batch.of([load_hours(35, seed=number) for number in range(assets)])
    return model_input(Kind.LOAD, batch, Rows.ahead(800, range(801, 801 + HOURS)))


def mark(asked: ModelInput, *assets: int) -> Float32s:
    return asked.tensors["lags"][[HOURS * each for each in assets], 0, VALUE]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda said: said * 1e6, Refusal.IMPLAUSIBLE),
        (lambda said: said * 0, Refusal.IMPLAUSIBLE),
        (lambda said: said[:, ::-1], Refusal.CROSSING),
        (lambda said: said * np.nan, Refusal.MALFORMED),
        (broken, Refusal.MALFORMED),
    ],
)
async def test_what_is_wrong_with_one_of_a_hundred_costs_that_one(
    spoil: Callable[[Float32s], Float32s], why: Refusal
) -> None:
    asked = asked_about(100)
    server = SpoilingServer(mark(asked, 41), spoil)

    answers = await ask_model(server, Kind.LOAD, asked, [None] * 100)

    assert answers[41] is why
    assert all(isinstance(each, Believed) for at, each in enumerate(answers) if at != 41)
    first = answers[0]
    assert isinstance(first, Believed)
    assert np.allclose(first.quantiles[:, 1], asked.tensors["lags"][:HOURS, 0, VALUE])


async def test_a_model_that_never_answers_right_is_not_asked_about_every_asset() -> None:
    asked = asked_about(100)
    server = SpoilingServer(mark(asked, *range(100)), broken)

    answers = await ask_model(server, Kind.LOAD, asked, [None] * 100)

    assert answers == [Refusal.MALFORMED] * 100
    assert server.calls < 30
