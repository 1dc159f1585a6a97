"""What goes out on a gateway's stream: each command once, whoever puts it."""

from tests.unit.control.test_control_meter_effects import command
from wattmesh_control.app.links import Carry, GatewayLink
from wattmesh_kernel.ids import GatewayId

ORDER = Carry(command("a", "battery"))
LATER = Carry(command("b", "battery"))


def test_a_command_that_comes_while_the_stream_catches_up_is_not_sent_again() -> None:
    link = GatewayLink(GatewayId("local"))
    link.put(ORDER)
    link.forget(link.take(10))  # sent

    for order in (ORDER, LATER):
        link.put_again(order)

    assert link.take(10) == [LATER]


def test_a_stream_that_has_caught_up_sends_again_what_it_is_asked_to() -> None:
    link = GatewayLink(GatewayId("local"))
    link.send(ORDER)
    link.caught_up()
    link.forget([ORDER])

    link.put_again(ORDER)

    assert link.take(10) == [ORDER]
