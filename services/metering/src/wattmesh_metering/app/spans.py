"""The spans of metering, declared before use."""

from wattmesh_runtime.aio.spans import Span, SpanKind

COMMIT_READINGS = Span(
    name="metering.commit_readings",
    description="A group of batches is committed, by the number of batches and readings; it is"
    " below the first batch's, and linked to the others'.",
    kind=SpanKind.CONSUMER,
)
