"""wattmesh.planner.v1.Degradation from the planner's own."""

from wattmesh.planner.v1 import planner_pb2
from wattmesh_contracts.values import duration_to_proto
from wattmesh_planner.domain.degradations import Degradation, Remedy, in_words
from wattmesh_planner.domain.facts import Reason, Topic

_TOPICS = {
    Topic.STATE: planner_pb2.FACT_TOPIC_STATE,
    Topic.FORECAST: planner_pb2.FACT_TOPIC_FORECAST,
    Topic.TARIFF: planner_pb2.FACT_TOPIC_TARIFF,
    Topic.BILLING_STATE: planner_pb2.FACT_TOPIC_BILLING_STATE,
    Topic.CARBON: planner_pb2.FACT_TOPIC_CARBON,
    Topic.WEATHER: planner_pb2.FACT_TOPIC_WEATHER,
    Topic.SESSIONS: planner_pb2.FACT_TOPIC_SESSIONS,
    Topic.WISHES: planner_pb2.FACT_TOPIC_WISHES,
    Topic.EVENTS: planner_pb2.FACT_TOPIC_EVENTS,
    Topic.SITE_MODEL: planner_pb2.FACT_TOPIC_SITE_MODEL,
    Topic.EXECUTION: planner_pb2.FACT_TOPIC_EXECUTION,
}
_REMEDIES = {
    Remedy.ASSUMED: planner_pb2.REMEDY_ASSUMED,
    Remedy.LEFT_OUT: planner_pb2.REMEDY_LEFT_OUT,
    Remedy.IGNORED: planner_pb2.REMEDY_IGNORED,
}
_REASONS = {
    Reason.NEVER_REPORTED: planner_pb2.DEGRADATION_REASON_NEVER_REPORTED,
    Reason.STALE: planner_pb2.DEGRADATION_REASON_STALE,
    Reason.SERVICE_UNAVAILABLE: planner_pb2.DEGRADATION_REASON_SERVICE_UNAVAILABLE,
    Reason.NOT_AVAILABLE: planner_pb2.DEGRADATION_REASON_NOT_AVAILABLE,
    Reason.NOT_PUBLISHED: planner_pb2.DEGRADATION_REASON_NOT_PUBLISHED,
    Reason.KIND_NOT_PLANNED: planner_pb2.DEGRADATION_REASON_KIND_NOT_PLANNED,
    Reason.NO_CONTROLLER: planner_pb2.DEGRADATION_REASON_NO_CONTROLLER,
    Reason.INCOMPLETE_SITE_MODEL: planner_pb2.DEGRADATION_REASON_INCOMPLETE_SITE_MODEL,
    Reason.REQUIREMENT_UNMET: planner_pb2.DEGRADATION_REASON_REQUIREMENT_UNMET,
    Reason.SETPOINT_LIMITED: planner_pb2.DEGRADATION_REASON_SETPOINT_LIMITED,
    Reason.SOLVER_TIME_LIMIT: planner_pb2.DEGRADATION_REASON_SOLVER_TIME_LIMIT,
    Reason.NOT_IDENTIFIED: planner_pb2.DEGRADATION_REASON_NOT_IDENTIFIED,
    Reason.INCOMPLETE: planner_pb2.DEGRADATION_REASON_INCOMPLETE,
}


def degradation_to_proto(degradation: Degradation) -> planner_pb2.Degradation:
    """Return a degradation with its sentence for people."""
    age = degradation.age
    return planner_pb2.Degradation(
        subject=degradation.subject,
        topic=_TOPICS[degradation.topic],
        remedy=_REMEDIES[degradation.remedy],
        reason=_REASONS[degradation.reason],
        message=in_words(degradation),
        age=None if age is None else duration_to_proto(age),
    )
