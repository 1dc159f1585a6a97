"""A change of the site model goes over the wire in bounded pieces and comes back as it was."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings

from tests.fakes.site_strategies import changes
from wattmesh_contracts.site_model import (
    LARGEST_PIECE,
    Piece,
    change_from_pieces,
    heartbeat,
    pieces_from_change,
)
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.sites import Asset, LoadRating, Site, SiteModelChange

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def sent(change: SiteModelChange) -> list[Piece]:
    """Return the pieces of a change as they arrive at the other end."""
    return [
        Piece.FromString(piece.SerializeToString()) for piece in pieces_from_change(change, NOW)
    ]


def by_name(change: SiteModelChange) -> dict[str, object]:
    """Return what has changed, in no order."""
    return {each.id.name: each for each in change.changed}


@settings(max_examples=50, deadline=None)
@given(changes)
def test_a_change_survives_the_wire(change: SiteModelChange) -> None:
    back = change_from_pieces(sent(change))
    assert by_name(back) == by_name(change)
    assert (back.revision, back.snapshot) == (change.revision, change.snapshot)
    assert (back.deleted, back.published) == (change.deleted, change.published)


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1000, 1001, 1499])
def test_a_large_model_comes_in_pieces_of_bounded_size_of_which_only_the_last_is_complete(
    count: int,
) -> None:
    site = SiteId("tower")
    assets = tuple(Asset(id=AssetId(site, f"a{n}"), rating=LoadRating()) for n in range(count))
    change = SiteModelChange(revision=7, snapshot=True, changed=assets)
    pieces = sent(change)
    assert all(len(piece.assets) <= LARGEST_PIECE for piece in pieces)
    assert [piece.complete for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert all(piece.snapshot for piece in pieces)
    assert {each.id for each in change_from_pieces(pieces).changed} == {each.id for each in assets}


def test_a_heartbeat_changes_nothing() -> None:
    change = change_from_pieces([heartbeat(7, NOW)])
    assert change == SiteModelChange(revision=7)


def strange_asset() -> Piece:
    """Return a site, and an asset of a kind that this version does not know."""
    change = SiteModelChange(
        revision=7, changed=(Site(id=SiteId("a"), time_zone="UTC", currency_code="EUR"),)
    )
    (piece,) = sent(change)
    piece.assets.add(name="sites/a/assets/fusion")
    piece.published_prices.add(tariff="nonsense")
    return piece


def test_what_cannot_be_understood_is_left_out_by_name_and_the_rest_goes_on() -> None:
    named = dict[str, str]()
    change = change_from_pieces(
        [strange_asset()], lambda name, error: named.update({name: error.field})
    )
    assert [each.id.name for each in change.changed] == ["sites/a"]
    assert change.deleted == {"sites/a/assets/fusion"}
    assert named == {"sites/a/assets/fusion": "kind", "nonsense": "published_prices.tariff"}


def test_without_anybody_to_name_it_to_nonsense_is_an_error() -> None:
    with pytest.raises(InvalidArgument):
        change_from_pieces([strange_asset()])
