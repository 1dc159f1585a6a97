"""OCPP 1.6: JSON over websockets (OCPP-J 1.6, edition 2)."""

import math
from collections.abc import Sequence
from datetime import datetime

from wattmesh_gateway.domain.session import SessionState
from wattmesh_gateway.drivers.ocpp.dialect import (
    MEASURANDS,
    START_LEAD,
    Limit,
    ProfileSlot,
    Request,
    first_limit,
    wire_time,
)
from wattmesh_gateway.drivers.ocpp.heard import (
    Begun,
    Ended,
    Heard,
    Json,
    Measured,
    Nonsense,
    Reply,
)
from wattmesh_gateway.drivers.ocpp.profile import RateUnit
from wattmesh_gateway.drivers.ocpp.samples import Sample, finite, measured_at, moment_of

_IMPORT = "import_energy_wh"

_STATES: dict[str, tuple[bool | None, SessionState | None]] = {
    "Available": (False, None),
    "Preparing": (True, SessionState.WAITING),
    "Charging": (True, SessionState.CHARGING),
    "SuspendedEVSE": (True, SessionState.SUSPENDED_BY_CHARGER),
    "SuspendedEV": (True, SessionState.SUSPENDED_BY_VEHICLE),
    "Finishing": (True, SessionState.WAITING),
    "Reserved": (False, None),
    "Unavailable": (None, None),
    "Faulted": (None, SessionState.FAULTED),
}


class V16:
    """OCPP 1.6."""

    version = "1.6"
    actions = frozenset(
        {
            "Authorize",
            "BootNotification",
            "DataTransfer",
            "DiagnosticsStatusNotification",
            "FirmwareStatusNotification",
            "Heartbeat",
            "MeterValues",
            "SecurityEventNotification",
            "StartTransaction",
            "StatusNotification",
            "StopTransaction",
        }
    )

    def hear(self, action: str, payload: Json, arrival: datetime) -> Heard:
        """Return what a valid message means; Nonsense when it makes no sense."""
        match action:
            case "StatusNotification":
                return _status(payload, arrival)
            case "MeterValues":
                return _meter_values(payload, arrival)
            case "StartTransaction":
                return _start(payload, arrival)
            case "StopTransaction":
                return _stop(payload, arrival)
            case "Authorize":
                return Heard(time=arrival, token=payload["idTag"])
            case _:
                return Heard(time=arrival)

    def reply(self, action: str, payload: Json, reply: Reply) -> Json:
        """Return the answer to a message."""
        id_tag = {"idTagInfo": {"status": "Accepted" if reply.accepted else "Invalid"}}
        now = wire_time(reply.now)
        match action:
            case "BootNotification":
                return {
                    "status": "Accepted",
                    "currentTime": now,
                    "interval": reply.heartbeat_seconds,
                }
            case "Heartbeat":
                return {"currentTime": now}
            case "Authorize":
                return id_tag
            case "StartTransaction":
                return {"transactionId": reply.transaction, **id_tag}
            case "StopTransaction":
                return id_tag if payload.get("idTag") else {}
            case "DataTransfer":
                return {"status": "UnknownVendorId"}
            case _:
                return {}

    def configure(self, interval_seconds: int) -> Sequence[Request]:
        """Have meter values sent at an interval, on its raster."""
        measurands = ",".join(MEASURANDS)
        return [
            Request(action="ChangeConfiguration", payload={"key": key, "value": value})
            for key, value in (
                ("MeterValuesSampledData", measurands),
                ("MeterValuesAlignedData", measurands),
                ("MeterValueSampleInterval", str(interval_seconds)),
                ("ClockAlignedDataInterval", str(interval_seconds)),
            )
        ]

    def ask_status(self, connector: int) -> Request:
        """Have the state of a connector told."""
        payload = {"requestedMessage": "StatusNotification", "connectorId": connector}
        return Request(action="TriggerMessage", payload=payload)

    def set_limit(
        self, connector: int, slot: ProfileSlot, limit: Limit, start: datetime, end: datetime | None
    ) -> Request:
        """Have a limit obeyed until `end`, after which the charge point drops it by itself."""
        begin = start - START_LEAD
        period: Json = {"startPeriod": 0, "limit": limit.value}
        if limit.phases is not None:
            period["numberPhases"] = limit.phases
        schedule: Json = {
            "startSchedule": wire_time(begin),
            "chargingRateUnit": limit.unit.value,
            "chargingSchedulePeriod": [period],
        }
        profile: Json = {
            "chargingProfileId": slot.id,
            "stackLevel": slot.stack_level,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": schedule,
        }
        if end is not None:
            schedule["duration"] = math.floor((end - begin).total_seconds())
            profile["validTo"] = wire_time(end)
        payload = {"connectorId": connector, "csChargingProfiles": profile}
        return Request(action="SetChargingProfile", payload=payload)

    def clear_limit(self, slot: ProfileSlot) -> Request:
        """Have a limit dropped."""
        return Request(action="ClearChargingProfile", payload={"id": slot.id})

    def ask_limit(self, connector: int, unit: RateUnit) -> Request:
        """Ask which limit holds now, all profiles put together."""
        payload = {"connectorId": connector, "duration": 60, "chargingRateUnit": unit.value}
        return Request(action="GetCompositeSchedule", payload=payload)

    def limit_of(self, answer: Json) -> Limit | None:
        """Return the limit that holds now; None: there is none."""
        return first_limit(answer.get("chargingSchedule"))


