"""A model server whose answers are none."""

import numpy as np
import pytest

from tests.fakes.forecast_assets import load_hours
from tests.fakes.odd_model_server import OddModelServer
from wattmesh_forecast.adapters.tfserving import TensorFlowServing
from wattmesh_forecast.app.ports import BadAnswer
from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import Batch, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_runtime.testing import channel_for_test, serve_for_test

ASKED = model_input(Kind.LOAD, Batch.of([load_hours()]), Rows.ahead(700, range(701, 703)))
RIGHT = np.arange(6, dtype="<f4").tobytes()


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        (RIGHT[:-1], (2, 3)),
        (RIGHT[:-4], (2, 3)),
        (RIGHT, (3, 2)),
        (RIGHT, (-2, -3)),
        (b"", (2, 3)),
    ],
)
async def test_a_tensor_that_is_none_is_a_bad_answer(
    content: bytes, shape: tuple[int, ...]
) -> None:
    async with (
        serve_for_test(OddModelServer(content, shape).register) as target,
        channel_for_test(target) as channel,
    ):
        with pytest.raises(BadAnswer):
            await TensorFlowServing(channel, 5).predict("load", ASKED)


async def test_a_tensor_of_the_right_size_is_an_answer() -> None:
    async with (
        serve_for_test(OddModelServer(RIGHT, (2, 3)).register) as target,
        channel_for_test(target) as channel,
    ):
        answer = await TensorFlowServing(channel, 5).predict("load", ASKED)

    assert answer.version == 5
    assert np.array_equal(answer.quantiles, [[0, 1, 2], [3, 4, 5]])
