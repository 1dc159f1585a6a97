"""The rules: how urgent, how long a condition must last, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from types import MappingProxyType


class Rule(Enum):
    """What makes an alert."""

    DEVICE_OFFLINE = "device_offline"
    DEVICE_SILENT = "device_silent"
    DEVICE_SET_ASIDE = "device_set_aside"
    COMMAND_WITHOUT_EFFECT = "command_without_effect"
    RELEASE_PENDING = "release_pending"
    GATEWAY_LOST = "gateway_lost"
    CLOCK_OFF = "clock_off"
    PLAN_FAILED = "plan_failed"
    PLAN_LATE = "plan_late"
    PLAN_DEGRADED = "plan_degraded"
    NOT_PLANNED = "not_planned"
    LIMIT_NEAR = "limit_near"
    LIMIT_EXCEEDED = "limit_exceeded"
    LOOP_METER_STALE = "loop_meter_stale"
    STOPPED = "stopped"
    FORECAST_DRIFT = "forecast_drift"
    COMFORT = "comfort"
    UNEXPECTED_COST = "unexpected_cost"
    PEAK_NEAR = "peak_near"
    CARBON_BUDGET = "carbon_budget"
    DATA_QUALITY = "data_quality"
    CERTIFICATE_ENDING = "certificate_ending"


class Severity(Enum):
    """How urgent an alert is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """A rule, as it is set.

    `lasting`: so long a condition must hold. `keeping`: so long it must be gone for the alert to be
    over, so that something that flaps is one alert.
    """

    severity: Severity
    lasting: timedelta
    keeping: timedelta
    title: str
    advice: str


def _traits(
    severity: Severity, lasting_minutes: float, keeping_minutes: float, title: str, advice: str
) -> Traits:
    return Traits(
        severity=severity,
        lasting=timedelta(minutes=lasting_minutes),
        keeping=timedelta(minutes=keeping_minutes),
        title=title,
        advice=advice,
    )


_INFO, _WARNING, _CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL

RULES: Mapping[Rule, Traits] = MappingProxyType(
    {
        Rule.DEVICE_OFFLINE: _traits(
            *(_WARNING, 5, 10),
            "a device does not answer",
            "Look at its power, its network and its address in the site model.",
        ),
        Rule.DEVICE_SILENT: _traits(
            *(_WARNING, 5, 10),
            "readings of a device have stopped",
            "Look at the device and its gateway; plans go on with what was last known.",
        ),
        Rule.DEVICE_SET_ASIDE: _traits(
            *(_WARNING, 2, 10),
            "control fails on a device alone",
            "The others go on. Control's log has the exception: report it.",
        ),
        Rule.COMMAND_WITHOUT_EFFECT: _traits(
            *(_CRITICAL, 0, 15),
            "a device does not do what it is told, by its meters",
            "Look at the record of the command; check sign, scale and mode of the device.",
        ),
        Rule.RELEASE_PENDING: _traits(
            *(_CRITICAL, 2, 5),
            "a device has not gone to its safe state",
            "Stop it at the device itself if it must not go on.",
        ),
        Rule.GATEWAY_LOST: _traits(
            *(_CRITICAL, 2, 5),
            "a gateway holds no line to control",
            "Look at its power and network. Its devices keep their leases, then their safe states.",
        ),
        Rule.CLOCK_OFF: _traits(
            *(_WARNING, 5, 10),
            "a gateway's clock is off",
            "Have its clock set by NTP; beyond a minute it gets no commands.",
        ),
        Rule.PLAN_FAILED: _traits(
            *(_CRITICAL, 0, 60),
            "a plan was not made or not accepted",
            "The plan's message says why. Devices are in their safe states meanwhile.",
        ),
        Rule.PLAN_LATE: _traits(
            *(_WARNING, 0, 60),
            "a plan came after its interval had begun",
            "Look at how busy planner, forecast and optimizer are.",
        ),
        Rule.PLAN_DEGRADED: _traits(
            *(_INFO, 120, 60),
            "plans are made without something that they should know",
            "The plan says about which asset what is missing, and what was assumed.",
        ),
        Rule.NOT_PLANNED: _traits(
            *(_WARNING, 10, 5),
            "a site is not planned",
            "Complete its site model: the message says what is missing.",
        ),
        Rule.LIMIT_NEAR: _traits(
            *(_WARNING, 1, 10),
            "a power is near its limit",
            "Put off what can wait, or hold the battery.",
        ),
        Rule.LIMIT_EXCEEDED: _traits(
            *(_CRITICAL, 1, 5),
            "a power is above its limit",
            "Switch off what can be, and see why the fast loop does not keep the limit.",
        ),
        Rule.LOOP_METER_STALE: _traits(
            *(_CRITICAL, 0, 5),
            "the fast loop of a site has no meter that it trusts",
            "Look at the meter of the grid connection. Devices are at their safe values.",
        ),
        Rule.STOPPED: _traits(
            *(_WARNING, 0, 0),
            "somebody has stopped devices",
            "Release the stop when all is well again.",
        ),
        Rule.FORECAST_DRIFT: _traits(
            *(_INFO, 0, 720),
            "forecasts come out worse than they should",
            "See whether the site or its meters have changed; a training is ordered by itself.",
        ),
        Rule.COMFORT: _traits(
            *(_WARNING, 30, 30),
            "a zone is not as warm, or as cool, as wanted",
            "See what the plan does with it, and whether its machine runs.",
        ),
        Rule.UNEXPECTED_COST: _traits(
            *(_WARNING, 60, 60),
            "the day costs more than others like it",
            "See what runs that should not; the anomalies of the site may say.",
        ),
        Rule.PEAK_NEAR: _traits(
            *(_WARNING, 1, 15),
            "a peak is about to be set that will be billed",
            "Put off what can wait until the interval ends.",
        ),
        Rule.CARBON_BUDGET: _traits(
            *(_WARNING, 60, 720),
            "the carbon budget of the month will not do",
            "Give plans a carbon price, or move consumption into clean hours.",
        ),
        Rule.DATA_QUALITY: _traits(
            *(_WARNING, 60, 120),
            "readings of the last day are missing or not believed",
            "Look at the meters named; fill what is missing by corrections.",
        ),
        Rule.CERTIFICATE_ENDING: _traits(
            *(_CRITICAL, 0, 0),
            "the certificate of a service is about to end",
            "Issue a new one: it is read from its file without a restart.",
        ),
    }
)
