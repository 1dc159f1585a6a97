"""Reports from the command line: which sites, which days, in what."""

import asyncio
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from wattmesh.site.v1 import site_pb2
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_local.books import chosen_sites, span_of, write_report

KNOWN = [site_pb2.Site(name=f"sites/home-{each}", time_zone="Europe/Berlin") for each in (1, 2)]


def test_sites_may_be_called_by_their_short_names_and_all_are_meant_when_none_is() -> None:
    assert chosen_sites(KNOWN, ["home-2"]) == KNOWN[1:]
    assert chosen_sites(KNOWN, []) == KNOWN
    with pytest.raises(NotFound, match="sites/nowhere"):
        chosen_sites(KNOWN, ["nowhere"])


def test_days_are_those_of_the_site() -> None:
    """The last Sunday of March has 23 hours."""
    span = span_of(date(2024, 3, 31), 1, ZoneInfo("Europe/Berlin"))
    assert span.duration == timedelta(hours=23)


def test_another_ending_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    work = write_report(tmp_path, [], date(2024, 6, 1), 1, tmp_path / "report.txt", Console())
    with pytest.raises(InvalidArgument, match=r"\.pdf"):
        asyncio.run(work)
