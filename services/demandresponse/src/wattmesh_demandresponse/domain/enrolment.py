"""An enrolment: a site, or a group, that takes part in a programme."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_demandresponse.domain.programme import LONGEST_EXTERNAL_ID
from wattmesh_kernel.checks import require, require_at_least, require_text
from wattmesh_kernel.ids import GroupId, SiteId
from wattmesh_kernel.programme_ids import EnrolmentId
from wattmesh_kernel.time import TimeRange

MOST_RANGES = 1000


def check_subject(name: str, field: str = "subject") -> None:
    """Raise InvalidArgument unless a name is a site's or a group's."""
    if name.startswith("groups/"):
        GroupId.parse(name, field)
    else:
        SiteId.parse(name, field)


@dataclass(frozen=True, kw_only=True, slots=True)
class Enrolment:
    """`subject` (`sites/{site}` or `groups/{group}`) takes part from `start_time` on.

    `most_power_w` is what it offers at most [W]; None: whatever is there.
    """

    id: EnrolmentId
    subject: str
    start_time: datetime
    end_time: datetime | None = None
    most_power_w: float | None = None
    opted_in_by_default: bool = False
    unavailable: tuple[TimeRange, ...] = ()
    external_id: str = ""

    def __post_init__(self) -> None:
        check_subject(self.subject)
        require(
            self.end_time is None or self.end_time > self.start_time,
            "INVALID_RANGE",
            "an enrolment ends after its start",
            "end_time",
        )
        require_at_least(self.most_power_w, 0, "max_power_w")
        require(
            len(self.unavailable) <= MOST_RANGES,
            "INVALID_VALUE",
            f"at most {MOST_RANGES} ranges",
            "unavailable_ranges",
        )
        require_text(self.external_id, LONGEST_EXTERNAL_ID, "external_id")

    def takes_part(self, span: TimeRange) -> bool:
        """Whether it takes part in what is asked for over a span: in all of it, or not at all."""
        enrolled = self.start_time <= span.start and (
            self.end_time is None or span.end <= self.end_time
        )
        return enrolled and not any(each.intersect(span) for each in self.unavailable)

    def overlaps(self, other: "Enrolment") -> bool:
        """Whether it and another are of one subject at a common time."""
        return (
            self.subject == other.subject
            and (other.end_time is None or self.start_time < other.end_time)
            and (self.end_time is None or other.start_time < self.end_time)
        )
