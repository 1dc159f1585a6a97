"""Settings of the local model host."""

from pathlib import Path

from pydantic import Field

from wattmesh_runtime.dialling import MAX_MESSAGE_BYTES
from wattmesh_runtime.settings import ServiceSettings


class ModelHostSettings(ServiceSettings):
    """Where the models lie and how much of the machine they may use."""

    largest_request_bytes: int = Field(default=MAX_MESSAGE_BYTES, ge=2**12)
    """Of a batch of tensors, whose numbers take no more room than their bytes."""
    models_directory: Path
    """Base folder of `<model>/<version>/`; it need not exist yet."""
    models_signers_file: Path | None = None
    """Ed25519 public keys as PEM: versions that none of these vouches for are not loaded. None: all
    are."""
    models_poll_seconds: float = Field(default=1.0, gt=0)
    """How often the folder is looked at [s of wall time]."""
    models_versions_kept: int = Field(default=3, ge=1)
    """How many of the newest versions of a model are served."""
    tensorflow_threads: int = Field(default=1, ge=1)
    """Processor threads of one call."""
