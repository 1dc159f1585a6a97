"""Asking a served version."""

from dataclasses import dataclass

from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_modelhost.app.catalogue import Catalogue
from wattmesh_modelhost.domain.signatures import Tensors


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """What a version answered, and which it was."""

    version: int
    outputs: Tensors


class Predict:
    """Runs one signature of one version."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def __call__(
        self,
        model: str,
        version: int | None,
        signature: str,
        inputs: Tensors,
        wanted: frozenset[str] = frozenset(),
    ) -> Prediction:
        """Return the outputs that are wanted, all when `wanted` is empty.

        Errors: NotFound for a version that is not served, FailedPrecondition for a signature it
        does not have, InvalidArgument for inputs or outputs that do not fit the signature.
        """
        version = self._catalogue.newest(model) if version is None else version
        loaded = self._catalogue.find(model, version)
        declared = loaded.signatures.get(signature)
        if declared is None:
            raise FailedPrecondition(
                "SIGNATURE_NOT_FOUND", f'Serving signature key "{signature}" not found.'
            )
        declared.check_inputs(inputs)
        declared.check_outputs(wanted)
        outputs = await loaded.predict(signature, inputs)
        chosen = {name: value for name, value in outputs.items() if not wanted or name in wanted}
        return Prediction(version=version, outputs=chosen)
