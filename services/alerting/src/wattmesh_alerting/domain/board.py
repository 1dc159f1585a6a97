"""All that holds or lately held, and what becomes of it as time goes on."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from wattmesh_alerting.domain.alert import Alert, first_seen
from wattmesh_alerting.domain.condition import Appraised, Cleared, Condition, Key, News, Survey
from wattmesh_alerting.domain.rules import Rule
from wattmesh_kernel.ids import GatewayId

OF_DEVICES = frozenset({Rule.DEVICE_OFFLINE, Rule.DEVICE_SILENT, Rule.RELEASE_PENDING})
"""What follows for devices when their gateway is lost: known with the gateway, and no news."""


class AlertBoard:
    """Takes news, and says which alerts have changed.

    Parameters: `name` gives the names of new alerts.
    """

    def __init__(self, name: Callable[[Condition, datetime], str]) -> None:
        self._name = name
        self._open: dict[Key, Alert] = {}
        self._told: dict[Key, Alert] = {}

    @property
    def firing(self) -> tuple[Alert, ...]:
        """The alerts that are not over, by name."""
        return tuple(sorted((x for x in self._open.values() if x.fires), key=lambda x: x.name))

    def recall(self, alerts: Iterable[Alert]) -> None:
        """Go on with alerts that were not over when a process ended."""
        for each in alerts:
            self._open[each.condition.key] = self._told[each.condition.key] = each

    def take(self, news: News) -> None:
        """Take note of what holds, or no longer does."""
        match news:
            case Condition():
                self._see(news)
            case Cleared():
                self._clear(news.key, news.since)
            case Appraised():
                alert = self._open.get(news.key)
                if alert is not None and alert.name == news.alert:
                    self._open[news.key] = replace(alert, appraisal=news.appraisal)
            case Survey():
                for each in news.conditions:
                    self._see(each)
                seen = {each.key for each in news.conditions}
                for key in [x for x in self._open if x[0] in news.rules and x not in seen]:
                    self._clear(key, news.time)

    def advance(self, now: datetime) -> list[Alert]:
        """Return the alerts that are raised, changed or over since this was last called."""
        lost = self._lost_gateways()
        changed = list[Alert]()
        for key, alert in list(self._open.items()):
            if alert.fire_time is None and _follows(alert, lost):
                continue
            after = alert.at(now, self._name)
            if after is not None and after.fire_time is not None and after != self._told.get(key):
                self._told[key] = after
                changed.append(after)
            if after is None or after.end_time is not None:
                del self._open[key]
                self._told.pop(key, None)
            else:
                self._open[key] = after
        return changed

    def _lost_gateways(self) -> frozenset[GatewayId]:
        return frozenset(
            alert.condition.gateway
            for (rule, _), alert in self._open.items()
            if rule is Rule.GATEWAY_LOST and alert.condition.gateway is not None
        )

    def _see(self, condition: Condition) -> None:
        alert = self._open.get(condition.key)
        self._open[condition.key] = (
            first_seen(condition) if alert is None else alert.seen(condition)
        )

    def _clear(self, key: Key, since: datetime) -> None:
        alert = self._open.get(key)
        if alert is not None:
            self._open[key] = alert.gone(since)


def _follows(alert: Alert, lost: frozenset[GatewayId]) -> bool:
    """Tell whether it follows from a gateway that is lost, which is an alert itself, or soon."""
    return alert.condition.rule in OF_DEVICES and alert.condition.gateway in lost
