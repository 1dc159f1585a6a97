from pathlib import Path

from wattmesh_modelhost.adapters.folder import FolderSource
from wattmesh_modelhost.domain.versions import ModelVersion


def put(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").touch()


def test_complete_version_folders_are_found(tmp_path: Path) -> None:
    put(tmp_path / "load" / "1")
    put(tmp_path / "load" / "12")
    put(tmp_path / "pv" / "2")

    assert dict(FolderSource(tmp_path).versions()) == {
        ModelVersion("load", 1): tmp_path / "load" / "1",
        ModelVersion("load", 12): tmp_path / "load" / "12",
        ModelVersion("pv", 2): tmp_path / "pv" / "2",
    }


def test_what_is_being_written_or_is_no_version_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "load" / ".new-x" / "version")
    put(tmp_path / "load" / "latest")
    (tmp_path / "load" / "3").mkdir()

    assert not FolderSource(tmp_path).versions()


def test_the_base_folder_may_appear_later(tmp_path: Path) -> None:
    assert not FolderSource(tmp_path / "models").versions()
