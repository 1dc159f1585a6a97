"""What meters say of the commands: how many had their effect, and how many had not and why."""

from collections.abc import Iterable, Mapping

from wattmesh.control.v1 import control_pb2, effect_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.clients import MeshClients
from wattmesh_runtime.errors import rpc_errors

OPEN = "open"
"""No verdict yet: the command runs, or is not metered."""


async def effects_in(clients: MeshClients, span: TimeRange | None = None) -> Mapping[str, int]:
    """Return how many applied commands of a span have which verdict. Error: WattmeshError."""
    request = control_pb2.GetCommandStatisticsRequest(
        start_range=None if span is None else time_range_to_proto(span)
    )
    with rpc_errors():
        found = await clients.control.GetCommandStatistics(request, timeout=5)
    return count_effects(found.effects)


def count_effects(counts: Iterable[effect_pb2.EffectCount]) -> Mapping[str, int]:
    """Return counts by `effect` or `effect/reason`, as `unknown/noise`, the most frequent first."""
    named = [(_name(each), each.commands) for each in counts]
    return dict(sorted(named, key=lambda each: (-each[1], each[0])))


def effects_in_words(counts: Mapping[str, int]) -> str:
    """Return counts for people: `118 confirmed, 2 none (store full)`."""
    parts = []
    for name, count in counts.items():
        effect, _, reason = name.partition("/")
        parts.append(f"{count} {effect}" + (f" ({reason.replace('_', ' ')})" if reason else ""))
    return ", ".join(parts) or "no command yet"


def _name(count: effect_pb2.EffectCount) -> str:
    if count.effect == effect_pb2.EFFECT_UNSPECIFIED:
        return OPEN
    effect = effect_pb2.Effect.Name(count.effect).removeprefix("EFFECT_")
    if count.reason == effect_pb2.EFFECT_REASON_UNSPECIFIED:
        return effect.lower()
    reason = effect_pb2.EffectReason.Name(count.reason).removeprefix("EFFECT_REASON_")
    return f"{effect}/{reason}".lower()
