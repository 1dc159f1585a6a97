"""One unit of work that shares the limits of a site or a group among its devices."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.draft import Draft
from wattmesh_control.app.measure_rest import Rest
from wattmesh_control.app.ports import Request, Scope
from wattmesh_control.app.reconcile import holds_on, unheld
from wattmesh_control.app.unit_of_work import Work
from wattmesh_control.domain.controllable import ControllableDevice
from wattmesh_control.domain.headroom import Need, need_of, parts_of
from wattmesh_control.domain.idle import of_idle, unbidden
from wattmesh_control.domain.limits import LONGEST_REASON, Limit
from wattmesh_control.domain.proposal import Origin, Proposal, arbitrate
from wattmesh_control.domain.setpoint import Slot
from wattmesh_control.domain.shares import Share, shares_of, site_shares_of
from wattmesh_kernel.ids import DeviceId, LimitId
from wattmesh_kernel.sites import Phase

_METHOD = "SetLimit/subject"
_PROPOSALS_A_DEVICE = 3
_MOST_LIMITS = 8
"""Of one subject so many get new proposals in one unit of work; the others in the next."""


@dataclass(kw_only=True)
class Sharing(Work[Limit | None]):
    """Works out every device's share of each limit on `subject`, and writes what is another.

    `under`: what can be steered there. `rest`: what the sites draw beside, importing positive; one
    that is not in it counts as drawing nothing. `put`: a limit that takes its owner's place;
    `removed`: one that goes, with its shares.
    """

    subject: str
    under: Sequence[ControllableDevice]
    devices: Devices
    rest: Rest
    put: Limit | None = None
    removed: Limit | None = None
    request_id: str = ""
    _stored: Limit | None = field(default=None, init=False)

    @property
    def scope(self) -> Scope:
        """The devices, and the limits on the subject."""
        request = Request(method=_METHOD, request_id=self.request_id, answer=Limit)
        return Scope(
            devices=frozenset(each.device for each in self.under),
            shared_by=self.subject,
            request=request if self.request_id else None,
            new_proposals=_PROPOSALS_A_DEVICE * _MOST_LIMITS * len(self.under),
        )

    def decide(self, draft: Draft) -> None:
        """Share each limit on the subject once it is put, and none that is removed."""
        limits = self._limits(draft)
        needs = self._needs(draft)
        changed = 0
        for limit in limits:
            changed += self._share(draft, limit, needs)
            if changed == _MOST_LIMITS:
                break

    def answer(self, draft: Draft) -> Limit | None:
        """Return the limit that was put."""
        return self._stored

    def _limits(self, draft: Draft) -> list[Limit]:
        """Return the limits on the subject once the draft is written."""
        standing = [
            each
            for each in draft.standing.shared
            if each.subject == self.subject and each.parent is None
        ]
        if self.removed is not None:
            gone = self.removed.limit
            draft.removed_limits.add(gone)
            children = (each for each in draft.standing.limits if each.parent == gone)
            draft.dropped_sources.update(each.limit.name for each in children)
            standing = [each for each in standing if each.limit != gone]
        if self.put is not None:
            older = (each.limit for each in standing if each.owner == self.put.owner)
            self._stored = replace(self.put, limit=next(older, self.put.limit))
            draft.put_limits.append(self._stored)
            standing = [each for each in standing if each.owner != self.put.owner]
            standing.insert(0, self._stored)
        return standing

    def _needs(self, draft: Draft) -> list[Need]:
        rivals = defaultdict[DeviceId, dict[Slot, list[Proposal]]](lambda: defaultdict(list))
        for proposal in draft.proposals():
            if proposal.origin is not Origin.LIMIT:
                rivals[proposal.device][proposal.slot].append(proposal)
        found = list[Need]()
        for each in self.under:
            need = need_of(each, self._winners(draft, each.device, rivals[each.device]))
            if need is not None:
                found.append(replace(need, parts=parts_of(self._phases(each, need))))
        return found

    def _phases(self, device: ControllableDevice, need: Need) -> Collection[Phase]:
        """Return the conductors of its assets, or those of what it was told, of all three."""
        own = self.devices.phases_of(device)
        return need.phases if own == {Phase.THREE} else own

    def _winners(
        self, draft: Draft, device: DeviceId, rivals: Mapping[Slot, Sequence[Proposal]]
    ) -> list[Proposal]:
        holds = holds_on(self.devices, device, draft.standing.holds)
        firsts = (arbitrate(unheld(each, holds), draft.now) for each in rivals.values())
        return [each for each in firsts if each is not None]

    def _share(self, draft: Draft, limit: Limit, needs: Sequence[Need]) -> bool:
        """Write the shares of a limit, unless those that stand are good; tell whether it did."""
        children = [each for each in draft.standing.limits if each.parent == limit.limit]
        before = {each.device: each for each in children if each.device is not None}
        rest_w = sum(self.rest.sites_w.values())
        shares = shares_of(limit, needs, rest_w, before, self.rest.conductors_w)
        if shares is None:
            return False
        for each in self.under:
            share = shares.get(each.device)
            self._write(draft, limit, each, share, before.get(each.device))
        if self.subject.startswith("groups/"):
            self._share_to_sites(draft, limit, needs, shares)
        return True

    def _write(
        self,
        draft: Draft,
        limit: Limit,
        device: ControllableDevice,
        share: Share | None,
        before: Limit | None,
    ) -> None:
        """Put a device's share in the place of the one it had; nothing when it is not bound."""
        if share is None or not share.binds:
            if before is not None:
                draft.removed_limits.add(before.limit)
                draft.dropped_sources.add(before.limit.name)
            return
        after = _child(limit, device.device.name, share, before)
        if after == before:
            return
        draft.put_limits.append(after)
        if before is not None and _asks(device, before) == _asks(device, after):
            return
        draft.dropped_sources.add(after.limit.name)
        draft.added_proposals.extend(
            of_idle(after, device.device, kind, value, next(draft.numbers), draft.now)
            for kind, value in unbidden(device, after)
        )

    def _share_to_sites(
        self, draft: Draft, limit: Limit, needs: Sequence[Need], shares: Mapping[DeviceId, Share]
    ) -> None:
        """Give each site its part of a group's limit, which its own loop can keep."""
        older = {each.subject: each for each in draft.standing.shared if each.parent == limit.limit}
        for site, share in site_shares_of(limit, needs, shares, self.rest.sites_w).items():
            if not share.binds:
                continue
            draft.put_limits.append(_child(limit, site.name, share, older.get(site.name)))


def _child(limit: Limit, subject: str, share: Share, before: Limit | None) -> Limit:
    return Limit(
        limit=LimitId(uuid.uuid4().hex) if before is None else before.limit,
        subject=subject,
        owner=limit.limit.name,
        min_power_w=share.min_power_w,
        max_power_w=share.max_power_w,
        start_time=limit.start_time,
        expire_time=limit.expire_time,
        reason=f"its share of {limit} on {limit.subject}"[:LONGEST_REASON],
        parent=limit.limit,
    )


def _asks(device: ControllableDevice, limit: Limit) -> tuple[object, ...]:
    return (limit.start_time, limit.expire_time, *unbidden(device, limit))
