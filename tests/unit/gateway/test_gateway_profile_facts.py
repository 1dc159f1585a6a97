"""What holds profiles against the registers that others use finds what is wrong with them."""

from dataclasses import replace

import pytest

from tests.bench.profiles.facts import compared
from wattmesh_gateway.drivers.modbus_tcp.profile import (
    ModbusProfile,
    Register,
    RegisterTable,
    RegisterType,
    ScaledNumber,
    WordOrder,
)
from wattmesh_gateway.drivers.registry import SCHEMAS
from wattmesh_gateway.profiles import load_profiles

FACTS = [
    {
        "template": "made",
        "usage": "battery",
        "quantity": quantity,
        "address": address,
        "register_type": "holding",
        "decode": decode,
        "scale": scale,
    }
    for quantity, address, decode, scale in (
        ("power", "10", "int32s", "10"),
        ("energy", "20", "uint32", "0.1"),
        ("soc", "30", "uint16nan", ""),
    )
]
POWER = Register(register=10, type=RegisterType.INT32, word_order=WordOrder.LITTLE)
PROFILE = ModbusProfile(
    name="mine",
    title="Mine",
    protocol="modbus_tcp",
    source="registers as in evcc's template made",
    points={
        "active_power_w": ScaledNumber(location=POWER, scale=-10.0),
        "export_energy_wh": ScaledNumber(
            location=Register(register=20, type=RegisterType.UINT32), scale=100.0
        ),
        "soc_ratio": ScaledNumber(
            location=Register(register=30, type=RegisterType.UINT16, missing=(65535,)), scale=0.01
        ),
    },
)


def with_power(number: ScaledNumber) -> ModbusProfile:
    return replace(PROFILE, points={**PROFILE.points, "active_power_w": number})


def test_what_agrees_is_counted() -> None:
    found = compared(PROFILE, FACTS)
    assert (found.points, found.compared, found.differences) == (3, 3, [])


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (ScaledNumber(location=POWER, scale=10.0), "scale 10, not -10"),
        (ScaledNumber(location=POWER, scale=-1.0), "scale -1, not -10"),
        (
            ScaledNumber(location=replace(POWER, word_order=WordOrder.BIG), scale=-10.0),
            "big word order",
        ),
        (
            ScaledNumber(location=replace(POWER, type=RegisterType.UINT32), scale=-10.0),
            "uint32, not int32",
        ),
        (
            ScaledNumber(location=replace(POWER, table=RegisterTable.INPUT), scale=-10.0),
            "input register",
        ),
    ],
)
def test_what_differs_is_said(number: ScaledNumber, said: str) -> None:
    (found,) = compared(with_power(number), FACTS).differences
    assert said in found


def test_a_register_in_tenths_of_a_watt_hour_is_read_as_such() -> None:
    """KEBA's guide counts registers 1036 and 1502 in 0.1 Wh: a car had charged 220 kWh."""
    profile = load_profiles(SCHEMAS)["keba-p30"]
    assert isinstance(profile, ModbusProfile)
    energies = [profile.points[each].scale for each in ("import_energy_wh", "session_energy_wh")]
    assert energies == [0.1, 0.1]
