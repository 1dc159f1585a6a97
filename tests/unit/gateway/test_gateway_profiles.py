"""Profiles are data: read strictly, with errors that say where and what."""

from pathlib import Path

import pytest

from wattmesh_gateway.domain.errors import ProfileError
from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_gateway.drivers.modbus_tcp.profile import (
    ModbusProfile,
    Register,
    RegisterTable,
    RegisterType,
    ScaledNumber,
    WrittenValue,
)
from wattmesh_gateway.drivers.mqtt.profile import MqttProfile, TimeFormat
from wattmesh_gateway.drivers.registry import SCHEMAS
from wattmesh_gateway.profiles import load_profiles
from wattmesh_gateway.profiles.parse import parse_profile
from wattmesh_kernel.setpoints import SetpointKind

METER = """\
title: A meter
protocol: modbus_tcp
source: its manual
points:
  active_power_w: {register: 10, type: int32, table: input, word_order: little, scale: -0.1}
"""

TELEGRAM = """\
title: A meter
protocol: mqtt
source: its manual
telegrams:
  - topic: "{address}/state"
    time: {path: time, format: unix_ms}
    points:
      active_power_w: {path: [a.b, c], scale: 1000}
"""

BATTERY = """\
title: A battery
protocol: modbus_tcp
source: its manual
points:
  soc_ratio: {model: 713, point: SoC, scale: 0.01}
setpoints:
  active_power_w:
    write:
      - {model: 704, point: WSet, value: setpoint}
    release:
      - {model: 704, point: WSetEna, value: 0}
"""


def parse(text: str) -> DeviceProfile:
    return parse_profile("mine", "mine.yaml", text, SCHEMAS)


def error_of(text: str) -> str:
    with pytest.raises(ProfileError) as caught:
        parse(text)
    return str(caught.value)


def test_every_packaged_profile_is_sound() -> None:
    profiles = load_profiles(SCHEMAS)
    assert {"mqtt-grid-meter", "sunspec-inverter", "sunspec-battery"} <= profiles.keys()
    assert all(profile.quantities for profile in profiles.values())
    assert all(name == profile.name for name, profile in profiles.items())


def test_the_battery_profile_writes_the_lease_into_the_devices_timer() -> None:
    profile = load_profiles(SCHEMAS)["sunspec-battery"]
    assert isinstance(profile, ModbusProfile)
    procedure = profile.setpoints[SetpointKind.ACTIVE_POWER_W]
    timer = [each for each in procedure.write if each.value is WrittenValue.LEASE_SECONDS]
    assert [each.number.location.__str__() for each in timer] == ["704.WSetRvrtTms"]
    assert not timer[0].verify  # it runs while it is read back


def test_a_plain_register_is_read_with_all_its_details() -> None:
    profile = parse(METER)
    assert isinstance(profile, ModbusProfile)
    number = profile.points["active_power_w"]
    assert isinstance(number, ScaledNumber)
    assert isinstance(number.location, Register)
    assert number.location.register == 10
    assert number.location.type is RegisterType.INT32
    assert number.location.table is RegisterTable.INPUT
    assert number.scale == -0.1


def test_a_path_is_dotted_or_a_list_of_keys() -> None:
    profile = parse(TELEGRAM)
    assert isinstance(profile, MqttProfile)
    (telegram,) = profile.telegrams
    assert telegram.time.path == ("time",)
    assert telegram.time.format is TimeFormat.UNIX_MS
    assert telegram.points["active_power_w"].path == ("a.b", "c")
    assert telegram.topic_of("plant/meter") == "plant/meter/state"


@pytest.mark.parametrize(
    ("text", "old", "new", "error"),
    [
        (
            METER,
            "protocol: modbus_tcp",
            "protocol: zigbee",
            "protocol: 'zigbee' is none of modbus_tcp, mqtt",
        ),
        (METER, "protocol: modbus_tcp\n", "", "document: the key 'protocol' is missing"),
        (METER, "source: its manual\n", "", "document: the key 'source' is missing"),
        (METER, "title: A meter", "title: 7", "title: must be a text, not 7"),
        (METER, "active_power_w:", "power:", "points.power: unknown quantity"),
        (METER, "table: input", "table: inputs", "'inputs' is none of holding, input"),
        (METER, "register: 10", "register: ten", "must be a whole number, not 'ten'"),
        (METER, "register: 10", "register: 65536", "must be 0 to 65535, not 65536"),
        (METER, "scale: -0.1", "scale: 0", "points.active_power_w.scale: must not be 0"),
        (METER, "scale: -0.1", "scal: 1", "points.active_power_w.scal: unknown key"),
        (METER, "type: int32, ", "", "points.active_power_w: the key 'type' is missing"),
        (METER, "title:", "title: x\ntitle:", "title: the key stands here twice"),
        (METER, "points:\n  a", "points:\n- a", "points: must be a mapping"),
        (TELEGRAM, "{address}/state", "a/state", "telegrams[0].topic: must contain {address}"),
        (TELEGRAM, "{address}/state", "{address}/#", "without the wildcards"),
        (TELEGRAM, "path: time, format: unix_ms", "format: unix_ms", "needs a 'path'"),
        (TELEGRAM, "format: unix_ms", "format: arrival", "which has none"),
        (TELEGRAM, "scale: 1000", "scale: big", "must be a number, not 'big'"),
        (BATTERY, "model: 713", "model: 7130", "SunSpec has no model 7130"),
        (BATTERY, "point: SoC", "point: Soc", "SunSpec model 713 has no point 'Soc'"),
        (BATTERY, "active_power_w:", "watts:", "setpoints.watts: 'watts' is none of"),
        (BATTERY, "value: setpoint", "value: 5", "must write 'setpoint' somewhere"),
        (BATTERY, "value: 0", "value: setpoint", "must write constants only"),
        (BATTERY, ", value: 0", "", "the key 'value' is missing"),
    ],
)
def test_what_breaks_the_schema_is_said_with_file_line_and_key(
    text: str, old: str, new: str, error: str
) -> None:
    assert old in text
    message = error_of(text.replace(old, new))
    assert message.startswith("mine.yaml:")
    assert error in message


def test_an_error_names_the_line() -> None:
    assert error_of(METER.replace("scale: -0.1", "scale: 0")).startswith("mine.yaml:5: ")


@pytest.mark.parametrize(("text", "error"), [("", "is empty"), ("a: [", "not YAML")])
def test_what_is_no_yaml_is_said(text: str, error: str) -> None:
    assert error in error_of(text)


def test_a_folder_adds_profiles_and_goes_before_the_package(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(METER)
    (tmp_path / "sunspec-battery.yaml").write_text(BATTERY)
    profiles = load_profiles(SCHEMAS, tmp_path)
    assert profiles["mine"].title == "A meter"
    assert profiles["sunspec-battery"].title == "A battery"


def test_every_wrong_file_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("title: x")
    (tmp_path / "two.yaml").write_text("title: y")
    with pytest.raises(ProfileError, match=r"(?s)one\.yaml.*two\.yaml"):
        load_profiles(SCHEMAS, tmp_path)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="no such folder"):
        load_profiles(SCHEMAS, tmp_path / "absent")


def test_a_profile_says_what_it_measures_and_sets_and_where_that_is_written() -> None:
    profile = load_profiles(SCHEMAS)["sunspec-battery"]
    assert profile.protocol == "modbus_tcp"
    assert profile.setpoint_kinds == {SetpointKind.ACTIVE_POWER_W, SetpointKind.REACTIVE_POWER_VAR}
    assert "soc_ratio" in profile.quantities
    assert "SunSpec information models" in profile.source
