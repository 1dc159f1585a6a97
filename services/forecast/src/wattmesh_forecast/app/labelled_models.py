"""A model server that is asked for the version that is stable, where no other is wanted."""

from wattmesh_forecast.app.ports import Answer, ModelServer, NotServed, VersionLabels
from wattmesh_forecast.domain.model_input import ModelInput


class LabelledModels:
    """Names the stable version in every call that names none.

    Labels are the service's own and not the model server's: TensorFlow Serving learns of labels by
    its configuration alone, and the local model host knows none.
    """

    def __init__(self, server: ModelServer, labels: VersionLabels) -> None:
        self._server = server
        self._labels = labels

    async def predict(self, model: str, asked: ModelInput, version: int | None = None) -> Answer:
        """Ask a version, the stable one by default; ModelUnavailable, BadAnswer."""
        labels = self._labels.labels(model)
        if version is not None or labels is None:
            return await self._server.predict(model, asked, version)
        try:
            return await self._server.predict(model, asked, labels.stable)
        except NotServed:
            # It cannot be loaded: the one before it does better than none, and than one on trial.
            there = await self._server.available_versions(model)
            if not (older := [each for each in there if each < labels.stable]):
                raise
            return await self._server.predict(model, asked, max(older))

    async def available_versions(self, model: str) -> frozenset[int]:
        """Return the versions that are served."""
        return await self._server.available_versions(model)

    def is_away(self, model: str) -> bool:
        """Return whether the model is known to be away."""
        return self._server.is_away(model)
