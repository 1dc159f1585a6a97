"""Events of limits as OpenADR has them: of a whole connection by its words, else by our own.

It has no word for a limit of a node or of every single conductor, and lets servers have their own:
a client must not take such a limit for one of its whole connection.
"""

from collections.abc import Mapping
from typing import Any

from wattmesh_demandresponse.domain.event import LimitAsked, Powers

IMPORT_LIMIT, EXPORT_LIMIT = "IMPORT_CAPACITY_LIMIT", "EXPORT_CAPACITY_LIMIT"
NODE = "WATTMESH_NODE"
"""Its value is the node's id; beside it limits are those of the node."""
NODE_IMPORT_LIMIT, NODE_EXPORT_LIMIT = "WATTMESH_NODE_IMPORT_LIMIT", "WATTMESH_NODE_EXPORT_LIMIT"
PHASE_IMPORT_LIMIT, PHASE_EXPORT_LIMIT = (
    "WATTMESH_PHASE_IMPORT_LIMIT",
    "WATTMESH_PHASE_EXPORT_LIMIT",
)
_W_PER_KW = 1000.0


def limit_payloads(asked: LimitAsked, index: int) -> list[Mapping[str, Any]]:
    """Return what is asked in one interval, as payloads [kW]."""
    found: list[Mapping[str, Any]] = [
        {"type": kind, "values": [values[index] / _W_PER_KW]}
        for kind, values in _columns(asked).items()
        if values
    ]
    return [{"type": NODE, "values": [asked.node]}, *found] if asked.node else found


def limit_types(asked: LimitAsked) -> list[str]:
    """Return the types of payloads with a unit: the two of OpenADR, and ours that are used."""
    usual = [] if asked.node else [IMPORT_LIMIT, EXPORT_LIMIT]
    used = (kind for kind, values in _columns(asked).items() if values)
    return list(dict.fromkeys([*usual, *used]))


def _columns(asked: LimitAsked) -> Mapping[str, Powers]:
    imports, exports = (
        (NODE_IMPORT_LIMIT, NODE_EXPORT_LIMIT) if asked.node else (IMPORT_LIMIT, EXPORT_LIMIT)
    )
    return {
        imports: asked.max_import_w,
        exports: asked.max_export_w,
        PHASE_IMPORT_LIMIT: asked.max_phase_import_w,
        PHASE_EXPORT_LIMIT: asked.max_phase_export_w,
    }
