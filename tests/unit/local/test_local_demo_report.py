"""What days of running came to is not lost with one call that takes too long."""

import pytest

from wattmesh_kernel.errors import DeadlineExceeded, NotFound, WattmeshError
from wattmesh_local.demo import patiently
from wattmesh_local.watching.report import Report

REPORT = Report(content={"days": 7}, faults=())
SLOW = DeadlineExceeded("DEADLINE_EXCEEDED", "metering takes too long")


class Asking:
    """Fails so often, then makes the report."""

    def __init__(self, *failures: WattmeshError) -> None:
        self.failures = list(failures)
        self.told = list[str]()

    async def make(self) -> Report:
        if self.failures:
            raise self.failures.pop(0)
        return REPORT

    async def report(self, patience_seconds: float = 60) -> Report:
        return await patiently(
            self.make, self.told.append, patience_seconds=patience_seconds, again_seconds=0
        )


async def test_a_report_is_asked_for_again_while_a_service_is_slow() -> None:
    asking = Asking(SLOW, SLOW)
    assert await asking.report() == REPORT
    assert asking.told == [str(SLOW)]  # once, while it is the same


async def test_patience_ends_with_the_reason() -> None:
    with pytest.raises(DeadlineExceeded, match="takes too long"):
        await Asking(SLOW, SLOW).report(patience_seconds=0)


async def test_what_waiting_does_not_help_is_told_at_once() -> None:
    asking = Asking(NotFound("SITE_NOT_FOUND", "no such site"), SLOW)
    with pytest.raises(NotFound):
        await asking.report()
    assert asking.failures == [SLOW]
