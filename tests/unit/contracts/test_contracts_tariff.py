from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings

from tests.fakes.tariff_strategies import meterings, tariffs
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.billing import (
    bill_to_proto,
    billing_state_from_proto,
    billing_state_to_proto,
)
from wattmesh_contracts.tariff import tariff_from_proto, tariff_to_proto
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import (
    BillingCycle,
    BillingState,
    EnergyDirection,
    EnergyRates,
    PowerLimit,
    RealTimePrice,
    Tariff,
    TariffVersion,
    bill,
)

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2024, 7, 2, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
some = settings(max_examples=50, deadline=None)


def sent(proto: tariff_pb2.Tariff) -> tariff_pb2.Tariff:
    return tariff_pb2.Tariff.FromString(proto.SerializeToString())


@some
@given(tariffs)
def test_a_tariff_survives_the_wire(tariff: Tariff) -> None:
    assert tariff_from_proto(sent(tariff_to_proto(tariff))) == tariff


@settings(max_examples=5, deadline=None)
@given(tariffs, tariffs)
def test_a_tariff_that_changes_survives_the_wire(tariff: Tariff, other: Tariff) -> None:
    terms = (TariffVersion(start=START, end=START + HOUR, terms=other),)
    changing = replace(tariff, versions=(*terms, TariffVersion(start=START, terms=other)))
    assert tariff_from_proto(sent(tariff_to_proto(changing))) == changing


def test_a_crooked_version_is_refused_with_its_field() -> None:
    proto = tariff_to_proto(Tariff(id=TariffId("t"), currency_code="EUR"))
    proto.versions.add()
    with pytest.raises(InvalidArgument) as missing:
        tariff_from_proto(proto)
    assert missing.value.field == "versions.start_time"


def test_every_optional_part_survives_the_wire() -> None:
    unpublished = Series(START, HOUR, np.array([0.1, np.nan]))
    tariff = Tariff(
        id=TariffId("t"),
        display_name="All of it",
        currency_code="EUR",
        import_rates=EnergyRates(
            real_time=RealTimePrice(
                published=unpublished, multiplier=0.0, minimum_per_kwh=0.0, maximum_per_kwh=0.0
            )
        ),
        export_rates=EnergyRates(real_time=RealTimePrice()),
        power_limits=(PowerLimit(direction=EnergyDirection.EXPORT, max_power_w=0.0),),
        billing_cycle=BillingCycle(start_day=15, months=3),
        holidays=frozenset({date(2024, 12, 25), date(2024, 1, 1)}),
    )
    assert tariff_from_proto(sent(tariff_to_proto(tariff))) == tariff


def test_the_least_tariff_has_monthly_periods_and_no_prices() -> None:
    proto = tariff_pb2.Tariff(name="tariffs/t", currency_code="EUR")
    assert tariff_from_proto(proto) == Tariff(id=TariffId("t"), currency_code="EUR")


@some
@given(tariffs, meterings(60))
def test_a_billing_state_survives_the_wire(tariff: Tariff, metering: tuple[Series, Series]) -> None:
    state = bill(tariff, *metering, BERLIN).state
    proto = billing_state_to_proto(state)
    back = tariff_pb2.BillingState.FromString(proto.SerializeToString())
    assert billing_state_from_proto(back) == state


def test_a_bill_is_sent_with_exact_lines_a_rounded_total_and_its_gaps() -> None:
    imports = Series(START, HOUR, np.array([1500.0, np.nan]))
    tariff = Tariff(
        id=TariffId("t"), currency_code="EUR", import_rates=EnergyRates(base_per_kwh=0.333)
    )
    proto = bill_to_proto(bill(tariff, imports, imports.with_values([0.0, 0.0]), BERLIN))
    assert proto.total_amount == "0.50"
    assert proto.currency_code == "EUR"
    assert proto.lines[0].cause == tariff_pb2.CHARGE_CAUSE_IMPORT_ENERGY
    assert float(proto.lines[0].amount) == 0.4995
    assert proto.lines[0].quantity == 1.5
    assert proto.gaps[0].reason == tariff_pb2.BILL_GAP_REASON_READING
    assert proto.gaps[0].range.start_time.ToDatetime(UTC) == START + HOUR


def _least() -> tariff_pb2.Tariff:
    return tariff_pb2.Tariff(name="tariffs/t", currency_code="EUR")


def _with(change: Callable[[tariff_pb2.Tariff], object]) -> tariff_pb2.Tariff:
    proto = _least()
    change(proto)
    return proto


@pytest.mark.parametrize(
    ("proto", "field"),
    [
        (tariff_pb2.Tariff(name="sites/t", currency_code="EUR"), "name"),
        (tariff_pb2.Tariff(name="tariffs/t"), "currency_code"),
        (_with(lambda p: p.holidays.add(year=2024, month=2, day=30)), "holidays"),
        (
            _with(lambda p: p.fixed_charges.add(display_name="a", amount=1.0)),
            "fixed_charges.interval",
        ),
        (_with(lambda p: p.power_limits.add(max_power_w=1.0)), "power_limits.direction"),
        (
            _with(lambda p: p.demand_charges.add(id="a", price_per_kw=1.0)),
            "demand_charges.averaging",
        ),
        (
            _with(
                lambda p: p.import_rates.tou_periods.add(display_name="a").window.days.append(
                    tariff_pb2.TARIFF_DAY_UNSPECIFIED
                )
            ),
            "window.days",
        ),
        (_with(lambda p: p.billing_cycle.SetInParent()), "billing_cycle.start_day"),
        (
            _with(lambda p: p.import_rates.real_time.price_per_kwh.values.append(1.0)),
            "real_time.price_per_kwh.start_time",
        ),
    ],
)
def test_a_tariff_that_makes_no_sense_is_refused_at_its_field(
    proto: tariff_pb2.Tariff, field: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        tariff_from_proto(proto)
    assert refused.value.field == field


def test_a_state_without_a_time_or_with_a_negative_amount_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        billing_state_from_proto(tariff_pb2.BillingState())
    proto = billing_state_to_proto(BillingState(as_of=START))
    proto.tier_usages.add(tiered_rate_id="a", energy_kwh=-1.0)
    with pytest.raises(InvalidArgument):
        billing_state_from_proto(proto)
