"""What a device of any kind says may be anything: each protocol, profile by profile."""

import asyncio
import copy
import math
import random
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.gateway_hostile import mutated, telegrams_of_a_hostile_device
from tests.fakes.manual_clock import ManualClock
from wattmesh_gateway.app.device_edge import ask
from wattmesh_gateway.app.ports import OpenedDevice
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable
from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_gateway.domain.stay import Seen
from wattmesh_gateway.domain.telegram import Delivery
from wattmesh_gateway.drivers.modbus_tcp.driver import ModbusDriver
from wattmesh_gateway.drivers.modbus_tcp.profile import ModbusProfile
from wattmesh_gateway.drivers.modbus_tcp.registers import Span
from wattmesh_gateway.drivers.mqtt.broker import parse_broker
from wattmesh_gateway.drivers.mqtt.driver import MqttDriver
from wattmesh_gateway.drivers.mqtt.profile import MqttProfile
from wattmesh_gateway.drivers.mqtt.session import Message
from wattmesh_gateway.drivers.ocpp.dialect import Dialect
from wattmesh_gateway.drivers.ocpp.heard import Ended, Heard, Nonsense
from wattmesh_gateway.drivers.ocpp.hearing import hear
from wattmesh_gateway.drivers.ocpp.ledger import Ledger
from wattmesh_gateway.drivers.ocpp.stay import Occupancy, advance
from wattmesh_gateway.drivers.ocpp.versions import DIALECTS
from wattmesh_gateway.drivers.registry import SCHEMAS
from wattmesh_gateway.profiles import load_profiles
from wattmesh_kernel.ids import DeviceId, GatewayId, SiteId
from wattmesh_kernel.sites import Connection, Device, ModbusTcpConnection, MqttConnection

T = TypeVar("T")

NOW = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)
LEASE = timedelta(minutes=15)
PROFILES = load_profiles(SCHEMAS)
OVER_MQTT = sorted(name for name, each in PROFILES.items() if isinstance(each, MqttProfile))
OVER_MODBUS = sorted(name for name, each in PROFILES.items() if isinstance(each, ModbusProfile))
POISON = [each for each in telegrams_of_a_hostile_device().values() if len(each) < 250_000]
NESTED = [
    opening * depth + middle + closing * depth
    for depth in (200, 900, 960, 990)
    for opening, middle, closing in ((b"[", b"", b"]"), (b'{"a":', b"1", b"}"))
]
GOOD = b'{"measure_time": "2026-01-01T00:00:00Z", "active_power_w": 7}'


def device(profile: DeviceProfile, connection: Connection, name: str = "thing") -> Device:
    return Device(
        id=DeviceId(SiteId("home-1"), name),
        profile=profile.name,
        gateway=GatewayId("local"),
        connection=connection,
        points=profile.quantities,
        reporting_interval=timedelta(minutes=15),
    )


@dataclass
class Kept:
    """Inbox and stays, in memory."""

    deliveries: list[Delivery] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        self.deliveries.extend(deliveries)

    def announce(self, delivery: Delivery) -> None:
        """Nobody is in a hurry."""

    def lost(self, device: DeviceId, why: str) -> None:
        """Nobody minds."""

    def dropped(self, origin: str) -> None:
        """Nobody minds."""

    async def hear(self, device: DeviceId, seen: Seen) -> None:
        self.seen.append(seen)


@pytest.mark.parametrize("name", OVER_MQTT)
async def test_whatever_is_said_on_a_topic_of_a_profile_the_next_message_is_understood(
    name: str,
) -> None:
    kept, clock, profile = Kept(), ManualClock(NOW), PROFILES[name]
    driver = MqttDriver(parse_broker("mqtt://127.0.0.1:1"), "test", kept, clock, kept)
    hostile = device(profile, MqttConnection(address="thing"))
    healthy = device(PROFILES["mqtt-grid-meter"], MqttConnection(address="meter"), "meter")
    for each in (hostile, healthy):
        opened = await driver.open(each, PROFILES[each.profile])
        assert opened.listens
        opened.listens.begin()
    chance = random.Random(name)
    topics = sorted(topic for topic in driver._routes if topic != "meter")
    assert topics
    seeds = [b"1", b'"on"', b"true", GOOD, *(each for each in POISON if len(each) < 9999)]
    for topic in topics:
        for payload in (
            *POISON,
            *NESTED,
            *(mutated(chance.choice(seeds), chance) for _ in range(40)),
        ):
            delivery = await driver.hear(Message(topic=topic, payload=payload))
            for telegram in delivery.telegrams if delivery else ():
                assert telegram.device == hostile.id
                assert telegram.understood or telegram.problems
                assert all(math.isfinite(each.value) for each in telegram.readings)
    good = await driver.hear(Message(topic="meter", payload=GOOD))
    assert good is not None
    assert [each.value for one in good.telegrams for each in one.readings] == [7.0]


