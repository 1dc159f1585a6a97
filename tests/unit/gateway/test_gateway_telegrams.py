"""JSON telegrams become readings, or say why not."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wattmesh_gateway.domain.errors import TelegramError
from wattmesh_gateway.domain.telegram import Telegram
from wattmesh_gateway.drivers.mqtt.profile import (
    MqttProfile,
    TelegramFormat,
    TelegramPoint,
    TelegramTime,
    TimeFormat,
)
from wattmesh_gateway.drivers.mqtt.understand import understand
from wattmesh_gateway.drivers.registry import SCHEMAS
from wattmesh_gateway.profiles import load_profiles
from wattmesh_kernel.ids import DeviceId, GatewayId, SiteId
from wattmesh_kernel.sites import Device, MqttConnection

ARRIVAL = datetime(2016, 9, 5, 7, 16, tzinfo=UTC)
MEASURED = datetime(2016, 9, 5, 7, 15, tzinfo=UTC)
METER_POINTS = ("import_energy_wh", "export_energy_wh", "active_power_w")


def device(*points: str) -> Device:
    return Device(
        id=DeviceId(SiteId("home-1"), "meter"),
        profile="mqtt-grid-meter",
        gateway=GatewayId("local"),
        connection=MqttConnection(address="home-1/meter"),
        points=frozenset(points),
        reporting_interval=timedelta(minutes=15),
    )


def packaged(profile: str, telegram: int = 0) -> TelegramFormat:
    found = load_profiles(SCHEMAS)[profile]
    assert isinstance(found, MqttProfile)
    return found.telegrams[telegram]


def values(telegram: Telegram) -> dict[str, float]:
    return {reading.point.segment: reading.value for reading in telegram.readings}


def meter_telegram(**changed: Any) -> bytes:
    body = {
        "measure_time": "2016-09-05T07:15:00Z",
        "import_energy_wh": 1234.5,
        "export_energy_wh": 0.0,
        "active_power_w": -321.0,
    }
    return json.dumps({**body, **changed}).encode()


def test_a_grid_meters_telegram_gives_all_its_points_at_its_measure_time() -> None:
    telegram = understand(
        device(*METER_POINTS), packaged("mqtt-grid-meter"), meter_telegram(), ARRIVAL
    )
    assert values(telegram) == {
        "import_energy_wh": 1234.5,
        "export_energy_wh": 0.0,
        "active_power_w": -321.0,
    }
    assert {reading.measure_time for reading in telegram.readings} == {MEASURED}


def test_a_point_the_site_model_does_not_give_the_device_is_left_out() -> None:
    telegram = understand(
        device("active_power_w"), packaged("mqtt-grid-meter"), meter_telegram(), ARRIVAL
    )
    assert values(telegram) == {"active_power_w": -321.0}


@pytest.mark.parametrize(
    "changed", [{"active_power_w": None}, {"active_power_w": "NaN"}, {"active_power_w": True}]
)
def test_a_value_that_is_none_is_never_zero(changed: dict[str, Any]) -> None:
    telegram = understand(
        device(*METER_POINTS), packaged("mqtt-grid-meter"), meter_telegram(**changed), ARRIVAL
    )
    assert "active_power_w" not in values(telegram)
    assert len(values(telegram)) == 2


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"active_power_w": "much"}, "active_power_w is 'much', which is no number"),
        ({"import_energy_wh": -1}, "import_energy_wh is -1, which is not possible"),
    ],
)
def test_a_value_that_makes_no_sense_is_a_problem_and_the_others_count(
    changed: dict[str, Any], problem: str
) -> None:
    telegram = understand(
        device(*METER_POINTS), packaged("mqtt-grid-meter"), meter_telegram(**changed), ARRIVAL
    )
    assert len(telegram.readings) == 2
    assert problem in telegram.problems[0]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"no json",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'"text"',
        meter_telegram(measure_time="yesterday"),
        meter_telegram(measure_time=None),
    ],
)
def test_a_telegram_that_cannot_be_understood_says_so(payload: bytes) -> None:
    with pytest.raises(TelegramError):
        understand(device(*METER_POINTS), packaged("mqtt-grid-meter"), payload, ARRIVAL)


@pytest.mark.parametrize(
    ("format_", "raw"),
    [
        (TimeFormat.RFC3339, "2016-09-05T09:15:00+02:00"),
        (TimeFormat.RFC3339, "2016-09-05T07:15:00"),
        (TimeFormat.UNIX_S, 1473059700),
        (TimeFormat.UNIX_S, "1473059700"),
        (TimeFormat.UNIX_MS, 1473059700000),
    ],
)
def test_every_time_format_gives_the_same_moment(format_: TimeFormat, raw: object) -> None:
    telegram = understand(
        device("active_power_w"),
        TelegramFormat(
            topic="{address}",
            time=TelegramTime(format=format_, path=("t",)),
            points={"active_power_w": TelegramPoint(path=("p", "1"))},
        ),
        json.dumps({"t": raw, "p": [0, 7]}).encode(),
        ARRIVAL,
    )
    (reading,) = telegram.readings
    assert (reading.measure_time, reading.value) == (MEASURED, 7.0)


def test_a_tasmota_telegram_is_understood_by_its_profile() -> None:
    payload = {
        "Time": "2016-09-05T07:15:00",
        "ENERGY": {"Total": 2.5, "Today": 0.1, "Power": 12, "Voltage": 230, "Current": 0.06},
    }
    telegram = understand(
        device("active_power_w", "import_energy_wh", "voltage_v"),
        packaged("tasmota-energy"),
        json.dumps(payload).encode(),
        ARRIVAL,
    )
    assert values(telegram) == {
        "active_power_w": 12.0,
        "import_energy_wh": 2500.0,
        "voltage_v": 230.0,
    }


def test_a_shelly_without_a_clock_is_dated_by_arrival() -> None:
    payload = {"id": 0, "total_act_energy": 5000.5, "total_act_ret_energy": 12.25}
    telegram = understand(
        device("import_energy_wh", "export_energy_wh"),
        packaged("shelly-pro-em", 1),
        json.dumps(payload).encode(),
        ARRIVAL,
    )
    assert values(telegram) == {"import_energy_wh": 5000.5, "export_energy_wh": 12.25}
    assert {reading.measure_time for reading in telegram.readings} == {ARRIVAL}
