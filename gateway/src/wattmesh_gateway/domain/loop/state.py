"""One site's loop: what it has heard and told, and what it decides by that."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_gateway.domain.loop.averages import RunningMean
from wattmesh_gateway.domain.loop.island import IslandStand, IslandWatch
from wattmesh_gateway.domain.loop.law import Decision, decide
from wattmesh_gateway.domain.loop.meters import MeterWatch, Shown
from wattmesh_gateway.domain.loop.positions import Positions
from wattmesh_gateway.domain.loop.reserves import ReserveSignals
from wattmesh_gateway.domain.loop.standing import Bound, Slot, Standing, slot_of
from wattmesh_gateway.domain.loop.verdict import Condition, Verdict, Wish
from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.ids import PointId
from wattmesh_kernel.loop_policy import LoopLimit, LoopMember, LoopPolicy
from wattmesh_kernel.reserve_signal import ReserveSignal
from wattmesh_kernel.worth import StoredWorth

_TURN = timedelta(minutes=15)
"""How long one has its turn where not all can be served."""
_SHARED_FOR = timedelta(minutes=1)
"""How often members share anew, as their states of charge change."""
_SHORTEST_REST = timedelta(seconds=5)
_ALONE = ("active_power_w", "soc_ratio")


@dataclass(slots=True)
class _Member:
    member: LoopMember
    positions: Positions
    drawn_w: float | None = None
    drawn_time: datetime | None = None
    soc_ratio: float | None = None
    soc_time: datetime | None = None
    served_seconds: float = 0.0

    def carry_on(self, now: datetime, stored: StoredWorth | None) -> None:
        """Have the state of charge follow what was told since it was last known.

        A device says it now and then; one that is full by then would be told to charge for as long,
        and the meter's rest be found elsewhere than it is.
        """
        if self.soc_ratio is None or self.soc_time is None or now <= self.soc_time:
            return
        if stored is not None:
            seconds = (now - self.soc_time).total_seconds()
            found = stored.after(self.soc_ratio, self.positions.now_w, seconds)
            least, most = self.member.min_soc_ratio, self.member.max_soc_ratio
            low, high = min(least or 0.0, self.soc_ratio), 1.0 if most is None else most
            self.soc_ratio = min(max(found, low), max(high, self.soc_ratio))
        self.soc_time = now


class LoopState:
    """Hears readings, remembers what members were told, and decides. Times are the mesh's."""

    def __init__(self, policy: LoopPolicy, now: datetime) -> None:
        self.policy = policy
        self._began = self._decided = now
        self._meters = MeterWatch(policy.meters, policy.stale_after)
        island = policy.island
        self._island = None if island is None else IslandWatch(island, policy.stale_after)
        switched = () if island is None else island.members
        every = (*switched, *policy.members)
        self._members = {slot_of(each): _member(each, policy, now) for each in every}
        self._steered = {slot_of(each) for each in policy.members}
        self._means = _means(policy)
        self._signals = ReserveSignals()
        self._sharing, self._shared = frozenset[Slot](), now
        self._own = {
            PointId(each.device, quantity): slot_of(each)
            for each in policy.members
            for quantity in _ALONE
        }

    @property
    def points(self) -> frozenset[PointId]:
        """What it listens to."""
        grid = frozenset[PointId]() if self._island is None else self._island.points
        return self._meters.points | self._own.keys() | grid

    def renewed(self, policy: LoopPolicy) -> "LoopState":
        """Return the loop by another policy of the site, with all that is known."""
        other = LoopState(policy, self._began)
        other._decided = self._decided
        other._meters.take_over(self._meters)
        other._signals = self._signals
        if other._island is not None and self._island is not None:
            other._island.take_over(self._island)
        for slot, known in self._members.items():
            if slot in other._members:
                found = other._members[slot]
                known.positions.settling = policy.settling
                found.positions = known.positions
                found.drawn_w, found.drawn_time = known.drawn_w, known.drawn_time
                found.soc_ratio, found.soc_time = known.soc_ratio, known.soc_time
                found.served_seconds = known.served_seconds
        for limit, mean in other._means.items():
            for older, before in self._means.items():
                if (older.id, older.phase) == (limit.id, limit.phase):
                    mean.take_over(before)
        return other

    def hear(self, reading: Reading, now: datetime) -> bool:
        """Take a reading; return whether it says something new of a meter."""
        slot = self._own.get(reading.point)
        if slot is not None and slot in self._members:
            self._hear_of(self._members[slot], reading, now)
        of_grid = self._island is not None and self._island.hear(reading, now)
        return self._meters.hear(reading, now) or of_grid

    def activate(self, signal: ReserveSignal, now: datetime) -> bool:
        """Take what a reserve asks; return whether it is news."""
        return self._signals.take(signal, now)

    def assume(self, slot: Slot, power_w: float, now: datetime) -> None:
        """Take note that a member may also be there, as nobody knows what it was told before."""
        positions = self._members[slot].positions
        positions.begin(power_w, now)
        positions.end(now)

    def begin(self, slot: Slot, power_w: float, now: datetime) -> None:
        """Take note that a member is being told a power."""
        self._members[slot].carry_on(now, self._stored(slot, now))
        self._members[slot].positions.begin(power_w, now)

    def end(self, slot: Slot, now: datetime, *, written: bool = True) -> None:
        """Take note that it was, or that it is probably where it was before."""
        positions = self._members[slot].positions
        positions.end(now)
        if not written:
            positions.begin(positions.before_w, now)
            positions.end(now)

    def told_w(self, slot: Slot) -> float:
        """Return what a member was told last [W]."""
        return self._members[slot].positions.now_w

    def owner_at(self, now: datetime) -> str | None:
        """Return whose commands are moved by what energy is worth; None: nobody's."""
        worth = self.policy.worth_at(now)
        return None if worth is None else worth.owner

    def decide(
        self,
        now: datetime,
        asked: Mapping[Slot, float],
        lost: Collection[Slot],
        moved: Collection[Slot] = (),
    ) -> Verdict:
        """Return what the loop wants of its members.

        `asked`: what leased commands ask [W]. `lost`: members that cannot be told anything; what
        they do counts as the rest of the site, and they are wanted at their safe value. `moved`:
        those whose command may be moved by what energy is worth.
        """
        shown = self._meters.shown(now)
        away = self._away(lost)
        island = None if self._island is None else self._island.stand(now).leaving_givers(asked)
        if island is not None and island.islanded:
            wishes = self._without_grid(island) | away
            return Verdict(condition=Condition.STEERING, wishes=wishes, shown=shown, island=island)
        verdict = self._with_grid(now, shown, asked, lost, away, moved)
        if island is None or verdict.condition is Condition.WAITING:
            return verdict
        wishes = {**verdict.wishes, **self._shed(island)}
        return replace(verdict, wishes=wishes, island=island)

    def unsure(self, now: datetime, asked: Mapping[Slot, float], lost: Collection[Slot]) -> Verdict:
        """Return what the loop wants while nothing that it knows of the site is to be trusted."""
        wishes = {**self._all_safe(asked, now), **self._away(lost)}
        return Verdict(condition=Condition.STALE, wishes=wishes)

    def _with_grid(
        self,
        now: datetime,
        shown: Shown | None,
        asked: Mapping[Slot, float],
        lost: Collection[Slot],
        away: Mapping[Slot, Wish],
        moved: Collection[Slot],
    ) -> Verdict:
        if shown is None and now - self._began <= self.policy.stale_after:
            return Verdict(condition=Condition.WAITING)
        if shown is None:
            return self.unsure(now, asked, lost)
        self._pass_time(now, shown)
        standings = [
            self._standing(each, shown, asked.get(slot), now, moved=slot in moved)
            for slot, each in self._members.items()
            if slot in self._steered and slot not in lost
        ]
        worth, reserve_w = self.policy.worth_at(now), self._signals.power_w(now)
        decision = decide(
            standings,
            self._bounds(now),
            self.policy.target_at(now),
            shown,
            dead_band_w=self.policy.dead_band_w,
            seconds=max((now - self._decided).total_seconds(), 0.0),
            afresh=self._shares_anew(now, frozenset(each.slot for each in standings)),
            worth=None if worth is None else worth.worth,
            reserve_w=reserve_w,
        )
        self._decided = now
        return Verdict(
            condition=Condition.STEERING,
            wishes={
                **self._wishes(standings, decision, now, activated=reserve_w is not None),
                **away,
            },
            shown=shown,
            limiting=frozenset(bound.id for bound in decision.limited.values()),
        )

    def _shares_anew(self, now: datetime, sharing: frozenset[Slot]) -> bool:
        """Return whether it is time to share anew: by their state, or because they are others."""
        if sharing == self._sharing and now - self._shared < _SHARED_FOR:
            return False
        self._sharing, self._shared = sharing, now
        return True

    def _wishes(
        self,
        standings: Sequence[Standing],
        decision: Decision,
        now: datetime,
        *,
        activated: bool,
    ) -> dict[Slot, Wish]:
        wishes, target = {}, self.policy.target_at(now)
        for each in standings:
            power_w, bound = decision.powers_w[each.slot], decision.limited.get(each.slot)
            if bound is not None:
                wishes[each.slot] = Wish(power_w=power_w, why=f"the loop keeps {bound.id}")
            elif each.asked_w is not None:
                as_asked = abs(power_w - each.asked_w) <= 1.0
                moves = "keeps the ramp" if each.stored is None else "follows the meter"
                moves = "follows a reserve's signal" if activated else moves
                why = "" if as_asked else f"the loop {moves}"
                wishes[each.slot] = Wish(power_w=power_w, why=why)
            elif abs(power_w - each.idle_w) > 1.0 or not (target is None or each.limits_only):
                wishes[each.slot] = Wish(power_w=power_w, why="the loop follows its target")
        return wishes

    def _all_safe(self, asked: Mapping[Slot, float], now: datetime) -> dict[Slot, Wish]:
        """Have members safe that a limit may need, and those that follow the meter."""
        guarded = any(each.holds(now) and not each.only_metered for each in self.policy.limits)
        return {
            slot: self._safe(slot, "no meter is to be trusted")
            for slot in self._steered
            if guarded or slot not in asked
        }

    def _without_grid(self, island: IslandStand) -> dict[Slot, Wish]:
        """Have the switch open, and what is shed off; all others do as they are told.

        In a drill the switch is left to whoever opened it.
        """
        assert self._island is not None
        if island.drill:
            return self._shed(island)
        switch = slot_of(self._island.island.switch)
        return {switch: Wish(power_w=0.0, why=island.why), **self._shed(island)}

    def _shed(self, island: IslandStand) -> dict[Slot, Wish]:
        return {slot: Wish(power_w=0.0, why=why) for slot, why in island.shed.items()}

    def _away(self, lost: Collection[Slot]) -> dict[Slot, Wish]:
        return {slot: self._safe(slot, "it could not be told") for slot in lost}

    def _safe(self, slot: Slot, why: str) -> Wish:
        member = self._members[slot].member
        return Wish(power_w=member.power_w(member.safe_value), why=why, safe=True)

    def _bounds(self, now: datetime) -> list[Bound]:
        holding = [each for each in self.policy.limits if each.holds(now)]
        return [_bound(each, self._means.get(each), now) for each in holding]

    def _pass_time(self, now: datetime, shown: Shown) -> None:
        for limit, mean in self._means.items():
            if limit.phase in shown.powers_w:
                mean.hear(shown.powers_w[limit.phase], min(shown.measure_time, now))
        seconds = max((now - self._decided).total_seconds(), 0.0)
        horizon = now - self.policy.stale_after - self.policy.settling
        for each in self._members.values():
            each.positions.forget_before(horizon)
            each.carry_on(now, self._stored(slot_of(each.member), now))
            if each.positions.now_w != 0.0:
                each.served_seconds += seconds

    def _standing(
        self, each: _Member, shown: Shown, asked_w: float | None, now: datetime, *, moved: bool
    ) -> Standing:
        since = min(shown.measure_time, shown.arrival)
        least_w, most_w = each.positions.between(since, shown.arrival)
        fresh = each.drawn_time is not None and now - each.drawn_time <= self.policy.stale_after
        return Standing(
            member=each.member,
            now_w=each.positions.now_w,
            least_w=least_w,
            most_w=most_w,
            asked_w=asked_w,
            drawn_w=each.drawn_w if fresh else None,
            soc_ratio=each.soc_ratio,
            served_turns=int(each.served_seconds // _TURN.total_seconds()),
            stored=self._stored(slot_of(each.member), now) if moved else None,
        )

    def _stored(self, slot: Slot, now: datetime) -> StoredWorth | None:
        worth = self.policy.worth_at(now)
        return None if worth is None else worth.worth.of(slot[0])

    def _hear_of(self, each: _Member, reading: Reading, now: datetime) -> None:
        if reading.point.segment == "soc_ratio":
            each.soc_ratio, each.soc_time = reading.value, now
        else:
            each.drawn_w, each.drawn_time = reading.value, reading.measure_time


def _member(member: LoopMember, policy: LoopPolicy, now: datetime) -> _Member:
    idle_w = member.power_w(member.idle_value)
    return _Member(member=member, positions=Positions(policy.settling, idle_w, now))


def _means(policy: LoopPolicy) -> dict[LoopLimit, RunningMean]:
    shortest = policy.settling + _SHORTEST_REST
    return {
        each: RunningMean(each.max_import_power_w, each.averaging_interval, shortest)
        for each in policy.limits
        if each.averaging_interval is not None and each.max_import_power_w is not None
    }


def _bound(limit: LoopLimit, mean: RunningMean | None, now: datetime) -> Bound:
    most_w = limit.max_import_power_w if mean is None else mean.allowed_w(now)
    return Bound(
        id=limit.id,
        phase=limit.phase,
        most_w=float("inf") if most_w is None else most_w,
        least_w=float("-inf") if limit.max_export_power_w is None else -limit.max_export_power_w,
    )
