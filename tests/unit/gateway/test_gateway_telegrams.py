"""JSON telegrams become readings, or say why not."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wattmesh_gateway.domain.errors import TelegramError
from wattmesh_gateway.domain.reading_columns import newest_of
from wattmesh_gateway.domain.telegram import Telegram
from wattmesh_gateway.drivers.mqtt.profile import (
    BatchLayout,
    MqttProfile,
    TelegramBatch,
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


def _batched(layout: BatchLayout, path: tuple[str, ...], time: str) -> TelegramFormat:
    return TelegramFormat(
        topic="{address}",
        time=TelegramTime(format=TimeFormat.UNIX_MS, path=(time,)),
        points={
            "import_energy_wh": TelegramPoint(path=("e",), scale=1000),
            "active_power_w": TelegramPoint(path=("p",)),
        },
        batch=TelegramBatch(layout=layout, path=path),
    )


COLUMNS = _batched(BatchLayout.COLUMNS, ("data",), "times")
RECORDS = _batched(BatchLayout.RECORDS, ("data", "list"), "t")
FIRST_MS = int(MEASURED.timestamp() * 1000)


def _of_points(telegram: Telegram) -> dict[str, list[tuple[int, float]]]:
    """Return the seconds since MEASURED, and the values, of each point."""
    found: dict[str, list[tuple[int, float]]] = {}
    for each in telegram.readings:
        second = (each.measure_time - MEASURED) // timedelta(seconds=1)
        found.setdefault(each.point.segment, []).append((second, each.value))
    return found


@pytest.mark.parametrize("layout", ["columns", "records"])
def test_a_telegram_of_many_times_gives_all_of_them(layout: str) -> None:
    times, energies, powers = [FIRST_MS, FIRST_MS + 1000], [1, 1.5], [-20, 30.5]
    if layout == "columns":
        body: object = {"data": {"times": times, "e": energies, "p": powers}}
        format_ = COLUMNS
    else:
        rows = zip(times, energies, powers, strict=True)
        body = {"data": {"list": [{"t": t, "e": e, "p": p} for t, e, p in rows]}}
        format_ = RECORDS
    told = json.dumps(body).encode()
    known = device("import_energy_wh", "active_power_w")
    telegram = understand(known, format_, told, ARRIVAL)
    assert telegram.problems == []
    assert _of_points(telegram) == {
        "import_energy_wh": [(0, 1000.0), (1, 1500.0)],
        "active_power_w": [(0, -20.0), (1, 30.5)],
    }
    some = understand(device("active_power_w"), format_, told, ARRIVAL)
    assert set(_of_points(some)) == {"active_power_w"}


def test_only_a_telegram_of_many_times_may_be_long() -> None:
    """What holds up everybody's commands while it is read is not read."""
    times = [FIRST_MS + 1000 * second for second in range(4_000)]
    told = json.dumps({"data": {"times": times, "e": times, "p": [1.0] * 4_000}}).encode()
    assert 65_536 < len(told) < 262_144
    known = device("active_power_w")

    assert len(understand(known, COLUMNS, told, ARRIVAL + timedelta(hours=2)).readings) == 4_000
    with pytest.raises(TelegramError, match=f"it is {len(told)} bytes long, and at most 65536"):
        understand(known, packaged("mqtt-grid-meter"), told, ARRIVAL)
    with pytest.raises(TelegramError, match="at most 262144"):
        understand(known, COLUMNS, told + b" " * 262_144, ARRIVAL)


def test_of_many_times_what_makes_no_sense_is_a_problem_and_all_else_counts() -> None:
    """A time of next month, a value that is none, one that cannot be, one that is absent."""
    next_month = FIRST_MS + 30 * 86_400_000
    body = {
        "data": {
            "times": [FIRST_MS, FIRST_MS + 1000, next_month, FIRST_MS + 2000, FIRST_MS + 3000],
            "e": [1, "much", 3, -1, 5],
            "p": [1.0, None, 3.0, 4.0, 1e300],
        }
    }
    known = device("import_energy_wh", "active_power_w")
    telegram = understand(known, COLUMNS, json.dumps(body).encode(), ARRIVAL)
    assert len(telegram.problems) == 4
    assert _of_points(telegram) == {
        "import_energy_wh": [(0, 1000.0), (3, 5000.0)],
        "active_power_w": [(0, 1.0), (2, 4.0)],
    }


@pytest.mark.parametrize(
    ("column", "problem"), [([1], "e has 1 of 2 values"), (7, "e is 7, which is no list")]
)
def test_a_column_that_does_not_fit_is_left_out_since_nothing_says_what_belongs_together(
    column: object, problem: str
) -> None:
    body = {"data": {"times": [FIRST_MS, FIRST_MS + 1000], "e": column, "p": [1, 2]}}
    known = device("import_energy_wh", "active_power_w")
    telegram = understand(known, COLUMNS, json.dumps(body).encode(), ARRIVAL)
    assert telegram.problems == [problem]
    assert _of_points(telegram) == {"active_power_w": [(0, 1.0), (1, 2.0)]}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": {"times": []}},
        {"data": {"times": 5, "p": [1]}},
        {"data": {"times": [FIRST_MS]}},
        {"data": {"times": {}, "p": [1]}},
    ],
)
def test_a_batch_without_times_or_values_cannot_be_understood(body: object) -> None:
    with pytest.raises(TelegramError):
        understand(device("active_power_w"), COLUMNS, json.dumps(body).encode(), ARRIVAL)


def test_of_a_batch_whoever_cannot_wait_hears_the_newest_of_each_point() -> None:
    body = {"data": {"times": [FIRST_MS + 1000, FIRST_MS], "e": [2, 1], "p": [20, 10]}}
    known = device("import_energy_wh", "active_power_w")
    telegram = understand(known, COLUMNS, json.dumps(body).encode(), ARRIVAL)
    assert sorted(each.value for each in newest_of(telegram.readings)) == [20.0, 2000.0]