def _status(payload: Json, arrival: datetime) -> Heard:
    time = moment_of(payload["timestamp"], arrival) if "timestamp" in payload else arrival
    plugged_in, state = _STATES[payload["status"]]
    return Heard(time=time, connector=payload["connectorId"], plugged_in=plugged_in, state=state)


def _meter_values(payload: Json, arrival: datetime) -> Heard:
    measured, problems = _measured(payload["meterValue"], arrival)
    return Heard(
        time=max((each.time for each in measured), default=arrival),
        connector=payload["connectorId"],
        measured=measured,
        plugged_in=True if payload.get("transactionId") is not None else None,
        problems=problems,
    )


def _start(payload: Json, arrival: datetime) -> Heard:
    time = moment_of(payload["timestamp"], arrival)
    connector, token, meter_wh = payload["connectorId"], payload["idTag"], payload["meterStart"]
    return Heard(
        time=time,
        connector=connector,
        measured=[Measured(time=time, values={_IMPORT: _register(meter_wh)})],
        plugged_in=True,
        state=SessionState.CHARGING,
        transaction=Begun(key=f"{connector}/{token}/{payload['timestamp']}/{meter_wh}"),
        token=token,
    )


def _stop(payload: Json, arrival: datetime) -> Heard:
    time = moment_of(payload["timestamp"], arrival)
    measured, problems = _measured(payload.get("transactionData", ()), arrival)
    last = Measured(time=time, values={_IMPORT: _register(payload["meterStop"])})
    return Heard(
        time=time,
        connector=None,
        measured=[*measured, last],
        plugged_in=False if payload.get("reason") == "EVDisconnected" else None,
        state=SessionState.WAITING,
        transaction=Ended(number=payload["transactionId"]),
        problems=problems,
    )


def _register(meter_wh: float) -> float:
    value = finite(meter_wh)
    if value < 0:
        raise Nonsense(f"a register of {value:g} Wh is not possible")
    return value


def _measured(
    meter_values: Sequence[Json], arrival: datetime
) -> tuple[Sequence[Measured], Sequence[str]]:
    measured: list[Measured] = []
    problems: list[str] = []
    for meter_value in meter_values:
        try:
            time = moment_of(meter_value["timestamp"], arrival)
            samples = [_sample(each) for each in meter_value["sampledValue"] if _is_raw(each)]
        except Nonsense as error:
            problems.append(str(error))
            continue
        each, wrong = measured_at(time, samples)
        measured.append(each)
        problems += wrong
    return measured, problems


def _is_raw(sampled: Json) -> bool:
    return bool(sampled.get("format", "Raw") == "Raw")


def _sample(sampled: Json) -> Sample:
    return Sample(
        value=finite(sampled["value"]),
        measurand=sampled.get("measurand", "Energy.Active.Import.Register"),
        phase=sampled.get("phase", ""),
        location=sampled.get("location", "Outlet"),
        unit=sampled.get("unit", ""),
    )
