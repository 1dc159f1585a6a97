from typing import Any

import numpy as np
import pytest

from tests.fakes.modelhost_models import FactorLoader, VersionsInMemory
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument
from wattmesh_modelhost.app.catalogue import Catalogue
from wattmesh_modelhost.app.predict import Predict
from wattmesh_modelhost.domain.versions import ModelVersion

X = np.ones((3, 2), dtype=np.float32)
DEFAULT = "serving_default"


async def predict() -> Predict:
    source = VersionsInMemory(ModelVersion("load", 1), ModelVersion("load", 2))
    catalogue = Catalogue(source, FactorLoader(), versions_kept=2)
    await catalogue.refresh()
    return Predict(catalogue)


async def test_the_answer_says_which_version_gave_it() -> None:
    ask = await predict()

    newest = await ask("load", None, DEFAULT, {"x": X})
    older = await ask("load", 1, DEFAULT, {"x": X})

    assert (newest.version, newest.outputs["y"][0, 0]) == (2, 2.0)
    assert (older.version, older.outputs["y"][0, 0]) == (1, 1.0)


async def test_only_the_outputs_that_are_wanted_come_back() -> None:
    ask = await predict()

    assert set((await ask("load", None, DEFAULT, {"x": X}, frozenset({"y"}))).outputs) == {"y"}
    with pytest.raises(InvalidArgument, match="output tensor alias not found in signature: z"):
        await ask("load", None, DEFAULT, {"x": X}, frozenset({"z"}))


async def test_an_unknown_signature_is_refused_by_name() -> None:
    ask = await predict()

    with pytest.raises(FailedPrecondition, match='Serving signature key "other" not found'):
        await ask("load", None, "other", {"x": X})


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "Sent extra: {} but missing: {x}."),
        ({"x": X, "z": X}, "Sent extra: {z} but missing: {}."),
        ({"x": X.astype(np.float64)}, "input x is of type float64, the signature says float32"),
        ({"x": X[:, :1]}, r"input x has the shape \[3, 1\], the signature says \[-1, 2\]"),
        ({"x": X[0]}, r"input x has the shape \[2\]"),
    ],
)
async def test_inputs_that_do_not_fit_are_refused(inputs: dict[str, Any], message: str) -> None:
    ask = await predict()

    with pytest.raises(InvalidArgument, match=message):
        await ask("load", None, DEFAULT, inputs)
