from datetime import timedelta
from decimal import Decimal

import pytest

from wattmesh_kernel.errors import InvalidArgument, Unavailable, WattmeshError
from wattmesh_kernel.money import Money
from wattmesh_kernel.quantities import QUANTITIES, Kind


def test_money_of_one_currency_adds_up_exactly() -> None:
    total = Money(Decimal("0.10"), "EUR") + Money(Decimal("0.20"), "EUR")
    assert total == Money(Decimal("0.30"), "EUR")
    assert total - total == Money(Decimal("0.00"), "EUR")
    with pytest.raises(InvalidArgument):
        _ = total + Money(Decimal(1), "USD")


def test_half_a_cent_is_rounded_away_from_zero() -> None:
    assert Money(Decimal("0.125"), "EUR").rounded().amount == Decimal("0.13")
    assert (-Money(Decimal("0.125"), "EUR")).rounded().amount == Decimal("-0.13")


@pytest.mark.parametrize(("amount", "code"), [("1", "eur"), ("1", "EURO"), ("NaN", "EUR")])
def test_money_without_a_currency_or_a_number_is_refused(amount: str, code: str) -> None:
    with pytest.raises(InvalidArgument):
        Money(Decimal(amount), code)


def test_quantities_are_found_by_their_id_and_know_their_bounds() -> None:
    assert QUANTITIES["import_energy_wh"].kind is Kind.REGISTER
    assert QUANTITIES["active_power_w"].accepts(-5.0)
    assert not QUANTITIES["import_energy_wh"].accepts(-1.0)
    assert not QUANTITIES["soc_ratio"].accepts(1.01)
    assert not QUANTITIES["active_power_w"].accepts(float("nan"))


def test_errors_carry_reason_message_and_details() -> None:
    error: WattmeshError = InvalidArgument("BAD", "no good", {"a": "1"}, field="x")
    assert (error.reason, error.message, error.metadata["a"]) == ("BAD", "no good", "1")
    assert str(error) == "no good [BAD]"
    assert Unavailable("AWAY", "away", retry_after=timedelta(1)).retry_after == timedelta(1)
