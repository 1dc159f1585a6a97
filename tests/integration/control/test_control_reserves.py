"""What reserves ask goes to the gateway of each site at once, whichever process was told."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import grpc
import pytest

from tests.fakes.control_gateway import FakeGateway
from tests.fakes.control_metering import ControlMetering, home
from tests.fakes.control_process import ControlWorld, eventually, running_control
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import reserve_pb2
from wattmesh_contracts.values import duration_to_proto, timestamp_to_proto

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
HOME = "sites/home-1"


@pytest.fixture
def control_metering() -> ControlMetering:
    return ControlMetering(*home("home-1"))


def signal(power_w: float, **other: object) -> reserve_pb2.ReserveSignal:
    return reserve_pb2.ReserveSignal(
        **{  # type: ignore[arg-type]
            "site": HOME,
            "reserve": "programmes/afrr/events/e1",
            "power_w": power_w,
            "hold_duration": duration_to_proto(timedelta(seconds=30)),
            "signal_time": timestamp_to_proto(T0),
        }
        | other
    )


def asked(*signals: reserve_pb2.ReserveSignal) -> reserve_pb2.SignalReservesRequest:
    return reserve_pb2.SignalReservesRequest(signals=signals)


async def told(
    call: Any, *signals: reserve_pb2.ReserveSignal
) -> reserve_pb2.SignalReservesResponse:
    await call.write(asked(*signals))
    return cast(reserve_pb2.SignalReservesResponse, await call.read())


async def until_told(call: Any) -> None:
    """Ask for nothing until the site model is known and the gateway's stream counts."""

    async def there() -> bool | None:
        return bool((await told(call, signal(0.0))).told_sites) or None

    await eventually(there)


async def heard_until(gateway: FakeGateway, power_w: float) -> list[reserve_pb2.ReserveSignal]:
    """Return what a gateway has heard, up to a signal of this power, that asks for something."""

    async def there() -> list[reserve_pb2.ReserveSignal] | None:
        heard = [each for each in gateway.signals if each.power_w]
        return heard if heard and heard[-1].power_w == power_w else None

    return await eventually(there)


async def test_a_gateway_hears_each_signal_and_an_older_version_none(control: ControlWorld) -> None:
    call = control.stub.SignalReserves()
    async with control.gateway(loops=True) as gateway:
        await until_told(call)
        for power_w in (-2000.0, 1500.0):
            assert (await told(call, signal(power_w))).told_sites == [HOME]
        heard = await heard_until(gateway, 1500.0)
        assert [each.power_w for each in heard] == [-2000.0, 1500.0]
    async with control.gateway(loops=False):
        answer = await told(call, signal(1.0), signal(2.0, site="sites/nowhere"))
        assert not answer.told_sites
        assert answer.passed_on_sites == [HOME, "sites/nowhere"]
    await call.write(asked(signal(float("nan"))))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_signal_told_to_another_process_reaches_the_gateway(database_url: str) -> None:
    clock, metering = ManualClock(T0), ControlMetering(*home("home-1"))
    async with (
        running_control(database_url, clock, metering) as one,
        running_control(database_url, clock, metering) as other,
        one.gateway(loops=True) as gateway,
    ):
        await until_told(one.stub.SignalReserves())
        answer = await told(other.stub.SignalReserves(), signal(-700.0))
        assert answer.passed_on_sites == [HOME]
        (heard,) = await heard_until(gateway, -700.0)
        assert heard.reserve == "programmes/afrr/events/e1"
