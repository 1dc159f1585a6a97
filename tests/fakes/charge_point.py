"""Charge points that dial in: the other half of the OCPP library, over real websockets."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint as Ocpp16
from ocpp.v16 import call, call_result
from ocpp.v201 import ChargePoint as Ocpp201
from ocpp.v201 import call as call201
from ocpp.v201 import call_result as call_result201
from websockets.asyncio.client import ClientConnection, connect

from tests.fakes.charging_profiles import ChargingProfiles

Call = call
Call201 = call201

_QUIET = logging.getLogger("tests.charge_point")
_QUIET.setLevel(logging.CRITICAL)


def stamp(moment: datetime) -> str:
    """Return a time as OCPP writes it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class _HearsHangUps:
    """A call does not wait for its answer on a line that has broken."""

    talking: asyncio.Task[None] | None = None

    async def call(self, *message: object, **options: Any) -> Any:
        """Say something and return the answer; ConnectionError when the line breaks meanwhile."""
        asking = asyncio.ensure_future(super().call(*message, **options))  # type: ignore[misc]
        assert self.talking is not None
        await asyncio.wait({asking, self.talking}, return_when=asyncio.FIRST_COMPLETED)
        if asking.done():
            return asking.result()
        asking.cancel()
        raise ConnectionError("hung up")


class FakeChargePoint(_HearsHangUps, Ocpp16):  # type: ignore[misc]
    """A charge point of version 1.6 with one connector. `mute`: it answers nothing."""

    def __init__(self, id_: str, socket: ClientConnection) -> None:
        super().__init__(id_, socket, response_timeout=20, logger=_QUIET)
        self.profiles = ChargingProfiles()
        self.configuration: dict[str, str] = {}
        self.triggered: list[str] = []
        self.mute = False

    async def route_message(self, raw_msg: str) -> None:
        if not (self.mute and raw_msg.startswith("[2")):
            await super().route_message(raw_msg)

    @on("ChangeConfiguration")  # type: ignore[untyped-decorator]
    def _configure(self, key: str, value: str) -> Any:
        self.configuration[key] = value
        return call_result.ChangeConfiguration(status="Accepted")

    @on("TriggerMessage")  # type: ignore[untyped-decorator]
    def _trigger(self, requested_message: str, **_: object) -> Any:
        self.triggered.append(requested_message)
        return call_result.TriggerMessage(status="Accepted")

    @on("SetChargingProfile")  # type: ignore[untyped-decorator]
    def _set(self, connector_id: int, cs_charging_profiles: Mapping[str, Any]) -> Any:
        profile = cs_charging_profiles
        self.profiles.set(profile["charging_profile_id"], profile, profile["charging_schedule"])
        return call_result.SetChargingProfile(status="Accepted")

    @on("ClearChargingProfile")  # type: ignore[untyped-decorator]
    def _clear(self, **which: int) -> Any:
        found = self.profiles.clear(which["id"])
        return call_result.ClearChargingProfile(status="Accepted" if found else "Unknown")

    @on("GetCompositeSchedule")  # type: ignore[untyped-decorator]
    def _composite(self, connector_id: int, duration: int, charging_rate_unit: str) -> Any:
        return call_result.GetCompositeSchedule(
            status="Accepted",
            connector_id=connector_id,
            schedule_start=stamp(datetime.now(UTC)),
            charging_schedule={
                "duration": duration,
                "charging_rate_unit": charging_rate_unit,
                "charging_schedule_period": [
                    {"start_period": 0, "limit": self.profiles.limit()},
                ],
            },
        )

    async def boot(self) -> Any:
        return await self.call(
            call.BootNotification(charge_point_model="M", charge_point_vendor="V")
        )

    async def status(self, status: str, moment: datetime | None = None) -> None:
        at = {"timestamp": stamp(moment)} if moment else {}
        await self.call(
            call.StatusNotification(connector_id=1, error_code="NoError", status=status, **at)
        )

    async def start_transaction(self, token: str, meter_wh: int, moment: datetime) -> int:
        """Return the number of the transaction."""
        answer = await self.call(
            call.StartTransaction(
                connector_id=1, id_tag=token, meter_start=meter_wh, timestamp=stamp(moment)
            )
        )
        number: int = answer.transaction_id
        return number

    async def stop_transaction(self, number: int, meter_wh: int, moment: datetime) -> None:
        await self.call(
            call.StopTransaction(
                transaction_id=number, meter_stop=meter_wh, timestamp=stamp(moment)
            )
        )

    async def meter_values(
        self, moment: datetime, *samples: Mapping[str, str], transaction: int | None = None
    ) -> Any:
        return await self.call(
            call.MeterValues(
                connector_id=1,
                transaction_id=transaction,
                meter_value=[{"timestamp": stamp(moment), "sampled_value": list(samples)}],
            ),
            suppress=False,
        )


