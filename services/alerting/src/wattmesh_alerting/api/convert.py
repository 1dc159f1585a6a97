"""wattmesh.alert.v1 ↔ domain."""

from collections.abc import Iterable
from datetime import datetime

from wattmesh.alert.v1 import alert_pb2 as pb
from wattmesh.alert.v1 import alert_service_pb2
from wattmesh_alerting.app.ask_alerts import ToldAlert
from wattmesh_alerting.app.ports import AlertQuery
from wattmesh_alerting.domain.alert import Acknowledgement
from wattmesh_alerting.domain.rules import RULES, Rule, Severity
from wattmesh_alerting.domain.silence import Silence
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_to_proto,
    money_to_proto,
    time_range_from_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.checks import require
from wattmesh_kernel.ids import SiteId

RULES_TO_PROTO = {rule: pb.AlertRule.Value(f"ALERT_RULE_{rule.name}") for rule in Rule}
_RULES: dict[int, Rule] = {number: rule for rule, number in RULES_TO_PROTO.items()}
_SEVERITIES = {each: pb.AlertSeverity.Value(f"ALERT_SEVERITY_{each.name}") for each in Severity}
_STATES = {True: pb.ALERT_STATE_FIRING, False: pb.ALERT_STATE_RESOLVED}


def alert_to_proto(told: ToldAlert) -> pb.Alert:
    """Return an alert, with what people did about it."""
    alert = told.kept.alert
    condition = alert.condition
    proto = pb.Alert(
        name=alert.name,
        rule=RULES_TO_PROTO[condition.rule],
        severity=_SEVERITIES[alert.severity],
        state=_STATES[alert.fires],
        subject=condition.subject,
        site="" if condition.site is None else condition.site.name,
        gateway="" if condition.gateway is None else condition.gateway.name,
        summary=alert.summary,
        description=alert.description,
        advice=alert.traits.advice,
        start_time=timestamp_to_proto(alert.start_time),
        occurrence_count=alert.occurrences,
        value=condition.value,
        threshold_value=condition.threshold,
        unit=condition.unit,
        links=alert.links,
        silence=told.silence,
    )
    if alert.fire_time is not None:
        proto.fire_time.CopyFrom(timestamp_to_proto(alert.fire_time))
    if alert.end_time is not None:
        proto.end_time.CopyFrom(timestamp_to_proto(alert.end_time))
    if condition.time_left is not None:
        proto.time_left.CopyFrom(duration_to_proto(condition.time_left))
    if alert.at_stake is not None:
        proto.at_stake.CopyFrom(money_to_proto(alert.at_stake))
    if told.kept.acknowledgement is not None:
        proto.acknowledgement.CopyFrom(_acknowledgement_to_proto(told.kept.acknowledgement))
    return proto


def query_from_proto(request: alert_service_pb2.ListAlertsRequest) -> AlertQuery:
    """Return which alerts a list is about; InvalidArgument when that makes no sense."""
    states = set(request.states)
    require(states <= set(_STATES.values()), "UNKNOWN_VALUE", "no state of alerts", "states")
    return AlertQuery(
        site=site_from_proto(request.parent),
        firing=None if len(states) != 1 else states == {pb.ALERT_STATE_FIRING},
        rules=rules_from_proto(request.rules),
        fire_range=(
            time_range_from_proto(request.fire_range, "fire_range")
            if request.HasField("fire_range")
            else None
        ),
    )


def site_from_proto(parent: str) -> SiteId | None:
    """Return the site whose alerts are asked for; None: all."""
    return SiteId.parse(parent) if parent else None


def rules_from_proto(numbers: Iterable[int]) -> frozenset[Rule]:
    """Return rules; InvalidArgument for one that this version does not know."""
    asked = list(numbers)
    require(all(number in _RULES for number in asked), "UNKNOWN_VALUE", "no rule", "rules")
    return frozenset(_RULES[number] for number in asked)


def expire_time_from_proto(silence: pb.Silence) -> datetime:
    """Return when a silence ends; InvalidArgument when it is not said."""
    require(
        silence.HasField("expire_time"),
        "MISSING_FIELD",
        "silence.expire_time is required",
        "silence.expire_time",
    )
    return datetime_from_proto(silence.expire_time, "silence.expire_time")


def silence_to_proto(silence: Silence) -> pb.Silence:
    """Return a silence."""
    return pb.Silence(
        name=silence.name,
        subject=silence.subject,
        rules=sorted(RULES_TO_PROTO[each] for each in silence.rules),
        owner=silence.owner,
        reason=silence.reason,
        expire_time=timestamp_to_proto(silence.expire_time),
        create_time=timestamp_to_proto(silence.create_time),
    )


def rule_to_proto(rule: Rule) -> pb.AlertRuleInfo:
    """Return a rule, as it is set."""
    traits = RULES[rule]
    return pb.AlertRuleInfo(
        rule=RULES_TO_PROTO[rule],
        severity=_SEVERITIES[traits.severity],
        for_duration=duration_to_proto(traits.lasting),
        keep_duration=duration_to_proto(traits.keeping),
        title=traits.title,
        advice=traits.advice,
    )


def _acknowledgement_to_proto(acknowledgement: Acknowledgement) -> pb.Acknowledgement:
    return pb.Acknowledgement(
        owner=acknowledgement.owner,
        note=acknowledgement.note,
        time=timestamp_to_proto(acknowledgement.time),
    )
