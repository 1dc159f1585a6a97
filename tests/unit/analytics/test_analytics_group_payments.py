"""What of a payment to a group is a site's."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from wattmesh_analytics.domain.group_payments import share_of
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.money import Money

SITES = [SiteId(f"home-{number}") for number in range(1, 8)]


def shares(amount: str, sites: list[SiteId], **held_w: float) -> list[str]:
    held = {SiteId(name.replace("_", "-")): value for name, value in held_w.items()}
    found = (share_of(Money(Decimal(amount), "EUR"), each, sites, held) for each in sites)
    return [str(each.amount) for each in found if each is not None]


def test_a_payment_is_shared_in_equal_parts_where_nobody_says_whose_it_was() -> None:
    assert shares("1.00", SITES[:3]) == ["0.33", "0.34", "0.33"]
    assert shares("-0.05", SITES[:2]) == ["-0.02", "-0.03"]


def test_a_reserve_is_paid_to_who_held_it() -> None:
    assert shares("9.00", SITES[:3], home_1=2_000.0, home_3=1_000.0) == ["6.00", "0.00", "3.00"]


def test_a_site_that_is_not_in_the_group_has_no_share() -> None:
    assert share_of(Money(Decimal(1), "EUR"), SiteId("other"), SITES, {}) is None


@given(
    st.decimals(min_value=-1000, max_value=1000, places=4),
    st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=7),
)
def test_shares_add_up_to_the_payment(amount: Decimal, held: list[float]) -> None:
    sites = SITES[: len(held)]
    held_w = dict(zip(sites, held, strict=True))
    found = [share_of(Money(amount, "EUR"), each, sites, held_w) for each in sites]
    assert sum(each.amount for each in found if each is not None) == amount
