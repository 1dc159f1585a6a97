"""Who follows a reserve of a group in the place of a site that cannot."""

from datetime import UTC, datetime, timedelta

import pytest

from wattmesh_control.domain.stand_in import Able, stand_in
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.reserve_signal import ReserveSignal

ONE, TWO, THREE = (SiteId(f"home-{number}") for number in (1, 2, 3))
FIVE_KW = Able(charge_w=5_000.0, discharge_w=5_000.0)


def asked(site: SiteId, power_w: float, pool: str = "groups/street") -> ReserveSignal:
    return ReserveSignal(
        site=site,
        reserve="programmes/afrr/events/e1",
        power_w=power_w,
        hold=timedelta(seconds=30),
        signal_time=datetime(2024, 5, 1, 10, tzinfo=UTC),
        pool=pool,
    )


def test_what_one_cannot_do_the_others_do_as_far_as_they_have_room() -> None:
    signals = [asked(ONE, -1_000.0), asked(TWO, -1_000.0), asked(THREE, -1_000.0)]
    small = Able(charge_w=5_000.0, discharge_w=1_500.0)
    found = stand_in(signals, {ONE: None, TWO: FIVE_KW, THREE: small})

    assert found.sites == (ONE,)
    powers = [each.power_w for each in found.signals]
    assert sum(powers) == pytest.approx(-3_000.0)
    assert powers[0] == 0.0
    assert powers[2] >= -1_500.0
    assert found.left_w == 0.0


def test_what_nobody_can_do_is_said() -> None:
    signals = [asked(ONE, 4_000.0), asked(TWO, 4_000.0)]
    found = stand_in(signals, {ONE: None, TWO: FIVE_KW})
    assert [each.power_w for each in found.signals] == [0.0, 5_000.0]
    assert found.left_w == pytest.approx(3_000.0)
    nobody = stand_in(signals, {ONE: None, TWO: None})
    assert nobody.left_w == pytest.approx(8_000.0)


def test_sites_that_hold_by_themselves_stand_in_for_nobody() -> None:
    signals = [asked(ONE, -1_000.0, pool=""), asked(TWO, -1_000.0)]
    found = stand_in(signals, {TWO: FIVE_KW})
    assert [each.power_w for each in found.signals] == [-1_000.0, -1_000.0]
    assert found.sites == ()
