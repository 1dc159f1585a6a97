"""Builds what speaks OpenADR: our VTN, whom it calls back, and our VENs on others' VTNs."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Self

from starlette.routing import BaseRoute

from wattmesh_demandresponse.adapters.call_back_line import HttpCallBacks
from wattmesh_demandresponse.adapters.other_vtn import CallBackAddress, HttpVtn
from wattmesh_demandresponse.adapters.postgres_objects import PostgresObjects
from wattmesh_demandresponse.adapters.postgres_outbox import PostgresOutbox
from wattmesh_demandresponse.api.openadr2_push import push_route
from wattmesh_demandresponse.api.openadr_call_backs import PATH, call_back_route
from wattmesh_demandresponse.api.openadr_tokens import Tokens, read_clients
from wattmesh_demandresponse.api.openadr_web import VtnWeb
from wattmesh_demandresponse.api.use_cases import UseCases
from wattmesh_demandresponse.app.call_backs import Deliver, Subscriptions, TellEvents, TellObjects
from wattmesh_demandresponse.app.follow_pushed import FollowPushed
from wattmesh_demandresponse.app.follow_vtn import FollowVtn, OtherVtn
from wattmesh_demandresponse.app.hear_vtn import HearVtn
from wattmesh_demandresponse.app.openadr_objects import KeepObjects
from wattmesh_demandresponse.app.openadr_vtn import Vtn
from wattmesh_demandresponse.app.ports import Records
from wattmesh_demandresponse.app.report_metered import ReportingVtn, ReportMetered
from wattmesh_demandresponse.app.tell_absences import TellAbsences
from wattmesh_demandresponse.domain.openadr_clients import Client
from wattmesh_demandresponse.settings import DemandResponseSettings
from wattmesh_runtime.database import Database
from wattmesh_runtime.web_server import WebServer

_LOOK_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """What is done again and again, and how long to wait in between [s of the wall]."""

    work: Callable[[], Awaitable[None]]
    what: str
    seconds: Callable[[], float] = lambda: _LOOK_SECONDS
    forget: Callable[[], None] = lambda: None
    """What is done when it is this process's turn: another may have done it meanwhile."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAdr:
    """`turns` are one process's for all, `tasks` each's own, `web` serves while entered."""

    web: AbstractAsyncContextManager[object]
    turns: tuple[Turn, ...]
    tasks: tuple[Callable[[], Awaitable[None]], ...]

    @classmethod
    def of(
        cls,
        settings: DemandResponseSettings,
        use: UseCases,
        records: Records,
        database: Database,
    ) -> Self:
        """Return what the settings ask for."""
        address, file = settings.openadr_listen_address, settings.openadr_clients_file
        known = () if file is None else read_clients(file)
        served = ServedVtn(use, records, database, known, settings.openadr_call_back_hosts)
        hear, routes = _hear(settings, use)
        turns_2b, routes_2b = _of_2b(settings, use, database)
        web: AbstractAsyncContextManager[object] = nullcontext()
        if address is not None:
            web = WebServer(served.web().app((*routes, *routes_2b)), address)
        return cls(
            web=web,
            turns=(
                *(() if hear is None else (_turn_of(hear),)),
                *turns_2b,
                *(served.turns() if address is not None else ()),
            ),
            tasks=() if hear is None else (hear.attend,),
        )


