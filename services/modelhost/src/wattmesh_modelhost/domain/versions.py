"""Versions of models and the states they pass through."""

from dataclasses import dataclass
from enum import IntEnum


class State(IntEnum):
    """Where a version stands; the numbers are those of TensorFlow Serving's ModelVersionStatus."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True, order=True, slots=True)
class ModelVersion:
    """Version `version` of model `model`, as in `models/load/3/`."""

    model: str
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionStatus:
    """The state of one version; `error` is what went wrong, empty when nothing did."""

    version: int
    state: State
    error: str = ""
