"""Prometheus Alertmanager, which routes, groups and sends alerts to people.

Its API v2 is at https://prometheus.io/docs/alerting/latest/clients/. It knows the wall's time
alone, so ends are told in it; what the mesh's clock said stands in the annotations.
"""

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from wattmesh_alerting.domain.alert import Alert
from wattmesh_runtime.web_client import WebClient

_LASTING = timedelta(minutes=5)
"""Alertmanager takes an alert for over that is not told again within."""
_TIMEOUT_SECONDS = 10.0
_AT_ONCE = 500


class Alertmanager:
    """Notifier: posts alerts to an Alertmanager at host:port, or at a URL."""

    def __init__(self, target: str) -> None:
        url = target if "://" in target else f"http://{target}"
        self._url = f"{url.rstrip('/')}/api/v2/alerts"
        self._web = WebClient("Alertmanager", seconds=_TIMEOUT_SECONDS)

    async def tell(self, alerts: Collection[Alert]) -> None:
        """Tell of alerts as they are now. Error: Unavailable."""
        told = [_alert_to_json(each, datetime.now(UTC)) for each in alerts]
        for start in range(0, len(told), _AT_ONCE):
            body = json.dumps(told[start : start + _AT_ONCE]).encode()
            answer = await self._web.ask(
                self._url, headers={"Content-Type": "application/json"}, body=body
            )
            answer.whole()


def _alert_to_json(alert: Alert, now: datetime) -> dict[str, Any]:
    condition = alert.condition
    labels = {
        "alertname": condition.rule.value,
        "severity": alert.severity.value,
        "subject": condition.subject,
        "site": "" if condition.site is None else condition.site.name,
        "gateway": "" if condition.gateway is None else condition.gateway.name,
    }
    annotations = {
        "name": alert.name,
        "summary": alert.summary,
        "description": alert.description,
        "advice": alert.traits.advice,
        "links": " ".join(alert.links),
        "since": alert.start_time.isoformat(),
        "at_stake": "" if alert.at_stake is None else str(alert.at_stake),
    }
    ended = alert.end_time is not None
    return {
        "labels": {key: value for key, value in labels.items() if value},
        "annotations": {key: value for key, value in annotations.items() if value},
        "endsAt": (now if ended else now + _LASTING).isoformat(),
    }
