"""What a plan knows, with where it comes from: known, assumed and why, or missing and why."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Generic, TypeAlias, TypeVar

V = TypeVar("V", covariant=True)


class Topic(Enum):
    """What a plan has to know."""

    STATE = "state"
    """The state of an asset when the plan begins."""
    FORECAST = "forecast"
    """What an asset is expected to consume or generate."""
    TARIFF = "tariff"
    """What energy costs."""
    BILLING_STATE = "billing_state"
    """What was metered in the running billing period."""
    CARBON = "carbon"
    """How clean the electricity is."""
    WEATHER = "weather"
    SESSIONS = "sessions"
    """Vehicles: who is there, until when, with which need."""
    WISHES = "wishes"
    """What people want: comfort and occupancy of zones, runs of deferrable loads."""
    EVENTS = "events"
    """Demand-response events and limits."""
    SITE_MODEL = "site_model"
    """What the site model says of an asset."""
    EXECUTION = "execution"
    """How the solver answered and what control took of it."""


class Reason(Enum):
    """Why something was not known."""

    NEVER_REPORTED = "never_reported"
    STALE = "stale"
    """What was reported is too old to be believed as it is."""
    SERVICE_UNAVAILABLE = "service_unavailable"
    """The service that knows it did not answer in time."""
    NOT_AVAILABLE = "not_available"
    """The service that knows it has nothing for this."""
    NOT_PUBLISHED = "not_published"
    KIND_NOT_PLANNED = "kind_not_planned"
    NO_CONTROLLER = "no_controller"
    INCOMPLETE_SITE_MODEL = "incomplete_site_model"
    REQUIREMENT_UNMET = "requirement_unmet"
    SETPOINT_LIMITED = "setpoint_limited"
    """Control clamped or refused it."""
    SOLVER_TIME_LIMIT = "solver_time_limit"
    NOT_IDENTIFIED = "not_identified"
    """What was metered does not say how it behaves: a rule runs it."""
    INCOMPLETE = "incomplete"
    """Only a part of it is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Why:
    """What was not known, why, and what else there is to say about it (`detail`, for people)."""

    topic: Topic
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Known(Generic[V]):
    """Known. `age` is how long ago it was measured, None where it has no age."""

    value: V
    age: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Assumed(Generic[V]):
    """Not known, and taken to be `value`. `age` is that of the newest knowledge; None: none."""

    value: V
    why: Why
    age: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """Neither known nor to be assumed."""

    why: Why
    age: timedelta | None = None


Fact: TypeAlias = Known[V] | Assumed[V] | Missing


def value_of(fact: Fact[V]) -> V | None:
    """Return what a plan goes by: what is known or assumed; None when it is missing."""
    return None if isinstance(fact, Missing) else fact.value
