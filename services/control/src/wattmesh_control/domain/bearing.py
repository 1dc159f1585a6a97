"""What the site model says that sites may exchange together, or that flows through a node."""

from dataclasses import dataclass
from typing import Self

from wattmesh_control.domain.subject import NodeName
from wattmesh_kernel.sites import Node, SiteGroup


@dataclass(frozen=True, kw_only=True, slots=True)
class Bearing:
    """Bounds of what flows into a subject [W], into it positive, as of a limit; None: no bound.

    `title` is what people call it.
    """

    subject: str
    title: str
    min_power_w: float | None = None
    max_power_w: float | None = None
    min_phase_power_w: float | None = None
    max_phase_power_w: float | None = None

    @property
    def bounds(self) -> tuple[float | None, ...]:
        """All of them."""
        whole = (self.min_power_w, self.max_power_w)
        return (*whole, self.min_phase_power_w, self.max_phase_power_w)

    @classmethod
    def of_node(cls, name: NodeName, node: Node) -> Self:
        """Return what a node bears, in all and in each conductor."""
        return cls(
            subject=name.name,
            title=node.display_name or node.id,
            min_power_w=_out(node.max_export_power_w),
            max_power_w=node.max_import_power_w,
            min_phase_power_w=_out(node.max_phase_export_power_w),
            max_phase_power_w=node.max_phase_import_power_w,
        )

    @classmethod
    def of_group(cls, group: SiteGroup) -> Self:
        """Return what the sites of a group may exchange together; nodes tell of conductors."""
        return cls(
            subject=group.name,
            title=group.display_name or group.id.segment,
            min_power_w=_out(group.max_export_power_w),
            max_power_w=group.max_import_power_w,
        )


def _out(power_w: float | None) -> float | None:
    return None if power_w is None else -power_w
