"""OCPP 2.0.1: JSON over websockets; an EVSE is what 1.6 calls a connector."""

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

_PLUGS: dict[str, bool | None] = {
    "Available": False,
    "Occupied": True,
    "Reserved": False,
    "Unavailable": None,
    "Faulted": None,
}
_STATES = {
    "Charging": SessionState.CHARGING,
    "EVConnected": SessionState.WAITING,
    "SuspendedEV": SessionState.SUSPENDED_BY_VEHICLE,
    "SuspendedEVSE": SessionState.SUSPENDED_BY_CHARGER,
}


class V201:
    """OCPP 2.0.1."""

    version = "2.0.1"
    actions = frozenset(
        {
            "Authorize",
            "BootNotification",
            "DataTransfer",
            "FirmwareStatusNotification",
            "Heartbeat",
            "LogStatusNotification",
            "MeterValues",
            "NotifyEvent",
            "NotifyReport",
            "SecurityEventNotification",
            "StatusNotification",
            "TransactionEvent",
        }
    )

    def hear(self, action: str, payload: Json, arrival: datetime) -> Heard:
        """Return what a valid message means; Nonsense when it makes no sense."""
        match action:
            case "StatusNotification":
                return _status(payload, arrival)
            case "MeterValues":
                measured, problems = _measured(payload["meterValue"], arrival)
                time = max((each.time for each in measured), default=arrival)
                connector = payload["evseId"]
                return Heard(time=time, connector=connector, measured=measured, problems=problems)
            case "TransactionEvent":
                return _transaction_event(payload, arrival)
            case "Authorize":
                return Heard(time=arrival, token=payload["idToken"]["idToken"])
            case _:
                return Heard(time=arrival)

    def reply(self, action: str, payload: Json, reply: Reply) -> Json:
        """Return the answer to a message."""
        id_token = {"idTokenInfo": {"status": "Accepted" if reply.accepted else "Invalid"}}
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
                return id_token
            case "TransactionEvent":
                return id_token if payload.get("idToken") else {}
            case "DataTransfer":
                return {"status": "UnknownVendorId"}
            case _:
                return {}

    def configure(self, interval_seconds: int) -> Sequence[Request]:
        """Have meter values sent at an interval, on its raster."""
        measurands = ",".join(MEASURANDS)
        variables = (
            ("SampledDataCtrlr", "TxUpdatedMeasurands", measurands),
            ("AlignedDataCtrlr", "Measurands", measurands),
            ("SampledDataCtrlr", "TxUpdatedInterval", str(interval_seconds)),
            ("AlignedDataCtrlr", "Interval", str(interval_seconds)),
        )
        data = [
            {"component": {"name": component}, "variable": {"name": name}, "attributeValue": value}
            for component, name, value in variables
        ]
        return [Request(action="SetVariables", payload={"setVariableData": data})]

    def ask_status(self, connector: int) -> Request:
        """Have the state of a connector told."""
        evse = {"id": connector, "connectorId": 1}
        payload = {"requestedMessage": "StatusNotification", "evse": evse}
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
            "id": slot.id,
            "startSchedule": wire_time(begin),
            "chargingRateUnit": limit.unit.value,
            "chargingSchedulePeriod": [period],
        }
        profile: Json = {
            "id": slot.id,
            "stackLevel": slot.stack_level,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": [schedule],
        }
        if end is not None:
            schedule["duration"] = math.floor((end - begin).total_seconds())
            profile["validTo"] = wire_time(end)
        payload = {"evseId": connector, "chargingProfile": profile}
        return Request(action="SetChargingProfile", payload=payload)

    def clear_limit(self, slot: ProfileSlot) -> Request:
        """Have a limit dropped."""
        return Request(action="ClearChargingProfile", payload={"chargingProfileId": slot.id})

    def ask_limit(self, connector: int, unit: RateUnit) -> Request:
        """Ask which limit holds now, all profiles put together."""
        payload = {"evseId": connector, "duration": 60, "chargingRateUnit": unit.value}
        return Request(action="GetCompositeSchedule", payload=payload)

    def limit_of(self, answer: Json) -> Limit | None:
        """Return the limit that holds now; None: there is none."""
        return first_limit(answer.get("schedule"))


def _status(payload: Json, arrival: datetime) -> Heard:
    status = payload["connectorStatus"]
    return Heard(
        time=moment_of(payload["timestamp"], arrival),
        connector=payload["evseId"],
        plugged_in=_PLUGS[status],
        state=SessionState.FAULTED if status == "Faulted" else None,
    )


def _transaction_event(payload: Json, arrival: datetime) -> Heard:
    time = moment_of(payload["timestamp"], arrival)
    measured, problems = _measured(payload.get("meterValue", ()), arrival)
    info = payload["transactionInfo"]
    ended = payload["eventType"] == "Ended"
    evse, told = payload.get("evse"), info.get("chargingState")
    return Heard(
        time=time,
        connector=evse["id"] if evse else None,
        measured=measured,
        plugged_in=_plugged_in(info, ended=ended),
        state=SessionState.WAITING if ended else _STATES.get(told),
        transaction=(Ended if ended else Begun)(key=info["transactionId"]),
        token=(payload.get("idToken") or {}).get("idToken", ""),
        problems=problems,
    )


def _plugged_in(info: Json, *, ended: bool) -> bool | None:
    if info.get("stoppedReason") == "EVDisconnected" or info.get("chargingState") == "Idle":
        return False
    return None if ended else True


def _measured(
    meter_values: Sequence[Json], arrival: datetime
) -> tuple[Sequence[Measured], Sequence[str]]:
    measured: list[Measured] = []
    problems: list[str] = []
    for meter_value in meter_values:
        try:
            time = moment_of(meter_value["timestamp"], arrival)
            samples = [_sample(each) for each in meter_value["sampledValue"]]
        except Nonsense as error:
            problems.append(str(error))
            continue
        each, wrong = measured_at(time, samples)
        measured.append(each)
        problems += wrong
    return measured, problems


def _sample(sampled: Json) -> Sample:
    unit = sampled.get("unitOfMeasure") or {}
    multiplier = unit.get("multiplier", 0)
    if not -9 <= multiplier <= 9:
        raise Nonsense(f"a multiplier of {multiplier} is not possible")
    return Sample(
        value=finite(sampled["value"]) * 10.0**multiplier,
        measurand=sampled.get("measurand", "Energy.Active.Import.Register"),
        phase=sampled.get("phase", ""),
        location=sampled.get("location", "Outlet"),
        unit=unit.get("unit", ""),
    )
