"""Reports of metered energy as OpenADR 3.1 asks for them in events, and gets them.

Source: OpenADR 3.1 Definitions, sections "reportDescriptor" and "report".
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from wattmesh_demandresponse.domain.event import Event
from wattmesh_demandresponse.domain.metered_reports import MeteredEnergy, ReportRequest
from wattmesh_demandresponse.domain.openadr_time import duration_to_text, time_to_text

Json = Mapping[str, Any]
USAGE = "USAGE"
_WH_PER_KWH = 1000.0
_GRACE = timedelta(hours=2)
"""After its event a report is told no more."""


def report_request_of(given: Json, event: Event, resources: Sequence[str]) -> ReportRequest | None:
    """Return the report that an event asks for; None where it asks for none that we have.

    Whole at the event's end, or every so many of its intervals (`frequency`).
    """
    wanted = [each for each in _list(given.get("reportDescriptors")) if _is_of_usage(each)]
    if not wanted:
        return None
    frequency = wanted[0].get("frequency", -1)
    often = isinstance(frequency, int) and not isinstance(frequency, bool) and frequency > 0
    return ReportRequest(
        id=event.external_id,
        specifier_id=USAGE,
        resources=tuple(resources),
        granularity=event.step,
        every=min(frequency, event.count) * event.step if often else event.range.duration,
        start=event.range.start,
        until=event.range.end,
        end=event.range.end + _GRACE,
        whole=not often,
        programme=str(given.get("programID") or ""),
    )


def report_to_json(
    request: ReportRequest, energies: Sequence[MeteredEnergy], client_name: str
) -> Json:
    """Return a report: energies [kWh], import less export, by resource."""
    names = dict.fromkeys(each.resource for each in energies)
    return {
        "objectType": "REPORT",
        "programID": request.programme,
        "eventID": request.id,
        "clientName": client_name,
        "reportName": "metered energy",
        "payloadDescriptors": [
            {
                "objectType": "REPORT_PAYLOAD_DESCRIPTOR",
                "payloadType": USAGE,
                "readingType": "DIRECT_READ",
                "units": "KWH",
            }
        ],
        "resources": [
            _resource(name, [each for each in energies if each.resource == name], request)
            for name in names
        ],
    }


def _resource(name: str, energies: Sequence[MeteredEnergy], request: ReportRequest) -> Json:
    duration = duration_to_text(request.granularity)
    return {
        "resourceName": name,
        "intervals": [
            {
                "id": index,
                "intervalPeriod": {"start": time_to_text(each.start), "duration": duration},
                "payloads": [{"type": USAGE, "values": [round(each.energy_wh / _WH_PER_KWH, 6)]}],
            }
            for index, each in enumerate(energies)
        ],
    }


def _is_of_usage(descriptor: Any) -> bool:
    """Whether it is about what was used: not a forecast, and not of something else."""
    if not isinstance(descriptor, Mapping) or descriptor.get("payloadType") != USAGE:
        return False
    return descriptor.get("historical") is not False


def _list(given: Any) -> Sequence[Any]:
    return given if isinstance(given, list) else []
