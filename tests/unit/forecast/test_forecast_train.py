import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.fakes.eventually import eventually
from tests.fakes.forecast_assets import START
from tests.fakes.forecast_sites import sites_of
from tests.fakes.forecast_trainings import KeptTrainings, SlowTrainer
from tests.fakes.manual_clock import ManualClock
from wattmesh_forecast import train
from wattmesh_forecast.app.train import MOST_UNFINISHED, TrainModel
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_forecast.domain.training import TrainingOrder, TrainingState
from wattmesh_kernel.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
)
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.time import TimeRange

LOAD, PV = (AssetId(SiteId("home-1"), name) for name in ("load", "pv"))
SPAN = TimeRange.of(START, timedelta(days=30))
RESULT = ModelVersion(
    model="load",
    version=1,
    kind=Kind.LOAD,
    train_time=START,
    train_range=SPAN,
    holdout_wape_ratio=0.4,
    holdout_seasonal_wape_ratio=0.42,
    holdout_naive_wape_ratio=0.5,
    fingerprint="f",
)


@dataclass
class World:
    trainer: SlowTrainer
    store: KeptTrainings
    train: TrainModel


@pytest.fixture
async def world() -> AsyncIterator[World]:
    trainer, store = SlowTrainer(RESULT), KeptTrainings()
    sites = sites_of([LOAD, PV], location=None)
    async with TrainModel(trainer=trainer, store=store, sites=sites, clock=ManualClock()) as train:
        yield World(trainer, store, train)


def order(request_id: str = "r", model: str = "load", asset: AssetId = LOAD) -> TrainingOrder:
    return TrainingOrder(model=model, assets=(asset,), range=SPAN, request_id=request_id)


async def test_a_training_says_how_far_it_is_and_at_last_what_came_of_it(world: World) -> None:
    name = (await world.train(order())).name
    await eventually(lambda: world.store.trainings[name].stage == "member 1")
    world.trainer.go.set()

    await world.train.wait(name)

    training = await world.train.get(name)
    assert (training.state, training.result) == (TrainingState.DONE, RESULT)


async def test_a_training_that_fails_says_why(world: World) -> None:
    world.trainer.fails = True
    name = (await world.train(order())).name
    world.trainer.go.set()

    await world.train.wait(name)

    assert "code 1" in (await world.train.get(name)).error


async def test_a_repeated_request_gets_the_first_training(world: World) -> None:
    assert (await world.train(order())).name == (await world.train(order())).name


async def test_a_training_that_is_cancelled_ends_and_says_so(world: World) -> None:
    name = (await world.train(order())).name
    await eventually(lambda: world.trainer.running == 1)

    await world.train.cancel(name)

    assert world.trainer.running == 0
    assert (await world.train.get(name)).error == "cancelled"
    await world.train.cancel(name)  # harmless


async def test_trainings_are_listed_newest_first_page_by_page(world: World) -> None:
    names = [(await world.train(order(f"r{n}"))).name for n in range(3)]

    first, token = await world.train.list(2, "")
    last, end = await world.train.list(2, token)

    assert [each.name for each in (*first, *last)] == names[::-1]
    assert end == ""


async def test_only_a_training_that_has_ended_can_be_forgotten(world: World) -> None:
    name = (await world.train(order())).name
    with pytest.raises(FailedPrecondition, match="still runs"):
        await world.train.delete(name)
    await world.train.cancel(name)

    await world.train.delete(name)

    with pytest.raises(NotFound):
        await world.train.get(name)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (order(model="pv"), InvalidArgument),
        (order(model="pv", asset=PV), FailedPrecondition),  # nobody knows where the sun stands
        (order(asset=AssetId(SiteId("home-1"), "shed")), NotFound),
    ],
)
async def test_what_cannot_be_learnt_is_refused_at_once(
    world: World, wrong: TrainingOrder, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await world.train(wrong)

    assert world.store.trainings == {}


async def test_trainings_beyond_those_that_may_wait_are_refused_and_not_kept(world: World) -> None:
    first = await world.train(order("r-0"))
    for number in range(1, MOST_UNFINISHED):
        await world.train(order(f"r-{number}"))
    with pytest.raises(ResourceExhausted) as refused:
        await world.train(order("one-more"))
    assert refused.value.retry_after is not None
    assert len(world.store.trainings) == MOST_UNFINISHED
    assert (await world.train(order("r-0"))).name == first.name


def test_what_the_environment_lacks_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["train", "load", "--assets", "sites/a/assets/b", "--end", "2024-01-01T00:00:00Z"]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.delenv("WATTMESH_METERING_TARGET", raising=False)
    monkeypatch.setenv("WATTMESH_MODELS_DIRECTORY", "/tmp")
    with pytest.raises(SystemExit, match=r"^settings: WATTMESH_METERING_TARGET: Field required$"):
        train.main()