class AnyWords:
    """The connection to a unit in whose registers anything may stand, and change."""

    generation = 1

    def __init__(self, seed: int, fixed: dict[int, int] | None = None) -> None:
        self._chance = random.Random(seed)
        self._fixed = fixed or {}

    async def connect(self) -> None:
        """It is always there."""

    async def read(self, unit: int, span: Span) -> Sequence[int]:
        return [
            self._fixed.get(at, self._word()) for at in range(span.start, span.start + span.count)
        ]

    async def write(self, unit: int, start: int, words: Sequence[int]) -> None:
        assert all(0 <= word <= 0xFFFF for word in words)

    async def write_single(self, unit: int, register: int, word: int) -> None:
        assert 0 <= word <= 0xFFFF

    def _word(self) -> int:
        return self._chance.choice(
            (0, 1, 2, 0x7FC0, 0x7F80, 0xFF80, 0x7FFF, 0x8000, 0xFFFF, self._chance.randrange(65536))
        )


def a_sunspec_device(seed: int) -> dict[int, int]:
    """Return the beginning of a chain of models of any ids and lengths."""
    chance = random.Random(seed)
    words = {40_000: 0x5375, 40_001: 0x6E53}
    at = 40_002
    for model in (1, 701, 702, 703, 704, 713, chance.randrange(65536)):
        length = chance.choice((0, 1, 30, 66, 155, 155, 500, 30_000))
        words |= {at: model, at + 1: length}
        at += 2 + length
    return words | {at: 0xFFFF, at + 1: 0}


@pytest.mark.parametrize("name", OVER_MODBUS)
async def test_whatever_stands_in_the_registers_of_a_profile_it_is_a_number_or_the_devices_fault(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = PROFILES[name]
    for seed in range(12):
        line = AnyWords(seed, a_sunspec_device(seed) if seed % 2 else None)
        driver = ModbusDriver(ManualClock(NOW), 1.0)
        monkeypatch.setattr(driver, "_use", lambda _endpoint, line=line: line)
        unit = ModbusTcpConnection(host="127.0.0.1", port=502, unit_id=1)
        opened = await driver.open(device(profile, unit), profile)
        await _asked_everything(opened, profile)


async def _asked_everything(opened: OpenedDevice, profile: DeviceProfile) -> None:
    """Read and set a device; its errors are the only ones that may come, and say something."""
    assert opened.reads
    assert opened.sets
    readings = await _answer(opened.reads.read())
    assert all(math.isfinite(each.value) for each in readings or ())
    for kind in profile.setpoint_kinds:
        applied = await _answer(opened.sets.apply(kind, 0.0, LEASE))
        for back in (
            await _answer(applied.read_back()) if applied else None,
            await _answer(opened.sets.holds(kind, 0.0)),
            await _answer(opened.sets.release(kind)),
        ):
            assert back is None or back.value is None or math.isfinite(back.value)


async def _answer(asked: Awaitable[T]) -> T | None:
    try:
        return await asked
    except (DeviceUnavailable, DeviceRefused) as error:
        said = str(error)
    assert 0 < len(said) <= 600
    return None


STAMP = "2026-01-01T00:00:00Z"
SAID: dict[str, dict[str, dict[str, Any]]] = {
    "1.6": {
        "StatusNotification": {
            "connectorId": 1,
            "errorCode": "NoError",
            "status": "Charging",
            "timestamp": STAMP,
        },
        "MeterValues": {
            "connectorId": 1,
            "transactionId": 7,
            "meterValue": [
                {
                    "timestamp": STAMP,
                    "sampledValue": [
                        {"value": "5", "measurand": "Power.Active.Import", "phase": "L1"},
                        {"value": "7", "unit": "kWh"},
                    ],
                }
            ],
        },
        "StartTransaction": {
            "connectorId": 1,
            "idTag": "tag",
            "meterStart": 5,
            "timestamp": STAMP,
        },
        "StopTransaction": {"transactionId": 7, "meterStop": 9, "timestamp": STAMP, "idTag": "tag"},
        "Authorize": {"idTag": "tag"},
        "BootNotification": {"chargePointModel": "m", "chargePointVendor": "v"},
    },
    "2.0.1": {
        "StatusNotification": {
            "timestamp": STAMP,
            "connectorStatus": "Occupied",
            "evseId": 1,
            "connectorId": 1,
        },
        "MeterValues": {
            "evseId": 1,
            "meterValue": [
                {
                    "timestamp": STAMP,
                    "sampledValue": [
                        {"value": 5.0, "unitOfMeasure": {"unit": "W", "multiplier": 3}}
                    ],
                }
            ],
        },
        "TransactionEvent": {
            "eventType": "Ended",
            "timestamp": STAMP,
            "triggerReason": "Authorized",
            "seqNo": 1,
            "transactionInfo": {"transactionId": "t", "chargingState": "Charging"},
            "evse": {"id": 1},
            "idToken": {"idToken": "x", "type": "Central"},
            "meterValue": [{"timestamp": STAMP, "sampledValue": [{"value": 5.0}]}],
        },
        "Authorize": {"idToken": {"idToken": "x", "type": "Central"}},
    },
}
SEEDS = [(version, action) for version, actions in SAID.items() for action in actions]
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [
            *(None, True, -1, 10**30, -(10**400), 2**63, 1e308, -1e308, 5e-324),
            *(math.inf, -math.inf, math.nan, "1e400", "NaN", "9" * 400, "-1e999"),
            *("\ud800", "\x00", "x" * 10_000, "", "9999-12-31T23:59:59-14:00"),
            *("0001-01-01T00:00:00+14:00", [], {}, [[[]]], {"a": {"a": {}}}),
        ]
    ),
    st.integers(),
    st.floats(),
    st.text(max_size=40),
)


