"""Somebody else's VTN, asked as a VEN: OpenADR 3 over HTTP."""

import json
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wattmesh_demandresponse.domain.event import Event
from wattmesh_demandresponse.domain.metered_reports import MeteredEnergy, ReportRequest
from wattmesh_demandresponse.domain.offer import Answer, Offer, Place
from wattmesh_demandresponse.domain.openadr_events import event_from_json
from wattmesh_demandresponse.domain.openadr_reports import report_request_of, report_to_json
from wattmesh_demandresponse.domain.programme import Programme
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, Unavailable
from wattmesh_kernel.programme_ids import EventId, ProgrammeId
from wattmesh_runtime.web_client import WebAnswer, WebClient

_TIMEOUT_SECONDS = 10.0
_PAGE = 50
_NOT_OFFERED = (400, 403, 404, 405, 501)
_MOST_PAGES = 100
_NOWHERE = EventId(ProgrammeId("others"), "event")
_LARGEST_ANSWER = 20_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class CallBackAddress:
    """Where a VTN may call us, and by what it is known."""

    url: str
    token: str


class HttpVtn:
    """Asks a VTN at its base URL (`https://vtn.example/openadr3/3.1.0`) with client credentials.

    `token_url` None: as the VTN says (`/auth/server`). `call_back`: where it may call us.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        clock: Clock,
        token_url: str | None = None,
        call_back: CallBackAddress | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._token_url = token_url
        self._token: str | None = None
        self._call_back = call_back
        self._clock = clock
        self._offers: list[Offer] = []
        self._web = WebClient("the VTN", seconds=_TIMEOUT_SECONDS, most_bytes=_LARGEST_ANSWER)

    async def offers(
        self, programmes: Sequence[Programme]
    ) -> Mapping[ProgrammeId, Sequence[Offer]]:
        """Return all events of each of these programmes. Error: Unavailable."""
        found = {
            each.id: [_offer(event, each) for event in await self._events(each.external_id)]
            for each in programmes
        }
        self._offers = [each for offers in found.values() for each in offers]
        return found

    async def report_requests(self, resources: Sequence[str]) -> Sequence[ReportRequest]:
        """Return the reports of metered energy that events ask for, as they were read last."""
        requests = (_report_request(each, resources, self._clock.now()) for each in self._offers)
        return [each for each in requests if each is not None]

    async def report(self, request: ReportRequest, energies: Sequence[MeteredEnergy]) -> None:
        """Send a report. Error: Unavailable."""
        await self._get("/reports", report_to_json(request, energies, self._client_id))

    async def answer(self, answers: Sequence[Answer]) -> None:
        """Say nothing: OpenADR 3 has no word for who takes part."""

    async def subscribe(self) -> bool:
        """Have it call back about events; False: it does not offer that. Error: Unavailable."""
        if self._call_back is None:
            return False
        try:
            query = urllib.parse.urlencode({"clientName": self._client_id, "limit": _PAGE})
            found = await self._get(f"/subscriptions?{query}")
            if not _calls(found, self._call_back.url):
                await self._get("/subscriptions", _subscription(self._client_id, self._call_back))
        except _NotOffered:
            return False
        return True

    async def _events(self, program_id: str) -> Sequence[Mapping[str, Any]]:
        """Return all events of one of its programs. Error: Unavailable."""
        found: list[Mapping[str, Any]] = []
        for page in range(_MOST_PAGES):
            query = {"programID": program_id, "skip": page * _PAGE, "limit": _PAGE}
            some = await self._get(f"/events?{urllib.parse.urlencode(query)}")
            if not isinstance(some, list) or not all(isinstance(each, dict) for each in some):
                raise Unavailable("DEPENDENCY_UNAVAILABLE", "the VTN did not answer with a list")
            found += some
            if len(some) < _PAGE:
                break
        return found

    async def _get(self, path: str, body: Any = None) -> Any:
        if self._token is None:
            self._token = await self._fetch_token()
        try:
            return await self._ask(f"{self._url}{path}", self._token, body)
        except _Refused:  # the token has ended: with a new one, once
            self._token = await self._fetch_token()
        try:
            return await self._ask(f"{self._url}{path}", self._token, body)
        except _Refused as error:
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "the VTN refuses its own token") from error

    async def _fetch_token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
        }
        try:
            if self._token_url is None:
                self._token_url = str((await self._ask(f"{self._url}/auth/server"))["tokenURL"])
            asked = urllib.parse.urlencode(form).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = await self._web.ask(self._token_url, headers=headers, body=asked)
            return str(_content(answer)["access_token"])
        except (_Refused, KeyError, TypeError) as error:
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "the VTN gives no token") from error

    async def _ask(self, url: str, token: str | None = None, body: Any = None) -> Any:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        sent = None if body is None else json.dumps(body).encode()
        if sent is not None:
            headers["Content-Type"] = "application/json"
        answer = await self._web.ask(url, headers=headers, body=sent)
        if answer.status in _NOT_OFFERED and "/subscriptions" in url:
            raise _NotOffered
        return _content(answer)


def _offer(document: Mapping[str, Any], programme: Programme) -> Offer:
    def make(place: Place) -> Event:
        return event_from_json(
            document,
            place.event_id,
            place.now,
            programme=programme,
            enrolments=place.enrolments,
            modification_number=place.modification_number,
        )

    return Offer(external_id=str(document.get("id") or ""), content=document, make=make)


def _report_request(offer: Offer, resources: Sequence[str], now: datetime) -> ReportRequest | None:
    """Return the report that an event asks for; none for what makes no sense, or is long over."""
    document = offer.content
    if not isinstance(document, Mapping) or "reportDescriptors" not in document:
        return None
    try:
        event = offer.make(Place(event_id=_NOWHERE, now=now))
    except InvalidArgument:
        return None
    request = report_request_of(document, event, resources)
    if request is None or request.end is None or request.end <= now:
        return None
    return request


def _calls(found: Any, url: str) -> bool:
    """Whether one of these subscriptions has us called where we are now."""
    return isinstance(found, list) and url in json.dumps(found)


def _subscription(client_id: str, address: CallBackAddress) -> Mapping[str, Any]:
    return {
        "objectType": "SUBSCRIPTION",
        "clientName": client_id,
        "objectOperations": [
            {
                "objects": ["EVENT"],
                "operations": ["CREATE", "UPDATE", "DELETE"],
                "callbackUrl": address.url,
                "bearerToken": address.token,
            }
        ],
    }


class _NotOffered(Exception):
    """The VTN does not do that, or not for us."""


class _Refused(Exception):
    """The token is not valid, or not any more."""


def _content(answer: WebAnswer) -> Any:
    if answer.status == 401:
        raise _Refused
    return answer.json()
