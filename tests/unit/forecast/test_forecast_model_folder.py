import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from wattmesh_forecast.adapters.model_folder import ModelFolder, keep_weights
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_kernel.time import TimeRange
from wattmesh_local.identities.models import SIGNERS, SIGNING_KEY, vouch_for_models
from wattmesh_runtime.access.signed_folders import check, signers

VERSION = ModelVersion(
    model="load",
    version=1,
    kind=Kind.LOAD,
    train_time=datetime(2026, 1, 2, tzinfo=UTC),
    train_range=TimeRange.of(datetime(2016, 8, 1, tzinfo=UTC), timedelta(days=35)),
    holdout_wape_ratio=0.3,
    holdout_seasonal_wape_ratio=0.4,
    holdout_naive_wape_ratio=0.5,
    fingerprint="abc",
)


def write(folder: ModelFolder, version: ModelVersion) -> None:
    with folder.new_version(version) as place:
        (place / "saved_model.pb").write_text(f"version {version.version}")


def test_a_version_appears_complete_with_what_is_known_of_it(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path)
    with folder.new_version(VERSION) as place:
        (place / "saved_model.pb").write_text("graph")
        assert not (tmp_path / "load" / "1").exists()

    assert (tmp_path / "load" / "1" / "saved_model.pb").read_text() == "graph"
    assert folder.versions() == [VERSION]
    assert [path.name for path in (tmp_path / "load").iterdir()] == ["1"]


def test_a_failed_training_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path)
    with pytest.raises(OSError, match="disk"), folder.new_version(VERSION):
        raise OSError("disk")

    assert not list((tmp_path / "load").iterdir())


def test_versions_are_numbered_on_also_after_ones_that_are_not_ours(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path)
    assert folder.next_version("load") == 1
    (tmp_path / "load" / "11").mkdir(parents=True)

    assert folder.next_version("load") == 12
    assert folder.next_version("pv") == 1


def test_the_version_of_the_same_data_is_found_and_made_the_newest_again(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path)
    write(folder, VERSION)
    write(folder, replace(VERSION, version=2, fingerprint="other"))

    assert folder.with_fingerprint("load", "new") is None
    kept = folder.with_fingerprint("load", "abc")
    assert kept == VERSION
    assert folder.promote(kept) == replace(VERSION, version=3)
    assert (tmp_path / "load" / "3" / "saved_model.pb").read_text() == "version 1"
    assert folder.with_fingerprint("load", "abc") == replace(VERSION, version=3)


def test_the_newest_version_is_not_copied_when_it_is_asked_for_again(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path)
    write(folder, VERSION)

    assert folder.promote(VERSION) == VERSION
    assert folder.next_version("load") == 2


def shipped(tmp_path: Path) -> Path:
    """A version as it comes with the product, outside of the models' folder."""
    with ModelFolder(tmp_path / "shipping").new_version(VERSION) as place:
        (place / "saved_model.pb").write_text("shipped")
        (place / "assets.extra").mkdir()
        keep_weights(place, {"0/0": np.ones(3, dtype=np.float32)})
    return tmp_path / "shipping" / "load" / "1"


def test_a_site_begins_with_the_model_that_is_shipped(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    folder = ModelFolder(tmp_path / "models")

    installed = folder.install(shipped(tmp_path))

    assert installed == VERSION
    assert folder.versions() == [VERSION]
    assert (tmp_path / "models" / "load" / "1" / "saved_model.pb").read_text() == "shipped"
    weights = folder.weights("load")
    assert weights is not None
    assert np.array_equal(weights["0/0"], np.ones(3))


def test_a_version_of_an_older_design_is_followed_by_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    folder = ModelFolder(tmp_path / "models")
    write(folder, VERSION)

    assert folder.install(shipped(tmp_path)) == replace(VERSION, version=2)
    assert folder.install(shipped(tmp_path / "again")) is None


def test_nothing_is_installed_where_nobody_keeps_models(tmp_path: Path) -> None:
    assert ModelFolder(tmp_path / "nowhere").install(shipped(tmp_path)) is None
    assert not (tmp_path / "nowhere").exists()


def test_what_was_not_better_is_remembered_for_the_same_data(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path)
    folder.refuse("load", "abc", "it errs by 0.5")

    assert folder.refusal("load", "abc") == "it errs by 0.5"
    assert folder.refusal("load", "other") is None
    assert folder.versions() == []
    assert folder.next_version("load") == 1


def test_a_card_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path)
    write(folder, VERSION)
    card = tmp_path / "load" / "1" / "assets.extra" / "wattmesh.json"
    card.write_text(json.dumps({"model": "load"}))

    assert folder.versions() == []


def test_each_version_is_vouched_for_by_its_own_name_however_it_came(tmp_path: Path) -> None:
    """Trained, shipped with the service, and an old one that is the newest again."""
    keys, base = tmp_path / "keys", tmp_path / "models"
    vouch_for_models(keys, [])
    base.mkdir()
    folder = ModelFolder(base, keys / SIGNING_KEY)
    installed = folder.install(shipped(tmp_path))
    assert installed is not None
    write(folder, replace(installed, version=2, fingerprint="else"))
    assert folder.promote(installed).version == 3
    for version in (1, 2, 3):
        check(base / "load" / str(version), f"load/{version}", signers(keys / SIGNERS))
