"""The spans of the gateway and its drivers, declared before use."""

from wattmesh_runtime.aio.spans import Span, SpanKind

CARRY_COMMAND = Span(
    name="gateway.carry_command",
    description="A command is carried out until it has ended, by command, device, kind and state.",
    kind=SpanKind.CONSUMER,
)
WRITE_SETPOINT = Span(
    name="gateway.write_setpoint",
    description="A device is told, by device.",
)
READ_BACK = Span(
    name="gateway.read_back",
    description="A device says what it holds, by device.",
)
POLL_DEVICE = Span(
    name="gateway.poll_device",
    description="A device is read, by device.",
)
RECEIVE_TELEGRAMS = Span(
    name="gateway.receive_telegrams",
    description="What devices said by themselves is kept, by the number of telegrams.",
    kind=SpanKind.CONSUMER,
)
FORWARD_READINGS = Span(
    name="gateway.forward_readings",
    description="A batch goes to metering, by the number of readings.",
    kind=SpanKind.PRODUCER,
)
MODBUS_READ = Span(
    name="modbus.read",
    description="Registers are read, by server, unit, register and count.",
    kind=SpanKind.CLIENT,
)
MODBUS_WRITE = Span(
    name="modbus.write",
    description="Registers are written, by server, unit, register and count.",
    kind=SpanKind.CLIENT,
)
MQTT_PUBLISH = Span(
    name="mqtt.publish",
    description="A message goes to the broker, by topic.",
    kind=SpanKind.PRODUCER,
)
OCPP_CALL = Span(
    name="ocpp.call",
    description="A charge point is asked, by action.",
    kind=SpanKind.CLIENT,
)
