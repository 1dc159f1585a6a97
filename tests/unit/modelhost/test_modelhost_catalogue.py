import asyncio
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.manual_clock import ManualClock
from tests.fakes.modelhost_models import FactorLoader, VersionsInMemory
from wattmesh_kernel.errors import NotFound
from wattmesh_modelhost.app.catalogue import Catalogue
from wattmesh_modelhost.domain.versions import ModelVersion, State

ONE, TWO, THREE = (ModelVersion("load", number) for number in (1, 2, 3))


def catalogue(
    *there: ModelVersion, kept: int = 2
) -> tuple[VersionsInMemory, FactorLoader, Catalogue]:
    source, loader = VersionsInMemory(*there), FactorLoader()
    return source, loader, Catalogue(source, loader, versions_kept=kept)


def states(served: Catalogue) -> dict[int, State]:
    return {status.version: status.state for status in served.statuses("load")}


async def test_the_newest_answers_unless_a_version_is_named() -> None:
    _, _, served = catalogue(ONE, TWO)
    await served.refresh()

    assert served.newest("load") == 2
    newest, older = served.find("load"), served.find("load", 1)
    x = {"x": np.ones((1, 2), dtype=np.float32)}
    assert (await newest.predict("serving_default", x))["y"].tolist() == [[2, 2]]
    assert (await older.predict("serving_default", x))["y"].tolist() == [[1, 1]]


async def test_what_is_not_served_is_refused_in_the_words_of_tensorflow_serving() -> None:
    _, _, served = catalogue(ONE)
    await served.refresh()

    with pytest.raises(NotFound) as latest:
        served.find("pv")
    with pytest.raises(NotFound) as specific:
        served.find("load", 7)

    assert latest.value.message == "Servable not found for request: Latest(pv)"
    assert specific.value.message == "Servable not found for request: Specific(load, 7)"


async def test_a_new_version_is_served_and_the_oldest_dropped() -> None:
    source, loader, served = catalogue(ONE, TWO)
    await served.refresh()
    source.there.add(THREE)
    await served.refresh()

    assert served.newest("load") == 3
    assert states(served) == {3: State.AVAILABLE, 2: State.AVAILABLE, 1: State.END}
    assert loader.tried == [1, 2, 3]
    with pytest.raises(NotFound):
        served.find("load", 1)


async def test_the_old_version_answers_while_the_new_one_cannot_be_loaded() -> None:
    source, loader, served = catalogue(ONE, kept=1)
    await served.refresh()
    loader.broken.add(2)
    source.there.add(TWO)
    await served.refresh()
    await served.refresh()

    assert served.newest("load") == 1
    assert loader.tried == [1, 2]  # tried once
    broken = next(status for status in served.statuses("load") if status.version == 2)
    assert broken.state is State.END
    assert "not a SavedModel" in broken.error


async def test_a_version_that_was_replaced_is_tried_again() -> None:
    source, loader, served = catalogue(ONE)
    loader.broken.add(1)
    await served.refresh()
    source.there.clear()
    await served.refresh()
    loader.broken.clear()
    source.there.add(ONE)
    await served.refresh()

    assert served.newest("load") == 1


async def test_a_version_that_is_taken_away_is_no_longer_served() -> None:
    source, _, served = catalogue(ONE, TWO)
    await served.refresh()
    source.there.discard(TWO)
    await served.refresh()

    assert served.newest("load") == 1


async def test_the_state_of_an_unknown_model_is_not_found() -> None:
    _, _, served = catalogue(ONE)
    await served.refresh()

    with pytest.raises(NotFound, match="Could not find any versions of model pv"):
        served.statuses("pv")
    assert [status.version for status in served.statuses("load", 1)] == [1]


async def test_versions_are_looked_for_again_and_again() -> None:
    source, _, served = catalogue()
    clock = ManualClock()
    watching = asyncio.create_task(served.keep_up(clock, timedelta(seconds=1)))
    await clock.run_for(timedelta(seconds=2))
    source.there.add(ONE)
    await clock.run_for(timedelta(seconds=2))

    assert served.newest("load") == 1
    watching.cancel()
