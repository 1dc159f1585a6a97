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
from wattmesh.gateway.v1 import gateway_link_pb2
from wattmesh_contracts.values import duration_to_proto, timestamp_to_proto
from wattmesh_kernel.ids import GatewayId

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


async def test_the_others_of_a_group_stand_in_for_whom_no_gateway_or_battery_reaches(
    database_url: str,
) -> None:
    away = home("home-3", GatewayId("away"))
    metering = ControlMetering(*home("home-1"), *home("home-2"), *away)
    three = [f"sites/home-{number}" for number in (1, 2, 3)]
    pooled = [signal(-900.0, site=each, pool="groups/street") for each in three]
    async with (
        running_control(database_url, ManualClock(T0), metering) as control,
        control.gateway(loops=True) as gateway,
    ):
        call = control.stub.SignalReserves()
        await until_told(call)
        answer = await told(call, *pooled)  # nobody has ever heard of the third's gateway
        assert answer.stood_in_sites == ["sites/home-3"]
        (first, second) = (await heard_until(gateway, -1_350.0))[-2:]
        assert (first.power_w, second.power_w) == (-1_350.0, -1_350.0)

        battery = "sites/home-2/devices/battery"
        await gateway.say(gateway_link_pb2.DeviceStatus(device=battery, online=False))

        async def lost() -> bool | None:
            answer = await told(call, *pooled)
            return list(answer.stood_in_sites) == ["sites/home-2", "sites/home-3"] or None

        await eventually(lost)
        heard = await heard_until(gateway, -2_700.0)
        assert heard[-1].site == HOME
