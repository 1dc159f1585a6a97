"""Prometheus Alertmanager, which routes, groups and sends alerts to people.

Its API v2 is at https://prometheus.io/docs/alerting/latest/clients/. It knows the wall's time
alone, so ends are told in it; what the mesh's clock said stands in the annotations.
"""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from wattmesh_alerting.domain.alert import Alert
from wattmesh_kernel.errors import Unavailable

_LASTING = timedelta(minutes=5)
"""Alertmanager takes an alert for over that is not told again within."""
_TIMEOUT_SECONDS = 10.0
_AT_ONCE = 500


class Alertmanager:
    """Notifier: posts alerts to an Alertmanager at host:port, or at a URL."""

    def __init__(self, target: str) -> None:
        url = target if "://" in target else f"http://{target}"
        self._url = f"{url.rstrip('/')}/api/v2/alerts"

    async def tell(self, alerts: Collection[Alert]) -> None:
        """Tell of alerts as they are now. Error: Unavailable."""
        told = [_alert_to_json(each, datetime.now(UTC)) for each in alerts]
        for start in range(0, len(told), _AT_ONCE):
            await asyncio.to_thread(self._post, told[start : start + _AT_ONCE])

    def _post(self, alerts: list[dict[str, Any]]) -> None:
        request = urllib.request.Request(
            self._url,
            data=json.dumps(alerts).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
                response.read()
        except urllib.error.HTTPError as error:
            said = error.read(300).decode(errors="replace")
            raise Unavailable(
                "DEPENDENCY_UNAVAILABLE", f"Alertmanager answered {error.code}: {said}"
            ) from error
        except OSError as error:
            raise Unavailable(
                "DEPENDENCY_UNAVAILABLE", f"Alertmanager does not answer: {error}"
            ) from error


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
        "description": condition.description,
        "advice": alert.traits.advice,
        "links": " ".join(condition.links),
        "since": alert.start_time.isoformat(),
        "at_stake": "" if condition.at_stake is None else str(condition.at_stake),
    }
    ended = alert.end_time is not None
    return {
        "labels": {key: value for key, value in labels.items() if value},
        "annotations": {key: value for key, value in annotations.items() if value},
        "endsAt": (now if ended else now + _LASTING).isoformat(),
    }
