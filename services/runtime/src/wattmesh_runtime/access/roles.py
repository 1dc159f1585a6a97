"""What each role may do, and each service of the mesh: call whom it needs, and nobody else."""

from collections.abc import Mapping

from wattmesh.type.v1 import permission_pb2

_EVERY = frozenset(permission_pb2.Permission.keys()) - {"PERMISSION_UNSPECIFIED"}
_GUARDED = frozenset({"PERMISSION_IDENTITY_READ", "PERMISSION_AUDIT_READ"})
_OF_DEVICES = frozenset({"PERMISSION_GATEWAY_CONNECT"})


def _named(*names: str) -> frozenset[str]:
    return frozenset(f"PERMISSION_{name}" for name in names)


_VIEWER = frozenset(name for name in _EVERY if name.endswith("_READ")) - _GUARDED
_OPERATOR = _VIEWER | _named(
    *("COMMAND_ISSUE", "LIMIT_WRITE", "PLAN_TRIGGER", "FORECAST_ISSUE", "USAGE_WRITE"),
    *("DEMAND_RESPONSE_ANSWER", "GATEWAY_WRITE", "ALERT_WRITE", "ANALYTICS_WRITE"),
)
_ENGINEER = _OPERATOR | _named(
    *("SITE_WRITE", "TARIFF_WRITE", "MODEL_WRITE", "PROBLEM_SOLVE", "SCHEDULE_SUBMIT"),
    *("READING_INGEST", "READING_CORRECT", "USAGE_INGEST", "CARBON_PUBLISH", "WEATHER_PUBLISH"),
    *("DEMAND_RESPONSE_WRITE", "DEMAND_RESPONSE_CALL"),
)

ROLES: Mapping[str, frozenset[str]] = {
    "viewer": _VIEWER,
    "operator": _OPERATOR,
    "engineer": _ENGINEER,
    "admin": _EVERY - _OF_DEVICES,
    "device": _named(
        *("SELF_READ", "SITE_READ", "READING_INGEST", "USAGE_INGEST", "GATEWAY_CONNECT"),
    ),
}
"""Permissions by role, as `wattmesh.identity.v1.RoleKind` describes them."""

CEILINGS: Mapping[str, int] = {"operator": 100, "engineer": 100, "admin": 1000}
"""Highest priority of a role, where nothing else is said; 0 for the others."""

_KNOWING_SITES = ("SELF_READ", "SITE_READ")
SERVICES: Mapping[str, frozenset[str]] = {
    "metering": _named("SELF_READ"),
    "carbon": _named("SELF_READ"),
    "optimizer": _named("SELF_READ"),
    "modelhost": _named("SELF_READ"),
    "usage": _named(*_KNOWING_SITES),
    "forecast": _named(*_KNOWING_SITES, "READING_READ", "FORECAST_READ", "FORECAST_ISSUE"),
    "control": _named(*_KNOWING_SITES, "READING_READ"),
    "alerting": _named(
        *(*_KNOWING_SITES, "READING_READ", "COMMAND_READ", "GATEWAY_READ", "PLAN_READ"),
        *("STATUS_READ", "FORECAST_READ", "ANALYTICS_READ"),
    ),
    "demandresponse": _named(*_KNOWING_SITES, "READING_READ", "COMMAND_READ", "LIMIT_WRITE"),
    "analytics": _named(
        *(*_KNOWING_SITES, "READING_READ", "CARBON_READ", "PROBLEM_SOLVE", "USAGE_READ"),
        *("FORECAST_READ", "FORECAST_ISSUE", "DEMAND_RESPONSE_READ", "PLAN_READ", "COMMAND_READ"),
    ),
    "planner": _named(
        *(*_KNOWING_SITES, "READING_READ", "FORECAST_ISSUE", "CARBON_READ", "PROBLEM_SOLVE"),
        *("SCHEDULE_SUBMIT", "USAGE_READ", "USAGE_INGEST"),
        *("DEMAND_RESPONSE_READ", "DEMAND_RESPONSE_ANSWER", "COMMAND_READ"),
    ),
    "dashboard": _named(
        *(*_KNOWING_SITES, "READING_READ", "PLAN_READ", "COMMAND_READ", "FORECAST_READ"),
        *("CARBON_READ", "PROBLEM_SOLVE", "ANALYTICS_READ", "USAGE_READ", "ALERT_READ"),
    ),
    "gateway": ROLES["device"],
    "siteoperator": _named("SELF_READ", "SITE_READ", "SITE_WRITE", "TARIFF_WRITE"),
    "twin": _named(
        *(*_KNOWING_SITES, "SITE_WRITE", "TARIFF_WRITE", "READING_READ", "READING_INGEST"),
        *("CARBON_READ", "CARBON_PUBLISH", "USAGE_READ", "USAGE_WRITE", "USAGE_INGEST"),
        "GATEWAY_READ",
    ),
}
"""Permissions of the mesh's own services, by name."""

SERVICE_CEILINGS: Mapping[str, int] = {"planner": 10}
"""Highest priority of a service; 0 for the others."""
