"""Reports of metered energy to a VTN of OpenADR 2.0b: offered, wanted, told."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from wattmesh_demandresponse.adapters.openadr2_line import Line, Party
from wattmesh_demandresponse.adapters.openadr2_messages import Message
from wattmesh_demandresponse.domain.metered_reports import MeteredEnergy, ReportRequest
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument

_log = logging.getLogger(__name__)

_OK = {"response_code": 200, "response_description": "OK"}
_SPECIFIER = "metered-energy"
_MOST_REQUESTS = 100
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(hours=1)


class Oadr2Reports:
    """What reports a VTN wants of us. Real energy [Wh], import less export, by resource."""

    def __init__(self, line: Line, party: Party, clock: Clock) -> None:
        self._line = line
        self._party = party
        self._clock = clock
        self._offered: tuple[str, tuple[str, ...]] | None = None
        self._requests: dict[str, ReportRequest] = {}

    async def report_requests(self, resources: Sequence[str]) -> Sequence[ReportRequest]:
        """Offer reports of resources; return which are wanted. Error: Unavailable."""
        offer = ((await self._party.registered()).registration_id, tuple(sorted(resources)))
        if offer != self._offered:
            answer = await self._line.ask(
                "EiReport",
                "oadrRegisterReport",
                ven_id=await self._party.ven_id(),
                reports=[_offer(offer[1], self._clock.now())],
            )
            self._requests.clear()
            self._offered = offer
            await self.want(answer)
        now = self._clock.now()
        return [each for each in self._requests.values() if each.end is None or now < each.end]

    async def report(self, request: ReportRequest, energies: Sequence[MeteredEnergy]) -> None:
        """Tell energies of one request. Error: Unavailable."""
        answer = await self._line.ask(
            "EiReport",
            "oadrUpdateReport",
            ven_id=await self._party.ven_id(),
            reports=[_report(request, energies, self._clock.now())],
        )
        if answer.code != 200:
            _log.warning("the VTN refuses report %s: %s", request.id, answer.code)

    async def want(self, message: Message, *, answered: bool = False) -> None:
        """Take note of reports that are wanted, and say so, unless that was answered."""
        try:
            found = message.report_requests()
        except InvalidArgument as error:
            _log.warning("a report that the VTN wants makes no sense: %s", error.message)
            return
        for each in found:
            if len(self._requests) < _MOST_REQUESTS or each.id in self._requests:
                self._requests[each.id] = each
        if found and not answered:
            await self._say("oadrCreatedReport", message)

    async def cancel(self, message: Message, *, answered: bool = False) -> None:
        """Tell no more what is not wanted any more."""
        for each in message.texts("ei:reportRequestID"):
            self._requests.pop(each, None)
        if not answered:
            await self._say("oadrCanceledReport", message)

    async def _say(self, kind: str, message: Message) -> None:
        await self._line.ask(
            "EiReport",
            kind,
            ven_id=await self._party.ven_id(),
            response={**_OK, "request_id": message.request_id},
            pending_reports=[{"report_request_id": each} for each in self._requests],
        )


def _offer(resources: Sequence[str], now: datetime) -> dict[str, Any]:
    return {
        "report_name": "TELEMETRY_USAGE",
        "report_specifier_id": _SPECIFIER,
        "report_request_id": None,
        "report_id": None,
        "duration": timedelta(days=1),
        "created_date_time": now,
        "report_descriptions": [
            {
                "r_id": each,
                "report_data_source": {"resource_id": each},
                "report_type": "usage",
                "reading_type": "Direct Read",
                "measurement": {
                    "name": "energyReal",
                    "description": "RealEnergy",
                    "unit": "Wh",
                    "scale": "none",
                },
                "sampling_rate": {
                    "min_period": _SHORTEST,
                    "max_period": _LONGEST,
                    "on_change": False,
                },
            }
            for each in resources
        ],
    }


def _report(
    request: ReportRequest, energies: Sequence[MeteredEnergy], now: datetime
) -> dict[str, Any]:
    return {
        "dtstart": min(each.start for each in energies),
        "intervals": [
            {
                "dtstart": each.start,
                "duration": request.granularity,
                "report_payload": {"r_id": each.resource, "value": each.energy_wh},
            }
            for each in energies
        ],
        "report_id": request.specifier_id,
        "report_request_id": request.id,
        "report_specifier_id": request.specifier_id,
        "report_name": "TELEMETRY_USAGE",
        "created_date_time": now,
    }
