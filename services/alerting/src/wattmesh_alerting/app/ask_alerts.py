"""What people ask of alerts, and do about them."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from wattmesh_alerting.app.ports import AlertQuery, AlertStore, KeptAlert
from wattmesh_alerting.domain.alert import Acknowledgement
from wattmesh_alerting.domain.rules import Rule
from wattmesh_alerting.domain.silence import Silence
from wattmesh_kernel.checks import require_text
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.paging import page_size

POLL_SECONDS = 0.5
"""How often changes are looked for [s of the wall]."""
HEARTBEAT_SECONDS = 3.0
"""How long a watcher hears nothing at most [s of the wall]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldAlert:
    """An alert, and the silence under which it is."""

    kept: KeptAlert
    silence: str = ""


class AskAlerts:
    """Reads alerts, keeps acknowledgements and silences."""

    def __init__(
        self, clock: Clock, store: AlertStore, *, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self._clock = clock
        self._store = store
        self._poll_seconds = poll_seconds

    async def get(self, name: str) -> ToldAlert:
        """Return one alert. Error: NotFound."""
        kept = await self._store.get(name)
        if kept is None:
            raise _no_alert(name)
        (told,) = await self._told([kept])
        return told

    async def page(
        self, query: AlertQuery, size: int, token: str
    ) -> tuple[Sequence[ToldAlert], str]:
        """Return a page, newest first, and the token of the next."""
        count = page_size(size)
        found = await self._store.page(query, _place(token), count + 1)
        page = found[:count]
        more = len(found) > count
        return await self._told(page), _token(page[-1]) if more else ""

    async def watch(self, site: SiteId | None) -> AsyncGenerator[ToldAlert | None, None]:
        """Yield what fires, then every change; None: a heartbeat."""
        revision, _ = await self._store.since(-1)
        for alert in await self._told(_of(site, await self._store.firing())):
            yield alert
        loop = asyncio.get_running_loop()
        told = loop.time()
        while True:
            await asyncio.sleep(self._poll_seconds)
            revision, changed = await self._store.since(revision)
            for alert in await self._told(_of(site, changed)):
                yield alert
                told = loop.time()
            if loop.time() - told >= HEARTBEAT_SECONDS:
                yield None
                told = loop.time()

    async def acknowledge(self, name: str, owner: str, note: str) -> ToldAlert:
        """Keep that somebody took an alert on. Error: NotFound."""
        require_text(owner, 128, "owner", required=True)
        require_text(note, 1000, "note")
        acknowledgement = Acknowledgement(owner=owner, note=note, time=self._clock.now())
        kept = await self._store.acknowledge(name, acknowledgement)
        if kept is None:
            raise _no_alert(name)
        (told,) = await self._told([kept])
        return told

    async def silence(
        self,
        *,
        request_id: str,
        subject: str,
        rules: Collection[Rule],
        owner: str,
        reason: str,
        until: datetime,
    ) -> Silence:
        """Keep a silence from now on. Error: InvalidArgument `INVALID_SILENCE`."""
        require_text(request_id, 128, "request_id", required=True)
        silence = Silence(
            name="",
            owner=owner,
            reason=reason,
            create_time=self._clock.now(),
            expire_time=until,
            subject=subject,
            rules=frozenset(rules),
        )
        return await self._store.silence(silence, request_id)

    async def silences(self) -> Sequence[Silence]:
        """Return the silences in force, newest first."""
        return await self._store.silences(self._clock.now())

    async def get_silence(self, name: str) -> Silence:
        """Return one silence in force. Error: NotFound."""
        for each in await self.silences():
            if each.name == name:
                return each
        raise _no_silence(name)

    async def end_silence(self, name: str) -> None:
        """End a silence. Error: NotFound."""
        if not await self._store.end_silence(name, self._clock.now()):
            raise _no_silence(name)

    async def _told(self, alerts: Sequence[KeptAlert]) -> list[ToldAlert]:
        if not alerts:
            return []
        now = self._clock.now()
        silences = await self._store.silences(now)

        def silence(kept: KeptAlert) -> str:
            if not kept.alert.fires:
                return ""
            covering = (each for each in silences if each.covers(kept.alert.condition, now))
            return next((each.name for each in covering), "")

        return [ToldAlert(kept=each, silence=silence(each)) for each in alerts]


def _of(site: SiteId | None, alerts: Sequence[KeptAlert]) -> list[KeptAlert]:
    return [each for each in alerts if site is None or each.alert.condition.site == site]


def _token(last: KeptAlert) -> str:
    assert last.alert.fire_time is not None, "what is kept has been raised"
    return f"{last.alert.fire_time.isoformat()} {last.alert.name}"


def _place(token: str) -> tuple[datetime, str] | None:
    if not token:
        return None
    moment, _, name = token.partition(" ")
    try:
        return datetime.fromisoformat(moment), name
    except ValueError as error:
        raise InvalidArgument(
            "INVALID_PAGE_TOKEN", "not a page token of this list", field="page_token"
        ) from error


def _no_alert(name: str) -> NotFound:
    return NotFound("ALERT_NOT_FOUND", f"there is no {name}")


def _no_silence(name: str) -> NotFound:
    return NotFound("SILENCE_NOT_FOUND", f"there is no {name}")
