"""What metering is told by its environment."""

from pydantic import Field

from wattmesh_runtime.settings import ServiceSettings


class MeteringSettings(ServiceSettings):
    """Settings of metering, read from `WATTMESH_*` variables."""

    database_url: str
    """PostgreSQL (or TimescaleDB) as libpq takes it: `postgresql://user@host:port/name`."""
    database_connections: int = Field(default=8, ge=3)
    """Most connections for queries and changes; ingestion, judging, roll-ups and news have six."""
    future_tolerance_seconds: float = Field(default=300, ge=0)
    """How far ahead of the clock a measure or publish time may be [s]."""
    ingest_group_rows: int = Field(default=20_000, ge=1)
    """About how many readings are committed together at most."""
    ingest_batches_in_flight: int = Field(default=4, ge=1)
    """How many batches of a stream are read ahead of their answers."""
    longest_gap_seconds: float = Field(default=3 * 3600, ge=0)
    """How far apart two readings of a register may be to interpolate between them [s]."""
    balance_tolerance_wh: float = Field(default=5, ge=0)
    """How negative a derived load may be per interval and count as 0 [Wh]."""
    keep_gauges_days: float = Field(default=0, ge=0)
    """How long readings of gauges (powers, temperatures, voltages) are kept [d]; 0: for ever.
    Registers, of which energies and bills are made, are never dropped."""
