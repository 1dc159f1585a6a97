"""What a level means, where somebody asks for nothing but a level: the programme says."""

from collections.abc import Sequence

from wattmesh_demandresponse.domain.event import Asked, LimitAsked, ReductionAsked
from wattmesh_demandresponse.domain.programme import EventKind, Programme
from wattmesh_kernel.errors import InvalidArgument


def asked_by_levels(programme: Programme, levels: Sequence[float]) -> Asked:
    """Return what levels 0 (normal), 1 (moderate), 2 (high), 3 (special) ask for, per interval.

    Error: InvalidArgument where the programme has no power for a level, or its events are prices.
    """
    powers_w = programme.level_powers_w
    for level in levels:
        if level not in range(len(powers_w)):
            raise InvalidArgument(
                "UNKNOWN_VALUE",
                f"{programme.id} does not say what level {level:g} is",
                field="intervals",
            )
    return _of_powers(programme, tuple(powers_w[int(each)] for each in levels))


def asked_by_capacity(programme: Programme, ratios: Sequence[float]) -> Asked:
    """Return the limits that are shares (0 to 1) of the power at level 0. Error: as above."""
    if programme.event_kind is not EventKind.LIMIT or not programme.level_powers_w:
        raise InvalidArgument(
            "UNKNOWN_VALUE",
            f"{programme.id} does not say of what power a share is",
            field="intervals",
        )
    return _of_powers(programme, tuple(programme.level_powers_w[0] * each for each in ratios))


def _of_powers(programme: Programme, powers_w: tuple[float, ...]) -> Asked:
    match programme.event_kind:
        case EventKind.LIMIT:
            return LimitAsked(max_import_w=powers_w)
        case EventKind.PAID_REDUCTION:
            return ReductionAsked(powers_w=powers_w)
        case EventKind.PRICE | EventKind.RESERVE as kind:
            raise InvalidArgument(
                "UNKNOWN_VALUE",
                f"a level is neither a price nor a reserve: {kind.value}",
                field="intervals",
            )
