"""The models' folder: `<model>/<version>/`, as TensorFlow Serving reads it.

What is known of a version lies in its `assets.extra`, which TensorFlow Serving leaves alone.
"""

import json
import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattmesh_forecast.adapters.model_json import model_from_json, model_to_json
from wattmesh_forecast.adapters.model_labels import ModelLabels
from wattmesh_forecast.domain.labels import Labels, Step
from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_runtime.access.signed_folders import sign, signing_key

log = logging.getLogger(__name__)

CARD = Path("assets.extra", "wattmesh.json")
"""What is known of a version."""
WEIGHTS = Path("assets.extra", "weights.npz")
"""What a version has learnt, for a training that goes on from there."""
_TAKEN_BACK = "taken-back"


class ModelFolder:
    """Lists versions and adds new ones, each vouched for with a key if there is one."""

    def __init__(self, base: Path, key_file: Path | None = None) -> None:
        self._base = base
        self._key = None if key_file is None else signing_key(key_file)
        self._labels = ModelLabels(base)

    def versions(self) -> Sequence[ModelVersion]:
        """Return what is known of every version, by name; what is not ours is left out."""
        cards = sorted(self._base.glob(f"*/*/{CARD}"))
        found = [card for path in cards if (card := _read(path)) is not None]
        return sorted(found, key=lambda version: (version.model, version.version))

    def with_fingerprint(self, model: str, fingerprint: str) -> ModelVersion | None:
        """Return the newest version that was made of the same data and settings."""
        same = [
            version
            for version in self.versions()
            if version.model == model and version.fingerprint == fingerprint
        ]
        return same[-1] if same else None

    def install(self, shipped: Path) -> ModelVersion | None:
        """Add a version that lies in a folder elsewhere, unless there is one of its design.

        Without a base folder, or when it cannot be written, nothing happens: whoever owns it does
        it. Of several that start at once one is enough.
        """
        card = _read(shipped / CARD)
        if card is None or not self._base.is_dir() or self.weights(card.model) is not None:
            return None
        version = replace(card, version=self.next_version(card.model))
        try:
            with self.new_version(version) as folder:
                shutil.copytree(shipped, folder, dirs_exist_ok=True)
        except OSError as error:
            log.warning("%s is not installed: %s", version.name, error)
            return None
        return version

    def weights(self, model: str) -> Mapping[str, NDArray[np.float32]] | None:
        """Return what the stable version has learnt, None when it does not say."""
        path = self._base / model / str(self._stable(model)) / WEIGHTS
        if not path.exists():
            return None
        with np.load(path) as arrays:
            return dict(arrays)

    def not_taught_after(self, model: str, moment: datetime) -> Path | None:
        """Return where the stable version lies, None when it has learnt from what came later."""
        stable = self._version(model, self._stable(model))
        if stable is None or stable.train_range.end > moment:
            return None
        return self._folder(stable)

    def refusal(self, model: str, fingerprint: str) -> str | None:
        """Return why what the same data and settings give is not to be served; None otherwise."""
        path = self._refusal(model, fingerprint)
        return path.read_text("utf-8") if path.exists() else None

    def refuse(self, model: str, fingerprint: str, objection: str) -> None:
        """Keep why what some data and settings gave is not to be served."""
        path = self._refusal(model, fingerprint)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(objection, "utf-8")

    def _refusal(self, model: str, fingerprint: str) -> Path:
        return self._base / model / "refused" / f"{fingerprint}.txt"

    def next_version(self, model: str) -> int:
        """Return the number after the newest, 1 for the first."""
        taken_back = self._numbers(f"{model}/{_TAKEN_BACK}")
        return max(self._numbers(model) + taken_back, default=0) + 1

    def labels(self, model: str) -> Labels | None:
        """Return the labels of a model's versions; None when none was on trial yet."""
        return self._labels.of(model)

    def begin_trial(self, version: ModelVersion) -> None:
        """Make a version that is about to appear a candidate, in place of another that was one.

        The first version of a model is stable at once: there is nothing to hold it against.
        """
        stable = self._stable(version.model)
        if not stable:
            return
        labels = self._labels.of(version.model)
        before = None if labels is None else labels.candidate
        self._labels.put(version.model, Labels(stable=stable, candidate=version.version))
        if before is not None and before != version.version:
            self._put_away(version.model, before)

    def serve_at_once(self, version: ModelVersion) -> None:
        """Make a version the stable one, without a trial."""
        self._labels.put(version.model, Labels(stable=version.version))

    def move(self, model: str, step: Step, now: datetime) -> None:
        """Let a step of its trial become of the candidate; one that goes back is put away."""
        labels = self._labels.of(model)
        if labels is None or labels.candidate is None:
            return
        moved = labels.moved(step, now)
        if moved != labels:
            self._labels.put(model, moved)
        if step is Step.BACK:
            self._put_away(model, labels.candidate)

    def take_back(self, model: str) -> ModelVersion | None:
        """Take the stable version out of service, for the one before; None when there is none.

        Where there is none before it, a candidate takes its place.
        """
        labels = self._labels.of(model)
        stable = self._version(model, self._stable(model))
        if stable is None:
            return None
        rest = [number for number in self._numbers(model) if number != stable.version]
        older = [number for number in rest if number < stable.version]
        if not rest:
            return None
        new = max(older or rest)
        candidate = None if labels is None or labels.candidate == new else labels.candidate
        since = None if labels is None else labels.since
        self._labels.put(model, Labels(stable=new, candidate=candidate, since=since))
        self._put_away(model, stable.version)
        return stable

    def _put_away(self, model: str, version: int) -> None:
        """Keep a version under `taken-back`, where no model server looks for versions."""
        place = self._base / model / _TAKEN_BACK / str(version)
        place.parent.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            (self._base / model / str(version)).rename(place)

    def _stable(self, model: str) -> int:
        """Return the number of the version in service, 0 when there is none."""
        labels, there = self._labels.of(model), self._numbers(model)
        if labels is None or labels.stable not in there:
            candidate = None if labels is None else labels.candidate
            return max((number for number in there if number != candidate), default=0)
        return labels.stable

    def _version(self, model: str, number: int) -> ModelVersion | None:
        found = [v for v in self.versions() if (v.model, v.version) == (model, number)]
        return found[0] if found else None

    def _numbers(self, folder: str) -> list[int]:
        return [int(f.name) for f in self._base.glob(f"{folder}/*") if f.name.isdecimal()]

    @contextmanager
    def new_version(self, version: ModelVersion) -> Iterator[Path]:
        """Give a folder to write a version into; it appears, complete, when the block ends.

        A block that raises leaves nothing behind.
        """
        final = self._folder(version)
        final.parent.mkdir(parents=True, exist_ok=True)
        # On the same file system, and under a name that no model server takes for a version.
        with tempfile.TemporaryDirectory(prefix=".new-", dir=final.parent) as temporary:
            folder = Path(temporary, "version")
            folder.mkdir()
            yield folder
            card = folder / CARD
            card.parent.mkdir(exist_ok=True)
            card.write_text(json.dumps(model_to_json(version), indent=1) + "\n", "utf-8")
            if self._key is not None:
                sign(folder, f"{version.model}/{version.version}", self._key)
            folder.rename(final)

    def promote(self, version: ModelVersion) -> ModelVersion:
        """Make a version the newest again, as a copy under the next number."""
        newest = self.next_version(version.model) - 1
        if version.version in (newest, self._stable(version.model)):
            return version
        copy = replace(version, version=newest + 1)
        self.begin_trial(copy)
        with self.new_version(copy) as folder:
            shutil.copytree(self._folder(version), folder, dirs_exist_ok=True)
        return copy

    def _folder(self, version: ModelVersion) -> Path:
        return self._base / version.model / str(version.version)


def keep_weights(version: Path, weights: Mapping[str, NDArray[np.float32]]) -> None:
    """Write what a version has learnt into its folder."""
    np.savez(version / WEIGHTS, allow_pickle=False, **weights)


def _read(path: Path) -> ModelVersion | None:
    try:
        return model_from_json(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:  # removed while we looked
        return None
    except (ValueError, InvalidArgument) as error:
        log.warning("%s does not describe a model: %s", path, error)
        return None