class ServedVtn:
    """Our VTN, with those whom it calls back."""

    def __init__(
        self,
        use: UseCases,
        records: Records,
        database: Database,
        clients: tuple[Client, ...],
        hosts: tuple[str, ...] = (),
    ) -> None:
        self._clients = clients
        self._vtn = Vtn(use.programmes, use.enrolments, use.events, use.clock)
        self.objects, self.outbox = PostgresObjects(database), PostgresOutbox(database)
        self.line = HttpCallBacks()
        by_id = {each.client_id: each for each in clients}
        subscriptions = Subscriptions(self.objects, by_id, hosts)
        self._calls_back = bool(hosts)
        self._keep = KeepObjects(
            self.objects,
            use.clock,
            hosts=hosts,
            tell=TellObjects(subscriptions, self.outbox, use.clock) if hosts else None,
        )
        self.tell_events = TellEvents(records, self._vtn, subscriptions, self.outbox, use.clock)
        self.deliver = Deliver(self.outbox, self.line, self.objects, use.clock)

    def web(self) -> VtnWeb:
        """Return its routes."""
        return VtnWeb(self._vtn, self._keep, Tokens(self._clients), calls_back=self._calls_back)

    def turns(self) -> tuple[Turn, ...]:
        """Return what calls subscribers back; nothing where nobody may be."""
        if not self._calls_back:
            return ()
        return (
            Turn(work=self.tell_events, what="the database of subscribers"),
            Turn(work=self.deliver, what="the database of call-backs"),
        )


def follow_vtn(vtn: OtherVtn, use: UseCases) -> FollowVtn:
    """Return what makes events here of a VTN's."""
    return FollowVtn(vtn, use.programmes, use.enrolments, use.events, use.participations, use.clock)


def _hear(
    settings: DemandResponseSettings, use: UseCases
) -> tuple[HearVtn | None, tuple[BaseRoute, ...]]:
    """Return our VEN of 3.1, and where its VTN calls it."""
    url, ours = settings.openadr_vtn_url, settings.openadr_call_back_url
    if url is None:
        return None, ()
    secret = settings.openadr_vtn_client_secret.get_secret_value()
    address: CallBackAddress | None = None
    if ours is not None and secret and settings.openadr_listen_address is not None:
        # of the secret, so that every replica knows it
        token = hmac.new(secret.encode(), f"call-back {url}".encode(), hashlib.sha256).hexdigest()
        address = CallBackAddress(url=f"{ours.rstrip('/')}{PATH}", token=token)
    vtn = HttpVtn(
        url,
        settings.openadr_vtn_client_id,
        secret,
        use.clock,
        token_url=settings.openadr_vtn_token_url,
        call_back=address,
    )
    follow = _follow_and_report(vtn, vtn, use)
    hear = HearVtn(follow, vtn, settings.openadr_poll_seconds)
    routes = () if address is None else (call_back_route(address.token, hear.rouse),)
    return hear, routes


def _turn_of(hear: HearVtn) -> Turn:
    return Turn(work=hear, what="the others' VTN", seconds=lambda: hear.seconds)


def _of_2b(
    settings: DemandResponseSettings, use: UseCases, database: Database
) -> tuple[tuple[Turn, ...], tuple[BaseRoute, ...]]:
    """Return our VEN of 2.0b, and where its VTN calls it."""
    if settings.openadr2_vtn_url is None:
        return (), ()
    from wattmesh_demandresponse.wiring_openadr2 import ven_2b  # brings lxml and openleadr

    ven = ven_2b(settings, PostgresObjects(database), use.clock)
    follow = _follow_and_report(ven.vtn, ven.reports, use)
    absences = TellAbsences(ven.opts, use.programmes, use.enrolments, use.clock)

    async def turn() -> None:
        await follow()
        await absences()

    what, pushed = "the others' VTN of OpenADR 2.0b", ven.pushed
    if pushed is not None:
        work = FollowPushed(turn, pushed.any, settings.openadr_poll_seconds)
        turn_2b = Turn(work=work, what=what, forget=ven.vtn.forget)
        return (turn_2b,), (push_route(pushed.take),)

    def seconds() -> float:
        return ven.vtn.poll_seconds or settings.openadr_poll_seconds

    return (Turn(work=turn, what=what, seconds=seconds, forget=ven.vtn.forget),), ()


def _follow_and_report(
    vtn: OtherVtn, reports: ReportingVtn, use: UseCases
) -> Callable[[], Awaitable[None]]:
    follow = follow_vtn(vtn, use)
    report = ReportMetered(reports, use.programmes, use.enrolments, use.baselines, use.clock)

    async def turn() -> None:
        await follow()
        await report()

    return turn
