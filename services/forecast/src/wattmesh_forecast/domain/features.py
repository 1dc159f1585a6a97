"""What the models are told of each hour: nothing that was not known when they are asked."""

from wattmesh_forecast.domain.hours import Batch, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.load_input import load_input
from wattmesh_forecast.domain.model_input import ModelInput
from wattmesh_forecast.domain.pv_input import pv_input
from wattmesh_forecast.domain.trial import Asked


def model_input(kind: Kind, batch: Batch, rows: Rows, asked: Asked | None = None) -> ModelInput:
    """Return what the model of a kind is told about `rows` of every asset, asset by asset.

    `asked` is what the patterns of plants said, where they were asked already.
    """
    return load_input(batch, rows) if kind is Kind.LOAD else pv_input(batch, rows, asked)
