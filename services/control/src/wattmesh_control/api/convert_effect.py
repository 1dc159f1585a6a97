"""wattmesh.control.v1's verdicts ↔ domain."""

from wattmesh.control.v1 import effect_pb2 as pb
from wattmesh_contracts.values import duration_to_proto, timestamp_to_proto
from wattmesh_control.app.ports import Statistics
from wattmesh_control.domain.effects.verdict import (
    Effect,
    EffectBasis,
    EffectReason,
    EffectVerdict,
)
from wattmesh_kernel.errors import InvalidArgument

_EFFECTS = {
    Effect.CONFIRMED: pb.EFFECT_CONFIRMED,
    Effect.PARTIAL: pb.EFFECT_PARTIAL,
    Effect.NONE: pb.EFFECT_NONE,
    Effect.CONTRARY: pb.EFFECT_CONTRARY,
    Effect.UNKNOWN: pb.EFFECT_UNKNOWN,
}
_FROM_PROTO = {proto: effect for effect, proto in _EFFECTS.items()}
_BASES = {
    EffectBasis.NOTHING: pb.EFFECT_BASIS_UNSPECIFIED,
    EffectBasis.OWN: pb.EFFECT_BASIS_OWN_METER,
    EffectBasis.VOUCHED: pb.EFFECT_BASIS_VOUCHED_METER,
    EffectBasis.METER: pb.EFFECT_BASIS_OTHER_METER,
    EffectBasis.GRID: pb.EFFECT_BASIS_GRID_METER,
}


def effect_from_proto(proto: pb.Effect.ValueType) -> Effect | None:
    """Return an effect; None for what has no verdict. Error: InvalidArgument."""
    if proto == pb.EFFECT_UNSPECIFIED:
        return None
    if proto not in _FROM_PROTO:
        raise InvalidArgument("INVALID_VALUE", f"there is no effect {proto}", field="effects")
    return _FROM_PROTO[proto]


def verdict_to_proto(verdict: EffectVerdict) -> pb.EffectVerdict:
    """Return a verdict as its proto."""
    return pb.EffectVerdict(
        effect=_EFFECTS[verdict.effect],
        reason=_reason(verdict.reason),
        basis=_BASES[verdict.basis],
        confidence_ratio=verdict.confidence_ratio,
        final=verdict.final,
        verdict_time=None if verdict.time is None else timestamp_to_proto(verdict.time),
        asked_power_w=verdict.asked_power_w,
        base_power_w=verdict.base_power_w,
        metered_power_w=verdict.metered_power_w,
        step_power_w=verdict.step_power_w,
        noise_power_w=verdict.noise_power_w,
        achieved_ratio=verdict.achieved_ratio,
        moved_power_w=verdict.moved_power_w,
        asked_var=verdict.asked_var,
        base_var=verdict.base_var,
        metered_var=verdict.metered_var,
        asked_celsius=verdict.asked_celsius,
        base_celsius=verdict.base_celsius,
        metered_celsius=verdict.metered_celsius,
        delay=None if verdict.delay is None else duration_to_proto(verdict.delay),
    )


def effect_counts_to_proto(counts: Statistics) -> list[pb.EffectCount]:
    """Return how many commands have which verdict, as their protos."""
    return [
        pb.EffectCount(
            effect=pb.EFFECT_UNSPECIFIED if effect is None else _EFFECTS[effect],
            reason=_reason(reason),
            commands=count,
        )
        for (effect, reason), count in counts.effects.items()
    ]


def _reason(reason: EffectReason) -> pb.EffectReason.ValueType:
    name = reason.value.upper() or "UNSPECIFIED"
    return pb.EffectReason.Value(f"EFFECT_REASON_{name}")
