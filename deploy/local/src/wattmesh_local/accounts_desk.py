"""Bills, savings, tariffs, settlements, scenarios and certificates of the mesh that runs here."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date
from pathlib import Path
from typing import Any

from google.longrunning import operations_pb2, operations_pb2_grpc
from rich.console import Console

from wattmesh.analytics.v1 import (
    analytics_service_pb2,
    bill_pb2,
    indicators_pb2,
    scenario_pb2,
    settlement_pb2,
)
from wattmesh.carbon.v1 import carbon_pb2
from wattmesh.site.v1 import site_pb2, site_service_pb2
from wattmesh_contracts.values import datetime_from_proto, time_range_to_proto
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.time import TimeRange, time_zone
from wattmesh_local.accounts_tables import (
    beside,
    bill_table,
    estimated_times,
    indicators_table,
    left_as_it_was,
    measure_table,
    savings_table,
    scenario_table,
    spoken,
    table_of,
)
from wattmesh_local.books import chosen_sites, span_of
from wattmesh_local.running.state import MeshState
from wattmesh_local.watching.clients import MeshClients
from wattmesh_runtime.errors import rpc_errors

COUNTERFACTUALS = {
    "idle": bill_pb2.COUNTERFACTUAL_IDLE_STORAGE,
    "plain-rule": bill_pb2.COUNTERFACTUAL_SELF_CONSUMPTION,
    "charge-at-once": bill_pb2.COUNTERFACTUAL_CHARGE_AT_ONCE,
    "thermostat": bill_pb2.COUNTERFACTUAL_THERMOSTAT,
    "uncontrolled": bill_pb2.COUNTERFACTUAL_UNCONTROLLED,
}
POLICIES = {
    "foresight": scenario_pb2.SCENARIO_POLICY_FORESIGHT,
    "plain-rule": scenario_pb2.SCENARIO_POLICY_SELF_CONSUMPTION,
    "idle": scenario_pb2.SCENARIO_POLICY_IDLE,
}
CHARGING = {
    "metered": scenario_pb2.SCENARIO_CHARGING_UNSPECIFIED,
    "at-once": scenario_pb2.SCENARIO_CHARGING_AT_ONCE,
    "foresight": scenario_pb2.SCENARIO_CHARGING_FORESIGHT,
}
CLIMATES = {
    "metered": scenario_pb2.SCENARIO_CLIMATE_UNSPECIFIED,
    "thermostat": scenario_pb2.SCENARIO_CLIMATE_THERMOSTAT,
    "foresight": scenario_pb2.SCENARIO_CLIMATE_FORESIGHT,
}
TANKS = {
    "metered": scenario_pb2.SCENARIO_TANKS_UNSPECIFIED,
    "thermostat": scenario_pb2.SCENARIO_TANKS_THERMOSTAT,
    "foresight": scenario_pb2.SCENARIO_TANKS_FORESIGHT,
}
RUNS = {
    "metered": scenario_pb2.SCENARIO_RUNS_UNSPECIFIED,
    "at-once": scenario_pb2.SCENARIO_RUNS_AT_ONCE,
    "foresight": scenario_pb2.SCENARIO_RUNS_FORESIGHT,
}
DIVISIONS = {
    "whole": indicators_pb2.DIVISION_UNSPECIFIED,
    "day": indicators_pb2.DIVISION_DAY,
    "week": indicators_pb2.DIVISION_WEEK,
    "month": indicators_pb2.DIVISION_MONTH,
    "year": indicators_pb2.DIVISION_YEAR,
}
MOST_OPERATION_DAYS = 366
"""Analytics tells no more of how operation went at a time."""
PATIENCE_SECONDS = 120.0
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class AccountStubs:
    """The services that keep accounts."""

    sites: Any
    analytics: Any
    carbon: Any
    operations: Any


@asynccontextmanager
async def accounts_desk(state_folder: Path, console: Console) -> AsyncIterator["AccountsDesk"]:
    """Yield what asks the mesh that runs here. Error: NotFound when none does."""
    with rpc_errors():
        async with MeshClients.of(MeshState(state_folder)) as clients:
            operations = operations_pb2_grpc.OperationsStub(clients.channel("analytics"))
            stubs = AccountStubs(
                sites=clients.sites,
                analytics=clients.analytics,
                carbon=clients.carbon,
                operations=operations,
            )
            yield AccountsDesk(stubs, console)


@dataclass(frozen=True, kw_only=True, slots=True)
class Days:
    """So many days of a site's zone, from the first on."""

    first: date
    count: int

    def of(self, site: site_pb2.Site) -> TimeRange:
        """Return them as a range of time."""
        return span_of(self.first, self.count, time_zone(site.time_zone))


