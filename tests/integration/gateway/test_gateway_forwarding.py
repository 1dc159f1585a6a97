"""What metering will not have costs nothing but itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from tests.fakes.eventually import eventually
from tests.fakes.gateway_metering import FakeMetering, register_metering
from tests.fakes.site_model_service import FakeSiteModelService
from wattmesh_gateway.adapters.metering import GrpcMeteringUplink
from wattmesh_gateway.adapters.quarantine import SqliteQuarantine
from wattmesh_gateway.adapters.spool import SqliteSpool
from wattmesh_gateway.adapters.spool_database import SpoolDatabase
from wattmesh_gateway.app.forward_readings import ForwardReadings
from wattmesh_gateway.domain.intake import Intake, Origin
from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.ids import GatewayId, PointId
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_runtime.testing import channel_for_test, serve_for_test

START = datetime(2024, 5, 1, tzinfo=UTC)
GOOD, BAD = (
    PointId.parse(f"sites/home-1/devices/{device}/points/active_power_w")
    for device in ("meter", "strange")
)


class Forwarding:
    """A gateway's way from its spool to metering."""

    def __init__(self, metering: FakeMetering, spool: SqliteSpool, kept: SqliteQuarantine) -> None:
        self.metering = metering
        self.spool = spool
        self.quarantine = kept

    async def put(self, *points: PointId, first: int = 0) -> None:
        """Have a reading of each, a minute apart."""
        readings = [
            Reading(point=point, measure_time=START + timedelta(minutes=place), value=float(place))
            for place, point in enumerate(points, first)
        ]
        await self.spool.append(Intake(origin=Origin.TELEGRAM, readings=readings))

    async def emptied(self) -> None:
        """Wait until the spool holds nothing."""

        async def empty() -> bool:
            return (await self.spool.status()).readings_spooled == 0

        await eventually(empty, 30)


@asynccontextmanager
async def forwarding(folder: Path) -> AsyncIterator[Forwarding]:
    metering = FakeMetering()  # type: ignore[abstract]
    register = partial(register_metering, metering, FakeSiteModelService())
    async with (
        serve_for_test(register) as target,
        channel_for_test(target) as channel,
        SpoolDatabase(folder / "spool.sqlite") as database,
        SqliteSpool(database, 10_000) as spool,
        BackgroundTasks() as background,
    ):
        uplink = GrpcMeteringUplink(channel, GatewayId("local"))
        background.start(ForwardReadings(spool, uplink).run())
        yield Forwarding(metering, spool, SqliteQuarantine(database))


async def test_a_reading_that_spoils_its_batch_is_set_aside_and_the_others_arrive(
    tmp_path: Path,
) -> None:
    async with forwarding(tmp_path) as way:
        way.metering.poison = frozenset({BAD.name})
        await way.put(*[GOOD] * 70, BAD, *[GOOD] * 30)
        await way.emptied()
        status = await way.spool.status()
        (kept,) = await way.quarantine.page(None, 0, 10)

    assert len(way.metering.stored) == 100
    assert (status.readings_forwarded, status.readings_rejected) == (100, 1)
    assert kept.device == BAD.device
    assert "a value is out of bounds" in kept.reason
    assert b'"value": 70.0' in kept.payload


async def test_what_comes_after_it_goes_in_whole_batches_again(tmp_path: Path) -> None:
    async with forwarding(tmp_path) as way:
        way.metering.poison = frozenset({BAD.name})
        await way.put(BAD)
        await way.emptied()
        streams = len(way.metering.sequences)
        await way.put(BAD, *[GOOD] * 500, first=1)
        await way.emptied()
        batches = way.metering.sequences[streams:]

    assert len(way.metering.stored) == 500
    assert len(batches[-1]) == 1  # the rest of the spool, in one
