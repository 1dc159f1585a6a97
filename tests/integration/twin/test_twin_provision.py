"""What metering and carbon are told, over real gRPC."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.twin_folders import citylearn_folder, plant_folder
from tests.fakes.twin_upstream import FakeMetering, Upstream
from wattmesh.site.v1 import device_pb2
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_kernel.clock import ScaledClock
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.time import EPOCH
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_twin.settings import TwinSettings
from wattmesh_twin.wiring import open_world, provision

HOUR = timedelta(hours=1)
HOMES_START = datetime(2016, 8, 11, 7, tzinfo=UTC)
PLANT_START = datetime(2024, 5, 10, tzinfo=UTC)


def settings(folder: Path, data: Path, target: str, **changes: object) -> TwinSettings:
    values = {
        "data_folder": data,
        "ledger_folder": folder / "ledger",
        "metering_target": target,
        "carbon_target": target,
        "history_days": 5,
    }
    return TwinSettings.model_validate(values | changes)


@asynccontextmanager
async def runtime_at(settings: TwinSettings, start: datetime) -> AsyncIterator[Runtime]:
    """A runtime whose clock stands still."""
    clock = ScaledClock(start, datetime.now(UTC), 1e-9)
    async with Runtime(settings, clock, Telemetry("test")) as runtime:
        yield runtime


async def provisioned(
    folder: Path, data: Path, start: datetime, upstream: Upstream, **changes: object
) -> None:
    async with upstream.served() as target:
        told = settings(folder, data, target, **changes)
        async with runtime_at(told, start) as runtime:
            await provision(told, runtime)


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


async def test_homes_are_described_with_assets_devices_group_and_tariff(
    tmp_path: Path, upstream: Upstream
) -> None:
    data = citylearn_folder(tmp_path / "data")
    await provisioned(tmp_path, data, HOMES_START, upstream, peak_price_per_kw=3.0)
    sites = upstream.sites
    home = sites.sites["sites/home-1"]
    assert (home.time_zone, home.currency_code) == ("America/Los_Angeles", "USD")
    assert (home.tariff, home.carbon_zone) == ("tariffs/neighbourhood", "zones/caiso")
    kinds = {
        name.rpartition("/")[2]: asset.WhichOneof("kind")
        for name, asset in sites.assets.items()
        if name.startswith("sites/home-1/")
    }
    assert kinds == {
        "grid": "grid_connection",
        "load": "load",
        "pv": "pv_array",
        "battery": "battery",
    }
    assert sites.assets["sites/home-1/assets/load"].load.derived
    assert sites.assets["sites/home-1/assets/battery"].battery.capacity_wh == 6400
    assert sites.groups["groups/neighbourhood"].sites == ["sites/home-1", "sites/home-2"]
    assert sites.groups["groups/neighbourhood"].peak_price_per_kw == 3.0
    assert len(sites.tariffs["tariffs/neighbourhood"].import_rates.tou_periods) == 2
    assert sites.prices == []


async def test_devices_are_described_with_points_and_the_way_to_reach_them(
    tmp_path: Path, upstream: Upstream
) -> None:
    await provisioned(tmp_path, citylearn_folder(tmp_path / "data"), HOMES_START, upstream)
    devices = upstream.sites.devices
    assert len(devices) == 8
    meter = devices["sites/home-1/devices/meter"]
    assert (meter.profile, meter.gateway) == ("mqtt-grid-meter", "gateways/local")
    assert meter.connection.mqtt.address == "meters/home-1/telegram"
    assert meter.reporting_interval.ToTimedelta() == timedelta(minutes=15)
    store = devices["sites/home-1/devices/battery"]
    inverter = devices["sites/home-1/devices/inverter"]
    other = devices["sites/home-2/devices/battery"].connection.modbus_tcp
    solar, storage = inverter.connection.modbus_tcp, store.connection.modbus_tcp
    assert (solar.unit_id, storage.unit_id) == (1, 2)
    assert solar.port == storage.port
    assert solar.port != other.port
    assert [point.name.rpartition("/")[2] for point in store.points] == [
        "active_power_w",
        "export_energy_wh",
        "import_energy_wh",
        "soc_ratio",
    ]


async def test_devices_say_what_they_measure_and_what_they_control(
    tmp_path: Path, upstream: Upstream
) -> None:
    await provisioned(tmp_path, citylearn_folder(tmp_path / "data"), HOMES_START, upstream)
    found = {
        name.rpartition("/")[2]: [
            (each.asset.rpartition("/")[2], each.meter_role, each.controls, [*each.setpoint_kinds])
            for each in device.functions
        ]
        for name, device in upstream.sites.devices.items()
        if name.startswith("sites/home-1/")
    }
    main, check = device_pb2.METER_ROLE_MAIN, device_pb2.METER_ROLE_CHECK
    limit, power = (
        setpoint_pb2.SETPOINT_KIND_GENERATION_LIMIT_W,
        setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W,
    )
    assert found == {
        "meter": [("grid", main, False, [])],
        "clamp": [("grid", check, False, [])],
        "inverter": [("pv", main, True, [limit])],
        "battery": [("battery", main, True, [power])],
    }


async def test_the_history_is_stored_up_to_the_start_and_not_beyond(
    tmp_path: Path, upstream: Upstream
) -> None:
    await provisioned(tmp_path, citylearn_folder(tmp_path / "data"), HOMES_START, upstream)
    readings = upstream.metering.readings
    times = {time_us for _, time_us in readings}
    assert min(times) == microseconds(HOMES_START - timedelta(days=5))
    assert max(times) == microseconds(HOMES_START)
    register = "sites/home-1/devices/meter/points/import_energy_wh"
    at_noon = HOMES_START - timedelta(hours=12)
    gained = (
        readings[register, microseconds(at_noon)] - readings[register, microseconds(at_noon - HOUR)]
    )
    assert gained == pytest.approx(0, abs=0.11)  # 1 kWh of load under 2 kWh of sun until 14:00
    assert set(upstream.metering.sources) == {"twin/history"}


async def test_a_polled_device_is_left_to_the_gateway_at_the_start_itself(
    tmp_path: Path, upstream: Upstream
) -> None:
    await provisioned(tmp_path, citylearn_folder(tmp_path / "data"), HOMES_START, upstream)
    at_start = {
        point.split("/")[3]
        for point, time_us in upstream.metering.readings
        if time_us == microseconds(HOMES_START)
    }
    assert at_start == {"meter"}


async def test_saying_it_again_changes_nothing_and_sends_no_history_again(
    tmp_path: Path, upstream: Upstream
) -> None:
    data = citylearn_folder(tmp_path / "data")
    await provisioned(tmp_path, data, HOMES_START, upstream)
    devices, batches = dict(upstream.sites.devices), upstream.metering.batches
    await provisioned(tmp_path, data, HOMES_START + HOUR, upstream)
    assert upstream.sites.devices == devices
    assert upstream.metering.batches == batches


async def test_carbon_is_published_for_hours_that_have_ended_only(
    tmp_path: Path, upstream: Upstream
) -> None:
    data = citylearn_folder(tmp_path / "data")
    await provisioned(tmp_path, data, HOMES_START + timedelta(minutes=30), upstream)
    (published,) = upstream.carbon.published
    assert published.zone == "zones/caiso"
    series = published.average_gco2e_per_kwh
    assert series.start_time.ToDatetime(UTC) == HOMES_START - timedelta(days=5)
    assert len(series.values) == 5 * 24
    assert series.values[1] == pytest.approx(101)


async def test_dynamic_prices_are_published_only_as_far_as_they_are_known(
    tmp_path: Path, upstream: Upstream
) -> None:
    data = plant_folder(tmp_path / "data")
    await provisioned(tmp_path, data, PLANT_START, upstream)
    tariff = upstream.sites.tariffs["tariffs/plant"]
    assert tariff.import_rates.HasField("real_time")
    assert not tariff.import_rates.real_time.HasField("price_per_kwh")
    last = upstream.sites.prices[-1]
    assert last.publish_time.ToDatetime(UTC) == datetime(2024, 5, 9, 14, tzinfo=UTC)
    assert last.import_price_per_kwh.start_time.ToDatetime(UTC) == datetime(
        2024, 5, 9, 22, tzinfo=UTC
    )
    assert len(last.import_price_per_kwh.values) == 24


async def test_a_site_of_several_loads_has_informational_sub_meters(
    tmp_path: Path, upstream: Upstream
) -> None:
    await provisioned(tmp_path, plant_folder(tmp_path / "data"), PLANT_START, upstream)
    part = upstream.sites.assets["sites/plant/assets/load-hall-a"]
    assert part.load.informational
    assert not part.load.derived
    sub_meter = upstream.sites.devices["sites/plant/devices/meter-hall-a"]
    assert [each.asset for each in sub_meter.functions] == [part.name]
    assert sub_meter.connection.mqtt.address == "meters/plant/meter-hall-a/telegram"
    assert "sites/plant/devices/battery" not in upstream.sites.devices


async def test_a_refused_reading_does_not_stop_the_rest(
    tmp_path: Path, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.metering = FakeMetering(  # type: ignore[abstract]
        refused="export_energy_wh"
    )
    await provisioned(tmp_path, citylearn_folder(tmp_path / "data"), HOMES_START, upstream)
    assert any(point.endswith("soc_ratio") for point, _ in upstream.metering.readings)
    assert "refused" in caplog.text


async def test_it_waits_for_metering_to_come_up(tmp_path: Path, upstream: Upstream) -> None:
    data = citylearn_folder(tmp_path / "data")
    async with upstream.served() as target:
        pass
    told = settings(tmp_path, data, target)
    async with runtime_at(told, HOMES_START) as runtime:
        task = asyncio.create_task(provision(told, runtime))
        await asyncio.sleep(0.5)
        assert not task.done()
        task.cancel()


async def test_a_start_without_data_is_refused(tmp_path: Path) -> None:
    told = settings(tmp_path, citylearn_folder(tmp_path / "data", days=30), "127.0.0.1:1")
    async with runtime_at(told, datetime(2030, 1, 1, tzinfo=UTC)) as runtime:
        with pytest.raises(FailedPrecondition, match="the data are of"):
            await open_world(told, runtime)