class AccountsDesk:
    """Asks, and prints what is answered; each returns an exit status."""

    def __init__(
        self, stubs: AccountStubs, console: Console, look_seconds: float = _LOOK_SECONDS
    ) -> None:
        self._stubs = stubs
        self._console = console
        self._look_seconds = look_seconds

    async def bill(
        self, site: str, days: Days, tariff: str, without: str, *, substitutes: bool = False
    ) -> int:
        """Print a bill by line; 1 when something could not be billed."""
        (found,) = await self._sites([site])
        request = analytics_service_pb2.QueryBillsRequest(
            site=found.name,
            range=time_range_to_proto(days.of(found)),
            tariff=_named("tariffs", tariff),
            counterfactual=COUNTERFACTUALS.get(without, bill_pb2.COUNTERFACTUAL_UNSPECIFIED),
            include_substitutes=substitutes,
        )
        answer = await self._stubs.analytics.QueryBills(request, timeout=PATIENCE_SECONDS)
        for each in answer.bills:
            self._console.print(bill_table(each))
            for line in estimated_times(each):
                self._console.print(line)
        for line in left_as_it_was(answer.left_out):
            self._console.print(line)
        gaps = any(each.bill.gaps for each in answer.bills)
        return 1 if gaps or answer.left_out else 0

    async def savings(self, sites: Sequence[str], days: Days, against: str) -> int:
        """Print what was saved beside a counterfactual, and why; 1 when something is left out."""
        chosen = await self._sites(sites)
        request = analytics_service_pb2.QuerySavingsRequest(
            sites=[each.name for each in chosen],
            range=time_range_to_proto(days.of(chosen[0])),
            counterfactual=COUNTERFACTUALS[against],
        )
        answer = await self._stubs.analytics.QuerySavings(request, timeout=PATIENCE_SECONDS)
        self._console.print(savings_table(answer.total, answer.sites))
        for line in beside(answer.total):
            self._console.print(line)
        return 1 if answer.total.left_out else 0

    async def tariffs(self, site: str, days: Days, tariffs: Sequence[str]) -> int:
        """Print what tariffs would have cost over the same energy, the cheapest first."""
        (found,) = await self._sites([site])
        names = [_named("tariffs", each) for each in tariffs] or await self._all_tariffs()
        request = analytics_service_pb2.QueryTariffCostsRequest(
            site=found.name, range=time_range_to_proto(days.of(found)), tariffs=names
        )
        answer = await self._stubs.analytics.QueryTariffCosts(request, timeout=PATIENCE_SECONDS)
        table = table_of("tariff", "cost", "batteries idle", "covered")
        for each in sorted(answer.costs, key=lambda cost: float(cost.cost_amount)):
            table.add_row(
                each.tariff,
                f"{each.cost_amount} {each.currency_code}",
                each.without_storage_amount,
                f"{each.covered_ratio:.1%}",
            )
        self._console.print(table)
        return 0

    async def indicators(self, site: str, days: Days, division: str) -> int:
        """Print how much was a site's own and how operation went; 1 when not all of it is told."""
        (found,) = await self._sites([site])
        request = analytics_service_pb2.QueryIndicatorsRequest(
            site=found.name,
            range=time_range_to_proto(days.of(found)),
            division=DIVISIONS[division],
            by_asset=True,
            with_operation=days.count <= MOST_OPERATION_DAYS,
        )
        answer = await self._stubs.analytics.QueryIndicators(request, timeout=PATIENCE_SECONDS)
        for each in answer.indicators:
            self._console.print(indicators_table(each))
            for line in each.operation.missing:
                self._console.print(f"not told: {line}")
        return 1 if any(each.operation.missing for each in answer.indicators) else 0

    async def measure(self, site: str, before: Days, after: Days) -> int:
        """Print what a measure has saved; 1 when months lack a baseline."""
        (found,) = await self._sites([site])
        request = analytics_service_pb2.QueryMeasureSavingsRequest(
            site=found.name,
            baseline_range=time_range_to_proto(before.of(found)),
            range=time_range_to_proto(after.of(found)),
        )
        answer = await self._stubs.analytics.QueryMeasureSavings(request, timeout=PATIENCE_SECONDS)
        self._console.print(measure_table(answer.savings))
        return 1 if answer.savings.missing_months else 0

    async def settle(self, site: str, days: Days) -> int:
        """Settle days, and print those that changed: by how much, and why."""
        (found,) = await self._sites([site])
        request = analytics_service_pb2.SettleSiteRequest(
            site=found.name, range=time_range_to_proto(days.of(found))
        )
        answer = await self._stubs.analytics.SettleSite(request, timeout=PATIENCE_SECONDS)
        table = table_of("day", "version", "cost", "changed by", "why")
        for each in answer.changed:
            reason = settlement_pb2.SettlementReason.Name(each.reason)
            table.add_row(
                each.name.rpartition("/")[2],
                str(each.version),
                f"{each.cost_amount} {each.currency_code}",
                each.changed_cost_amount,
                spoken(reason, "SETTLEMENT_REASON_"),
            )
        self._console.print(table if answer.changed else f"{answer.days_read} days as they were")
        return 0

    async def scenario(self, scenario: scenario_pb2.Scenario, days: Days) -> int:
        """Run past days over again, saying how far it is, and print what they would have cost.

        Error: FailedPrecondition when it failed.
        """
        (found,) = await self._sites([scenario.site])
        scenario.site = found.name
        scenario.tariff = _named("tariffs", scenario.tariff)
        scenario.range.CopyFrom(time_range_to_proto(days.of(found)))
        begun = await self._stubs.analytics.RunScenario(
            analytics_service_pb2.RunScenarioRequest(scenario=scenario, request_id=uuid.uuid4().hex)
        )
        result = scenario_pb2.ScenarioResult()
        (await self._finished(begun.operation)).Unpack(result)
        self._console.print(scenario_table(result))
        for line in left_as_it_was(result.left_out):
            self._console.print(line)
        return 0

    async def certificates(self, zone: str) -> int:
        """Print certificates of energy, with what is left of them."""
        request = carbon_pb2.ListCertificatesRequest(
            parent=_named("zones", zone) if zone else "", page_size=1000
        )
        table = table_of("certificate", "number", "of", "generated until", "MWh", "left")
        while True:
            answer = await self._stubs.carbon.ListCertificates(request)
            for each in answer.certificates:
                end = datetime_from_proto(each.generation_range.end_time, "generation_range")
                table.add_row(
                    each.name.rpartition("/")[2],
                    f"{each.issuer} {each.serial_number}",
                    f"{each.technology}, {each.zone}",
                    f"{end.astimezone(UTC):%Y-%m-%d}",
                    f"{each.energy_wh / 1e6:.3f}",
                    f"{each.remaining_energy_wh / 1e6:.3f}",
                )
            request.page_token = answer.next_page_token
            if not request.page_token:
                break
        self._console.print(table if table.row_count else "there are no certificates")
        return 0

    async def _sites(self, names: Sequence[str]) -> list[site_pb2.Site]:
        listed = await self._stubs.sites.ListSites(site_service_pb2.ListSitesRequest())
        return chosen_sites(list(listed.sites), names)

    async def _all_tariffs(self) -> list[str]:
        listed = await self._stubs.sites.ListTariffs(site_service_pb2.ListTariffsRequest())
        return [each.name for each in listed.tariffs][:20]

    async def _finished(self, name: str) -> Any:
        """Return an operation's answer, and say its stages as they come."""
        said = ""
        while True:
            request = operations_pb2.GetOperationRequest(name=name)
            operation = await self._stubs.operations.GetOperation(request)
            if operation.done:
                break
            about = scenario_pb2.RunScenarioMetadata()
            operation.metadata.Unpack(about)
            words = f"{about.progress_ratio:4.0%} {about.stage}"
            if words != said:
                self._console.print(words)
                said = words
            await asyncio.sleep(self._look_seconds)
        if operation.HasField("error"):
            raise FailedPrecondition("OPERATION_FAILED", operation.error.message)
        return operation.response


def _named(kind: str, name: str) -> str:
    return name if not name or name.startswith(f"{kind}/") else f"{kind}/{name}"
