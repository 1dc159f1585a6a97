"""What is loaded where it must be vouched for: nothing else, and it as it was looked at."""

from pathlib import Path

from tests.fakes.modelhost_models import FactorLoader, LoadedDouble
from wattmesh_local.identities.models import SIGNERS, SIGNING_KEY, vouch_for_models
from wattmesh_modelhost.adapters.folder import FolderSource
from wattmesh_modelhost.adapters.signed import SignedLoader
from wattmesh_modelhost.app.catalogue import Catalogue
from wattmesh_modelhost.domain.versions import State
from wattmesh_runtime.access.signed_folders import sign, signers, signing_key


class Reading(FactorLoader):
    """Says what stood in the graph, and where."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[Path, bytes] = {}

    async def load(self, folder: Path) -> LoadedDouble:
        self.read[folder] = (folder / "saved_model.pb").read_bytes()
        return await super().load(folder)


def written(models: Path, version: int, graph: bytes) -> Path:
    folder = models / "load" / str(version)
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(graph)
    return folder


async def test_the_last_version_that_is_vouched_for_goes_on_answering(tmp_path: Path) -> None:
    models, keys = tmp_path / "models", tmp_path / "identities"
    first = written(models, 1, b"ours")
    vouch_for_models(keys, [models])
    loader = Reading()
    host = SignedLoader(loader, signers(keys / SIGNERS))
    served = Catalogue(FolderSource(models), host, versions_kept=2)

    tampered = written(models, 2, b"ours too")
    sign(tampered, "load/2", signing_key(keys / SIGNING_KEY))
    (tampered / "saved_model.pb").write_bytes(b"somebody else's")
    await served.refresh()

    assert served.newest("load") == 1
    (end, loaded) = served.statuses("load")
    assert (end.state, loaded.state) == (State.END, State.AVAILABLE)
    assert "not as it was signed" in end.error
    ((place, graph),) = loader.read.items()
    assert graph == b"ours"
    assert first not in place.parents
    assert not place.exists(), "the copy is let go"


async def test_what_appears_later_is_not_vouched_for_by_itself(tmp_path: Path) -> None:
    models, keys = tmp_path / "models", tmp_path / "identities"
    vouch_for_models(keys, [models])
    known = (keys / SIGNERS).read_bytes()
    written(models, 1, b"somebody else's")
    vouch_for_models(keys, [models])
    assert (keys / SIGNERS).read_bytes() == known
    assert (keys / SIGNING_KEY).stat().st_mode & 0o077 == 0
    host = SignedLoader(Reading(), signers(keys / SIGNERS))
    served = Catalogue(FolderSource(models), host, versions_kept=2)
    await served.refresh()
    assert [each.state for each in served.statuses("load")] == [State.END]
