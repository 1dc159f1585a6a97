"""Models are trained anew when it is time, and taken back when they are worse than none."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.forecast_assets import START
from tests.fakes.forecast_ports import FixedHistory, StoredForecasts
from tests.fakes.forecast_sites import sites_of
from tests.fakes.forecast_trainings import KeptTrainings, SlowTrainer
from tests.fakes.manual_clock import ManualClock
from wattmesh_forecast.adapters.model_folder import ModelFolder
from wattmesh_forecast.app.evaluate import EvaluateForecasts
from wattmesh_forecast.app.life_cycle import DRIFT_PAUSE, LifeCycle
from wattmesh_forecast.app.train import TrainModel
from wattmesh_forecast.domain.evaluation import Score
from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.labels import LEAST_HOURS, Comparison, Labels, Step
from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_forecast.domain.standing import LEAST_COMPARED, Standing, standing
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

LOAD = AssetId(SiteId("home-1"), "load")
NOW = START + timedelta(days=40)
EVERY = timedelta(days=7)
VERSION = ModelVersion(
    model="load",
    version=1,
    kind=Kind.LOAD,
    train_time=START,
    train_range=TimeRange.of(START, timedelta(days=30)),
    holdout_wape_ratio=0.08,
    holdout_seasonal_wape_ratio=0.09,
    holdout_naive_wape_ratio=0.1,
    fingerprint="f",
)


class World:
    """A load that draws 1 or 2 kW by days in turn, and a model with two versions."""

    def __init__(self, folder: Path, every: timedelta = EVERY) -> None:
        self.clock = ManualClock(NOW)
        self.shelf = ModelFolder(folder)
        for number in (1, 2):
            with self.shelf.new_version(replace(VERSION, version=number)):
                pass
        self.store, self.trainings = StoredForecasts(), KeptTrainings()
        self.standings: list[Standing] = []
        self.lost: list[Kind] = []
        self.steps: list[Step] = []
        self.compared = Comparison()
        sites = sites_of([LOAD])
        days = np.where(np.arange(45) % 2, 1000.0, 2000.0).repeat(24)
        history = FixedHistory({LOAD: Series(START, HOUR, days)})
        self.train = TrainModel(
            trainer=SlowTrainer(VERSION), store=self.trainings, sites=sites, clock=self.clock
        )
        self.life_cycle = LifeCycle(
            sites=sites,
            evaluate=EvaluateForecasts(
                store=self.store, history=history, sites=sites, clock=self.clock
            ),
            compare=self.compare,
            train=self.train,
            shelf=self.shelf,
            news=self,
            clock=self.clock,
            retrain_every=every,
        )

    def stands(self, kind: Kind, where: Standing) -> None:
        self.standings.append(where)

    def taken_back(self, kind: Kind) -> None:
        self.lost.append(kind)

    def tried(self, kind: Kind, step: Step) -> None:
        self.steps.append(step)

    async def compare(
        self, kind: Kind, assets: Sequence[AssetId], candidate: ModelVersion, stable: int
    ) -> Comparison:
        return self.compared

    def issued(self, error_w: float, source: str = "model:load/2") -> None:
        """Let forecasts of the last week have erred by so much; yesterday errs by 1 kW."""
        self.store.forecasts.clear()
        for number in range(7 * 24):
            start = self.clock.now() - timedelta(days=7) + number * HOUR
            day = ((start - START) // HOUR + np.arange(24)) // 24
            power = np.where(day % 2, 1000.0, 2000.0) + error_w
            self.store.forecasts.append(
                Forecast(
                    name=f"{LOAD.name}/forecasts/{number}",
                    asset=LOAD,
                    kind=Kind.LOAD,
                    issue_time=start,
                    source=source,
                    start=start,
                    resolution=HOUR,
                    ratios=(0.5,),
                    power_w=power[None, :],
                )
            )

    @property
    def numbers(self) -> list[int]:
        return [version.version for version in self.shelf.versions()]

    @property
    def ordered(self) -> list[str]:
        return [each.order.request_id for each in self.trainings.trainings.values()]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    async with made.train:
        yield made


async def test_a_version_that_yesterday_beats_goes_out_of_service_and_another_is_trained(
    world: World,
) -> None:
    world.issued(1200.0)

    await world.life_cycle.look_after(Kind.LOAD)

    assert world.standings == [Standing.WORSE]
    assert world.numbers == [1]
    assert world.lost == [Kind.LOAD]
    assert len(world.ordered) == 1
    assert world.shelf.next_version("load") == 3  # what is known of version 2 stays its own


async def test_a_candidate_goes_its_way_day_by_day_and_no_other_is_trained_meanwhile(
    world: World,
) -> None:
    third = replace(VERSION, version=3)
    world.shelf.begin_trial(third)
    with world.shelf.new_version(third):
        pass
    world.issued(700.0)

    await world.life_cycle.look_after(Kind.LOAD)
    assert (world.steps, world.ordered) == ([], [])
    world.compared = Comparison(candidate_wh=1.0, stable_wh=1.0, hours=LEAST_HOURS)
    for _ in range(4):
        world.clock.advance(timedelta(days=1))
        await world.life_cycle.look_after(Kind.LOAD)

    assert world.steps == [Step.CANARY, Step.STABLE]
    assert world.shelf.labels("load") == Labels(stable=3)


async def test_a_candidate_that_errs_more_than_the_stable_version_goes_back(world: World) -> None:
    third = replace(VERSION, version=3)
    world.shelf.begin_trial(third)
    with world.shelf.new_version(third):
        pass
    world.issued(700.0)
    world.compared = Comparison(candidate_wh=1.1, stable_wh=1.0, hours=LEAST_HOURS)

    await world.life_cycle.look_after(Kind.LOAD)

    assert world.steps == [Step.BACK]
    assert world.numbers == [1, 2]


async def test_the_last_version_stays_however_bad_it_is(world: World) -> None:
    world.shelf.take_back("load")
    world.issued(1200.0, source="model:load/1")

    await world.life_cycle.look_after(Kind.LOAD)

    assert world.standings == [Standing.WORSE]
    assert world.numbers == [1]
    assert world.lost == []


async def test_a_sound_version_is_trained_anew_on_schedule_and_not_before(world: World) -> None:
    world.issued(700.0)
    await world.life_cycle.look_after(Kind.LOAD)
    assert len(world.ordered) == 1  # nobody has ever ordered one

    world.clock.advance(EVERY - HOUR)
    await world.life_cycle.look_after(Kind.LOAD)
    assert len(world.ordered) == 1
    assert world.numbers == [1, 2]

    world.clock.advance(HOUR)
    await world.life_cycle.look_after(Kind.LOAD)
    assert len(world.ordered) == 2
    (first, second) = (each.order for each in world.trainings.trainings.values())
    assert first.assets == (LOAD,)
    assert second.range.end == world.clock.now()


async def test_a_version_that_drifts_is_trained_anew_after_a_pause(world: World) -> None:
    world.issued(970.0)  # 0.8 of yesterday's error was promised
    await world.life_cycle.look_after(Kind.LOAD)
    world.clock.advance(DRIFT_PAUSE / 2)
    world.issued(970.0)
    await world.life_cycle.look_after(Kind.LOAD)
    assert len(world.ordered) == 1

    world.clock.advance(DRIFT_PAUSE / 2)
    world.issued(970.0)
    await world.life_cycle.look_after(Kind.LOAD)

    assert world.standings == [Standing.DRIFTED] * 3
    assert len(world.ordered) == 2
    assert world.numbers == [1, 2]


async def test_what_other_sources_forecast_is_not_held_against_a_model(world: World) -> None:
    world.issued(5000.0, source="seasonal")

    await world.life_cycle.look_after(Kind.LOAD)

    assert world.standings == [Standing.UNKNOWN]
    assert world.numbers == [1, 2]


async def test_nothing_is_trained_where_no_schedule_is_set(tmp_path: Path) -> None:
    world = World(tmp_path, timedelta(0))
    world.issued(1200.0)

    await world.life_cycle.look_after(Kind.LOAD)

    assert world.ordered == []
    assert world.numbers == [1]


async def test_a_kind_that_no_site_has_is_left_alone(world: World) -> None:
    await world.life_cycle.look_after(Kind.PV)

    assert world.standings == []
    assert world.ordered == []


@pytest.mark.parametrize(
    ("error", "naive", "compared", "where"),
    [
        (8.0, 10.0, LEAST_COMPARED, Standing.SOUND),
        (9.5, 10.0, LEAST_COMPARED, Standing.SOUND),
        (9.6, 10.0, LEAST_COMPARED, Standing.DRIFTED),
        (10.0, 10.0, LEAST_COMPARED, Standing.WORSE),
        (10.0, 10.0, LEAST_COMPARED - 1, Standing.UNKNOWN),
        (1.0, 0.0, LEAST_COMPARED, Standing.UNKNOWN),
    ],
)
def test_a_version_stands_by_its_error_beside_the_naive_one(
    error: float, naive: float, compared: int, where: Standing
) -> None:
    live = Score(error_w=error, naive_error_w=naive, measured_w=100.0, compared=compared)

    assert standing(VERSION, live) is where


def test_a_version_that_was_taken_back_is_kept_where_no_server_looks(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path)
    for number in (1, 2):
        with folder.new_version(replace(VERSION, version=number)):
            pass

    taken = folder.take_back("load")

    assert taken is not None
    assert taken.version == 2
    assert folder.take_back("load") is None
    card = tmp_path / "load" / "taken-back" / "2" / "assets.extra" / "wattmesh.json"
    assert json.loads(card.read_text("utf-8"))["version"] == 2


def test_only_a_version_that_has_not_learnt_from_later_is_a_rival(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path)
    end = VERSION.train_range.end
    assert folder.not_taught_after("load", end) is None
    with folder.new_version(VERSION):
        pass

    assert folder.not_taught_after("load", end) == tmp_path / "load" / "1"
    assert folder.not_taught_after("load", end - HOUR) is None
