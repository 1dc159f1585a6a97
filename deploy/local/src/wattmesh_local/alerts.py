"""`wattmesh alerts`, `acknowledge`, `silence`: what people should know of, and who sees to it."""

import getpass
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wattmesh.alert.v1 import alert_pb2, alert_service_pb2
from wattmesh_contracts.values import datetime_from_proto, timestamp_to_proto
from wattmesh_kernel.clock import Clock
from wattmesh_local.running.state import MeshState
from wattmesh_local.watching.clients import MeshClients
from wattmesh_runtime.errors import rpc_errors

_MOST_ENDED = 50
_COLOURS = {
    alert_pb2.ALERT_SEVERITY_CRITICAL: "red",
    alert_pb2.ALERT_SEVERITY_WARNING: "yellow",
    alert_pb2.ALERT_SEVERITY_INFO: "cyan",
}


@asynccontextmanager
async def alert_desk(state_folder: Path, console: Console) -> AsyncIterator["AlertDesk"]:
    """Yield what speaks to the mesh that runs here. Error: NotFound when none does."""
    mesh = MeshState(state_folder)
    clock = mesh.clock()
    with rpc_errors():
        async with MeshClients.of(mesh) as clients:
            yield AlertDesk(clients, clock, console)


class AlertDesk:
    """Asks alerting, and prints what it answers; each returns an exit status."""

    def __init__(self, clients: MeshClients, clock: Clock, console: Console) -> None:
        self._clients = clients
        self._clock = clock
        self._console = console

    async def show(self, *, ended: bool) -> int:
        """Print the alerts, newest first; 1 when one fires that is critical and nobody's."""
        request = alert_service_pb2.ListAlertsRequest(page_size=1000)
        if ended:
            request.page_size = _MOST_ENDED
        else:
            request.states.append(alert_pb2.ALERT_STATE_FIRING)
        alerts = (await self._clients.alerts.ListAlerts(request)).alerts
        self._console.print(_table(alerts) if alerts else "all is well: no alert")
        return 1 if any(_nobodys(each) for each in alerts) else 0

    async def acknowledge(self, name: str, owner: str, note: str) -> int:
        """Take an alert on."""
        request = alert_service_pb2.AcknowledgeAlertRequest(
            name=name if name.startswith("alerts/") else f"alerts/{name}",
            owner=owner or getpass.getuser(),
            note=note,
        )
        alert = (await self._clients.alerts.AcknowledgeAlert(request)).alert
        self._console.print(f"{alert.name} is {alert.acknowledgement.owner}'s: {alert.summary}")
        return 0

    async def silence(self, subject: str, owner: str, reason: str, span: timedelta) -> int:
        """Have alerts about something notify nobody for a while."""
        until = self._clock.now() + span
        silence = alert_pb2.Silence(
            subject=subject,
            owner=owner or getpass.getuser(),
            reason=reason,
            expire_time=timestamp_to_proto(until),
        )
        request = alert_service_pb2.PlaceSilenceRequest(
            request_id=uuid.uuid4().hex, silence=silence
        )
        placed = (await self._clients.alerts.PlaceSilence(request)).silence
        self._console.print(f"{placed.name}: {subject} notifies nobody until {until:%m-%d %H:%M}")
        return 0


def _nobodys(alert: alert_pb2.Alert) -> bool:
    return (
        alert.severity == alert_pb2.ALERT_SEVERITY_CRITICAL
        and alert.state == alert_pb2.ALERT_STATE_FIRING
        and not alert.HasField("acknowledgement")
        and not alert.silence
    )


def _table(alerts: Sequence[alert_pb2.Alert]) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    for column in ("since", "until", "what", "why", "at stake", "what to do", "whose"):
        table.add_column(column, overflow="fold")
    for each in alerts:
        since = datetime_from_proto(each.start_time, "start_time").astimezone(UTC)
        ended = (
            datetime_from_proto(each.end_time, "end_time") if each.HasField("end_time") else None
        )
        times = f" ({each.occurrence_count} times)" if each.occurrence_count > 1 else ""
        whose = each.acknowledgement.owner or ("silenced" if each.silence else "nobody's")
        table.add_row(
            f"{since:%m-%d %H:%M}",
            "" if ended is None else f"{ended:%m-%d %H:%M}",
            Text(each.summary + times, style=_COLOURS.get(each.severity, "")),
            each.description,
            f"{each.at_stake.amount} {each.at_stake.currency_code}".strip(),
            each.advice,
            whose,
        )
    return table