class FakeStation(_HearsHangUps, Ocpp201):  # type: ignore[misc]
    """A charging station of version 2.0.1 with one EVSE."""

    def __init__(self, id_: str, socket: ClientConnection) -> None:
        super().__init__(id_, socket, response_timeout=20, logger=_QUIET)
        self.profiles = ChargingProfiles()
        self.variables: dict[str, str] = {}
        self._sequence = 0

    @on("SetVariables")  # type: ignore[untyped-decorator]
    def _variables(self, set_variable_data: list[Mapping[str, Any]]) -> Any:
        for each in set_variable_data:
            self.variables[each["variable"]["name"]] = each["attribute_value"]
        results = [
            {
                "attribute_status": "Accepted",
                "component": each["component"],
                "variable": each["variable"],
            }
            for each in set_variable_data
        ]
        return call_result201.SetVariables(set_variable_result=results)

    @on("TriggerMessage")  # type: ignore[untyped-decorator]
    def _trigger(self, **_: object) -> Any:
        return call_result201.TriggerMessage(status="NotImplemented")

    @on("SetChargingProfile")  # type: ignore[untyped-decorator]
    def _set(self, evse_id: int, charging_profile: Mapping[str, Any]) -> Any:
        schedule = charging_profile["charging_schedule"][0]
        self.profiles.set(charging_profile["id"], charging_profile, schedule)
        return call_result201.SetChargingProfile(status="Accepted")

    @on("ClearChargingProfile")  # type: ignore[untyped-decorator]
    def _clear(self, charging_profile_id: int) -> Any:
        found = self.profiles.clear(charging_profile_id)
        return call_result201.ClearChargingProfile(status="Accepted" if found else "Unknown")

    @on("GetCompositeSchedule")  # type: ignore[untyped-decorator]
    def _composite(self, duration: int, evse_id: int, charging_rate_unit: str) -> Any:
        return call_result201.GetCompositeSchedule(
            status="Accepted",
            schedule={
                "evse_id": evse_id,
                "duration": duration,
                "schedule_start": stamp(datetime.now(UTC)),
                "charging_rate_unit": charging_rate_unit,
                "charging_schedule_period": [
                    {"start_period": 0, "limit": self.profiles.limit()},
                ],
            },
        )

    async def boot(self) -> Any:
        station = {"model": "M", "vendor_name": "V"}
        return await self.call(call201.BootNotification(charging_station=station, reason="PowerUp"))

    async def event(
        self, type_: str, moment: datetime, transaction: str, meter_wh: float, **info: str
    ) -> Any:
        """Say how a transaction goes on, with the meter's register."""
        self._sequence += 1
        value = {
            "timestamp": stamp(moment),
            "sampled_value": [
                {"value": meter_wh / 1000, "unit_of_measure": {"unit": "Wh", "multiplier": 3}},
                {"value": 42, "measurand": "SoC", "location": "EV"},
            ],
        }
        return await self.call(
            call201.TransactionEvent(
                event_type=type_,
                timestamp=stamp(moment),
                trigger_reason="MeterValuePeriodic",
                seq_no=self._sequence,
                transaction_info={"transaction_id": transaction, **info},
                evse={"id": 1},
                id_token={"id_token": "tag-2", "type": "ISO14443"},
                meter_value=[value],
            )
        )


@asynccontextmanager
async def dialled_in(
    port: int, id_: str, *, password: str = "", seconds: float = 20.0
) -> AsyncIterator[FakeChargePoint]:
    """A charge point of version 1.6 that has dialled in; hung up at the end."""
    async with _socket(port, id_, "ocpp1.6", password, seconds) as socket:
        point = FakeChargePoint(id_, socket)
        talking = point.talking = asyncio.create_task(point.start())
        try:
            yield point
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)


@asynccontextmanager
async def station_dialled_in(port: int, id_: str) -> AsyncIterator[FakeStation]:
    """A charging station of version 2.0.1 that has dialled in; hung up at the end."""
    async with _socket(port, id_, "ocpp2.0.1", "", 20.0) as socket:
        station = FakeStation(id_, socket)
        talking = station.talking = asyncio.create_task(station.start())
        try:
            yield station
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)


@asynccontextmanager
async def _socket(
    port: int, id_: str, version: str, password: str, seconds: float
) -> AsyncIterator[ClientConnection]:
    """Dial, again while nothing listens there yet."""
    user = f"{id_}:{password}@" if password else ""
    url = f"ws://{user}127.0.0.1:{port}/ocpp/{id_}"
    deadline = asyncio.get_running_loop().time() + timedelta(seconds=seconds).total_seconds()
    while True:
        try:
            socket = await connect(url, subprotocols=[version], open_timeout=10, close_timeout=1)  # type: ignore[list-item]
            break
        except OSError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.05)
    async with socket:
        yield socket
