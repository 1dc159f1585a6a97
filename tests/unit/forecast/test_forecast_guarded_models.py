import asyncio
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.forecast_assets import load_hours
from tests.fakes.forecast_ports import FakeModels
from tests.fakes.manual_clock import ManualClock
from wattmesh_forecast.app.guarded_models import GuardedModels
from wattmesh_forecast.app.ports import ModelUnavailable
from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import Batch, Rows
from wattmesh_forecast.domain.kinds import Kind

ASKED = model_input(Kind.LOAD, Batch.of([load_hours()]), Rows.ahead(700, range(701, 703)))
RETRY = timedelta(seconds=1)


async def test_only_the_first_caller_pays_for_a_dead_server() -> None:
    server, clock = FakeModels(), ManualClock()
    models = GuardedModels(server, clock, RETRY)
    server.away = True

    for _ in range(5):
        with pytest.raises(ModelUnavailable):
            await models.predict("load", ASKED)

    assert len(server.asked) == 1
    assert models.is_away("load")
    assert not models.is_away("pv")


async def test_a_model_is_asked_again_once_a_probe_finds_it() -> None:
    server, clock = FakeModels(), ManualClock()
    models = GuardedModels(server, clock, RETRY)
    probing = asyncio.create_task(models.keep_trying())
    server.away = True
    with pytest.raises(ModelUnavailable):
        await models.predict("load", ASKED)

    await clock.run_for(3 * RETRY)
    with pytest.raises(ModelUnavailable):
        await models.predict("load", ASKED)
    server.away = False
    await clock.run_for(2 * RETRY)

    assert (await models.predict("load", ASKED)).version == 3
    probing.cancel()


async def test_a_server_without_the_model_counts_as_away_for_that_model() -> None:
    server, clock = FakeModels(versions=()), ManualClock()
    models = GuardedModels(server, clock, RETRY)
    probing = asyncio.create_task(models.keep_trying())
    with pytest.raises(ModelUnavailable):
        await models.predict("load", ASKED)
    await clock.run_for(2 * RETRY)
    with pytest.raises(ModelUnavailable):
        await models.predict("load", ASKED)

    server.served = frozenset({1})
    await clock.run_for(2 * RETRY)

    answer = await models.predict("load", ASKED)
    assert np.array_equal(answer.quantiles[0], [0.5, 1, 2])
    probing.cancel()
