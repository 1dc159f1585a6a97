"""What is at stake in an alert, where that takes a look at a plan."""

from dataclasses import dataclass

from wattmesh_alerting.domain.rules import Rule
from wattmesh_kernel.money import Money

OF_DEVICES = frozenset(
    {
        Rule.DEVICE_OFFLINE,
        Rule.DEVICE_SILENT,
        Rule.DEVICE_SET_ASIDE,
        Rule.COMMAND_WITHOUT_EFFECT,
        Rule.RELEASE_PENDING,
        Rule.LOOP_METER_STALE,
        Rule.GATEWAY_LOST,
        Rule.STOPPED,
    }
)
OF_PLANS = frozenset({Rule.PLAN_FAILED, Rule.PLAN_LATE, Rule.PLAN_DEGRADED})
APPRAISED = OF_DEVICES | OF_PLANS
"""The rules whose stake is a plan's: of the assets that are lost to it, or the plan's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Appraisal:
    """An amount that is at stake, how it was reckoned in words, and the plan it is from."""

    amount: Money
    words: str
    plan: str
