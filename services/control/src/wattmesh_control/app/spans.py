"""The spans of control, declared before use. Each belongs to the turn whose plan asked for it."""

from wattmesh_runtime.aio.spans import Span, SpanKind

SEND_COMMAND = Span(
    name="control.send_command",
    description="A command goes out to its gateway, by command and device.",
    kind=SpanKind.PRODUCER,
)
RECORD_REPORT = Span(
    name="control.record_report",
    description="A gateway's word on a command is taken in, by command, device and state.",
    kind=SpanKind.CONSUMER,
)
JUDGE_EFFECTS = Span(
    name="control.judge_effects",
    description="Meters are asked whether what was commanded has happened, for all at once.",
)
GIVE_VERDICT = Span(
    name="control.give_verdict",
    description="A command gets a verdict, by command, device, effect and whether it is final.",
)
METER_EFFECTS = Span(
    name="control.meter_effects",
    description="Meters are asked for the power over the ranges of commands, for all at once.",
)
