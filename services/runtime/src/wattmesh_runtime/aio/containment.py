"""A fault that one of many brings stays with it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from wattmesh_kernel.errors import WattmeshError

_MOST = 1_000
"""So many are remembered to have failed: of more, each failure is told anew."""


class Containment:
    """Works on many, of which any may bring what nobody thought of.

        for site in sites:
            with contained.each(site.name):
                await look(site)

    What one raises is told, and the next has its turn: an error of ours (WattmeshError) in one
    line, anything else with where it stood, as it is a fault of this program. It is told once
    until that one fares well again or fails otherwise.
    """

    def __init__(self, log: logging.Logger, what: str) -> None:
        self._log = log
        self._what = what
        self._failed: dict[str, str] = {}

    @property
    def failed(self) -> frozenset[str]:
        """Return those that failed when it was their turn last, of the latest thousand."""
        return frozenset(self._failed)

    @contextmanager
    def each(self, name: str) -> Iterator[None]:
        """Keep what is raised from leaving."""
        try:
            yield
        except Exception as error:
            self._tell(name, error)
        else:
            if self._failed.pop(name, None) is not None:
                self._log.info("%s: %s fares well again", self._what, name)

    def _tell(self, name: str, error: Exception) -> None:
        said = repr(error)
        if self._failed.pop(name, None) != said:
            ours = isinstance(error, WattmeshError)
            self._log.log(
                logging.WARNING if ours else logging.ERROR,
                "%s: %s is left out: %s",
                self._what,
                name,
                error if ours else said,
                exc_info=None if ours else error,
            )
        self._failed[name] = said
        if len(self._failed) > _MOST:
            del self._failed[next(iter(self._failed))]
