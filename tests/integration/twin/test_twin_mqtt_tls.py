"""Meters at a broker that speaks TLS: they speak to the one that their authority vouches for."""

from pathlib import Path

import pytest

from tests.fakes.identities import Identities
from tests.fakes.tls_front import with_tls
from tests.fakes.twin_sites import START
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import DeviceId
from wattmesh_local.identities.authority import ROOTS
from wattmesh_local.mqtt_broker import DurableBroker
from wattmesh_twin.adapters.mqtt import MqttBroker
from wattmesh_twin.adapters.mqtt_address import parse_mqtt_address
from wattmesh_twin.app.ports import BrokerLost
from wattmesh_twin.domain.telegram import Telegram

TELEGRAM = Telegram(
    device=DeviceId.parse("sites/home-1/devices/meter"),
    sequence=1,
    measure_time=START,
    import_wh=1.0,
    export_wh=0.0,
    active_power_w=100.0,
)


async def test_a_meter_tells_its_broker_alone_over_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = (Identities(tmp_path / name) for name in ("ours", "theirs"))
    trusted = {
        name: each.issue("spiffe://mesh/ns/wattmesh/sa/twin") / ROOTS
        for name, each in (("ours", ours), ("theirs", theirs))
    }
    async with (
        DurableBroker("127.0.0.1:0", tmp_path / "broker.sqlite") as broker,
        with_tls(broker.port, ours, asks_for_one=False) as port,
    ):
        way = MqttBroker(f"mqtts://127.0.0.1:{port}", "twin")
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted["ours"]))
        async with way.connect() as line:
            await line.send(TELEGRAM)  # returns when the broker has confirmed it
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted["theirs"]))
        with pytest.raises(BrokerLost, match="certificate verify failed"):
            async with way.connect():
                pass


def test_a_brokers_url_has_its_name_and_password() -> None:
    told = parse_mqtt_address("mqtts://twin:p%40ss@broker.example")

    assert (told.host, told.port, told.username, told.password) == (
        "broker.example",
        8883,
        "twin",
        "p@ss",
    )
    assert "p@ss" not in repr(told)
    for wrong in ("http://broker", "mqtt://"):
        with pytest.raises(InvalidArgument):
            parse_mqtt_address(wrong)
