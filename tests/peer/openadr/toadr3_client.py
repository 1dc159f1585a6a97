"""toadr3 (prelectai), a VEN of OpenADR 3.0, unmodified: reads programs and events, reports.

python toadr3_client.py URL CLIENT SECRET
"""

import asyncio
import json
import sys

import toadr3
from toadr3.models import IntervalPeriod, Report, TargetType


async def main(url: str, client: str, secret: str) -> dict[str, object]:
    """Return what came of it."""
    oauth = toadr3.OAuthScopeConfig(
        token_url=f"{url}/auth/token",
        grant_type="client_credentials",
        scope="read_all",
        client_id=client,
        client_secret=secret,
    )
    async with toadr3.ToadrClient(url, oauth) as ven:
        programs = await ven.get_programs()
        events = await ven.get_events(program_id=programs[0].id)
        own = await ven.get_events(target_type=TargetType.VEN_NAME, target_values=[client])
        period = events[0].interval_period
        assert isinstance(period, IntervalPeriod)
        report = Report.model_validate(
            {
                "programID": programs[0].id,
                "eventID": events[0].id,
                "clientName": client,
                "reportName": "usage",
                "resources": [
                    {
                        "resourceName": "AGGREGATED_REPORT",
                        "intervals": [{"id": 0, "payloads": [{"type": "USAGE", "values": [1.5]}]}],
                    }
                ],
            }
        )
        posted = await ven.post_report(report)
        reports = await ven.get_reports(program_id=programs[0].id)
        subscriptions = await ven.get_subscriptions(program_id=programs[0].id)
        missing = await ven.get_program("nowhere")
    return {
        "programs": [each.program_name for each in programs],
        "targeted": [str(each.event_name) for each in own],
        "values": [each.payloads[0].values for each in events[0].intervals],
        "report": posted.id in {each.id for each in reports},
        "subscribed": [each.object_operations[0].operations for each in subscriptions],
        "missing": missing,
        "count": len(events),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:])), default=str))