def places(document: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Return the path of everything in a JSON document."""
    found = [path]
    items: Any = ()
    if isinstance(document, dict):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document)
    for key, each in items:
        found += places(each, (*path, key))
    return found


def spoiled(document: Any, path: tuple[Any, ...], value: object, *, gone: bool) -> Any:
    """Return a document with something else, or nothing, at a path."""
    if not path:
        return value
    made = copy.deepcopy(document)
    at = made
    for key in path[:-1]:
        at = at[key]
    if gone:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return made


@pytest.mark.parametrize(("version", "action"), SEEDS)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_message_of_a_charge_point_makes_sense_or_none_and_what_does_can_be_kept(
    version: str, action: str, data: st.DataObject
) -> None:
    dialect, payload = DIALECTS[f"ocpp{version}"], SAID[version][action]
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(payload)))
        payload = spoiled(payload, path, data.draw(VALUES), gone=data.draw(st.booleans()))
    with suppress(Nonsense):
        heard = hear(dialect, action, payload, NOW)
        _can_be_kept(heard)


def _can_be_kept(heard: Heard) -> None:
    """What comes so far is written to the disk: what that refuses would end the process."""
    assert heard.connector is None or 0 <= heard.connector <= 1000
    heard.token.encode()
    if heard.transaction is not None:
        heard.transaction.key.encode()
    if isinstance(heard.transaction, Ended):
        assert abs(heard.transaction.number or 0) < 2**63
    step = advance(Occupancy(), heard)
    values = [value for each in heard.measured for value in each.values.values()]
    if step.told is not None:
        values.append(step.told.charged_energy_wh or 0.0)
    assert all(math.isfinite(each) for each in values)


async def test_numbers_at_the_edge_of_what_is_let_through_can_be_kept(tmp_path: Path) -> None:
    async with Ledger(tmp_path / "ocpp.sqlite", NOW) as ledger:
        assert await ledger.connector_of("cp", "k", 2**53) is None
        assert await ledger.begin("cp", "key\x00" * 100, 1000) >= 1
        await ledger.keep("cp", 1000, Occupancy(free_time=NOW))


LIMITS: list[object] = [*(math.nan, math.inf, "x", [], {}, None, True, 10**400, "9" * 400, 16.0)]
UNITS: list[object] = ["A", "V", [], None, 10**400]
ANSWERS: list[object] = [
    *([], [1], "x", 7, {"chargingSchedulePeriod": []}, {"chargingSchedulePeriod": "abc"}),
    {"chargingSchedulePeriod": [{}], "chargingRateUnit": "A"},
    {"chargingSchedulePeriod": [[]], "chargingRateUnit": "A"},
    {"chargingSchedulePeriod": {"0": 1}, "chargingRateUnit": "A"},
    *(
        {"chargingSchedulePeriod": [{"limit": limit}], "chargingRateUnit": unit}
        for limit in LIMITS
        for unit in UNITS
    ),
]


@pytest.mark.parametrize("name", DIALECTS)
async def test_an_answer_about_a_limit_is_a_limit_or_the_charge_points_fault(name: str) -> None:
    dialect: Dialect = DIALECTS[name]
    found = []
    for answer in ANSWERS:
        for key in ("chargingSchedule", "schedule"):
            with suppress(DeviceRefused):
                found.append(dialect.limit_of({key: answer}))
    limits = [each for each in found if each is not None]
    assert [each.value for each in limits] == [16.0]


async def test_what_a_driver_raises_is_cut_before_anybody_is_told() -> None:
    async def broken() -> None:
        raise ValueError("x" * 100_000)

    with pytest.raises(DeviceUnavailable) as told:
        await asyncio.wait_for(ask(broken()), 5)
    assert len(str(told.value)) <= 600
