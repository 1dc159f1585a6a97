"""A stop that ends in time, whatever hangs: asked for first, then cancelled, then forced."""

import asyncio
import faulthandler
import logging
import os
import threading
from typing import Any

from wattmesh_runtime.aio.tasks import cancel_all

log = logging.getLogger(__name__)

UNWIND_SECONDS = 3.0
"""How long loops, pools and connections may take to end after the last call [s]."""
FORCE_SECONDS = 1.0
"""How long they may take once they are cancelled, before the process is ended [s]."""


class Stop:
    """The end of a process, from the signal on; it takes `within_seconds` and a second at most."""

    def __init__(self, within_seconds: float) -> None:
        self._within_seconds = within_seconds

    async def end(self, serving: "asyncio.Task[Any]", *, at_once: bool) -> bool:
        """Wait until `serving` has ended; `at_once` cancels it first. False: it had to be forced.

        From here on the process ends, even when its event loop stands still or its threads go on.
        """
        self._arm()
        if at_once:
            return not await cancel_all([serving], self._within_seconds)
        await asyncio.wait([serving], timeout=self._within_seconds)
        if serving.done():
            return True
        log.error("the stop takes more than %g s and is broken off", self._within_seconds)
        await cancel_all([serving], FORCE_SECONDS)
        return False

    def _arm(self) -> None:
        timer = threading.Timer(self._within_seconds + FORCE_SECONDS, _end_by_force)
        timer.daemon = True  # a process that ends before is not kept
        timer.start()


def _end_by_force() -> None:
    log.error("the process does not stop and is ended by force; it stands here:")
    logging.shutdown()
    faulthandler.dump_traceback()
    os._exit(1)
