"""Who calls: what a caller is known to be, whatever its requests say."""

from dataclasses import dataclass, field

from wattmesh_kernel.ids import GatewayId

HIGHEST_PRIORITY = 1000
ANY_OWNER = "-"
"""In place of an owner: whichever it names, on a machine of one's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Somebody, or something, whose identity was proven."""

    name: str
    """`tenants/{tenant}/principals/{principal}`."""
    permissions: frozenset[str] = field(repr=False)
    """What it may do, e.g. "PERMISSION_SITE_READ"."""
    max_priority: int = 0
    """Highest priority with which it may command or limit."""
    owners: frozenset[str] = frozenset()
    """In whose names it may command, limit and bring readings; `-` is any but a gateway's."""
    gateway: GatewayId | None = None
    """Which gateway it is."""
    sites: frozenset[str] | None = None
    """The `sites/{site}` that it sees, and nothing of others'; None: all."""

    process: bool = False
    """Whether it is a process of the mesh, of which several may call under one name."""

    def may(self, permission: str) -> bool:
        """Whether it has a permission."""
        return permission in self.permissions

    def reaches(self, name: str) -> bool:
        """Whether a name is one of its sites, or of what belongs to them."""
        if self.sites is None:
            return True
        collection, _, rest = name.partition("/")
        return collection == "sites" and f"sites/{rest.partition('/')[0]}" in self.sites

    def may_act_for(self, owner: str) -> bool:
        """Whether it may act in an owner's name."""
        return owner in self.owners or ANY_OWNER in self.owners

    def outranks(self, priority: int) -> bool:
        """Whether what it wants goes before what was wanted with a priority."""
        return self.max_priority > priority

    def may_send_as(self, source: str) -> bool:
        """Whether readings may come from it as a source: its gateway, an owner, or below one."""
        if self.gateway is not None and source == self.gateway.name:
            return True
        owner = source.partition("/")[0]
        return owner in self.owners or (ANY_OWNER in self.owners and owner != "gateways")
