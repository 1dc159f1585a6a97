"""Settings of the optimizer, read from the environment by `__main__` only."""

from pydantic import Field

from wattmesh_runtime.settings import ServiceSettings


class OptimizerSettings(ServiceSettings):
    """Settings beyond those of every service."""

    solve_time_limit_seconds: float = Field(default=10.0, gt=0)
    """Time limit of a solve where the request gives none [s]."""

    solve_longest_seconds: float = Field(default=60.0, gt=0)
    """Time limit of a solve, whatever the request gives [s]."""

    solve_gap_ratio: float = Field(default=0.001, ge=0, le=1)
    """Gap at which a mixed-integer solve may stop where the request gives none."""

    solve_processes: int = Field(default=2, ge=1)
    """Short solves at the same time; further ones wait."""

    solve_long_processes: int = Field(default=2, ge=1)
    """Long solves at the same time, beside the short ones and behind them."""

    solve_memory_bytes: int = Field(default=2**31, gt=0)
    """What a solve may take."""
