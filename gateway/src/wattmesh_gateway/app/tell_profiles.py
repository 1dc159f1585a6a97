"""Tells which device profiles the gateway knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import NotFound

MOST_ON_A_PAGE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfilePage:
    """Some of the profiles; `next_token` is empty on the last page."""

    profiles: Sequence[DeviceProfile]
    next_token: str = ""


class TellProfiles:
    """Reads the profiles that were loaded at the start."""

    def __init__(self, profiles: Mapping[str, DeviceProfile]) -> None:
        self._profiles = dict(sorted(profiles.items()))

    def get(self, name: str) -> DeviceProfile:
        """Return a profile; NotFound when there is none of that name."""
        found = self._profiles.get(name)
        if found is None:
            raise NotFound("PROFILE_NOT_FOUND", f"there is no device profile {name!r}")
        return found

    def list(self, size: int, after: str) -> ProfilePage:
        """Return up to `size` profiles by name that follow `after`; a size of 0 means 1000."""
        require(size >= 0, "INVALID_PAGE_SIZE", "a page size is not negative", "page_size")
        further = [each for name, each in self._profiles.items() if name > after]
        page = further[: min(size or MOST_ON_A_PAGE, MOST_ON_A_PAGE)]
        more = len(page) < len(further)
        return ProfilePage(profiles=page, next_token=page[-1].name if more else "")
